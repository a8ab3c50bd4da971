"""DMA engines: channels, buffer descriptors and their chains."""

from __future__ import annotations

from xdsl.dialects.builtin import (
    I32,
    IndexType,
    IntegerAttr,
    MemRefType,
    StringAttr,
    SymbolNameConstraint,
    UnrankedMemRefType,
)
from xdsl.dialects.builtin import i1 as bit
from xdsl.ir import SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    successor_def,
    traits_def,
    var_operand_def,
    var_region_def,
)
from xdsl.parser import Parser
from xdsl.traits import IsTerminator, SymbolOpInterface

from simulator.mlir.dialects.attributes import (
    BdIterationAttr,
    ChannelDirection,
    ChannelDirectionAttr,
    DimLayoutArrayAttr,
    PacketInfoAttr,
    PadLayoutArrayAttr,
)
from simulator.mlir.dialects.syntax import AieOperation, Attributes, parse_dict
from simulator.mlir.dialects.transfer import parse_transfer


@irdl_op_definition
class MemOp(AieOperation):
    """The DMA program of a core tile."""

    name = "aie.mem"

    tile = operand_def(IndexType)
    body = region_def()
    result = result_def(IndexType)

    assembly_format = "`(` $tile `)` $body attr-dict"


@irdl_op_definition
class MemTileDmaOp(AieOperation):
    """The DMA program of a memory tile."""

    name = "aie.memtile_dma"

    tile = operand_def(IndexType)
    body = region_def()
    result = result_def(IndexType)

    assembly_format = "`(` $tile `)` $body attr-dict"


@irdl_op_definition
class ShimDmaOp(AieOperation):
    """The DMA program of a shim tile, where it does not come from the runtime sequence."""

    name = "aie.shim_dma"

    tile = operand_def(IndexType)
    body = region_def()
    result = result_def(IndexType)

    assembly_format = "`(` $tile `)` $body attr-dict"


@irdl_op_definition
class DmaStartOp(AieOperation):
    """Starts a channel with the chain at `dest`, then goes on at `chain`."""

    name = "aie.dma_start"

    channel_dir = prop_def(ChannelDirectionAttr)
    channel_index = prop_def(IntegerAttr[I32])
    repeat_count = opt_prop_def(IntegerAttr[I32])
    pad_value = opt_prop_def(IntegerAttr)
    result = result_def(bit)
    dest = successor_def()
    chain = successor_def()
    traits = traits_def(IsTerminator())

    assembly_format = (
        "`(` $channel_dir `,` $channel_index `,` $dest `,` $chain"
        " (`,` `repeat_count` `=` $repeat_count^)? `)` attr-dict"
    )


@irdl_op_definition
class DmaOp(AieOperation):
    """A channel with its buffer descriptors as regions, executed in turn."""

    name = "aie.dma"

    channel_dir = prop_def(ChannelDirectionAttr)
    channel_index = prop_def(IntegerAttr[I32])
    loop = opt_prop_def()
    repeat_count = opt_prop_def(IntegerAttr)
    pad_value = opt_prop_def(IntegerAttr)
    sym_name = opt_prop_def(StringAttr)
    bds = var_region_def()
    result = result_def(bit)

    @classmethod
    def parse(cls, parser: Parser) -> DmaOp:
        with parser.in_parens():
            direction = parser.parse_str_enum(ChannelDirection)
            parser.parse_punctuation(",")
            channel = parser.parse_integer()
        more, attributes = parse_dict(parser, cls)
        regions = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_region)
        properties: Attributes = {
            "channel_dir": ChannelDirectionAttr(direction),
            "channel_index": IntegerAttr(channel, 32),
        }
        return cls.build(
            properties=properties | more,
            attributes=attributes,
            regions=[regions],
            result_types=[bit],
        )


@irdl_op_definition
class DmaBdOp(AieOperation):
    """One transfer; offset, length, sizes and strides count elements of the memref.

    Releases before 1.4 give them by position, ``(%buf : memref<..>, 0, 64, [<4, 16>, ..],
    [<before, after>, ..])``; later ones by name, ``(%buf : memref<..> offset = 0 len = %n
    sizes = [4, %m] strides = [16, 1] pad [<..>])``, where numbers may be SSA values.
    """

    name = "aie.dma_bd"

    buffer = operand_def(MemRefType | UnrankedMemRefType)
    values = var_operand_def()
    offset = opt_prop_def(IntegerAttr)
    len = opt_prop_def(IntegerAttr)
    dimensions = opt_prop_def(DimLayoutArrayAttr)
    pad_dimensions = opt_prop_def(PadLayoutArrayAttr)
    pad_value = opt_prop_def(IntegerAttr)
    iteration = opt_prop_def(BdIterationAttr)
    bd_id = opt_prop_def(IntegerAttr)
    packet = opt_prop_def(PacketInfoAttr)
    burst_length = opt_prop_def(IntegerAttr)
    next_bd_id = opt_prop_def(IntegerAttr)

    @classmethod
    def parse(cls, parser: Parser) -> DmaBdOp:
        with parser.in_parens():
            unresolved = parser.parse_unresolved_operand()
            parser.parse_punctuation(":")
            buffer = parser.resolve_operand(unresolved, parser.parse_type())
            values: list[SSAValue] = []
            properties = parse_transfer(parser, values)
        more, attributes = parse_dict(parser, cls)
        return cls.build(
            operands=[buffer, values], properties=properties | more, attributes=attributes
        )


@irdl_op_definition
class DmaBdPacketOp(AieOperation):
    """The packet header that the next ``aie.dma_bd`` sends: type and id."""

    name = "aie.dma_bd_packet"

    packet_type = prop_def(IntegerAttr[I32])
    packet_id = prop_def(IntegerAttr[I32])

    assembly_format = "`(` $packet_type `,` $packet_id `)` attr-dict"


@irdl_op_definition
class NextBdOp(AieOperation):
    """Goes on with the buffer descriptor of another block."""

    name = "aie.next_bd"

    dest = successor_def()
    traits = traits_def(IsTerminator())

    assembly_format = "$dest attr-dict"


@irdl_op_definition
class ShimDmaAllocationOp(AieOperation):
    """A name for a shim DMA channel, for the runtime sequence to use.

    ``@name (%tile, MM2S, 0)``; releases before 1.1 give the column: ``@name (MM2S, 0, 2)``.
    """

    name = "aie.shim_dma_allocation"

    sym_name = prop_def(SymbolNameConstraint())
    tile = opt_operand_def(IndexType)
    col = opt_prop_def(IntegerAttr)
    channel_dir = prop_def(ChannelDirectionAttr)
    channel_index = prop_def(IntegerAttr)
    plio = opt_prop_def()
    packet = opt_prop_def(PacketInfoAttr)
    traits = traits_def(SymbolOpInterface())

    @classmethod
    def parse(cls, parser: Parser) -> ShimDmaAllocationOp:
        properties: Attributes = {"sym_name": parser.parse_symbol_name()}
        with parser.in_parens():
            tile = parser.parse_optional_unresolved_operand()
            if tile is not None:
                parser.parse_punctuation(",")
            direction = parser.parse_str_enum(ChannelDirection)
            properties["channel_dir"] = ChannelDirectionAttr(direction)
            parser.parse_punctuation(",")
            properties["channel_index"] = IntegerAttr(parser.parse_integer(), 64)
            if parser.parse_optional_punctuation(","):
                if tile is None:
                    properties["col"] = IntegerAttr(parser.parse_integer(), 64)
                else:
                    packet = PacketInfoAttr.parse_parameter(parser)
                    properties["packet"] = PacketInfoAttr(packet)
        more, attributes = parse_dict(parser, cls)
        tiles = [] if tile is None else [parser.resolve_operand(tile, IndexType())]
        return cls.build(operands=[tiles], properties=properties | more, attributes=attributes)


OPERATIONS = [
    DmaBdOp,
    DmaBdPacketOp,
    DmaOp,
    DmaStartOp,
    MemOp,
    MemTileDmaOp,
    NextBdOp,
    ShimDmaAllocationOp,
    ShimDmaOp,
]
