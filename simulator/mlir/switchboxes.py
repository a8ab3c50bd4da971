"""The settings of stream switches that a lowered design writes out, and the routes they make.

A lowered design has no flows but the settings of each stream switch: circuits
(``aie.connect``), and for packets the rules of an incoming port, which choose an arbiter,
and the arbiters that feed an outgoing one. :mod:`simulator.array.switches` follows them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from xdsl.ir import Region, SSAValue

from simulator.array.config import TileId
from simulator.array.switches import KINDS as _KINDS
from simulator.array.switches import Bundle, Circuit, Rule, Settings, SwitchPort, routes
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
from simulator.mlir.failure import origin, unsupported
from simulator.mlir.layouts import flag
from simulator.mlir.plan import Plan

KINDS = {WireBundle(bundle.value): kind for bundle, kind in _KINDS.items()}
"""Bundles that end in something other than another switch."""


def lower_switchboxes(design: Design, plan: Plan) -> None:
    """Add the routes that the settings of switches make to the plan.

    Raises:
        CheckFailed: NPU105, NPU128, NPU130: a setting contradicts itself, or a stream runs in a
            circle or leaves the array.
    """
    plan.routes += routes(_read(design), design.geometry, design.source)


def _read(design: Design) -> Settings:
    settings = Settings()
    for op in design.operations:
        if isinstance(op, ShimMuxOp):
            _read_switch(settings, design.tile(op.tile, op), op.connections, mux=True)
        elif isinstance(op, SwitchboxOp):
            _read_switch(settings, design.tile(op.tile, op), op.connections)
        elif isinstance(op, ShimSwitchboxOp):
            _read_switch(settings, TileId(op.col.value.data, 0), op.connections)
    return settings


def _read_switch(
    settings: Settings, tile: TileId, connections: Region, *, mux: bool = False
) -> None:
    def port(bundle: WireBundle, channel: int) -> SwitchPort:
        return SwitchPort(tile, Bundle(bundle.value), channel, mux)

    operations = [op for block in connections.blocks for op in block.ops]
    targets: dict[SSAValue, list[tuple[SwitchPort, bool]]] = defaultdict(list)
    for op in operations:
        if isinstance(op, MasterSetOp):
            master = port(op.dest_bundle.data, op.dest_channel.value.data)
            for amsel in op.amsels:
                targets[amsel].append((master, flag(op.keep_pkt_header)))
    for op in operations:
        if isinstance(op, ConnectOp):
            source = port(op.source_bundle.data, op.source_channel.value.data)
            target = port(op.dest_bundle.data, op.dest_channel.value.data)
            settings.circuits[source].append(Circuit(target, origin(op)))
        elif isinstance(op, PacketRulesOp):
            source = port(op.source_bundle.data, op.source_channel.value.data)
            settings.rules[source] += _read_rules(op, targets)
        elif not isinstance(op, AmselOp | MasterSetOp | EndOp):
            raise unsupported(op)


def _read_rules(
    rules: PacketRulesOp, targets: dict[SSAValue, list[tuple[SwitchPort, bool]]]
) -> Iterator[Rule]:
    for block in rules.rules.blocks:
        for op in block.ops:
            if isinstance(op, PacketRuleOp):
                mask, value = op.mask.value.data, op.value.value.data
                yield Rule(mask, value, tuple(targets.get(op.amsel, ())), origin(op))
