"""Shim transfers of a runtime sequence: buffer descriptors on host memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Operation

from errors import CheckFailed
from simulator.array.config import (
    WORD,
    BufferDescriptor,
    Iteration,
    LockAction,
    Packet,
)
from simulator.mlir.failure import origin, refuse
from simulator.mlir.patterns import highest, pattern_text, to_words
from simulator.mlir.sequences.host_memory import HostView

MAX_WRAP = 1023
"""Largest size of the two inner dimensions of a shim descriptor: 10 bits (aie-rt)."""

MAX_ITERATIONS = 64
"""Largest size of the outermost of four dimensions: 6 bits."""

MAX_STEP = 1 << 20
"""Largest stride in words: 20 bits."""


@dataclass(frozen=True)
class Walk:
    """Four sizes and strides as runtime sequences give them, in elements, outermost first.

    The outermost dimension is the descriptor's iteration: it repeats the transfer.
    """

    sizes: tuple[int, int, int, int]
    strides: tuple[int, int, int, int]

    @classmethod
    def of(cls, dims: Sequence[tuple[int, int]]) -> Walk:
        """Complete up to four dimensions with dimensions of size 1."""
        filled = [*[(1, 0)] * (4 - len(dims)), *dims]
        sizes = tuple(size for size, _ in filled)
        strides = tuple(stride for _, stride in filled)
        return cls(sizes, strides)  # type: ignore[arg-type]

    @property
    def inner(self) -> tuple[tuple[int, int], ...]:
        """The three dimensions of one execution."""
        return tuple(zip(self.sizes[1:], self.strides[1:], strict=True))

    @property
    def length(self) -> int:
        """Elements of one execution."""
        return self.sizes[1] * self.sizes[2] * self.sizes[3]

    @property
    def repeat(self) -> int:
        """Executions after the first."""
        return self.sizes[0] - 1

    @property
    def is_linear(self) -> bool:
        """Whether one execution is one contiguous run, written as mlir-aie recognises it."""
        return self.sizes[1:3] == (1, 1) and self.strides[1:] == (0, 0, 1)


def host_descriptor(
    op: Operation,
    view: HostView,
    *,
    width: int,
    offset: int,
    walk: Walk,
    name: str = "",
    packet: Packet | None = None,
    acquire: LockAction | None = None,
    release: LockAction | None = None,
    next_bd: int | None = None,
) -> BufferDescriptor:
    """Return the descriptor of a transfer of host memory.

    Args:
        op: What asks for it.
        view: The host buffer.
        width: Bytes of an element.
        offset: First element, counted from the start of the view.
        walk: What to move, in elements.
        name: Of the channel or fifo, for messages.
        packet: Header to send in front.
        acquire: Lock step before the transfer.
        release: Lock step after it.
        next_bd: The descriptor that follows.

    Raises:
        CheckFailed: NPU125, NPU126, NPU127: the hardware cannot do this walk, or it leaves
            the host buffer.
    """
    start = view.offset + offset * width
    _check_reach(op, view, start, width, walk)
    dims = () if walk.is_linear else to_words(op, walk.inner, width)
    if walk.is_linear:
        to_words(op, ((walk.length, 1),), width)
    _check_fields(op, walk, width)
    size, stride = walk.sizes[0], walk.strides[0]
    iteration = None
    if size > 1 and stride > 0:
        if stride * width % WORD:
            raise refuse(
                op,
                f"the outermost stride {stride} is {stride * width} bytes, which is not a whole "
                "number of 4-byte words",
                code="NPU125",
                cure="use strides that are multiples of 4 bytes",
            )
        iteration = Iteration(size=size, stride=stride * width // WORD)
    return BufferDescriptor(
        memory=None,
        address=start,
        length=walk.length * width,
        dims=dims,
        iteration=iteration,
        acquire=acquire,
        release=release,
        packet=packet,
        next_bd=next_bd,
        host_arg=view.argument,
        origin=origin(op, name),
    )


def _check_reach(op: Operation, view: HostView, start: int, width: int, walk: Walk) -> None:
    if any(size < 1 for size in walk.sizes):
        raise refuse(
            op,
            f"sizes {list(walk.sizes)} must be positive",
            code="NPU127",
            cure="leave out a transfer that moves nothing",
        )
    everything = tuple(zip(walk.sizes, walk.strides, strict=True))
    end = start + (highest(everything) + 1) * width
    if view.nbytes and (start < 0 or end > view.nbytes):
        raise refuse(
            op,
            f"the transfer reaches bytes {start} to {end - 1} of an argument of {view.nbytes} "
            f"bytes, with pattern {pattern_text(everything)}",
            code="NPU126",
            cure="check offsets, sizes and strides; they count elements",
        )


def _check_fields(op: Operation, walk: Walk, width: int) -> None:
    """Refuse numbers that do not fit into the fields of a shim descriptor."""
    sizes, strides = walk.sizes, walk.strides
    if sizes[0] > MAX_ITERATIONS:
        raise _too_large(op, f"the outermost size {sizes[0]} is more than {MAX_ITERATIONS}")
    if walk.is_linear:
        return
    innermost = sizes[3] * width // WORD
    if innermost > MAX_WRAP:
        raise _too_large(
            op, f"the innermost size is {innermost} words, and its field ends at {MAX_WRAP}"
        )
    if sizes[2] > MAX_WRAP:
        raise _too_large(op, f"the third size is {sizes[2]}, and its field ends at {MAX_WRAP}")
    for size, stride in zip(sizes, strides, strict=True):
        if size > 1 and stride * width // WORD > MAX_STEP:
            raise _too_large(
                op, f"stride {stride} is {stride * width // WORD} words, more than {MAX_STEP}"
            )


def _too_large(op: Operation, message: str) -> CheckFailed:
    return refuse(
        op,
        message,
        code="NPU127",
        cure="split the transfer, or spread it over the other dimensions",
    )
