"""Memories: a tile's bytes, which numpy and native code share, and the host's buffers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from errors import CheckFailed, UsageError
from simulator.array.config import WORD, TileId

ALIGNMENT = 64
"""Bytes; a 512-bit vector is the widest access of an AIE2 core."""

RED_ZONE = 4096
"""Bytes of known pattern on both sides of the memory; a stray store of native code lands here."""

POWER_UP = 0xA5
"""Every byte of a memory that nobody has written."""

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]


class Memory:
    """The `size` bytes of one tile's data memory, 64-byte aligned.

    At power-up every byte is 0xA5: the hardware's memory holds anything then, and zeros would
    hide that. Native code gets raw addresses, so nothing stops a store past the end; the red
    zones make it visible: :meth:`check` compares them with their pattern.

    Attributes:
        tile: Whose memory it is.
        data: All bytes, uint8, shape (size,).
        words: The same memory as uint32 words, shape (size / 4,).
        written: One flag per word: somebody wrote it, or was handed its address and may have.
        claimed: As `written`, but all words of a buffer as soon as a core wrote one of them:
            a DMA may send what a core has not filled to its end.
        base: Native address of byte 0.
    """

    __slots__ = ("_zones", "base", "claimed", "data", "tile", "words", "written")

    def __init__(self, tile: TileId, size: int) -> None:
        raw = np.full(size + 2 * RED_ZONE + ALIGNMENT, POWER_UP, dtype=np.uint8)
        start = RED_ZONE + (-(raw.ctypes.data + RED_ZONE)) % ALIGNMENT
        self.tile = tile
        self.data: Bytes = raw[start : start + size]
        self.words: Words = self.data.view(np.uint32)
        self.written: Flags = np.zeros(size // WORD, np.bool_)
        self.claimed: Flags = np.zeros(size // WORD, np.bool_)
        self.base: int = self.data.ctypes.data
        self._zones = (raw[start - RED_ZONE : start], raw[start + size : start + size + RED_ZONE])

    def __str__(self) -> str:
        return f"{self.tile}'s memory"

    @property
    def size(self) -> int:
        """Bytes of memory that the tile has."""
        return len(self.data)

    def hand_out(self, address: int, size: int) -> Bytes:
        """Return bytes [address, address + size) to somebody who may write them."""
        self.written[address // WORD : -(-(address + size) // WORD)] = True
        self.claim(address, address + size)
        return self.data[address : address + size]

    def claim(self, start: int, stop: int) -> None:
        """Let a DMA send bytes [start, stop): a core writes there."""
        self.claimed[start // WORD : -(-stop // WORD)] = True

    def check(self, culprit: str) -> None:
        """Refuse what `culprit` (words for the message) wrote outside the memory.

        Raises:
            CheckFailed: NPU211, with the first byte outside that was changed.
        """
        below, above = self._zones
        if below.tobytes() == _CLEAN and above.tobytes() == _CLEAN:
            return
        offset = _first_changed(below) - RED_ZONE
        if offset >= 0:
            offset = self.size + _first_changed(above)
        where = f"{-offset} bytes below" if offset < 0 else f"{offset - self.size} bytes past"
        raise CheckFailed(
            f"{culprit} wrote outside {self.tile}'s memory: {where} its "
            f"{'start' if offset < 0 else 'end'}",
            cure="check the sizes and indices that the kernel function uses for its arguments",
            code="NPU211",
        )


_CLEAN = bytes([POWER_UP]) * RED_ZONE


def _first_changed(zone: Bytes) -> int:
    """Return the index of the first changed byte of a red zone, its length if none is."""
    changed = np.flatnonzero(zone != POWER_UP)
    return int(changed[0]) if len(changed) else len(zone)


class HostBuffer:
    """An argument of the runtime sequence, or an external buffer, as shim DMAs see it.

    Attributes:
        index: Its place in the argument list, or its name.
        size: Its bytes.
        words: Its whole 32-bit words as uint32; a shim DMA moves nothing smaller.
    """

    __slots__ = ("_written", "index", "size", "words")

    def __init__(self, index: int | str, array: npt.NDArray[Any]) -> None:
        """Wrap `array`.

        Raises:
            UsageError: NPU213, the array is not C-contiguous.
        """
        if not array.flags.c_contiguous:
            raise UsageError(
                f"host buffer {index} is not C-contiguous: its strides are {array.strides}",
                cure="pass numpy.ascontiguousarray(...)",
                code="NPU213",
            )
        self.index = index
        self.size: int = array.nbytes
        data = array.reshape(-1).view(np.uint8)
        self.words: Words = data[: self.size // WORD * WORD].view(np.uint32)
        self._written: Flags | None = None

    def __str__(self) -> str:
        what = "external buffer" if isinstance(self.index, str) else "host argument"
        return f"{what} {self.index}"

    @property
    def written(self) -> Flags:
        """One flag per word of the buffer, to set when it is written.

        Raises:
            UsageError: NPU213, the array is read-only.
        """
        if not self.words.flags.writeable:
            raise UsageError(
                f"a shim DMA is to write host buffer {self.index}, which is read-only",
                cure="pass a writable array for every argument that the design writes",
                code="NPU213",
            )
        if self._written is None:
            self._written = np.zeros(self.size // WORD, np.bool_)
        return self._written

    def mask(self) -> Flags | None:
        """Return which bytes a shim DMA wrote, bool, shape (size,), read-only where all were.

        None if no DMA was to write any.
        """
        if self._written is None:
            return None
        if self.size % WORD == 0 and self._written.all():
            return np.broadcast_to(np.True_, self.size)
        mask = np.zeros(self.size, np.bool_)
        mask[: len(self._written) * WORD] = np.repeat(self._written, WORD)
        return mask
