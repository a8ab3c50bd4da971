"""The Phoenix array's shape and limits (AM020 and the device models of mlir-aie)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from errors import UsageError, nearest
from simulator.array.config import TileId


class TileKind(StrEnum):
    """The three kinds of tile of an NPU array."""

    SHIM = "shim"
    MEM = "mem"
    CORE = "core"


@dataclass(frozen=True, kw_only=True)
class TileLimits:
    """What one tile has. Memory and program sizes are in bytes, `mm2s` and `s2mm` are DMA
    channels, `dims` the access-pattern dimensions of a BD without its iteration, `length` the
    most 32-bit words in a BD (its field has 32, 17 and 14 bits on the three kinds of tile).
    """

    memory: int
    program: int
    locks: int
    bds: int
    mm2s: int
    s2mm: int
    dims: int
    length: int


LIMITS = {
    TileKind.SHIM: TileLimits(
        memory=0, program=0, locks=16, bds=16, mm2s=2, s2mm=2, dims=3, length=2**32 - 1
    ),
    TileKind.MEM: TileLimits(
        memory=512 * 1024, program=0, locks=64, bds=48, mm2s=6, s2mm=6, dims=4, length=2**17 - 1
    ),
    TileKind.CORE: TileLimits(
        memory=64 * 1024,
        program=16 * 1024,
        locks=16,
        bds=16,
        mm2s=2,
        s2mm=2,
        dims=3,
        length=2**14 - 1,
    ),
}

LOCK_MAX = 63
"""Largest value of a lock: 6 bits, unsigned."""

TASK_QUEUE_DEPTH = 4
"""Tasks that a DMA channel's queue holds."""

ROWS = 6

_COLUMNS = {"npu1": 4, "npu1_4col": 4, "npu1_3col": 3, "npu1_2col": 2, "npu1_1col": 1}


@dataclass(frozen=True)
class Geometry:
    """The tiles that a design may use: `columns` x 6 rows of a Phoenix NPU."""

    name: str
    columns: int

    @classmethod
    def named(cls, name: str) -> Geometry:
        """Return the geometry of an ``aie.device`` name.

        Raises:
            UsageError: The device is not a Phoenix (AIE2, ``npu1*``) device.
        """
        if name not in _COLUMNS:
            raise UsageError(
                f"the design is for device {name!r}, and the simulated array is a Phoenix"
                + nearest(name, list(_COLUMNS)),
                cure=f"use one of: {', '.join(_COLUMNS)}",
                code="NPU101",
            )
        return cls(name, _COLUMNS[name])

    def tiles(self) -> list[TileId]:
        """Return all tiles, column by column from the south."""
        return [TileId(col, row) for col in range(self.columns) for row in range(ROWS)]

    def __contains__(self, tile: TileId) -> bool:
        return 0 <= tile.col < self.columns and 0 <= tile.row < ROWS

    def kind(self, tile: TileId) -> TileKind:
        """Return the kind of `tile`: row 0 is shim, row 1 memory, rows 2 to 5 cores."""
        if tile.row == 0:
            return TileKind.SHIM
        return TileKind.MEM if tile.row == 1 else TileKind.CORE

    def moved_from(self, tile: TileId) -> list[TileId]:
        """Return the tiles whose memory the DMA of `tile` reaches.

        West of a design's first column stands one more memory tile: a Phoenix has five
        columns, and designs get those from the second on.
        """
        if self.kind(tile) is not TileKind.MEM:
            return [tile]
        return list(dict.fromkeys([*self.reachable(tile).values(), TileId(tile.col - 1, tile.row)]))

    def limits(self, tile: TileId) -> TileLimits:
        """Return what `tile` has."""
        return LIMITS[self.kind(tile)]

    def reachable(self, tile: TileId) -> dict[str, TileId]:
        """Return the tiles whose memory and locks `tile` reaches, by direction.

        A core reaches its own, south, west and north neighbours (core rows only); a memory
        tile its own, west and east.
        """
        kind = self.kind(tile)
        around = {"own": tile}
        if kind is TileKind.CORE:
            around["south"] = TileId(tile.col, tile.row - 1)
            around["west"] = TileId(tile.col - 1, tile.row)
            around["north"] = TileId(tile.col, tile.row + 1)
        elif kind is TileKind.MEM:
            around["west"] = TileId(tile.col - 1, tile.row)
            around["east"] = TileId(tile.col + 1, tile.row)
        return {
            side: other
            for side, other in around.items()
            if other in self and self.kind(other) is kind
        }
