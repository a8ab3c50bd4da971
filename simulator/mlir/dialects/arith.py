"""The arith dialect, whose casts and comparisons xDSL reads of scalars only."""

from __future__ import annotations

import re
from typing import Self

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, VectorType, i1, i64
from xdsl.ir import Dialect, Operation
from xdsl.irdl import IRDLOperation
from xdsl.parser import Parser

_OF_VECTORS = re.compile(r"[^:\n]*:\s*vector<")


def _is_of_vectors(parser: Parser) -> bool:
    """Tell whether the type of the operation that is being read is a vector's."""
    span = parser._current_token.span
    return _OF_VECTORS.match(span.input.content, span.start) is not None


class _Cast(IRDLOperation):
    """``%x : vector<16xi8> to vector<16xi32>``."""

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        if not _is_of_vectors(parser):
            return super().parse(parser)
        operand = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        source = parser.resolve_operand(operand, parser.parse_type())
        parser.parse_keyword("to")
        return cls.build(
            operands=[source], attributes=attributes, result_types=[parser.parse_type()]
        )

    def verify_(self) -> None:
        if not isinstance(self.operands[0].type, VectorType):
            super().verify_()


class _Comparison(IRDLOperation):
    """``slt, %x, %y : vector<16xi32>``."""

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        if not _is_of_vectors(parser):
            return super().parse(parser)
        names = _INTEGER_PREDICATES if cls.name == "arith.cmpi" else _FLOAT_PREDICATES
        predicate = parser.parse_identifier()
        if predicate not in names:
            parser.raise_error(f"expected one of {', '.join(names)}")
        parser.parse_punctuation(",")
        left = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        right = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        position = parser.pos
        type_ = parser.parse_type()
        if not isinstance(type_, VectorType):
            parser.raise_error(f"expected a vector type, got {type_}")
        return cls.build(
            operands=parser.resolve_operands([left, right], [type_, type_], position),
            properties={"predicate": IntegerAttr(names.index(predicate), i64)},
            attributes=attributes,
            result_types=[VectorType(i1, type_.get_shape())],
        )

    def verify_(self) -> None:
        if not isinstance(self.operands[0].type, VectorType):
            super().verify_()


class _Select(IRDLOperation):
    """``%m, %x, %y : vector<16xi1>, vector<16xi32>``, or one i1 for whole vectors."""

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        if not _is_of_vectors(parser):
            return super().parse(parser)
        condition = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        left = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        right = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        position = parser.pos
        first = parser.parse_type()
        chosen = parser.parse_type() if parser.parse_optional_punctuation(",") else None
        types = [first, chosen, chosen] if chosen is not None else [i1, first, first]
        return cls.build(
            operands=parser.resolve_operands([condition, left, right], types, position),
            attributes=attributes,
            result_types=[types[1]],
        )

    def verify_(self) -> None:
        if not isinstance(self.operands[0].type, VectorType):
            super().verify_()


_INTEGER_PREDICATES = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
_ORDERED = ("eq", "gt", "ge", "lt", "le", "ne")
_FLOAT_PREDICATES = (
    "false",
    *(f"o{name}" for name in _ORDERED),
    "ord",
    *(f"u{name}" for name in _ORDERED),
    "uno",
    "true",
)

_CASTS: tuple[type[Operation], ...] = (
    arith.ExtFOp,
    arith.ExtSIOp,
    arith.ExtUIOp,
    arith.FPToSIOp,
    arith.FPToUIOp,
    arith.IndexCastOp,
    arith.SIToFPOp,
    arith.TruncFOp,
    arith.TruncIOp,
    arith.UIToFPOp,
)


def _widened(operation: type[Operation]) -> type[Operation]:
    """Return an operation that may be one on vectors too."""
    for kinds, mixin in (
        (_CASTS, _Cast),
        ((arith.CmpiOp, arith.CmpfOp), _Comparison),
        ((arith.SelectOp,), _Select),
    ):
        if operation in kinds:
            return type(operation.__name__, (mixin, operation), {})
    return operation


Arith = Dialect(
    "arith",
    [_widened(operation) for operation in arith.Arith.operations],
    list(arith.Arith.attributes),
)
