"""Streams between tiles: logical flows, and the switches they are routed through."""

from __future__ import annotations

from xdsl.dialects.builtin import I8, I32, IndexType, IntegerAttr
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    var_operand_def,
)

from simulator.mlir.dialects.attributes import CascadeSideAttr, WireBundleAttr
from simulator.mlir.dialects.syntax import AieOperation


@irdl_op_definition
class FlowOp(AieOperation):
    """A circuit-switched stream from one port to another."""

    name = "aie.flow"

    source = operand_def(IndexType)
    source_bundle = prop_def(WireBundleAttr)
    source_channel = prop_def(IntegerAttr[I32])
    dest = operand_def(IndexType)
    dest_bundle = prop_def(WireBundleAttr)
    dest_channel = prop_def(IntegerAttr[I32])

    assembly_format = (
        "`(` $source `,` $source_bundle `:` $source_channel `,`"
        " $dest `,` $dest_bundle `:` $dest_channel `)` attr-dict"
    )


@irdl_op_definition
class PacketFlowOp(AieOperation):
    """A packet-switched stream: packets with this id go from its sources to its destinations."""

    name = "aie.packet_flow"

    id = prop_def(IntegerAttr[I8], prop_name="ID")
    keep_pkt_header = opt_prop_def()
    priority_route = opt_prop_def()
    ports = region_def()

    assembly_format = "`(` $ID `)` $ports attr-dict"


@irdl_op_definition
class PacketSourceOp(AieOperation):
    """A port where packets of the surrounding flow come from."""

    name = "aie.packet_source"

    tile = operand_def(IndexType)
    bundle = prop_def(WireBundleAttr)
    channel = prop_def(IntegerAttr[I32])

    assembly_format = "`<` $tile `,` $bundle `:` $channel `>` attr-dict"


@irdl_op_definition
class PacketDestOp(AieOperation):
    """A port where packets of the surrounding flow go to."""

    name = "aie.packet_dest"

    tile = operand_def(IndexType)
    bundle = prop_def(WireBundleAttr)
    channel = prop_def(IntegerAttr[I32])

    assembly_format = "`<` $tile `,` $bundle `:` $channel `>` attr-dict"


@irdl_op_definition
class SwitchboxOp(AieOperation):
    """The stream switch of a tile and its settings."""

    name = "aie.switchbox"

    tile = operand_def(IndexType)
    connections = region_def()
    result = result_def(IndexType)

    assembly_format = "`(` $tile `)` $connections attr-dict"


@irdl_op_definition
class ShimSwitchboxOp(AieOperation):
    """The stream switch of a shim tile, by column."""

    name = "aie.shim_switchbox"

    col = prop_def(IntegerAttr[I32])
    connections = region_def()
    result = result_def(IndexType)

    assembly_format = "`(` $col `)` $connections attr-dict"


@irdl_op_definition
class ShimMuxOp(AieOperation):
    """What a shim tile's southern stream ports are attached to."""

    name = "aie.shim_mux"

    tile = operand_def(IndexType)
    connections = region_def()
    result = result_def(IndexType)

    assembly_format = "`(` $tile `)` $connections attr-dict"


@irdl_op_definition
class ConnectOp(AieOperation):
    """A circuit through a switch."""

    name = "aie.connect"

    source_bundle = prop_def(WireBundleAttr)
    source_channel = prop_def(IntegerAttr[I32])
    dest_bundle = prop_def(WireBundleAttr)
    dest_channel = prop_def(IntegerAttr[I32])

    assembly_format = (
        "`<` $source_bundle `:` $source_channel `,` $dest_bundle `:` $dest_channel `>` attr-dict"
    )


@irdl_op_definition
class AmselOp(AieOperation):
    """An arbiter of a switch with a master select value."""

    name = "aie.amsel"

    arbiter = prop_def(IntegerAttr[I8], prop_name="arbiterID")
    msel = prop_def(IntegerAttr[I8])
    result = result_def(IndexType)

    assembly_format = "`<` $arbiterID `>` `(` $msel `)` attr-dict"


@irdl_op_definition
class MasterSetOp(AieOperation):
    """The arbiters that feed an outgoing port of a switch."""

    name = "aie.masterset"

    dest_bundle = prop_def(WireBundleAttr)
    dest_channel = prop_def(IntegerAttr[I32])
    amsels = var_operand_def(IndexType)
    keep_pkt_header = opt_prop_def()
    result = result_def(IndexType)

    assembly_format = "`(` $dest_bundle `:` $dest_channel `,` $amsels `)` attr-dict"


@irdl_op_definition
class PacketRulesOp(AieOperation):
    """What a switch does with packets that enter at a port."""

    name = "aie.packet_rules"

    source_bundle = prop_def(WireBundleAttr)
    source_channel = prop_def(IntegerAttr[I32])
    rules = region_def()

    assembly_format = "`(` $source_bundle `:` $source_channel `)` $rules attr-dict"


@irdl_op_definition
class PacketRuleOp(AieOperation):
    """Packets whose id, masked, equals the value go to the arbiter."""

    name = "aie.rule"

    mask = prop_def(IntegerAttr[I8])
    value = prop_def(IntegerAttr[I8])
    amsel = operand_def(IndexType)

    assembly_format = "`(` $mask `,` $value `,` $amsel `)` attr-dict"


@irdl_op_definition
class WireOp(AieOperation):
    """Physical wires between two components; says nothing that the geometry does not."""

    name = "aie.wire"

    source = operand_def(IndexType)
    source_bundle = prop_def(WireBundleAttr)
    dest = operand_def(IndexType)
    dest_bundle = prop_def(WireBundleAttr)

    assembly_format = "`(` $source `:` $source_bundle `,` $dest `:` $dest_bundle `)` attr-dict"


@irdl_op_definition
class CascadeFlowOp(AieOperation):
    """A cascade stream between two neighbouring cores."""

    name = "aie.cascade_flow"

    source_tile = operand_def(IndexType)
    dest_tile = operand_def(IndexType)

    assembly_format = "`(` $source_tile `,` $dest_tile `)` attr-dict"


@irdl_op_definition
class ConfigureCascadeOp(AieOperation):
    """Where a core's cascade comes from and goes to."""

    name = "aie.configure_cascade"

    tile = operand_def(IndexType)
    input_dir = prop_def(CascadeSideAttr, prop_name="inputDir")
    output_dir = prop_def(CascadeSideAttr, prop_name="outputDir")

    assembly_format = "`(` $tile `,` $inputDir `,` $outputDir `)` attr-dict"


@irdl_op_definition
class GetStreamOp(AieOperation):
    """Reads a core's stream port."""

    name = "aie.get_stream"

    channel = operand_def()
    value = result_def()

    assembly_format = "`(` $channel `:` type($channel) `)` attr-dict `:` type($value)"


@irdl_op_definition
class PutStreamOp(AieOperation):
    """Writes a core's stream port."""

    name = "aie.put_stream"

    channel = operand_def()
    value = operand_def()

    assembly_format = "`(` $channel `:` type($channel) `,` $value `:` type($value) `)` attr-dict"


@irdl_op_definition
class GetCascadeOp(AieOperation):
    """Reads one value from the cascade."""

    name = "aie.get_cascade"

    value = result_def()

    assembly_format = "`(` `)` attr-dict `:` type($value)"


@irdl_op_definition
class PutCascadeOp(AieOperation):
    """Writes one value to the cascade."""

    name = "aie.put_cascade"

    value = operand_def()

    assembly_format = "`(` $value `:` type($value) `)` attr-dict"


OPERATIONS = [
    AmselOp,
    CascadeFlowOp,
    ConfigureCascadeOp,
    ConnectOp,
    FlowOp,
    GetCascadeOp,
    GetStreamOp,
    MasterSetOp,
    PacketDestOp,
    PacketFlowOp,
    PacketRuleOp,
    PacketRulesOp,
    PacketSourceOp,
    PutCascadeOp,
    PutStreamOp,
    ShimMuxOp,
    ShimSwitchboxOp,
    SwitchboxOp,
    WireOp,
]
