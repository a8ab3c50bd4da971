"""Streams that are written out switch by switch, followed from where they start to their ends.

A lowered design has no flows but the settings of each stream switch: circuits
(``aie.connect``), and for packets the rules of an incoming port, which choose an arbiter,
and the arbiters that feed an outgoing one. Neighbouring switches are wired port to port;
the mux of a shim tile stands between its switch's southern ports and its DMA.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from xdsl.ir import Operation, Region, SSAValue

from simulator.array.checks import PACKET_IDS
from simulator.array.config import Port, PortKind, Route, TileId
from simulator.mlir.design import Design
from simulator.mlir.dialects.attributes import WireBundle
from simulator.mlir.dialects.device import EndOp
from simulator.mlir.dialects.streams import (
    AmselOp,
    ConnectOp,
    MasterSetOp,
    PacketRuleOp,
    PacketRulesOp,
    ShimMuxOp,
    ShimSwitchboxOp,
    SwitchboxOp,
)
from simulator.mlir.failure import origin, refuse, unsupported
from simulator.mlir.layouts import flag
from simulator.mlir.plan import Plan

KINDS = {
    WireBundle.DMA: PortKind.DMA,
    WireBundle.CORE: PortKind.CORE,
    WireBundle.TRACE: PortKind.TRACE,
    WireBundle.CONTROL: PortKind.CONTROL,
}
"""Bundles that end in something other than another switch."""

_ACROSS = {
    WireBundle.NORTH: (0, 1, WireBundle.SOUTH),
    WireBundle.SOUTH: (0, -1, WireBundle.NORTH),
    WireBundle.EAST: (1, 0, WireBundle.WEST),
    WireBundle.WEST: (-1, 0, WireBundle.EAST),
}


class _SwitchPort(NamedTuple):
    """A port of a tile's stream switch, or of its shim mux."""

    tile: TileId
    bundle: WireBundle
    channel: int
    mux: bool = False


@dataclass(frozen=True)
class _Circuit:
    target: _SwitchPort
    operation: Operation


@dataclass(frozen=True)
class _Rule:
    """Packets whose id, masked, is `value` go to `targets`: ports, and if they keep headers."""

    mask: int
    value: int
    targets: tuple[tuple[_SwitchPort, bool], ...]
    operation: Operation


@dataclass
class _Settings:
    """The settings of all switches, by the port where words enter."""

    circuits: dict[_SwitchPort, list[_Circuit]] = field(default_factory=lambda: defaultdict(list))
    rules: dict[_SwitchPort, list[_Rule]] = field(default_factory=lambda: defaultdict(list))

    @property
    def starts(self) -> list[_SwitchPort]:
        """Ports where streams begin."""
        ports = dict.fromkeys([*self.circuits, *self.rules])
        return [port for port in ports if port.bundle in KINDS]


class _End(NamedTuple):
    port: Port
    hops: int
    keep_header: bool


def lower_switchboxes(design: Design, plan: Plan) -> None:
    """Add the routes that the settings of switches make to the plan.

    Raises:
        CheckFailed: NPU105, NPU128, NPU130: a setting contradicts itself, or a stream runs in a
            circle or leaves the array.
    """
    settings = _read(design)
    for start in settings.starts:
        source = Port(start.tile, KINDS[start.bundle], start.channel)
        operation, packets = _packets(design, settings, start)
        for packet in packets:
            _add(
                plan, source, list(_follow(design, settings, start, packet, ())), packet, operation
            )


def _packets(
    design: Design, settings: _Settings, start: _SwitchPort
) -> tuple[Operation, list[int | None]]:
    """Return where a stream starts, and the packet ids that the first rules on its way take.

    The ids are a single None where there is no rule on the way: the stream is a circuit.
    """
    entered: _SwitchPort | None = start
    first: Operation | None = None
    passed: set[_SwitchPort] = set()
    while entered is not None and entered not in passed:
        passed.add(entered)
        rules, circuits = settings.rules.get(entered), settings.circuits.get(entered)
        if rules:
            taken = [
                packet
                for packet in range(PACKET_IDS)
                if any(packet & rule.mask == rule.value for rule in rules)
            ]
            return first or rules[0].operation, list(taken)
        if not circuits:
            break
        first = first or circuits[0].operation
        entered = _across(design, circuits[0].target) if len(circuits) == 1 else None
    return first or settings.circuits[start][0].operation, [None]


def _add(
    plan: Plan, source: Port, ends: list[_End], packet: int | None, operation: Operation
) -> None:
    if not ends:
        return
    for keep in sorted({end.keep_header for end in ends}):
        group = [end for end in ends if end.keep_header is keep]
        route = Route(
            source=source,
            destinations=tuple(dict.fromkeys(end.port for end in group)),
            packet_id=packet,
            keep_header=keep,
            hops=max(end.hops for end in group),
            origin=origin(operation),
        )
        plan.routes.append(route)


def _follow(
    design: Design,
    settings: _Settings,
    entered: _SwitchPort,
    packet: int | None,
    way: tuple[_SwitchPort, ...],
) -> Iterator[_End]:
    """Yield where words end that enter a switch, as packets of one id or in a circuit."""
    leaving = [(circuit.target, False, circuit.operation) for circuit in settings.circuits[entered]]
    for rule in settings.rules[entered]:
        if packet is not None and packet & rule.mask == rule.value:
            leaving += [(target, keep, rule.operation) for target, keep in rule.targets]
            break
    for target, keep, operation in leaving:
        if target in way:
            raise refuse(
                operation,
                f"the stream comes back to {target.bundle}:{target.channel} of {target.tile}",
                code="NPU128",
                cure="let each stream end in a DMA channel or a core",
            )
        passed = (*way, target)
        if target.bundle in KINDS:
            end = Port(target.tile, KINDS[target.bundle], target.channel)
            yield _End(end, len({port.tile for port in passed}), keep)
            continue
        following = _across(design, target)
        if following is not None:
            yield from _follow(design, settings, following, packet, passed)


def _across(design: Design, port: _SwitchPort) -> _SwitchPort | None:
    """Return the port at the other end of the wire, None outside of the array."""
    if port.tile.row == 0 and port.mux and port.bundle is WireBundle.NORTH:
        return _SwitchPort(port.tile, WireBundle.SOUTH, port.channel)
    if port.tile.row == 0 and not port.mux and port.bundle is WireBundle.SOUTH:
        return _SwitchPort(port.tile, WireBundle.NORTH, port.channel, mux=True)
    if port.bundle not in _ACROSS:
        return None
    columns, rows, bundle = _ACROSS[port.bundle]
    tile = TileId(port.tile.col + columns, port.tile.row + rows)
    return _SwitchPort(tile, bundle, port.channel) if tile in design.geometry else None


def _read(design: Design) -> _Settings:
    settings = _Settings()
    for op in design.operations:
        if isinstance(op, ShimMuxOp):
            _read_switch(settings, design.tile(op.tile, op), op.connections, mux=True)
        elif isinstance(op, SwitchboxOp):
            _read_switch(settings, design.tile(op.tile, op), op.connections)
        elif isinstance(op, ShimSwitchboxOp):
            _read_switch(settings, TileId(op.col.value.data, 0), op.connections)
    return settings


def _read_switch(
    settings: _Settings, tile: TileId, connections: Region, *, mux: bool = False
) -> None:
    operations = [op for block in connections.blocks for op in block.ops]
    targets: dict[SSAValue, list[tuple[_SwitchPort, bool]]] = defaultdict(list)
    for op in operations:
        if isinstance(op, MasterSetOp):
            port = _SwitchPort(tile, op.dest_bundle.data, op.dest_channel.value.data, mux)
            for amsel in op.amsels:
                targets[amsel].append((port, flag(op.keep_pkt_header)))
    for op in operations:
        if isinstance(op, ConnectOp):
            source = _SwitchPort(tile, op.source_bundle.data, op.source_channel.value.data, mux)
            target = _SwitchPort(tile, op.dest_bundle.data, op.dest_channel.value.data, mux)
            settings.circuits[source].append(_Circuit(target, op))
        elif isinstance(op, PacketRulesOp):
            source = _SwitchPort(tile, op.source_bundle.data, op.source_channel.value.data, mux)
            settings.rules[source] += _read_rules(op, targets)
        elif not isinstance(op, AmselOp | MasterSetOp | EndOp):
            raise unsupported(op)


def _read_rules(
    rules: PacketRulesOp, targets: dict[SSAValue, list[tuple[_SwitchPort, bool]]]
) -> Iterator[_Rule]:
    for block in rules.rules.blocks:
        for op in block.ops:
            if isinstance(op, PacketRuleOp):
                mask, value = op.mask.value.data, op.value.value.data
                yield _Rule(mask, value, tuple(targets.get(op.amsel, ())), op)
