"""Routes that no choice of stream switches can carry.

Which way a circuit takes is for the compiler's pathfinder to find, and it may fail where
another would not. What is refused here has no way at all: more streams leave (or enter) a
rectangle of tiles than wires cross its border. Packet-switched routes may share a wire and
are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from errors import CheckFailed
from simulator.array.config import PortKind, Route, TileId
from simulator.array.geometry import ROWS, Geometry, TileKind

NORTHWARD = 6
"""Wires from a stream switch to its northern neighbour (AM025: master ports North0 to North5)."""

SOUTHWARD = 4
"""Wires to its southern neighbour (AM025: master ports South0 to South3)."""

SIDEWAYS = 4
"""Wires to each side; memory tiles have none (AM025: master ports West0 to 3 and East0 to 3)."""


class _Area(NamedTuple):
    """A rectangle of tiles, both corners included."""

    west: int
    south: int
    east: int
    north: int

    def has(self, tile: TileId) -> bool:
        return self.west <= tile.col <= self.east and self.south <= tile.row <= self.north

    def __str__(self) -> str:
        first, last = TileId(self.west, self.south), TileId(self.east, self.north)
        return str(first) if first == last else f"{first} to {last}"


def check_congestion(geometry: Geometry, routes: Sequence[Route]) -> None:
    """Refuse circuits of which more cross a border than it has wires.

    Raises:
        CheckFailed: NPU230, with the routes that cross.
    """
    circuits = list(
        {
            route.source: route
            for route in routes
            if route.packet_id is None and route.source.kind is not PortKind.CASCADE
        }.values()
    )
    if len(circuits) <= SOUTHWARD:
        return
    for area in _areas(geometry):
        leaving = [
            route
            for route in circuits
            if area.has(route.source.tile)
            and not all(area.has(end.tile) for end in route.destinations)
        ]
        entering = [
            route
            for route in circuits
            if not area.has(route.source.tile)
            and any(area.has(end.tile) for end in route.destinations)
        ]
        outwards, inwards = _wires(geometry, area)
        if len(leaving) > outwards:
            raise _congested("leave", area, leaving, outwards)
        if len(entering) > inwards:
            raise _congested("enter", area, entering, inwards)


def _areas(geometry: Geometry) -> Iterator[_Area]:
    """Give all rectangles, small ones first."""
    columns = geometry.columns
    areas = [
        _Area(west, south, east, north)
        for west in range(columns)
        for east in range(west, columns)
        for south in range(ROWS)
        for north in range(south, ROWS)
    ]
    yield from sorted(
        areas, key=lambda area: (area.east - area.west + 1) * (area.north - area.south + 1)
    )


def _wires(geometry: Geometry, area: _Area) -> tuple[int, int]:
    """Return how many wires leave a rectangle and how many enter it."""
    width = area.east - area.west + 1
    below, above = (width if area.south > 0 else 0), (width if area.north < ROWS - 1 else 0)
    rows = [
        row
        for row in range(area.south, area.north + 1)
        if geometry.kind(TileId(area.west, row)) is not TileKind.MEM
    ]
    sides = (area.west > 0) + (area.east < geometry.columns - 1)
    across = SIDEWAYS * len(rows) * sides
    outwards = NORTHWARD * above + SOUTHWARD * below + across
    inwards = SOUTHWARD * above + NORTHWARD * below + across
    return outwards, inwards


def _congested(verb: str, area: _Area, routes: Sequence[Route], wires: int) -> CheckFailed:
    return CheckFailed(
        f"{len(routes)} circuit-switched routes {verb} {area}, and {wires} wires of its stream "
        f"switches do: there is no way for the route from {routes[-1].source}"
        f"{routes[-1].origin.bracketed}",
        cure="let routes share wires as packet flows, join streams on a memory tile, or place "
        "their ends in other columns",
        code="NPU230",
        details=tuple(
            f"{route.source} to {', '.join(map(str, route.destinations))}{route.origin.bracketed}"
            for route in routes
        ),
    )
