"""The vector dialect, with operations that xDSL lacks."""

from __future__ import annotations

from xdsl.dialects.builtin import VectorType
from xdsl.dialects.vector import Vector as UpstreamVector
from xdsl.ir import Dialect
from xdsl.irdl import irdl_op_definition, operand_def, result_def
from xdsl.parser import Parser

from simulator.mlir.dialects.syntax import AieOperation


@irdl_op_definition
class SplatOp(AieOperation):
    """A vector whose elements are all one number; later releases write ``vector.broadcast``."""

    name = "vector.splat"

    input = operand_def()
    aggregate = result_def(VectorType)

    @classmethod
    def parse(cls, parser: Parser) -> SplatOp:
        unresolved = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        result = parser.parse_type()
        if not isinstance(result, VectorType):
            parser.raise_error(f"expected a vector type, got {result}")
        source = parser.resolve_operand(unresolved, result.get_element_type())
        return cls.build(operands=[source], attributes=attributes, result_types=[result])


@irdl_op_definition
class ShapeCastOp(AieOperation):
    """The same elements in another shape."""

    name = "vector.shape_cast"

    source = operand_def(VectorType)
    result = result_def(VectorType)

    assembly_format = "$source attr-dict `:` type($source) `to` type($result)"


Vector = Dialect(
    "vector",
    [*UpstreamVector.operations, SplatOp, ShapeCastOp],
    list(UpstreamVector.attributes),
)
