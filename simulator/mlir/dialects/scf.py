"""The scf dialect, with the loop syntax that xDSL's does not read."""

from __future__ import annotations

from xdsl.dialects import scf
from xdsl.ir import Dialect
from xdsl.parser import Parser, UnresolvedOperand


class WhileOp(scf.WhileOp):
    """A loop with its test in the middle; one that carries nothing has no parentheses.

    ``scf.while (%a = %x) : (i32) -> i32 { ... } do { ... }`` or ``scf.while : () -> () ...``
    """

    @classmethod
    def parse(cls, parser: Parser) -> WhileOp:
        names: list[Parser.UnresolvedArgument] = []
        operands: list[UnresolvedOperand] = []

        def parse_assignment() -> None:
            names.append(parser.parse_argument(expect_type=False))
            parser.parse_punctuation("=")
            operands.append(parser.parse_unresolved_operand())

        parser.parse_optional_comma_separated_list(parser.Delimiter.PAREN, parse_assignment)
        parser.parse_punctuation(":")
        position = parser.pos
        types = parser.parse_function_type()
        values = parser.resolve_operands(operands, types.inputs.data, position)
        carried = [
            name.resolve(type_) for name, type_ in zip(names, types.inputs.data, strict=True)
        ]
        before = parser.parse_region(carried)
        parser.parse_keyword("do")
        after = parser.parse_region()
        return cls.build(
            operands=[values],
            result_types=[types.outputs.data],
            regions=[before, after],
            attributes=parser.parse_optional_attr_dict(),
        )


Scf = Dialect(
    "scf",
    [WhileOp if op is scf.WhileOp else op for op in scf.Scf.operations],
    list(scf.Scf.attributes),
)
