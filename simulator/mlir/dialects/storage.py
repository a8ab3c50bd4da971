"""What a tile stores: buffers and locks."""

from __future__ import annotations

from xdsl.dialects.builtin import I32, IndexType, IntegerAttr, MemRefType, StringAttr, i32
from xdsl.ir import SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
)
from xdsl.parser import Parser

from simulator.mlir.dialects.attributes import (
    LockActionAttr,
    LockActionKind,
    LockBlockingAttr,
    LockBlockingKind,
)
from simulator.mlir.dialects.initial import parse_initial_value
from simulator.mlir.dialects.syntax import (
    DYNAMIC,
    AieOperation,
    Attributes,
    parse_dict,
    parse_index_operand,
    parse_number,
)


@irdl_op_definition
class BufferOp(AieOperation):
    """A named range of a tile's memory."""

    name = "aie.buffer"

    tile = operand_def(IndexType)
    sym_name = opt_prop_def(StringAttr)
    address = opt_prop_def(IntegerAttr)
    mem_bank = opt_prop_def(IntegerAttr)
    initial_value = opt_prop_def()
    buffer = result_def(MemRefType)

    @classmethod
    def parse(cls, parser: Parser) -> BufferOp:
        with parser.in_parens():
            tile = parse_index_operand(parser)
        properties, attributes = parse_dict(parser, cls)
        parser.parse_punctuation(":")
        memref = parser.parse_type()
        if not isinstance(memref, MemRefType):
            parser.raise_error(f"expected a memref type, got {memref}")
        if parser.parse_optional_punctuation("="):
            properties["initial_value"] = parse_initial_value(parser, memref)
        return cls.build(
            operands=[tile],
            properties=properties,
            attributes=attributes,
            result_types=[memref],
        )


@irdl_op_definition
class ExternalBufferOp(AieOperation):
    """A buffer in host memory."""

    name = "aie.external_buffer"

    sym_name = opt_prop_def(StringAttr)
    address = opt_prop_def(IntegerAttr)
    buffer = result_def(MemRefType)

    assembly_format = "attr-dict `:` type($buffer)"


@irdl_op_definition
class LockOp(AieOperation):
    """A counting semaphore of a tile; its number may be left to the compiler."""

    name = "aie.lock"

    tile = operand_def(IndexType)
    lockID = opt_prop_def(IntegerAttr[I32])  # noqa: N815 - the attribute's name in designs
    init = opt_prop_def(IntegerAttr)
    sym_name = opt_prop_def(StringAttr)
    result = result_def(IndexType)

    assembly_format = "`(` $tile (`,` $lockID^)? `)` attr-dict"


@irdl_op_definition
class UseLockOp(AieOperation):
    """Acquire or release a lock, in a core or around a DMA transfer."""

    name = "aie.use_lock"

    lock = operand_def(IndexType)
    action = prop_def(LockActionAttr)
    value = opt_prop_def(IntegerAttr)
    count = opt_operand_def()
    blocking = opt_prop_def(LockBlockingAttr)
    acq_en = opt_prop_def()

    @classmethod
    def parse(cls, parser: Parser) -> UseLockOp:
        """Parse ``(%lock, AcquireGreaterEqual, 1)``; the count may be an SSA value (1.4)."""
        count: list[SSAValue] = []
        with parser.in_parens():
            lock = parse_index_operand(parser)
            parser.parse_punctuation(",")
            action = LockActionAttr(parser.parse_str_enum(LockActionKind))
            properties: Attributes = {"action": action}
            while parser.parse_optional_punctuation(","):
                blocking = parser.parse_optional_str_enum(LockBlockingKind)
                if blocking is not None:
                    properties["blocking"] = LockBlockingAttr(blocking)
                elif (value := parse_number(parser, count)) != DYNAMIC:
                    properties["value"] = IntegerAttr(value, i32)
        more, attributes = parse_dict(parser, cls)
        return cls.build(
            operands=[lock, count], properties=properties | more, attributes=attributes
        )


OPERATIONS = [BufferOp, ExternalBufferOp, LockOp, UseLockOp]
