"""Trace configuration, which observes a design and changes nothing in what it computes.

The operations are read so that traced designs run; their settings are not kept.
"""

from __future__ import annotations

from typing import Self

from xdsl.dialects.builtin import IndexType, SymbolNameConstraint, SymbolRefAttr
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, region_def, traits_def
from xdsl.parser import Parser
from xdsl.traits import SymbolOpInterface
from xdsl.utils.mlir_lexer import MLIRTokenKind

from simulator.mlir.dialects.syntax import AieOperation, parse_index_operand


class TraceUnit(AieOperation):
    """A trace unit with its settings."""

    sym_name = prop_def(SymbolNameConstraint())
    tile = operand_def(IndexType)
    body = region_def()
    traits = traits_def(SymbolOpInterface())

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        symbol = parser.parse_symbol_name()
        with parser.in_parens():
            tile = parse_index_operand(parser)
        _skip_settings(parser)
        body = parser.parse_region()
        return cls.build(operands=[tile], properties={"sym_name": symbol}, regions=[body])


@irdl_op_definition
class TraceOp(TraceUnit):
    """The trace unit of a tile: ``aie.trace @name(%tile) { ... }``."""

    name = "aie.trace"


@irdl_op_definition
class TraceConfigOp(TraceUnit):
    """The registers of a trace unit, what an ``aie.trace`` is lowered to."""

    name = "aie.trace.config"


class TraceSetting(AieOperation):
    """One setting of a trace unit, such as ``aie.trace.event<"INSTR_EVENT_0"> label="x"``."""

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        _skip_settings(parser)
        parser.parse_optional_attr_dict()
        return cls.build()


def _skip_settings(parser: Parser) -> None:
    """Skip ``<...>``, strings, words and ``key = value``, up to what starts something else."""
    while True:
        token = parser._current_token
        if parser.parse_optional_punctuation("<"):
            while not parser.parse_optional_punctuation(">"):
                parser._consume_token()
        elif token.kind is MLIRTokenKind.BARE_IDENT and "." not in token.text:
            parser._consume_token()
            if parser.parse_optional_punctuation("="):
                _skip_value(parser)
        elif parser.parse_optional_str_literal() is None:
            return


def _skip_value(parser: Parser) -> None:
    if parser.parse_optional_punctuation("<"):
        while not parser.parse_optional_punctuation(">"):
            parser._consume_token()
    elif parser.parse_optional_integer() is None:
        parser.parse_identifier_or_str_literal()


@irdl_op_definition
class TraceStartConfigOp(AieOperation):
    """Starts a trace unit from the runtime sequence."""

    name = "aie.trace.start_config"

    trace = prop_def(SymbolRefAttr)

    assembly_format = "$trace attr-dict"


def _setting(mnemonic: str) -> type[TraceSetting]:
    """Define the operation ``aie.trace.<mnemonic>``."""
    body = {"name": f"aie.trace.{mnemonic}", "__module__": __name__}
    return irdl_op_definition(type(f"Trace{mnemonic.title()}Op", (TraceSetting,), body))


OPERATIONS = [
    TraceConfigOp,
    TraceOp,
    TraceStartConfigOp,
    *map(
        _setting,
        (
            "mode",
            "event",
            "packet",
            "port",
            "start",
            "stop",
            "combo_event",
            "edge_event",
            "host_config",
            "reg",
        ),
    ),
]
