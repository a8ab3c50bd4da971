"""Runtime sequence operations that write registers, parameters and locks.

Numbers of these operations are attributes in older releases and SSA values since 1.4, so
each keeps its operands in a list and names them in `FIELDS`; :func:`field` finds a number
in either place.
"""

from __future__ import annotations

from typing import ClassVar, Self

from xdsl.dialects.builtin import (
    IndexType,
    IntegerAttr,
    MemRefType,
    SymbolRefAttr,
    i32,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    var_operand_def,
)
from xdsl.parser import Parser

from simulator.mlir.dialects.attributes import ChannelDirection, ChannelDirectionAttr
from simulator.mlir.dialects.sequence import parse_typed_arguments
from simulator.mlir.dialects.syntax import AieOperation, Attributes, parse_dict, resolve_known


class RegisterOperation(AieOperation):
    """``op(%a, %b) {attributes} : i32, i32``, or ``op {a = 1 : i32, b = 2 : i32}``."""

    FIELDS: ClassVar[tuple[str, ...]] = ()

    values = var_operand_def()

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        operands = parser.parse_optional_comma_separated_list(
            parser.Delimiter.PAREN, parser.parse_unresolved_operand
        )
        attributes = parser.parse_optional_attr_dict()
        values: list[SSAValue] = []
        if operands:
            position = parser.pos
            parser.parse_punctuation(":")
            types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
            values = list(parser.resolve_operands(operands, types, position))
        return cls.build(operands=[values], attributes=attributes)

    def field(self, name: str) -> SSAValue | Attribute | None:
        """Return the operand or attribute called `name`, None if there is neither."""
        if self.values and name in self.FIELDS:
            return self.values[self.FIELDS.index(name)]
        return self.attributes.get(name)


@irdl_op_definition
class NpuWrite32Op(RegisterOperation):
    """Writes a 32-bit register or memory word."""

    name = "aiex.npu.write32"
    FIELDS: ClassVar[tuple[str, ...]] = ("address", "value")


@irdl_op_definition
class NpuMaskWrite32Op(RegisterOperation):
    """Writes some bits of a 32-bit register."""

    name = "aiex.npu.maskwrite32"
    FIELDS: ClassVar[tuple[str, ...]] = ("address", "value", "mask")


@irdl_op_definition
class NpuSyncOp(RegisterOperation):
    """Waits for a completion token of a channel on each tile of a rectangle."""

    name = "aiex.npu.sync"
    FIELDS: ClassVar[tuple[str, ...]] = (
        "column",
        "row",
        "direction",
        "channel",
        "column_num",
        "row_num",
    )


@irdl_op_definition
class NpuWriteBdOp(RegisterOperation):
    """Writes every field of a buffer descriptor."""

    name = "aiex.npu.writebd"


@irdl_op_definition
class NpuAddressPatchOp(RegisterOperation):
    """Puts the address of a host buffer into a buffer descriptor."""

    name = "aiex.npu.address_patch"
    FIELDS: ClassVar[tuple[str, ...]] = ("arg_plus",)

    @classmethod
    def parse(cls, parser: Parser) -> NpuAddressPatchOp:
        values: list[SSAValue] = []
        if parser.parse_optional_punctuation("("):
            operand = parser.parse_unresolved_operand()
            parser.parse_punctuation(":")
            values.append(parser.resolve_operand(operand, parser.parse_type()))
            parser.parse_punctuation(")")
        return cls.build(operands=[values], attributes=parser.parse_optional_attr_dict())


@irdl_op_definition
class NpuPreemptOp(RegisterOperation):
    """Lets other work interrupt the sequence here."""

    name = "aiex.npu.preempt"


@irdl_op_definition
class NpuLoadPdiOp(RegisterOperation):
    """Loads another configuration of the device."""

    name = "aiex.npu.load_pdi"


@irdl_op_definition
class NpuCreateScratchpadOp(RegisterOperation):
    """Makes a scratchpad that the command processor reads."""

    name = "aiex.npu.create_scratchpad"


@irdl_op_definition
class ControlPacketOp(RegisterOperation):
    """A packet that writes registers through the stream network."""

    name = "aiex.control_packet"


@irdl_op_definition
class NpuPushQueueOp(AieOperation):
    """Pushes a buffer descriptor to a channel: ``(0, 0, MM2S : 0) bd_id %bd repeat %n``."""

    name = "aiex.npu.push_queue"

    column = prop_def(IntegerAttr)
    row = prop_def(IntegerAttr)
    direction = prop_def(ChannelDirectionAttr)
    channel = prop_def(IntegerAttr)
    issue_token = opt_prop_def()
    repeat_count = opt_prop_def()
    bd_id = opt_prop_def()
    values = var_operand_def()

    @classmethod
    def parse(cls, parser: Parser) -> NpuPushQueueOp:
        properties: Attributes = {}
        with parser.in_parens():
            for name in ("column", "row"):
                properties[name] = IntegerAttr(parser.parse_integer(), i32)
                parser.parse_punctuation(",")
            properties["direction"] = ChannelDirectionAttr(parser.parse_str_enum(ChannelDirection))
            parser.parse_punctuation(":")
            properties["channel"] = IntegerAttr(parser.parse_integer(), i32)
        operands = []
        if parser.parse_optional_keyword("bd_id"):
            operands.append(parser.parse_unresolved_operand())
            parser.parse_keyword("repeat")
            operands.append(parser.parse_unresolved_operand())
        more, attributes = parse_dict(parser, cls)
        if operands:
            parser.parse_punctuation(":")
            parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        values = [resolve_known(parser, operand) for operand in operands]
        return cls.build(operands=[values], properties=properties | more, attributes=attributes)


@irdl_op_definition
class NpuBlockWriteOp(AieOperation):
    """Writes consecutive words from a constant."""

    name = "aiex.npu.blockwrite"

    data = operand_def(MemRefType)
    address = opt_prop_def(IntegerAttr)
    buffer = opt_prop_def(SymbolRefAttr)
    column = opt_prop_def(IntegerAttr)
    row = opt_prop_def(IntegerAttr)

    assembly_format = "`(` $data `)` attr-dict `:` type($data)"


@irdl_op_definition
class NpuRtpWriteOp(AieOperation):
    """Writes a runtime parameter: ``(@buffer, index, value)``, the value a number or %value."""

    name = "aiex.npu.rtp_write"

    buffer = prop_def(SymbolRefAttr)
    index = prop_def(IntegerAttr)
    value = opt_prop_def(IntegerAttr)
    values = var_operand_def()

    @classmethod
    def parse(cls, parser: Parser) -> NpuRtpWriteOp:
        properties: Attributes = {}
        operand = None
        with parser.in_parens():
            properties["buffer"] = SymbolRefAttr(parser.parse_symbol_name())
            parser.parse_punctuation(",")
            properties["index"] = IntegerAttr(parser.parse_integer(), i32)
            parser.parse_punctuation(",")
            operand = parser.parse_optional_unresolved_operand()
            if operand is None:
                properties["value"] = IntegerAttr(parser.parse_integer(), i32)
        attributes = parser.parse_optional_attr_dict()
        values: list[SSAValue] = []
        if operand is not None:
            parser.parse_punctuation(":")
            values.append(parser.resolve_operand(operand, parser.parse_type()))
        return cls.build(operands=[values], properties=properties, attributes=attributes)


@irdl_op_definition
class SetLockOp(AieOperation):
    """Sets a lock to a value."""

    name = "aiex.set_lock"

    lock = operand_def(IndexType)
    value = prop_def(IntegerAttr.constr(i32))

    assembly_format = "`(` $lock `,` $value `)` attr-dict"


@irdl_op_definition
class BufferClearOp(AieOperation):
    """Zeroes words of a tile's memory: ``(%tile, word offset, words)``."""

    name = "aiex.buffer_clear"

    tile = operand_def(IndexType)
    offset = prop_def(IntegerAttr.constr(i32))
    words = prop_def(IntegerAttr.constr(i32))

    assembly_format = "`(` $tile `,` $offset `,` $words `)` attr-dict"


@irdl_op_definition
class CoreResetOp(AieOperation):
    """Starts a core's program anew."""

    name = "aiex.core_reset"

    tile = operand_def(IndexType)

    assembly_format = "`(` $tile `)` attr-dict"


@irdl_op_definition
class DmaChannelResetOp(AieOperation):
    """Empties a DMA channel's queue."""

    name = "aiex.dma_channel_reset"

    tile = operand_def(IndexType)
    direction = prop_def(ChannelDirectionAttr)
    channel = prop_def(IntegerAttr.constr(i32))

    assembly_format = "`(` $tile `,` $direction `,` $channel `)` attr-dict"


@irdl_op_definition
class DmaChannelResetForOp(AieOperation):
    """Resets the channels of an objectFifo and arms them again."""

    name = "aiex.dma_channel_reset_for"

    fifo = prop_def(SymbolRefAttr)

    assembly_format = "`(` $fifo `)` attr-dict"


@irdl_op_definition
class ConfigureOp(AieOperation):
    """Loads another device's configuration, then runs the sequences inside."""

    name = "aiex.configure"

    symbol = prop_def(SymbolRefAttr)
    body = region_def()

    assembly_format = "$symbol $body attr-dict"


@irdl_op_definition
class RunOp(AieOperation):
    """Plays another runtime sequence."""

    name = "aiex.run"

    sequence = prop_def(SymbolRefAttr)
    args = var_operand_def()

    @classmethod
    def parse(cls, parser: Parser) -> RunOp:
        sequence = parser.parse_attribute()
        arguments = parse_typed_arguments(parser)
        attributes = parser.parse_optional_attr_dict()
        return cls.build(
            operands=[arguments], properties={"sequence": sequence}, attributes=attributes
        )


OPERATIONS = [
    BufferClearOp,
    ConfigureOp,
    ControlPacketOp,
    CoreResetOp,
    DmaChannelResetForOp,
    DmaChannelResetOp,
    NpuAddressPatchOp,
    NpuBlockWriteOp,
    NpuCreateScratchpadOp,
    NpuLoadPdiOp,
    NpuMaskWrite32Op,
    NpuPreemptOp,
    NpuPushQueueOp,
    NpuRtpWriteOp,
    NpuSyncOp,
    NpuWrite32Op,
    NpuWriteBdOp,
    RunOp,
    SetLockOp,
]
