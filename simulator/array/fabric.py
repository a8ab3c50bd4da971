"""The stream network: which outlet leads to which inlets."""

from __future__ import annotations

from errors import CheckFailed
from simulator.array.checks import check_packet_id, check_port
from simulator.array.config import Direction, Port, PortKind, Route
from simulator.array.geometry import Geometry
from simulator.array.recorded import RecordedInlet, RecordedOutlet
from simulator.array.recorder import Recorder
from simulator.array.scheduler import Scheduler
from simulator.array.stream import Branch, Inlet, Outlet
from simulator.array.timing import (
    CASCADE_DEPTH,
    CASCADE_WORDS,
    HOP_DEPTH,
    HOP_LATENCY,
    WORDS_PER_CYCLE,
)

_USERS = {
    PortKind.CORE: "core of {port.tile}",
    PortKind.CASCADE: "core of {port.tile}",
    PortKind.CONTROL: "control unit of {port.tile}",
    PortKind.TRACE: "trace unit of {port.tile}",
}


class Fabric:
    """All stream endpoints of the array and the routes between them.

    Attributes:
        outlets: Starts of routes by port.
        inlets: Ends of routes by port.
    """

    def __init__(
        self, scheduler: Scheduler, geometry: Geometry, recorder: Recorder | None = None
    ) -> None:
        self._scheduler = scheduler
        self._recorder = recorder
        self._geometry = geometry
        self.outlets: dict[Port, Outlet] = {}
        self.inlets: dict[Port, Inlet] = {}

    def outlet(self, port: Port) -> Outlet:
        """Return the outlet of `port`, which need not have a route yet."""
        if port not in self.outlets:
            rate = CASCADE_WORDS if port.kind is PortKind.CASCADE else WORDS_PER_CYCLE
            user = _user(port, Direction.MM2S)
            self.outlets[port] = (
                Outlet(self._scheduler, port, user, rate)
                if self._recorder is None
                else RecordedOutlet(self._scheduler, port, user, rate, self._recorder)
            )
        return self.outlets[port]

    def inlet(self, port: Port) -> Inlet:
        """Return the inlet of `port`, which need not have a route yet."""
        if port not in self.inlets:
            user = _user(port, Direction.S2MM)
            self.inlets[port] = (
                Inlet(self._scheduler, port, user)
                if self._recorder is None
                else RecordedInlet(self._scheduler, port, user, self._recorder)
            )
        return self.inlets[port]

    def add(self, route: Route) -> None:
        """Connect the route's ports.

        Raises:
            CheckFailed: NPU210, a port does not exist; NPU215, the route contradicts
                another; NPU216, words sent there would not be modelled.
        """
        where = f"route from {route.source}{route.origin.bracketed}"
        check_port(self._geometry, route.source, Direction.MM2S, where)
        for port in route.destinations:
            check_port(self._geometry, port, Direction.S2MM, where)
        if route.packet_id is not None:
            check_packet_id(route.packet_id, where)
        outlet = self.outlet(route.source)
        inlets = [self.inlet(port) for port in route.destinations]
        if route.packet_id is None:
            self._add_circuit(route, outlet, inlets)
        else:
            self._add_packet(route, route.packet_id, outlet, inlets)
        cascade = route.source.kind is PortKind.CASCADE
        depth = CASCADE_DEPTH * CASCADE_WORDS if cascade else HOP_DEPTH * route.hops
        for inlet in inlets:
            inlet.sources.append(outlet)
            inlet.capacity = max(inlet.capacity, depth)
            inlet.latency = max(inlet.latency, 1 if cascade else HOP_LATENCY * route.hops)
        outlet.pump()

    def _add_circuit(self, route: Route, outlet: Outlet, inlets: list[Inlet]) -> None:
        if outlet.packets:
            raise _conflict(route, f"{route.source} already sends packets")
        for inlet in inlets:
            if inlet.sources:
                raise _conflict(route, f"{inlet.port} is already fed by {inlet.sources[0].port}")
            inlet.feeder = outlet
        outlet.inlets += inlets

    def _add_packet(
        self, route: Route, packet_id: int, outlet: Outlet, inlets: list[Inlet]
    ) -> None:
        if outlet.inlets and not outlet.packets:
            raise _conflict(route, f"{route.source} already feeds a circuit-switched route")
        branches = outlet.packets.setdefault(packet_id, [])
        for inlet in inlets:
            if any(not source.packets for source in inlet.sources):
                raise _conflict(route, f"{inlet.port} ends a circuit-switched route")
            if any(branch.inlet is inlet for branch in branches):
                raise _conflict(route, f"packet id {packet_id} already goes to {inlet.port}")
            branches.append(Branch(inlet, route.keep_header))


def _user(port: Port, direction: Direction) -> str:
    if port.kind is PortKind.DMA:
        return f"{port.tile} {direction}:{port.channel}"
    return _USERS[port.kind].format(port=port)


def _conflict(route: Route, why: str) -> CheckFailed:
    return CheckFailed(
        f"the route from {route.source} to {', '.join(map(str, route.destinations))}"
        f"{route.origin.bracketed} is impossible: {why}",
        cure="a circuit-switched route needs its ports for itself; use another channel, or make "
        "both routes packet-switched with different ids",
        code="NPU215",
    )
