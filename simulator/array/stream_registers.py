"""Stream switches and cascades at work: routes that grow as their registers are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, Protocol

from errors import CheckFailed
from simulator.array.config import Origin, Port, PortKind, Route, TileId
from simulator.array.geometry import Geometry, TileKind
from simulator.array.switch_registers import SwitchRegisters
from simulator.array.switches import routes
from simulator.registers import Register


class Machine(Protocol):
    """What stream registers need of the array."""

    geometry: Geometry

    def add_route(self, route: Route) -> None: ...


class _Link(NamedTuple):
    """One destination of a route."""

    source: Port
    destination: Port
    packet_id: int | None
    keep_header: bool


class StreamRegisters:
    """The stream network as registers say it is.

    Args:
        machine: The array that gets the routes.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._switches = SwitchRegisters()
        self._cascades: dict[TileId, tuple[bool, bool]] = {}
        self._links: set[_Link] = set()
        self._changed = False

    def clear(self) -> None:
        """Forget everything: another configuration is loaded."""
        self._switches = SwitchRegisters()
        self._cascades.clear()
        self._links.clear()
        self._changed = False

    def write(self, tile: TileId, register: Register, word: int, mask: int) -> None:
        """Set the bits of a register that `mask` covers."""
        self._changed = True
        if register.template == "Accumulator_Control":
            fields = register.decode({0: word & mask})
            self._cascades[tile] = bool(fields["input"]), bool(fields["output"])
        else:
            self._switches.write(tile, register, word, mask)

    def settle(self, origin: Origin) -> None:
        """Make the routes that what was written since the last time makes.

        Raises:
            CheckFailed: NPU128, NPU280, a stream or a circuit leads nowhere that exists; NPU283,
                a route is taken away; as the array's ``add_route``.
        """
        if not self._changed:
            return
        self._changed = False
        geometry = self._machine.geometry
        found = [*routes(self._switches.settings(geometry), geometry), *self._cascade_routes()]
        links = {link for route in found for link in _links(route)}
        for gone in self._links - links:
            raise CheckFailed(
                f"the route from {gone.source} to {gone.destination} is taken away"
                f"{origin.bracketed}, which is not modelled",
                cure="load the other configuration as a whole, which resets the stream switches",
                code="NPU283",
            )
        for route in found:
            new = tuple(link.destination for link in _links(route) if link not in self._links)
            if new:
                self._machine.add_route(replace(route, destinations=new, origin=origin))
        self._links = links

    def _cascade_routes(self) -> Iterator[Route]:
        """Yield the cascades between neighbours of which one's output is the other's input.

        A core's input is its northern (0) or western (1) neighbour, its output the southern
        (0) or eastern (1) one.
        """
        geometry = self._machine.geometry
        for tile, (_, east) in self._cascades.items():
            other = TileId(tile.col + 1, tile.row) if east else TileId(tile.col, tile.row - 1)
            if other not in geometry or geometry.kind(other) is not TileKind.CORE:
                continue
            if other in self._cascades and self._cascades[other][0] == east:
                ends = (Port(place, PortKind.CASCADE, 0) for place in (tile, other))
                source, destination = ends
                yield Route(source=source, destinations=(destination,))


def _links(route: Route) -> Iterator[_Link]:
    for destination in route.destinations:
        yield _Link(route.source, destination, route.packet_id, route.keep_header)
