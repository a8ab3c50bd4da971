"""Streams that a design writes out: flows, packet flows and cascades."""

from __future__ import annotations

from collections import defaultdict

from xdsl.ir import Operation

from simulator.array.config import Port, Route, TileId
from simulator.mlir.cascades import lower_cascades
from simulator.mlir.design import Design
from simulator.mlir.dialects.attributes import WireBundle
from simulator.mlir.dialects.streams import (
    FlowOp,
    PacketDestOp,
    PacketFlowOp,
    PacketSourceOp,
)
from simulator.mlir.failure import origin, unsupported
from simulator.mlir.layouts import flag, integer
from simulator.mlir.plan import Plan
from simulator.mlir.switchboxes import KINDS, lower_switchboxes


def hops(source: TileId, destination: TileId) -> int:
    """Return the stream switches on the shortest way, those of both ends included."""
    across = abs(source.col - destination.col)
    return across + abs(source.row - destination.row) + 1


def lower_routes(design: Design, plan: Plan) -> None:
    """Add the flows that the design writes out, and the settings of its switches, to the plan.

    Raises:
        CheckFailed: NPU105, NPU128, NPU130: see :func:`lower_switchboxes`.
    """
    lower_switchboxes(design, plan)
    _lower_flows(design, plan)
    for flow in design.each(PacketFlowOp):
        _lower_packet_flow(design, plan, flow)
    plan.routes += lower_cascades(design)


def _lower_flows(design: Design, plan: Plan) -> None:
    """Add one route for each source port; flows that share it reach several destinations."""
    flows: dict[Port, list[FlowOp]] = defaultdict(list)
    for op in design.each(FlowOp):
        source = design.tile(op.source, op)
        flows[_port(op, source, op.source_bundle.data, op.source_channel.value.data)].append(op)
    for port, ops in flows.items():
        ends = [
            _port(op, design.tile(op.dest, op), op.dest_bundle.data, op.dest_channel.value.data)
            for op in ops
        ]
        route = Route(
            source=port,
            destinations=tuple(dict.fromkeys(ends)),
            hops=max(hops(port.tile, end.tile) for end in ends),
            origin=origin(ops[0]),
        )
        plan.routes.append(route)


def _lower_packet_flow(design: Design, plan: Plan, flow: PacketFlowOp) -> None:
    operations = [op for block in flow.ports.blocks for op in block.ops]
    sources = [op for op in operations if isinstance(op, PacketSourceOp)]
    ends = [op for op in operations if isinstance(op, PacketDestOp)]
    if all(_is_status(op) for op in sources) and all(_leaves_array(op) for op in ends):
        return
    destinations = tuple(_packet_port(design, op) for op in ends)
    for op in sources:
        source = _packet_port(design, op)
        route = Route(
            source=source,
            destinations=destinations,
            packet_id=integer(flow.id),
            keep_header=flag(flow.keep_pkt_header),
            hops=max((hops(source.tile, end.tile) for end in destinations), default=1),
            origin=origin(flow),
        )
        plan.routes.append(route)


def _is_status(op: PacketSourceOp) -> bool:
    """Tell whether a source sends completion tokens or control responses, which the host
    commands of the model carry without a route.
    """
    return op.bundle.data is WireBundle.CONTROL


def _leaves_array(op: PacketDestOp) -> bool:
    return op.bundle.data is WireBundle.SOUTH


def _packet_port(design: Design, op: PacketSourceOp | PacketDestOp) -> Port:
    return _port(op, design.tile(op.tile, op), op.bundle.data, op.channel.value.data)


def _port(op: Operation, tile: TileId, bundle: WireBundle, channel: int) -> Port:
    kind = KINDS.get(bundle)
    if kind is None:
        raise unsupported(op, f"a route that ends at port {bundle} of {tile}")
    return Port(tile, kind, channel)
