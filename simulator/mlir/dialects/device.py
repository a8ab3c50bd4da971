"""The frame of a design: device, tiles, cores."""

from __future__ import annotations

from typing import Self

from xdsl.dialects.builtin import I32, IndexType, IntegerAttr, StringAttr, SymbolNameConstraint
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.traits import IsTerminator, OptionalSymbolOpInterface, SymbolOpInterface, SymbolTable

from simulator.mlir.dialects.attributes import LogicalTileKind, LogicalTileKindAttr
from simulator.mlir.dialects.syntax import AieOperation, Attributes


@irdl_op_definition
class DeviceOp(AieOperation):
    """A design for one device: ``aie.device(npu1) @name { ... }``."""

    name = "aie.device"

    device = prop_def(StringAttr)
    sym_name = opt_prop_def(StringAttr)
    body = region_def()
    traits = traits_def(SymbolTable())

    @classmethod
    def parse(cls, parser: Parser) -> DeviceOp:
        with parser.in_parens():
            device = parser.parse_identifier_or_str_literal()
        properties: Attributes = {"device": StringAttr(device)}
        symbol = parser.parse_optional_symbol_name()
        if symbol is not None:
            properties["sym_name"] = symbol
        region = parser.parse_region()
        attributes = parser.parse_optional_attr_dict()
        return cls.build(properties=properties, attributes=attributes, regions=[region])


@irdl_op_definition
class TileOp(AieOperation):
    """A tile of the array, by column and row."""

    name = "aie.tile"

    col = prop_def(IntegerAttr[I32])
    row = prop_def(IntegerAttr[I32])
    allocation_scheme = opt_prop_def(StringAttr)
    result = result_def(IndexType)

    assembly_format = "`(` $col `,` $row `)` attr-dict"


@irdl_op_definition
class LogicalTileOp(AieOperation):
    """A tile that a placer may put anywhere: ``aie.logical_tile<CoreTile>(?, 2)``."""

    name = "aie.logical_tile"

    kind = prop_def(LogicalTileKindAttr)
    col = opt_prop_def(IntegerAttr[I32])
    row = opt_prop_def(IntegerAttr[I32])
    allocation_scheme = opt_prop_def(StringAttr)
    result = result_def(IndexType)

    @classmethod
    def parse(cls, parser: Parser) -> LogicalTileOp:
        with parser.in_angle_brackets():
            kind = parser.parse_str_enum(LogicalTileKind)
        properties: Attributes = {"kind": LogicalTileKindAttr(kind)}
        with parser.in_parens():
            for name in ("col", "row"):
                if name == "row":
                    parser.parse_punctuation(",")
                if not parser.parse_optional_punctuation("?"):
                    properties[name] = IntegerAttr(parser.parse_integer(), 32)
        attributes = parser.parse_optional_attr_dict()
        return cls.build(properties=properties, attributes=attributes, result_types=[IndexType()])


@irdl_op_definition
class EndOp(AieOperation):
    """The end of a region."""

    name = "aie.end"

    traits = traits_def(IsTerminator())

    assembly_format = "attr-dict"


@irdl_op_definition
class CoreOp(AieOperation):
    """The program of a tile's core."""

    name = "aie.core"

    tile = operand_def(IndexType)
    stack_size = opt_prop_def(IntegerAttr)
    link_with = opt_prop_def(StringAttr)
    link_files = opt_prop_def()
    elf_file = opt_prop_def(StringAttr)
    dynamic_objfifo_lowering = opt_prop_def()
    body = region_def()
    result = result_def(IndexType)

    assembly_format = "`(` $tile `)` $body attr-dict"


@irdl_op_definition
class DebugOp(AieOperation):
    """A value that a designer wants to see."""

    name = "aie.debug"

    value = operand_def()

    assembly_format = "`(` $value `:` type($value) `)` attr-dict"


@irdl_op_definition
class EventOp(AieOperation):
    """An event instruction of a core, for the trace unit."""

    name = "aie.event"

    val = prop_def(IntegerAttr[I32])

    assembly_format = "`(` $val `)` attr-dict"


@irdl_op_definition
class PlioOp(AieOperation):
    """A stream port to programmable logic, which a Phoenix does not have."""

    name = "aie.plio"

    col = prop_def(IntegerAttr[I32])
    result = result_def(IndexType)

    assembly_format = "`(` $col `)` attr-dict"


@irdl_op_definition
class BdChainOp(AieOperation):
    """A chain of buffer descriptors with placeholders for buffers and locks."""

    name = "aie.bd_chain"

    sym_name = prop_def(SymbolNameConstraint())
    body = region_def()
    traits = traits_def(SymbolOpInterface())

    @classmethod
    def parse(cls, parser: Parser) -> BdChainOp:
        symbol = parser.parse_symbol_name()
        arguments = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_argument)
        region = parser.parse_region(arguments)
        return cls.build(properties={"sym_name": symbol}, regions=[region])


class RuntimeSequence(AieOperation):
    """What the host's command processor does in one run of the design.

    ``aie.runtime_sequence @name(%in: memref<64xi32>, ...) { ... }``; the name is optional.
    """

    sym_name = opt_prop_def(StringAttr)
    body = region_def()
    traits = traits_def(OptionalSymbolOpInterface())

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        symbol = parser.parse_optional_symbol_name()
        properties: Attributes = {} if symbol is None else {"sym_name": symbol}
        arguments = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_argument)
        attributes = {}
        if parser.parse_optional_keyword("attributes"):
            attributes = parser.parse_optional_attr_dict()
        region = parser.parse_region(arguments)
        attributes |= parser.parse_optional_attr_dict()
        return cls.build(properties=properties, attributes=attributes, regions=[region])


@irdl_op_definition
class RuntimeSequenceOp(RuntimeSequence):
    """The runtime sequence as mlir-aie spells it since 1.2."""

    name = "aie.runtime_sequence"


@irdl_op_definition
class OldRuntimeSequenceOp(RuntimeSequence):
    """The runtime sequence as earlier releases spell it."""

    name = "aiex.runtime_sequence"


OPERATIONS = [
    BdChainOp,
    CoreOp,
    DebugOp,
    DeviceOp,
    EndOp,
    EventOp,
    LogicalTileOp,
    OldRuntimeSequenceOp,
    PlioOp,
    RuntimeSequenceOp,
    TileOp,
]
