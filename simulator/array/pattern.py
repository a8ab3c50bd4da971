"""Which words of a memory a buffer descriptor touches, in stream order, as numpy views.

A BD walks up to four dimensions. Receivers rarely have the same length as their sender, so
a transfer moves any slice ``[start, stop)`` of that walk. A slice is cut into a few boxes,
each one strided numpy view; a contiguous walk is one flat slice. Words are never visited
one by one in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from simulator.array.config import Dim, Pad

Elements: TypeAlias = npt.NDArray[Any]
"""The words of a memory, uint32, or one bool for each of them."""

_MAX_CACHED = 1024
"""Slices whose views a pattern keeps; unequal lengths of sender and receiver make many."""


class Pattern(Protocol):
    """The `length` words of one transfer, by their position in the stream."""

    @property
    def length(self) -> int: ...

    def take(self, start: int, stop: int) -> Elements:
        """Return words [start, stop) as a flat array, a view of the memory where possible."""

    def put(self, start: int, stop: int, data: Elements | np.bool_) -> None:
        """Store `data`, one value for each of the words [start, stop) or one for all."""


class Box(NamedTuple):
    """A block of a walk: first word, then size and stride by dimension, outermost first."""

    first: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def last(self) -> int:
        """The highest word that the box touches."""
        steps = zip(self.sizes, self.strides, strict=True)
        return self.first + sum((size - 1) * stride for size, stride in steps)


class FlatPattern:
    """All words of an array in their order: what a core reads or writes on its port."""

    __slots__ = ("_words", "length")

    def __init__(self, words: Elements) -> None:
        self._words = words
        self.length = len(words)

    def take(self, start: int, stop: int) -> Elements:
        return self._words[start:stop]

    def put(self, start: int, stop: int, data: Elements | np.bool_) -> None:
        self._words[start:stop] = data


class StridedPattern:
    """A walk without padding; one that is written visits each word at most once."""

    __slots__ = ("_dims", "_first", "_pieces", "_words", "length")

    def __init__(self, words: Elements, first: int, dims: Sequence[Dim], length: int) -> None:
        self._words = words
        self._first = first
        self._dims = dims
        self.length = length
        self._pieces: dict[tuple[int, int], list[Elements]] = {}

    def take(self, start: int, stop: int) -> Elements:
        pieces = self._pieces.get((start, stop)) or self._cut(start, stop)
        if len(pieces) == 1:
            return pieces[0].reshape(-1)
        return np.concatenate([piece.reshape(-1) for piece in pieces])

    def put(self, start: int, stop: int, data: Elements | np.bool_) -> None:
        pieces = self._pieces.get((start, stop)) or self._cut(start, stop)
        at = 0
        for piece in pieces:
            if isinstance(data, np.ndarray):
                piece[...] = data[at : at + piece.size].reshape(piece.shape)
                at += piece.size
            else:
                piece[...] = data

    def _cut(self, start: int, stop: int) -> list[Elements]:
        if len(self._pieces) >= _MAX_CACHED:
            self._pieces.clear()
        boxes = cut(self._first, self._dims, start, stop)
        pieces = self._pieces[start, stop] = [view(self._words, box) for box in boxes]
        return pieces


class IndexedPattern:
    """Any other walk: one index per word, and which of them are padding instead."""

    __slots__ = ("_index", "_pad", "_padding", "_words", "length")

    def __init__(
        self,
        words: Elements,
        index: npt.NDArray[np.intp],
        padding: npt.NDArray[np.bool_] | None = None,
        pad: int = 0,
    ) -> None:
        self._words = words
        self._index = index
        self._padding = padding
        self._pad = pad
        self.length = len(index)

    def take(self, start: int, stop: int) -> Elements:
        data: Elements = self._words[self._index[start:stop]]
        if self._padding is not None:
            data[self._padding[start:stop]] = self._pad
        return data

    def put(self, start: int, stop: int, data: Elements | np.bool_) -> None:
        # Where an index is repeated numpy keeps the last value, as the hardware does.
        self._words[self._index[start:stop]] = data


def walk(dims: Sequence[Dim], length: int) -> tuple[Dim, ...]:
    """Return the dimensions that a transfer of `length` words really walks.

    The outermost dimension goes on until `length` is reached; then dimensions of size 1 are
    dropped and neighbours that continue each other are merged. No dimensions are one
    contiguous run.
    """
    if not dims:
        return (Dim(length, 1),)
    inner = prod(dim.size for dim in dims[1:])
    merged: list[Dim] = []
    for size, stride in (Dim(-(-length // inner), dims[0].stride), *dims[1:]):
        if size == 1:
            continue
        if merged and merged[-1].stride == size * stride:
            merged[-1] = Dim(merged[-1].size * size, stride)
        else:
            merged.append(Dim(size, stride))
    return tuple(merged) or (Dim(1, 1),)


def cut(first: int, dims: Sequence[Dim], start: int, stop: int) -> list[Box]:
    """Cut words [start, stop) of a walk that begins at word `first` into boxes, in order."""
    inner_dims = dims[1:]
    inner = prod(dim.size for dim in inner_dims)
    stride = dims[0].stride
    row, head = divmod(start, inner)
    end_row, tail = divmod(stop, inner)
    if row == end_row:
        return cut(first + row * stride, inner_dims, head, tail)
    boxes = []
    if head:
        boxes += cut(first + row * stride, inner_dims, head, inner)
        row += 1
    if row < end_row:
        sizes = (end_row - row, *(dim.size for dim in inner_dims))
        boxes.append(Box(first + row * stride, sizes, tuple(dim.stride for dim in dims)))
    if tail:
        boxes += cut(first + end_row * stride, inner_dims, 0, tail)
    return boxes


def last_word(first: int, dims: Sequence[Dim], length: int) -> int:
    """Return the highest word that a walk (see :func:`walk`) of `length` words touches."""
    return max(box.last for box in cut(first, dims, 0, length))


def source_pattern(
    words: Elements,
    first: int,
    dims: Sequence[Dim],
    length: int,
    pads: Sequence[Pad] = (),
    pad: int = 0,
) -> Pattern:
    """Return what a BD sends: `length` words from word `first` of `words`.

    Args:
        words: The memory; every word that the walk touches must be inside.
        first: Index of the first word.
        dims: As in a buffer descriptor: outermost first, none for contiguous.
        length: Words of the transfer, padding included.
        pads: Words of padding around each dimension of `dims`, or none.
        pad: What stands there.
    """
    if any(pad.before or pad.after for pad in pads):
        index = _padded(first, dims, pads)[:length]
        return IndexedPattern(words, np.maximum(index, 0), index < 0, pad)
    return _plain(words, first, walk(dims, length), length)


def target_pattern(words: Elements, first: int, dims: Sequence[Dim], length: int) -> Pattern:
    """Return where a BD stores what it receives; arguments as for :func:`source_pattern`."""
    dims = walk(dims, length)
    if _overlaps(dims):
        boxes = cut(first, dims, 0, length)
        return IndexedPattern(words, np.concatenate([_indices(box) for box in boxes]))
    return _plain(words, first, dims, length)


def _plain(words: Elements, first: int, dims: Sequence[Dim], length: int) -> Pattern:
    if len(dims) == 1 and dims[0].stride == 1:
        return FlatPattern(words[first : first + length])
    return StridedPattern(words, first, dims, length)


def _padded(first: int, dims: Sequence[Dim], pads: Sequence[Pad]) -> npt.NDArray[np.intp]:
    """Return the word indices of a padded walk, flat, -1 where there is padding."""
    box = Box(first, tuple(dim.size for dim in dims), tuple(dim.stride for dim in dims))
    around = [tuple(pad) for pad in pads]
    return np.pad(_indices(box).reshape(box.sizes), around, constant_values=-1).reshape(-1)


def _indices(box: Box) -> npt.NDArray[np.intp]:
    """Return the word indices of a box, flat, in stream order."""
    index = np.full(box.sizes, box.first, dtype=np.intp)
    for axis, (size, stride) in enumerate(zip(box.sizes, box.strides, strict=True)):
        shape = [1] * len(box.sizes)
        shape[axis] = size
        index += (np.arange(size) * stride).reshape(shape)
    return index.reshape(-1)


def _overlaps(dims: Sequence[Dim]) -> bool:
    """Tell whether a walk may visit a word twice: a stride that an inner reach covers."""
    reach = 0
    for size, stride in sorted(dims, key=lambda dim: dim.stride):
        if stride <= reach:
            return True
        reach += (size - 1) * stride
    return False


def view(words: Elements, box: Box) -> Elements:
    """Return the words of a box as a view; the caller has checked the bounds."""
    strides = tuple(stride * words.itemsize for stride in box.strides)
    return as_strided(words[box.first :], box.sizes, strides)
