"""Access patterns: from elements of a memref to the 32-bit words that a DMA counts."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation

from errors import CheckFailed
from simulator.array.config import WORD, Dim, Pad
from simulator.mlir.failure import refuse


def to_words(
    operation: Operation, dims: Sequence[tuple[int, int]], width: int, *, padded: bool = False
) -> tuple[Dim, ...]:
    """Turn (size, stride) pairs, outermost first, from elements into words.

    Args:
        operation: What asks for the pattern, for messages.
        dims: Sizes and strides in elements.
        width: Bytes of an element.
        padded: Keep every dimension, for each has its padding.

    Returns:
        Dimensions for a buffer descriptor; none for a contiguous walk.

    Raises:
        CheckFailed: NPU125, some step of the pattern is not a whole number of words, or
            stays in place, which the hardware cannot do.
    """
    if not dims:
        return ()
    *outer, (size, stride) = dims
    for outer_size, outer_stride in outer:
        if outer_size > 1 and outer_stride < 1:
            raise _repeats(operation, outer_size)
    if size * width % WORD:
        raise refuse(
            operation,
            f"the innermost dimension of {pattern_text(dims)} moves {size} elements of {width} "
            f"byte{'s'[: width != 1]} at a time, which is not a whole number of 4-byte words",
            code="NPU125",
            cure="streams carry 32-bit words: make the innermost dimension contiguous and a "
            "multiple of 4 bytes, and reorder smaller elements in the core",
        )
    result = [_outer(operation, dims, Dim(*pair), width) for pair in outer]
    if size > 1 and stride < 1:
        raise _repeats(operation, size)
    if width < WORD:
        if stride != 1:
            raise refuse(
                operation,
                f"the innermost stride of {pattern_text(dims)} is {stride} elements of {width} "
                f"byte{'s'[: width != 1]}, and a DMA cannot pick elements out of a 4-byte word",
                code="NPU125",
                cure="use an innermost stride of 1 for elements smaller than 32 bits",
            )
        result.append(Dim(size * width // WORD, 1))
    elif width == WORD or stride == 1:
        result.append(Dim(size * width // WORD, max(stride, 1)))
    else:
        result += [Dim(size, stride * width // WORD), Dim(width // WORD, 1)]
    return tuple(result) if padded else _simplest(result)


def to_word_pads(
    operation: Operation, pads: Sequence[tuple[int, int]], width: int
) -> tuple[Pad, ...]:
    """Turn padding from elements into words; only the innermost dimension's is scaled.

    Raises:
        CheckFailed: NPU125, the innermost padding is not a whole number of words.
    """
    if not pads:
        return ()
    *outer, (before, after) = pads
    if before * width % WORD or after * width % WORD:
        raise refuse(
            operation,
            f"padding of {before} and {after} elements of {width} bytes is not whole 4-byte words",
            code="NPU125",
            cure="pad the innermost dimension by multiples of 4 bytes",
        )
    scaled = Pad(before * width // WORD, after * width // WORD)
    return (*(Pad(*pair) for pair in outer), scaled)


def highest(dims: Sequence[tuple[int, int]]) -> int:
    """Return the highest element that a pattern touches, counted from its start."""
    return sum((size - 1) * stride for size, stride in dims)


def pattern_text(dims: Sequence[tuple[int, int]]) -> str:
    """Write a pattern as designs do."""
    return "[" + ", ".join(f"<size = {size}, stride = {stride}>" for size, stride in dims) + "]"


def _outer(operation: Operation, dims: Sequence[tuple[int, int]], dim: Dim, width: int) -> Dim:
    if dim.size > 1 and dim.stride * width % WORD:
        raise refuse(
            operation,
            f"stride {dim.stride} of {pattern_text(dims)} is {dim.stride * width} bytes, which is "
            "not a whole number of 4-byte words",
            code="NPU125",
            cure="use strides that are multiples of 4 bytes",
        )
    return Dim(dim.size, max(dim.stride * width // WORD, 1))


def _repeats(operation: Operation, size: int) -> CheckFailed:
    return refuse(
        operation,
        f"a dimension of size {size} has stride 0, and a DMA always steps on",
        code="NPU125",
        cure="repeat the transfer instead: repeat_count, or the outermost of the four sizes of "
        "a runtime sequence",
    )


def _simplest(dims: Sequence[Dim]) -> tuple[Dim, ...]:
    """Drop dimensions of size 1 in front; a single contiguous dimension needs no pattern."""
    kept = list(dims)
    while len(kept) > 1 and kept[0].size == 1:
        kept.pop(0)
    return () if len(kept) == 1 and kept[0].stride == 1 else tuple(kept)
