"""Places for tiles that a design leaves open: ``aie.logical_tile<CoreTile>(?, ?)``.

Any place of the right kind computes the same; only times differ. Cores go to free tiles,
column by column from the south, so that those declared one after the other are neighbours.
Memory and shim tiles go to one column after the other, and share tiles when all have one.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import cycle

from simulator.array.config import TileId
from simulator.array.geometry import Geometry, TileKind
from simulator.mlir.dialects.attributes import LogicalTileKind
from simulator.mlir.dialects.device import LogicalTileOp
from simulator.mlir.failure import refuse, unsupported

_KINDS = {
    LogicalTileKind.CORE: TileKind.CORE,
    LogicalTileKind.MEM: TileKind.MEM,
    LogicalTileKind.SHIM_NOC: TileKind.SHIM,
}


class LogicalTiles:
    """Gives places out, one logical tile after the other.

    Args:
        geometry: The device.
        taken: Tiles that the design names itself.
    """

    def __init__(self, geometry: Geometry, taken: Collection[TileId]) -> None:
        self._geometry = geometry
        self._taken = set(taken)
        self._columns = {kind: cycle(range(geometry.columns)) for kind in TileKind}

    def place(self, op: LogicalTileOp) -> TileId:
        """Return a tile of the kind and in the column or row that the operation asks for.

        Raises:
            CheckFailed: NPU106, no such tile is free; NPU130, it is of a kind that a Phoenix
                design cannot use.
        """
        kind = _KINDS.get(op.kind.data)
        if kind is None:
            raise unsupported(op, f"a logical tile of kind {op.kind.data}")
        tiles = [tile for tile in self._geometry.tiles() if self._suits(op, kind, tile)]
        if kind is TileKind.CORE:
            tiles = [tile for tile in tiles if tile not in self._taken]
        if not tiles:
            raise refuse(
                op,
                f"no {op.kind.data} is free on {self._geometry.name} for this logical tile",
                code="NPU106",
                cure="use fewer tiles, or a device with more columns",
            )
        chosen = tiles[0]
        if kind is not TileKind.CORE and len(tiles) > 1:
            column = next(self._columns[kind])
            chosen = next(tile for tile in tiles if tile.col == column)
        self._taken.add(chosen)
        return chosen

    def _suits(self, op: LogicalTileOp, kind: TileKind, tile: TileId) -> bool:
        wanted = [(op.col, tile.col), (op.row, tile.row)]
        return self._geometry.kind(tile) is kind and all(
            number is None or number.value.data == place for number, place in wanted
        )
