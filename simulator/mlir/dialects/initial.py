"""Initial contents of buffers and objectFifos: ``= dense<...>``."""

from __future__ import annotations

from typing import Any

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, MemRefType, TensorType
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError


def parse_initial_value(parser: Parser, memref: MemRefType[Any]) -> DenseIntOrFPElementsAttr:
    """Parse ``dense<...>`` for a buffer of type `memref`; a type after it is optional."""
    tensor = TensorType(memref.get_element_type(), memref.get_shape())
    start = parser.pos
    parser.parse_keyword("dense", " as initial value")
    try:
        value = parser.parse_dense_int_or_fp_elements_attr(tensor)
    except ParseError as error:
        if "shape" in error.msg:
            parser.raise_error(error.msg, start, parser.pos)
        raise
    if parser.parse_optional_punctuation(":"):
        parser.parse_type()
    return value


def parse_initial_values(parser: Parser, memref: MemRefType[Any]) -> list[DenseIntOrFPElementsAttr]:
    """Parse ``[dense<...>, ...]``, one value for each object of an objectFifo."""
    return parser.parse_comma_separated_list(
        parser.Delimiter.SQUARE, lambda: parse_initial_value(parser, memref)
    )
