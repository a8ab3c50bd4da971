"""Addresses of the array: which tile, which register, and how a write to it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from errors import UsageError
from simulator.array.config import TileId
from simulator.array.geometry import ROWS, TileKind
from simulator.registers.table import WORD, Register, TileMap, tile_map

COLUMN_SHIFT = 25
ROW_SHIFT = 20
COLUMNS = 5
"""Columns of a Phoenix array; the configuration of a partition counts them from 0."""

FULL = 0xFFFFFFFF
"""The mask of a write that sets the whole word."""

_FEW = 3
"""Fields of a one-word register that are all shown, zero or not: of a lock, of a task."""

_CURE = "check that the artifact was built for npu1 (Phoenix)"


@dataclass(frozen=True)
class Place:
    """What an address means: a register of a tile and the byte in it."""

    tile: TileId
    register: Register
    byte: int

    @property
    def word(self) -> int:
        """Position of the addressed word in the register."""
        return self.byte // WORD

    def __str__(self) -> str:
        if self.register.is_memory:
            return f"{self.tile} {self.register.name}[{self.byte:#x}]"
        return f"{self.tile} {self.register.name}" + (f"[{self.word}]" if self.word else "")


def tile_of(address: int) -> tuple[TileId, int]:
    """Return the tile of an address and the offset in it."""
    tile = TileId(address >> COLUMN_SHIFT, address >> ROW_SHIFT & 0x1F)
    return tile, address & ((1 << ROW_SHIFT) - 1)


def kind_of(tile: TileId) -> TileKind | None:
    """Return the kind of a tile, None outside the array."""
    if not (0 <= tile.col < COLUMNS and 0 <= tile.row < ROWS):
        return None
    return {0: TileKind.SHIM, 1: TileKind.MEM}.get(tile.row, TileKind.CORE)


def resolve(address: int) -> Place:
    """Return what `address` means.

    Raises:
        UsageError: No tile or no register is there, or it is no word's address (NPU057); the
            message has the address, the tile and the nearest register.
    """
    tile, offset = tile_of(address)
    tiles = _map_of(tile, address)
    register = tiles.find(offset)
    if register is None or address % WORD:
        near = tiles.closest(offset)
        raise UsageError(
            f"address {address:#x} is {tile} offset {offset:#x}, where a {tiles.kind} tile has"
            f" no known register word; the nearest is {near.name} at {near.offset:#x}",
            cure=_CURE,
            code="NPU057",
        )
    return Place(tile, register, offset - register.offset)


def address_of(tile: TileId, name: str) -> int:
    """Return the address of a register of a tile by its name.

    Raises:
        UsageError: The tile or the register does not exist (NPU057).
    """
    return _base(tile) + register_of(tile, name).offset


def register_of(tile: TileId, name: str) -> Register:
    """Return a register of a tile by its name; raises as :func:`address_of` does."""
    return _map_of(tile, _base(tile)).named(name)


def _base(tile: TileId) -> int:
    return tile.col << COLUMN_SHIFT | tile.row << ROW_SHIFT


def _map_of(tile: TileId, address: int) -> TileMap:
    kind = kind_of(tile)
    if kind is None:
        raise UsageError(
            f"address {address:#x} is {tile}, outside the array of {COLUMNS} x {ROWS} tiles",
            cure=_CURE,
            code="NPU057",
        )
    return tile_map(kind)


def describe(address: int, words: Sequence[int], mask: int = FULL) -> list[str]:
    """Return a write of consecutive words as readable lines, one per register.

    A line is like ``tile(0,2) DMA_BD3.length = 512, .valid_bd = 1``: the fields that are
    not zero (all of a register with few), or of a masked write those that the mask covers.

    Raises:
        UsageError: A word has no register (NPU057).
    """
    lines: list[str] = []
    at = 0
    while at < len(words):
        place = resolve(address + at * WORD)
        count = min(len(words) - at, (place.register.size - place.byte) // WORD)
        lines.append(_line(place, words[at : at + count], mask))
        at += count
    return lines


def _line(place: Place, words: Sequence[int], mask: int) -> str:
    register = place.register
    name = f"{place.tile} {register.name}"
    if register.is_memory:
        return f"{name}[{place.byte:#x}:{place.byte + WORD * len(words):#x}]"
    if not register.words:
        return f"{name} = {words[0]:#x}" + ("" if mask == FULL else f" (mask {mask:#x})")
    shown, stray = [], False
    for word, fields in zip(words, register.words[place.word :], strict=False):
        stray |= bool(word & mask & ~sum(field.mask for field in fields))
        few = len(register.words) == 1 and len(fields) <= _FEW
        shown += [
            f".{field.name} = {field.get(word)}"
            for field in fields
            if (few or field.get(word) if mask == FULL else field.mask & mask)
        ]
    part = "" if len(words) == len(register.words) else f"[{place.word}]"
    raw = f" (bits outside the fields: {' '.join(map(hex, words))})" if stray else ""
    return name + (", ".join(shown) or f"{part} = 0") + raw
