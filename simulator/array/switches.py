"""Stream switches: their settings, and the routes that follow from them.

Whoever configures the array switch by switch (a lowered design, register writes) fills in
:class:`Settings`: circuits, and for packets the rules of an incoming port with the outgoing
ports that each leads to. :func:`routes` follows them from where streams start to their ends.
Neighbouring switches are wired port to port; the mux of a shim tile stands between its
switch's southern ports and its DMA.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from errors import CheckFailed
from simulator.array.checks import PACKET_IDS
from simulator.array.config import NOWHERE, Origin, Port, PortKind, Route, TileId
from simulator.array.geometry import Geometry


class Bundle(StrEnum):
    """What a port of a stream switch is attached to."""

    CORE = "Core"
    DMA = "DMA"
    FIFO = "FIFO"
    SOUTH = "South"
    WEST = "West"
    NORTH = "North"
    EAST = "East"
    PLIO = "PLIO"
    NOC = "NOC"
    TRACE = "Trace"
    CONTROL = "TileControl"


KINDS = {
    Bundle.DMA: PortKind.DMA,
    Bundle.CORE: PortKind.CORE,
    Bundle.TRACE: PortKind.TRACE,
    Bundle.CONTROL: PortKind.CONTROL,
}
"""Bundles that end in something other than another switch."""

_ACROSS = {
    Bundle.NORTH: (0, 1, Bundle.SOUTH),
    Bundle.SOUTH: (0, -1, Bundle.NORTH),
    Bundle.EAST: (1, 0, Bundle.WEST),
    Bundle.WEST: (-1, 0, Bundle.EAST),
    Bundle.FIFO: (0, 0, Bundle.FIFO),
}


class SwitchPort(NamedTuple):
    """A port of a tile's stream switch, or of its shim mux."""

    tile: TileId
    bundle: Bundle
    channel: int
    mux: bool = False


class Circuit(NamedTuple):
    """All that enters leaves at `target`."""

    target: SwitchPort
    origin: Origin = NOWHERE


class Rule(NamedTuple):
    """Packets whose id, masked, is `value` go to `targets`: ports, and if they keep headers."""

    mask: int
    value: int
    targets: tuple[tuple[SwitchPort, bool], ...]
    origin: Origin = NOWHERE

    def takes(self, packet: int) -> bool:
        """Tell whether the rule is for packets of this id."""
        return packet & self.mask == self.value


@dataclass
class Settings:
    """The settings of all switches, by the port where words enter."""

    circuits: dict[SwitchPort, list[Circuit]] = field(default_factory=lambda: defaultdict(list))
    rules: dict[SwitchPort, list[Rule]] = field(default_factory=lambda: defaultdict(list))

    @property
    def starts(self) -> list[SwitchPort]:
        """Ports where streams begin."""
        ports = dict.fromkeys([*self.circuits, *self.rules])
        return [port for port in ports if port.bundle in KINDS]


class _End(NamedTuple):
    port: Port
    hops: int
    keep_header: bool


def routes(settings: Settings, geometry: Geometry, source: str = "") -> list[Route]:
    """Return the routes that the settings of switches make.

    Args:
        settings: Of all switches.
        geometry: The device's tiles; a stream that leaves them ends nowhere.
        source: Name of the text that the origins of settings have lines of.

    Raises:
        CheckFailed: NPU128, a stream runs in a circle.
    """
    found: list[Route] = []
    for start in settings.starts:
        origin, packets = _packets(settings, geometry, start)
        for packet in packets:
            ends = list(_follow(settings, geometry, start, packet, source))
            found += _routes(start, ends, packet, origin)
    return found


def _packets(
    settings: Settings, geometry: Geometry, start: SwitchPort
) -> tuple[Origin, list[int | None]]:
    """Return where a stream starts, and the packet ids that the first rules on its way take.

    The ids are a single None where there is no rule on the way: the stream is a circuit.
    """
    entered: SwitchPort | None = start
    first: Origin | None = None
    passed: set[SwitchPort] = set()
    while entered is not None and entered not in passed:
        passed.add(entered)
        rules, circuits = settings.rules.get(entered), settings.circuits.get(entered)
        if rules:
            taken = [i for i in range(PACKET_IDS) if any(rule.takes(i) for rule in rules)]
            return first or rules[0].origin, list(taken)
        if not circuits:
            break
        first = first or circuits[0].origin
        entered = _across(geometry, circuits[0].target) if len(circuits) == 1 else None
    return first or NOWHERE, [None]


def _routes(
    start: SwitchPort, ends: list[_End], packet: int | None, origin: Origin
) -> Iterator[Route]:
    for keep in sorted({end.keep_header for end in ends}):
        group = [end for end in ends if end.keep_header is keep]
        yield Route(
            source=Port(start.tile, KINDS[start.bundle], start.channel),
            destinations=tuple(dict.fromkeys(end.port for end in group)),
            packet_id=packet,
            keep_header=keep,
            hops=max(end.hops for end in group),
            origin=origin,
        )


def _follow(
    settings: Settings, geometry: Geometry, start: SwitchPort, packet: int | None, source: str
) -> Iterator[_End]:
    """Yield where words end that start at a port, as packets of one id or in a circuit.

    A port that several branches of one stream reach is followed once.
    """
    waiting: list[tuple[SwitchPort, tuple[SwitchPort, ...]]] = [(start, ())]
    seen: set[SwitchPort] = set()
    while waiting:
        entered, way = waiting.pop()
        following: list[tuple[SwitchPort, tuple[SwitchPort, ...]]] = []
        for target, keep, origin in _leaving(settings, entered, packet):
            if target in way:
                raise _circle(target, origin, source)
            if target in seen:
                continue
            seen.add(target)
            passed = (*way, target)
            if target.bundle in KINDS:
                end = Port(target.tile, KINDS[target.bundle], target.channel)
                yield _End(end, len({port.tile for port in passed}), keep)
            elif (across := _across(geometry, target)) is not None:
                following.append((across, passed))
        waiting += reversed(following)


def _leaving(
    settings: Settings, entered: SwitchPort, packet: int | None
) -> Iterator[tuple[SwitchPort, bool, Origin]]:
    for circuit in settings.circuits.get(entered, ()):
        yield circuit.target, False, circuit.origin
    for rule in settings.rules.get(entered, ()):
        if packet is not None and rule.takes(packet):
            yield from ((target, keep, rule.origin) for target, keep in rule.targets)
            break


def _circle(target: SwitchPort, origin: Origin, source: str) -> CheckFailed:
    where = f"{source}:{origin.line}: " if source else ""
    return CheckFailed(
        f"{where}the stream comes back to {target.bundle}:{target.channel} of {target.tile}",
        cure="let each stream end in a DMA channel or a core",
        code="NPU128",
    )


def _across(geometry: Geometry, port: SwitchPort) -> SwitchPort | None:
    """Return the port at the other end of the wire, None outside of the array."""
    if port.tile.row == 0 and port.mux and port.bundle is Bundle.NORTH:
        return SwitchPort(port.tile, Bundle.SOUTH, port.channel)
    if port.tile.row == 0 and not port.mux and port.bundle is Bundle.SOUTH:
        return SwitchPort(port.tile, Bundle.NORTH, port.channel, mux=True)
    if port.bundle not in _ACROSS:
        return None
    columns, rows, bundle = _ACROSS[port.bundle]
    tile = TileId(port.tile.col + columns, port.tile.row + rows)
    return SwitchPort(tile, bundle, port.channel) if tile in geometry else None
