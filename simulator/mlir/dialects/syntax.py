"""Small pieces of MLIR syntax that several custom operation formats share."""

from __future__ import annotations

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import IRDLOperation, IRDLOption, ParsePropInAttrDict
from xdsl.parser import Parser, UnresolvedOperand

Attributes = dict[str, Attribute]


class AieOperation(IRDLOperation):
    """An operation of the aie or aiex dialect; ``{...}`` may hold any of its properties."""

    irdl_options: tuple[IRDLOption, ...] = (ParsePropInAttrDict(),)


def parse_index_operand(parser: Parser) -> SSAValue:
    """Parse an SSA value of type index: a tile, a lock, a task."""
    return parser.resolve_operand(parser.parse_unresolved_operand(), IndexType())


def parse_index_operands(parser: Parser) -> list[SSAValue]:
    """Parse comma-separated values of type index, at least one."""
    return parser.parse_comma_separated_list(
        parser.Delimiter.NONE, lambda: parse_index_operand(parser)
    )


DYNAMIC = -(2**63)
"""Stands in a static list where the number is an SSA value, as in MLIR."""


def parse_number(parser: Parser, values: list[SSAValue]) -> int:
    """Parse a number, or an SSA value: then append it to `values` and return `DYNAMIC`."""
    operand = parser.parse_optional_unresolved_operand()
    if operand is None:
        number = parser.parse_integer(allow_boolean=False)
        if not DYNAMIC < number < -DYNAMIC:
            parser.raise_error(f"{number} does not fit into 64 bits")
        return number
    values.append(resolve_known(parser, operand))
    return DYNAMIC


def parse_numbers(parser: Parser, values: list[SSAValue]) -> list[int]:
    """Parse ``[0, %a, 4]`` into numbers, with `DYNAMIC` for what goes to `values`."""
    return parser.parse_comma_separated_list(
        parser.Delimiter.SQUARE, lambda: parse_number(parser, values)
    )


def resolve_known(parser: Parser, operand: UnresolvedOperand) -> SSAValue:
    """Resolve an operand whose type its definition, which must come before, has told."""
    known = parser.ssa_values.get(operand.operand_name)
    if known is None or operand.index >= len(known):
        parser.raise_error(f"%{operand.operand_name} is not defined", operand.span)
    return known[operand.index]


def parse_dict(parser: Parser, op: type[IRDLOperation]) -> tuple[Attributes, Attributes]:
    """Parse an optional ``{...}`` and tell the properties of `op` from other attributes."""
    entries = parser.parse_optional_attr_dict()
    known = op.get_irdl_definition().properties
    properties = {name: value for name, value in entries.items() if name in known}
    others = {name: value for name, value in entries.items() if name not in known}
    return properties, others
