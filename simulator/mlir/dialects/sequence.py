"""Runtime sequence operations that move data: transfers, tasks and waits."""

from __future__ import annotations

from xdsl.dialects.builtin import (
    DenseArrayBase,
    IndexType,
    IntegerAttr,
    MemRefType,
    SymbolRefAttr,
    UnrankedMemRefType,
    i32,
    i64,
)
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    var_operand_def,
)
from xdsl.parser import Parser

from simulator.mlir.dialects.attributes import (
    ChannelDirection,
    ChannelDirectionAttr,
    PacketInfoAttr,
)
from simulator.mlir.dialects.syntax import (
    AieOperation,
    Attributes,
    parse_dict,
    parse_index_operand,
    parse_numbers,
)


@irdl_op_definition
class NpuDmaMemcpyNdOp(AieOperation):
    """Writes a shim buffer descriptor for a host buffer and starts it.

    ``(%buf[offsets][sizes][strides], packet = <..>) {id, metadata, issue_token} : memref<..>``
    with four numbers or values each, outermost dimension first, counted in elements.
    """

    name = "aiex.npu.dma_memcpy_nd"

    memref = operand_def(MemRefType | UnrankedMemRefType)
    offsets = var_operand_def()
    sizes = var_operand_def()
    strides = var_operand_def()
    static_offsets = prop_def(DenseArrayBase)
    static_sizes = prop_def(DenseArrayBase)
    static_strides = prop_def(DenseArrayBase)
    packet = opt_prop_def(PacketInfoAttr)
    metadata = opt_prop_def(SymbolRefAttr)
    id = opt_prop_def(IntegerAttr)
    issue_token = opt_prop_def(IntegerAttr)
    burst_length = opt_prop_def(IntegerAttr)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    @classmethod
    def parse(cls, parser: Parser) -> NpuDmaMemcpyNdOp:
        properties: Attributes = {}
        values: list[list[SSAValue]] = []
        with parser.in_parens():
            while parser.parse_optional_integer() is not None:  # coordinates, before 1.0
                parser.parse_punctuation(",")
            memref = parser.parse_unresolved_operand()
            for name in ("offsets", "sizes", "strides"):
                values.append([])
                numbers = parse_numbers(parser, values[-1])
                properties[f"static_{name}"] = DenseArrayBase.from_list(i64, numbers)
            if parser.parse_optional_punctuation(","):
                parser.parse_keyword("packet")
                parser.parse_punctuation("=")
                properties["packet"] = PacketInfoAttr(PacketInfoAttr.parse_parameter(parser))
        more, attributes = parse_dict(parser, cls)
        parser.parse_punctuation(":")
        buffer = parser.resolve_operand(memref, parser.parse_type())
        return cls.build(
            operands=[buffer, *values], properties=properties | more, attributes=attributes
        )


@irdl_op_definition
class NpuDmaWaitOp(AieOperation):
    """Waits for a completion token of the channel behind a name."""

    name = "aiex.npu.dma_wait"

    symbol = prop_def(SymbolRefAttr)

    assembly_format = "attr-dict"


@irdl_op_definition
class DmaConfigureTaskOp(AieOperation):
    """Writes a chain of buffer descriptors for a channel, without starting it."""

    name = "aiex.dma_configure_task"

    tile = operand_def(IndexType)
    direction = prop_def(ChannelDirectionAttr)
    channel = prop_def(IntegerAttr)
    packet = opt_prop_def(PacketInfoAttr)
    issue_token = opt_prop_def(IntegerAttr)
    repeat_count = opt_prop_def(IntegerAttr)
    repeat = opt_operand_def()
    bd_id = opt_operand_def()
    body = region_def()
    result = result_def(IndexType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    @classmethod
    def parse(cls, parser: Parser) -> DmaConfigureTaskOp:
        with parser.in_parens():
            tile = parse_index_operand(parser)
            parser.parse_punctuation(",")
            direction = parser.parse_str_enum(ChannelDirection)
            parser.parse_punctuation(",")
            properties: Attributes = {
                "direction": ChannelDirectionAttr(direction),
                "channel": IntegerAttr(parser.parse_integer(), i32),
            }
            if parser.parse_optional_punctuation(","):
                properties["packet"] = PacketInfoAttr(PacketInfoAttr.parse_parameter(parser))
        repeat = _parse_repeat(parser)
        bd_id = _parse_repeat(parser, "bd_id")
        body = parser.parse_region()
        more, attributes = parse_dict(parser, cls)
        return cls.build(
            operands=[tile, repeat, bd_id],
            properties=properties | more,
            attributes=attributes,
            regions=[body],
            result_types=[IndexType()],
        )


@irdl_op_definition
class DmaConfigureTaskForOp(AieOperation):
    """:class:`DmaConfigureTaskOp` for the shim channel behind a name."""

    name = "aiex.dma_configure_task_for"

    alloc = prop_def(SymbolRefAttr)
    issue_token = opt_prop_def(IntegerAttr)
    repeat_count = opt_prop_def(IntegerAttr)
    repeat = opt_operand_def()
    body = region_def()
    result = result_def(IndexType)

    @classmethod
    def parse(cls, parser: Parser) -> DmaConfigureTaskForOp:
        properties: Attributes = {"alloc": parser.parse_attribute()}
        repeat = _parse_repeat(parser)
        body = parser.parse_region()
        more, attributes = parse_dict(parser, cls)
        return cls.build(
            operands=[repeat],
            properties=properties | more,
            attributes=attributes,
            regions=[body],
            result_types=[IndexType()],
        )


def _parse_repeat(parser: Parser, keyword: str = "repeat") -> list[SSAValue]:
    """Parse ``repeat %n : i32``, or another keyword and value, if it is there."""
    if not parser.parse_optional_keyword(keyword):
        return []
    operand = parser.parse_unresolved_operand()
    parser.parse_punctuation(":")
    return [parser.resolve_operand(operand, parser.parse_type())]


@irdl_op_definition
class DmaStartTaskOp(AieOperation):
    """Pushes a configured task to its channel."""

    name = "aiex.dma_start_task"

    task = operand_def(IndexType)

    assembly_format = "`(` $task `)` attr-dict"


@irdl_op_definition
class DmaAwaitTaskOp(AieOperation):
    """Waits for a completion token of a task's channel."""

    name = "aiex.dma_await_task"

    task = operand_def(IndexType)

    assembly_format = "`(` $task `)` attr-dict"


@irdl_op_definition
class DmaFreeTaskOp(AieOperation):
    """Lets the buffer descriptors of a task be used again."""

    name = "aiex.dma_free_task"

    task = operand_def(IndexType)

    assembly_format = "`(` $task `)` attr-dict"


class _BdPoolOp(AieOperation):
    """An operation on the free buffer descriptors of a tile."""

    column = prop_def(IntegerAttr.constr(i32))
    row = prop_def(IntegerAttr.constr(i32))


@irdl_op_definition
class DmaBdPoolPopOp(_BdPoolOp):
    """Takes the number of a free buffer descriptor of a tile."""

    name = "aiex.dma_bd_pool_pop"

    bd_id = result_def()

    assembly_format = "`(` $column `,` $row `)` attr-dict `:` type($bd_id)"


@irdl_op_definition
class DmaBdPoolPushOp(_BdPoolOp):
    """Gives the number of a buffer descriptor back."""

    name = "aiex.dma_bd_pool_push"

    bd_id = operand_def()

    assembly_format = "`(` $column `,` $row `)` `bd_id` $bd_id attr-dict `:` type($bd_id)"


@irdl_op_definition
class DmaStartBdChainOp(AieOperation):
    """Configures and starts an ``aie.bd_chain`` on a channel."""

    name = "aiex.dma_start_bd_chain"

    symbol = prop_def(SymbolRefAttr)
    args = var_operand_def()
    tile = operand_def(IndexType)
    direction = prop_def(ChannelDirectionAttr)
    channel = prop_def(IntegerAttr)
    issue_token = opt_prop_def(IntegerAttr)
    repeat_count = opt_prop_def(IntegerAttr)
    result = result_def(IndexType)

    @classmethod
    def parse(cls, parser: Parser) -> DmaStartBdChainOp:
        symbol = parser.parse_attribute()
        arguments = parse_typed_arguments(parser)
        parser.parse_keyword("on")
        with parser.in_parens():
            tile = parse_index_operand(parser)
            parser.parse_punctuation(",")
            direction = parser.parse_str_enum(ChannelDirection)
            parser.parse_punctuation(",")
            channel = parser.parse_integer()
        more, attributes = parse_dict(parser, cls)
        properties: Attributes = {
            "symbol": symbol,
            "direction": ChannelDirectionAttr(direction),
            "channel": IntegerAttr(channel, i32),
        }
        return cls.build(
            operands=[arguments, tile],
            properties=properties | more,
            attributes=attributes,
            result_types=[IndexType()],
        )


@irdl_op_definition
class DmaStartBdChainForOp(AieOperation):
    """:class:`DmaStartBdChainOp` for the shim channel behind a name."""

    name = "aiex.dma_start_bd_chain_for"

    symbol = prop_def(SymbolRefAttr)
    args = var_operand_def()
    alloc = prop_def(SymbolRefAttr)
    issue_token = opt_prop_def(IntegerAttr)
    repeat_count = opt_prop_def(IntegerAttr)
    result = result_def(IndexType)

    @classmethod
    def parse(cls, parser: Parser) -> DmaStartBdChainForOp:
        properties: Attributes = {"symbol": parser.parse_attribute()}
        arguments = parse_typed_arguments(parser)
        parser.parse_keyword("for")
        properties["alloc"] = parser.parse_attribute()
        more, attributes = parse_dict(parser, cls)
        return cls.build(
            operands=[arguments],
            properties=properties | more,
            attributes=attributes,
            result_types=[IndexType()],
        )


def parse_typed_arguments(parser: Parser) -> list[SSAValue]:
    """Parse ``(%a, %b) : (type, type)``."""
    position = parser.pos
    operands = parser.parse_comma_separated_list(
        parser.Delimiter.PAREN, parser.parse_unresolved_operand
    )
    parser.parse_punctuation(":")
    types = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
    return list(parser.resolve_operands(operands, types, position))


OPERATIONS = [
    DmaAwaitTaskOp,
    DmaBdPoolPopOp,
    DmaBdPoolPushOp,
    DmaConfigureTaskForOp,
    DmaConfigureTaskOp,
    DmaFreeTaskOp,
    DmaStartBdChainForOp,
    DmaStartBdChainOp,
    DmaStartTaskOp,
    NpuDmaMemcpyNdOp,
    NpuDmaWaitOp,
]
