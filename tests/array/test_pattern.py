"""Access patterns against the plainest possible reading of a buffer descriptor."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.array.config import Dim, Pad
from simulator.array.pattern import last_word, source_pattern, target_pattern, walk

MEMORY = 4096
PADDING = -1


def naive_walk(
    first: int, dims: tuple[Dim, ...], length: int, pads: Sequence[Pad] = ()
) -> list[int]:
    """Return the word index of each of `length` words; PADDING where a zero is sent."""
    if not dims:
        return list(range(first, first + length))
    pads = pads or (Pad(0, 0),) * len(dims)
    inner = [range(-pad.before, dim.size + pad.after) for dim, pad in zip(dims, pads, strict=True)]
    outer = itertools.count(-pads[0].before)
    found = []
    for row in outer:
        for steps in itertools.product(*inner[1:]):
            if len(found) == length:
                return found
            steps = (row, *steps)
            is_pad = any(
                pad != (0, 0) and not 0 <= step < dim.size
                for step, dim, pad in zip(steps, dims, pads, strict=True)
            )
            index = first + sum(n * dim.stride for n, dim in zip(steps, dims, strict=True))
            found.append(PADDING if is_pad else index)
    return found


@st.composite
def walks(draw: st.DrawFn) -> tuple[int, tuple[Dim, ...], int]:
    """A first word, up to 4 dimensions and a length, all inside MEMORY words."""
    dims = tuple(
        Dim(draw(st.integers(1, 6)), draw(st.integers(0, 40)))
        for _ in range(draw(st.integers(0, 4)))
    )
    whole = int(np.prod([dim.size for dim in dims[1:]]))
    length = draw(st.integers(1, min(whole * 6, 400)))
    return draw(st.integers(0, 100)), dims, length


@st.composite
def padded_walks(draw: st.DrawFn) -> tuple[int, tuple[Dim, ...], int, tuple[Pad, ...]]:
    """A walk with padding round each dimension, and a length within it."""
    count = draw(st.integers(1, 4))
    dims = tuple(Dim(draw(st.integers(1, 5)), draw(st.integers(1, 30))) for _ in range(count))
    pads = tuple(Pad(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(count))
    sizes = [pad.before + dim.size + pad.after for dim, pad in zip(dims, pads, strict=True)]
    length = draw(st.integers(1, int(np.prod(sizes))))
    return draw(st.integers(0, 100)), dims, length, pads


def slices(length: int, cuts: list[int]) -> list[tuple[int, int]]:
    """Cut [0, length) at the given places."""
    edges = sorted({0, length, *(cut % (length + 1) for cut in cuts)})
    return list(itertools.pairwise(edges))


CUTS = st.lists(st.integers(0, 1000), max_size=5)


@settings(deadline=None, max_examples=300)
@given(walks(), CUTS)
def test_a_source_gives_the_words_of_a_naive_walk_in_any_slices(case: Any, cuts: list[int]) -> None:
    first, dims, length = case
    memory = np.arange(MEMORY, dtype=np.uint32)
    pattern = source_pattern(memory, first, dims, length)
    got = np.concatenate([pattern.take(*piece) for piece in slices(length, cuts)])
    assert pattern.length == length
    assert got.tolist() == naive_walk(first, dims, length)


@settings(deadline=None, max_examples=300)
@given(walks(), CUTS)
def test_a_target_stores_as_a_naive_walk_does_the_last_word_winning(
    case: Any, cuts: list[int]
) -> None:
    first, dims, length = case
    data = np.arange(1, length + 1, dtype=np.uint32)
    memory = np.zeros(MEMORY, np.uint32)
    expected = memory.copy()
    pattern = target_pattern(memory, first, dims, length)
    for start, stop in slices(length, cuts):
        pattern.put(start, stop, data[start:stop])
    for value, index in zip(data, naive_walk(first, dims, length), strict=True):
        expected[index] = value
    assert memory.tolist() == expected.tolist()


@settings(deadline=None, max_examples=200)
@given(padded_walks(), CUTS)
def test_padding_is_zeros_around_each_dimension(case: Any, cuts: list[int]) -> None:
    first, dims, length, pads = case
    memory = np.arange(1, MEMORY + 1, dtype=np.uint32)
    pattern = source_pattern(memory, first, dims, length, pads)
    got = np.concatenate([pattern.take(*piece) for piece in slices(length, cuts)])
    assert got.tolist() == [index + 1 for index in naive_walk(first, dims, length, pads)]


@settings(deadline=None, max_examples=200)
@given(walks())
def test_the_last_word_is_the_highest_that_is_touched(case: Any) -> None:
    first, dims, length = case
    assert last_word(first, walk(dims, length), length) == max(naive_walk(first, dims, length))


@settings(deadline=None, max_examples=100)
@given(walks(), CUTS)
def test_flags_are_set_where_words_were_stored(case: Any, cuts: list[int]) -> None:
    first, dims, length = case
    flags = np.zeros(MEMORY, np.bool_)
    pattern = target_pattern(flags, first, dims, length)
    stored = slices(length, cuts)[0]
    pattern.put(*stored, np.True_)
    expected = set(naive_walk(first, dims, length)[: stored[1]])
    assert set(np.flatnonzero(flags).tolist()) == expected


@pytest.mark.parametrize(
    "dims",
    [(), (Dim(64, 1),), (Dim(4, 16), Dim(16, 1)), (Dim(2, 32), Dim(1, 7), Dim(8, 4), Dim(4, 1))],
)
def test_a_contiguous_walk_is_a_view_and_not_a_copy(dims: tuple[Dim, ...]) -> None:
    memory = np.arange(100, dtype=np.uint32)
    assert np.shares_memory(source_pattern(memory, 3, dims, 64).take(0, 64), memory)


def test_more_slices_than_are_kept_still_give_the_right_words() -> None:
    memory = np.arange(MEMORY, dtype=np.uint32)
    dims = (Dim(64, 64), Dim(32, 2))
    pattern = source_pattern(memory, 0, dims, 2048)
    expected = naive_walk(0, dims, 2048)
    for start in range(1500):
        assert pattern.take(start, start + 500).tolist() == expected[start : start + 500]


@pytest.mark.parametrize(
    "dims", [(Dim(3, 1), Dim(2, 2)), (Dim(2, 2), Dim(3, 1)), (Dim(5, 0), Dim(2, 1)), (Dim(9, 0),)]
)
def test_a_word_that_is_stored_twice_keeps_the_later_value(dims: tuple[Dim, ...]) -> None:
    length = int(np.prod([dim.size for dim in dims]))
    memory, expected = np.zeros(16, np.uint32), np.zeros(16, np.uint32)
    target_pattern(memory, 0, dims, length).put(0, length, np.arange(length, dtype=np.uint32))
    for value, index in enumerate(naive_walk(0, dims, length)):
        expected[index] = value
    assert memory.tolist() == expected.tolist()
