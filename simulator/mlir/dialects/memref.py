"""The memref dialect, with the custom syntax that xDSL lacks for some of its operations."""

from __future__ import annotations

from xdsl.dialects.builtin import (
    MemRefType,
    StringAttr,
    SymbolNameConstraint,
    UnitAttr,
    UnrankedMemRefType,
)
from xdsl.dialects.memref import MemRef as UpstreamMemRef
from xdsl.ir import Dialect
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.traits import SymbolOpInterface

from simulator.mlir.dialects.initial import parse_initial_value
from simulator.mlir.dialects.syntax import AieOperation, Attributes


@irdl_op_definition
class GlobalOp(AieOperation):
    """A constant or variable: ``memref.global "private" constant @x : memref<..> = dense<..>``."""

    name = "memref.global"

    sym_name = prop_def(SymbolNameConstraint())
    sym_visibility = opt_prop_def(StringAttr)
    type = prop_def()
    initial_value = opt_prop_def()
    constant = opt_prop_def(UnitAttr)
    alignment = opt_prop_def()
    traits = traits_def(SymbolOpInterface())

    @classmethod
    def parse(cls, parser: Parser) -> GlobalOp:
        properties: Attributes = {}
        visibility = parser.parse_optional_str_literal()
        if visibility is not None:
            properties["sym_visibility"] = StringAttr(visibility)
        if parser.parse_optional_keyword("constant"):
            properties["constant"] = UnitAttr()
        properties["sym_name"] = parser.parse_symbol_name()
        parser.parse_punctuation(":")
        memref = parser.parse_type()
        if not isinstance(memref, MemRefType):
            parser.raise_error(f"expected a memref type, got {memref}")
        properties["type"] = memref
        if parser.parse_optional_punctuation("="):
            uninitialized = parser.parse_optional_keyword("uninitialized")
            if uninitialized is None:
                properties["initial_value"] = parse_initial_value(parser, memref)
        return cls.build(properties=properties, attributes=parser.parse_optional_attr_dict())


@irdl_op_definition
class CopyOp(AieOperation):
    """Copies one memref to another."""

    name = "memref.copy"

    source = operand_def(MemRefType | UnrankedMemRefType)
    destination = operand_def(MemRefType | UnrankedMemRefType)

    assembly_format = "$source `,` $destination attr-dict `:` type($source) `to` type($destination)"


@irdl_op_definition
class CastOp(AieOperation):
    """The same memory as another memref type."""

    name = "memref.cast"

    source = operand_def(MemRefType | UnrankedMemRefType)
    dest = result_def()

    assembly_format = "$source attr-dict `:` type($source) `to` type($dest)"


_REPLACED = {operation.name: operation for operation in (CastOp, CopyOp, GlobalOp)}

MemRef = Dialect(
    "memref",
    [_REPLACED.get(operation.name, operation) for operation in UpstreamMemRef.operations],
    list(UpstreamMemRef.attributes),
)
