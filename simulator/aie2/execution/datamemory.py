"""The data memory that a core addresses: its neighbours' and its own, 64 KB each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from errors import CheckFailed
from simulator.aie2.execution.state import ADDRESS
from simulator.array.config import TileId
from simulator.array.core import CoreContext

_REGIONS = {4: (0, -1), 5: (-1, 0), 6: (0, 1), 7: (0, 0)}
"""Column and row from the core's own tile of the memory at 0x40000, 0x50000, ... (AM020)."""

_SOUTH_LOCKS = (4, 5, 6, 7)
LOCKS = 16
BANK = 16
"""Bytes of a word of a memory bank; neighbouring banks take turns (AM020)."""


def neighbour(tile: TileId, region: int) -> TileId:
    """Return the tile whose memory lies at `region` << 16 for the core at `tile`."""
    columns, rows = _REGIONS[region]
    return TileId(tile.col + columns, tile.row + rows)


def lock_of(tile: TileId, index: int) -> tuple[TileId, int]:
    """Return the tile and the number there of a core's lock: south, west, north, own.

    Raises:
        CheckFailed: NPU511, a core has locks 0 to 63.
    """
    if not 0 <= index < LOCKS * len(_SOUTH_LOCKS):
        raise CheckFailed(
            f"lock {index} is none of the 64 that a core reaches",
            cure="use 0-15 south, 16-31 west, 32-47 north, 48-63 own",
            code="NPU511",
        )
    return neighbour(tile, _SOUTH_LOCKS[index // LOCKS]), index % LOCKS


@dataclass(frozen=True)
class _Absent:
    """A region before its first access, and one that has no memory."""

    memory: DataMemory
    region: int

    def __getitem__(self, _: object) -> NoReturn:
        raise _Touch(self.region)

    def __setitem__(self, _: object, __: object) -> NoReturn:
        raise _Touch(self.region)


class _Touch(Exception):
    """Memory of a region is used for the first time."""

    def __init__(self, region: int) -> None:
        super().__init__(region)
        self.region = region


class DataMemory:
    """Loads and stores by address, little-endian, aligned to their size.

    Every access raises CheckFailed: NPU511 outside the four memories, NPU212 where the core
    has no such neighbour, NPU512 where the address is misaligned.

    Attributes:
        words: 32-bit words of each 64 KB region, 16 regions.
    """

    __slots__ = ("_core", "bytes", "halves", "words")

    def __init__(self, core: CoreContext) -> None:
        self._core = core
        self.words: list[memoryview | _Absent] = [_Absent(self, n) for n in range(16)]
        self.halves: list[memoryview | _Absent] = list(self.words)
        self.bytes: list[memoryview | _Absent] = list(self.words)

    def load_word(self, address: int) -> int:
        if address & 3:
            raise _misaligned(address, 4)
        try:
            return self.words[address >> 16][(address & 0xFFFF) >> 2]
        except _Touch:
            self._touch(address)
            return self.load_word(address)

    def load_u16(self, address: int) -> int:
        if address & 1:
            raise _misaligned(address, 2)
        try:
            return self.halves[address >> 16][(address & 0xFFFF) >> 1]
        except _Touch:
            self._touch(address)
            return self.load_u16(address)

    def load_u8(self, address: int) -> int:
        try:
            return self.bytes[address >> 16][address & 0xFFFF]
        except _Touch:
            self._touch(address)
            return self.load_u8(address)

    def load_s16(self, address: int) -> int:
        return (self.load_u16(address) ^ 0x8000) - 0x8000 & 0xFFFF_FFFF

    def load_s8(self, address: int) -> int:
        return (self.load_u8(address) ^ 0x80) - 0x80 & 0xFFFF_FFFF

    def load(self, address: int, size: int) -> bytes:
        """Return `size` bytes, 16 or 32, from an address aligned to them."""
        if address & size - 1:
            raise _misaligned(address, size)
        try:
            low = address & 0xFFFF
            return bytes(self.bytes[address >> 16][low : low + size])
        except _Touch:
            self._touch(address)
            return self.load(address, size)

    def gather(self, addresses: bytes, align: int, first: int) -> bytes:
        """Load 8 bytes at each of four addresses of a vector, from the `first` on.

        Their low bits are dropped, and the second and fourth read the next memory bank.
        """
        found = b""
        for number in range(4):
            start = (first + number) * 4
            address = int.from_bytes(addresses[start : start + 4], "little") & ADDRESS
            address = address & -align | (number & 1) * BANK
            low = self.load_word(address)
            found += (low | self.load_word(address + 4) << 32).to_bytes(8, "little")
        return found

    def store_word(self, address: int, value: int) -> None:
        if address & 3:
            raise _misaligned(address, 4)
        try:
            self.words[address >> 16][(address & 0xFFFF) >> 2] = value
        except _Touch:
            self._touch(address)
            self.store_word(address, value)

    def store(self, address: int, value: bytes) -> None:
        """Store bytes, 16 or 32, at an address aligned to them."""
        size = len(value)
        if address & size - 1:
            raise _misaligned(address, size)
        try:
            low = address & 0xFFFF
            self.bytes[address >> 16][low : low + size] = value
        except _Touch:
            self._touch(address)
            self.store(address, value)

    def _touch(self, address: int) -> None:
        """Fetch the memory of an address's region from the array."""
        region = address >> 16
        if region not in _REGIONS:
            raise CheckFailed(
                f"address {address:#x} is not data memory of the core or of a neighbour",
                cure="data memory is at 0x40000 (south), 0x50000 (west), 0x60000 (north) and "
                "0x70000 (own)",
                code="NPU511",
            )
        view = self._core.memory(neighbour(self._core.tile, region)).data
        self.bytes[region] = view
        self.halves[region] = view.cast("H")
        self.words[region] = view.cast("I")


def _misaligned(address: int, size: int) -> CheckFailed:
    return CheckFailed(
        f"address {address:#x} is no multiple of the {size} bytes that are accessed there",
        cure="align the buffer; for unaligned vectors load two and shift",
        code="NPU512",
    )
