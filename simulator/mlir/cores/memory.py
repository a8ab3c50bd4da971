"""Memory as the Python source of a core sees it: blocks, fifo ends, and scalar arithmetic."""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from errors import CheckFailed
from simulator.array.config import Buffer, Origin, TileId
from simulator.array.core import Acquire, CoreContext
from simulator.array.memory import Words
from simulator.mlir.layouts import Element


class Block:
    """A buffer in a tile's memory, or memory that only the core knows.

    Attributes:
        data: The elements, as a typed view: bf16 and f16 as their 16 bits.
        address: Native address, for kernels.
        tile: In whose memory it is, None for what only the core knows.
        start: Its first byte there.
    """

    __slots__ = ("address", "data", "start", "tile")

    def __init__(self, data: Any, address: int, tile: TileId | None = None, start: int = 0) -> None:
        self.data = data
        self.address = address
        self.tile = tile
        self.start = start

    @classmethod
    def of_buffer(cls, core: CoreContext, buffer: Buffer, element: Element) -> Block:
        """Return the block of a placed buffer that `core` reaches."""
        content, address = core.place(buffer)
        return cls(_typed(content.data, element), address, buffer.tile, buffer.address)

    @classmethod
    def private(cls, element: Element, content: bytes) -> Block:
        """Return memory of the core's own: a constant, or an allocation on its stack."""
        storage = (ctypes.c_uint8 * len(content)).from_buffer_copy(content)
        return cls(_typed(memoryview(storage), element), ctypes.addressof(storage))

    def part(self, offset: int) -> Block:
        """Return the memory from element `offset` on."""
        self.reach(offset, 0)
        bytes_before = offset * self.data.itemsize
        return Block(
            self.data[offset:], self.address + bytes_before, self.tile, self.start + bytes_before
        )

    def reach(self, offset: int, count: int) -> int:
        """Return the native address of element `offset`, from which `count` elements follow.

        Raises:
            IndexError: They do not all lie in this memory.
        """
        if not 0 <= offset <= len(self.data) - count:
            raise IndexError(
                f"a view of elements {offset} to {offset + count - 1} of a memory of "
                f"{len(self.data)}"
            )
        return self.address + offset * int(self.data.itemsize)


def _typed(raw: memoryview, element: Element) -> Any:
    return raw.cast("B").cast(element.code)  # type: ignore[call-overload]


def touch(core: CoreContext, block: Block, low: int, high: int, mode: str, line: int) -> None:
    """Say that elements `low` to `high` (-1: the last) were accessed in a line of the design.

    `mode` is ``r`` for read, ``w`` for written, ``m`` for what may have been written.
    """
    if block.tile is None:
        return
    width, last = block.data.itemsize, len(block.data) - 1
    high = last if high < 0 else min(high, last)
    start, stop = block.start + max(low, 0) * width, block.start + (high + 1) * width
    if start >= stop:
        return
    if mode == "m":
        core.hand_out(block.address + max(low, 0) * width, stop - start)
        return
    core.touch(block.tile, start, stop, Origin(line=line), writes=mode == "w")


class FifoEnd:
    """One core's end of an objectFifo: which objects it holds, and which come next.

    Args:
        core: The core.
        blocks: The objects, in turn.
        acquire: (tile, lock) that an acquire takes from; None without synchronisation.
        release: (tile, lock) that a release adds to.
        repeat: Lock steps for each object.
        name: Of the fifo, for messages.
    """

    __slots__ = ("_acquire", "_blocks", "_core", "_first", "_held", "_name", "_release", "_repeat")

    def __init__(
        self,
        core: CoreContext,
        blocks: Sequence[Block],
        acquire: tuple[TileId, int] | None,
        release: tuple[TileId, int] | None,
        repeat: int,
        name: str,
    ) -> None:
        self._core = core
        self._blocks = blocks
        self._acquire = acquire
        self._release = release
        self._repeat = repeat
        self._name = name
        self._first = 0
        self._held = 0

    def acquire(self, count: int, line: int) -> Acquire | None:
        """Hold `count` objects; return what to wait for, None if nothing more is needed."""
        missing = count - self._held
        if missing <= 0:
            return None
        self._held = count
        if self._acquire is None:
            return None
        tile, lock = self._acquire
        return Acquire(tile, lock, missing * self._repeat, origin=Origin(self._name, line))

    def release(self, count: int, line: int) -> None:
        """Hand on the `count` objects that have been held longest.

        Raises:
            CheckFailed: NPU107, the core does not hold so many.
        """
        if count > self._held:
            raise CheckFailed(
                f"the core of {self._core.tile} releases {count} objects of @{self._name} "
                f"(line {line}) and holds {self._held}",
                cure="acquire before each release",
                code="NPU107",
            )
        self._held -= count
        self._first = (self._first + count) % len(self._blocks)
        if self._release is not None:
            tile, lock = self._release
            self._core.release(tile, lock, count * self._repeat, Origin(self._name, line))

    def __getitem__(self, index: int) -> Block:
        return self._blocks[(self._first + index) % len(self._blocks)]


def words(value: int) -> Words:
    """Return a number as the one word that goes to a stream."""
    return np.array([value & 0xFFFFFFFF], np.uint32)


_FLOAT = struct.Struct("<f")
_WORD = struct.Struct("<I")


def i8(value: int) -> int:
    """Wrap to 8 bits, signed."""
    return ((value + 0x80) & 0xFF) - 0x80


def i16(value: int) -> int:
    """Wrap to 16 bits, signed."""
    return ((value + 0x8000) & 0xFFFF) - 0x8000


def i32(value: int) -> int:
    """Wrap to 32 bits, signed."""
    return ((value + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def i64(value: int) -> int:
    """Wrap to 64 bits, signed."""
    return ((value + (1 << 63)) & 0xFFFFFFFFFFFFFFFF) - (1 << 63)


def f32(value: float) -> float:
    """Round to single precision."""
    return ctypes.c_float(value).value


def bf16(value: float) -> float:
    """Round to bfloat16, ties to even."""
    return from_bf16(to_bf16(value))


def to_bf16(value: float) -> int:
    """Return the 16 bits of `value` as bfloat16, rounded to nearest even."""
    bits = int(_WORD.unpack(_FLOAT.pack(f32(value)))[0])
    if value != value:
        return (bits >> 16) | 0x40
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & 0xFFFF


def from_bf16(bits: int) -> float:
    """Return the number behind 16 bits of bfloat16."""
    return float(_FLOAT.unpack(_WORD.pack(bits << 16))[0])


def float_bits(value: float) -> int:
    """Return the bits of a single-precision number as a signed 32-bit integer."""
    return i32(int(_WORD.unpack(_FLOAT.pack(f32(value)))[0]))


def bits_float(bits: int) -> float:
    """Return the single-precision number behind 32 bits."""
    return float(_FLOAT.unpack(_WORD.pack(bits & 0xFFFFFFFF))[0])


def divided(left: float, right: float) -> float:
    """Divide as IEEE 754 does, by zero too."""
    if right:
        return left / right
    if left == 0 or left != left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def quotient(left: int, right: int) -> int:
    """Divide as C does: toward zero."""
    result = abs(left) // abs(right)
    return result if (left < 0) == (right < 0) else -result


def remainder(left: int, right: int) -> int:
    """Return the remainder of :func:`quotient`; it has the sign of `left`."""
    result = abs(left) % abs(right)
    return -result if left < 0 else result


def natural(index: int) -> int:
    """Return an index that is not negative.

    Raises:
        IndexError: It is; Python would count from the end.
    """
    if index < 0:
        raise IndexError(f"index {index} out of bounds")
    return index


def check_indices(failed: int) -> None:
    """Refuse what a native loop tells of itself.

    Raises:
        IndexError: An index was out of its memory.
    """
    if failed:
        raise IndexError("index out of bounds")
