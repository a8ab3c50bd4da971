"""The routes that ``aiecc --generate-ctrl-pkt-overlay`` adds: control packets to every tile.

In each column that a design uses, packets from the shim tile's DMA reach the control port of
every tile up to the highest one that is used. The packet id says which, the same in each
column; the lower three rows listen to MM2S channel 0, the others to channel 1, and to the
other one where a circuit has that channel. Facts: the pass ``AIEGenerateColumnControlOverlay``
and ``AIETargetModel::getTileToControllerIdMap`` of mlir-aie.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from simulator.array.config import Port, PortKind, Route, TileId

_IDS = (15, 26, 27, 29, 30, 31)
"""Packet id of each row, from the shim on."""

_CHANNELS = 2
_ROWS_OF_A_CHANNEL = 3


def control_overlay(tiles: Collection[TileId], routes: Collection[Route]) -> Iterator[Route]:
    """Yield the routes to the control ports in the columns of `tiles`, beside other `routes`."""
    circuits = {route.source for route in routes if route.packet_id is None}
    for column in sorted({tile.col for tile in tiles}):
        shim = TileId(column, 0)
        free = [
            channel
            for channel in range(_CHANNELS)
            if Port(shim, PortKind.DMA, channel) not in circuits
        ]
        highest = max(tile.row for tile in tiles if tile.col == column)
        for row in range(highest + 1 if free else 0):
            channel = free[min(row // _ROWS_OF_A_CHANNEL, len(free) - 1)]
            yield Route(
                source=Port(shim, PortKind.DMA, channel),
                destinations=(Port(TileId(column, row), PortKind.CONTROL, 0),),
                packet_id=_IDS[row],
                hops=row + 1,
            )
