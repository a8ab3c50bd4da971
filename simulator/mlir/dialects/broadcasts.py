"""Packet broadcasts of the aiex dialect, which older designs use."""

from __future__ import annotations

from xdsl.dialects.builtin import I8, I32, IndexType, IntegerAttr
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, region_def

from simulator.mlir.dialects.attributes import WireBundleAttr
from simulator.mlir.dialects.syntax import AieOperation


@irdl_op_definition
class MulticastOp(AieOperation):
    """A circuit-switched stream from one port to several."""

    name = "aiex.multicast"

    tile = operand_def(IndexType)
    bundle = prop_def(WireBundleAttr)
    channel = prop_def(IntegerAttr[I32])
    ports = region_def()

    assembly_format = "`(` $tile `,` $bundle `:` $channel `)` $ports attr-dict"


@irdl_op_definition
class MultiDestOp(AieOperation):
    """A destination of the surrounding multicast."""

    name = "aiex.multi_dest"

    tile = operand_def(IndexType)
    bundle = prop_def(WireBundleAttr)
    channel = prop_def(IntegerAttr[I32])

    assembly_format = "`<` $tile `,` $bundle `:` $channel `>` attr-dict"


@irdl_op_definition
class BroadcastPacketOp(AieOperation):
    """Packet flows from one port, one for each id."""

    name = "aiex.broadcast_packet"

    tile = operand_def(IndexType)
    bundle = prop_def(WireBundleAttr)
    channel = prop_def(IntegerAttr[I32])
    ports = region_def()

    assembly_format = "`(` $tile `,` $bundle `:` $channel `)` $ports attr-dict"


@irdl_op_definition
class BroadcastIdOp(AieOperation):
    """The destinations of one packet id."""

    name = "aiex.bp_id"

    ID = prop_def(IntegerAttr[I8])
    ports = region_def()

    assembly_format = "`(` $ID `)` $ports attr-dict"


@irdl_op_definition
class BroadcastDestOp(AieOperation):
    """A destination of the surrounding packet id."""

    name = "aiex.bp_dest"

    tile = operand_def(IndexType)
    bundle = prop_def(WireBundleAttr)
    channel = prop_def(IntegerAttr[I32])

    assembly_format = "`<` $tile `,` $bundle `:` $channel `>` attr-dict"


OPERATIONS = [BroadcastDestOp, BroadcastIdOp, BroadcastPacketOp, MultiDestOp, MulticastOp]
