"""The part of ``aie.dma_bd`` after its buffer, in both of its syntaxes."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import SSAValue
from xdsl.parser import Parser

from simulator.mlir.dialects.attributes import DimLayoutArrayAttr, PadLayoutArrayAttr
from simulator.mlir.dialects.syntax import Attributes, parse_number, parse_numbers


def parse_transfer(parser: Parser, values: list[SSAValue]) -> Attributes:
    """Parse offset, length, access pattern and padding of a buffer descriptor.

    SSA values are appended to `values` in the order offset, length, sizes, strides; the
    properties hold `DYNAMIC` in their place.
    """
    if parser.parse_optional_punctuation(","):
        return _parse_positional(parser)
    return _parse_named(parser, values)


def _parse_positional(parser: Parser) -> Attributes:
    properties: Attributes = {}
    numbers = iter(("offset", "len"))
    patterns = iter((("dimensions", DimLayoutArrayAttr), ("pad_dimensions", PadLayoutArrayAttr)))
    while True:
        if parser.parse_optional_keyword("pad_value"):
            parser.parse_punctuation("=")
            properties["pad_value"] = IntegerAttr(parser.parse_integer(), i64)
        elif (number := parser.parse_optional_integer(allow_boolean=False)) is not None:
            name = next(numbers, None) or parser.raise_error("expected an access pattern")
            properties[name] = IntegerAttr(number, i64)
        else:
            name, kind = next(patterns, None) or parser.raise_error("expected `)`")
            properties[name] = kind(kind.parse_parameter(parser))
        if not parser.parse_optional_punctuation(","):
            return properties


def _parse_named(parser: Parser, values: list[SSAValue]) -> Attributes:
    properties: Attributes = {}
    for name in ("offset", "len"):
        if parser.parse_optional_keyword(name):
            parser.parse_punctuation("=")
            properties[name] = IntegerAttr(parse_number(parser, values), i64)
    if parser.parse_optional_keyword("sizes"):
        parser.parse_punctuation("=")
        sizes = parse_numbers(parser, values)
        parser.parse_keyword("strides")
        parser.parse_punctuation("=")
        strides = parse_numbers(parser, values)
        if len(sizes) != len(strides):
            parser.raise_error(f"{len(sizes)} sizes, but {len(strides)} strides")
        pattern = tuple(zip(sizes, strides, strict=True))
        properties["dimensions"] = DimLayoutArrayAttr(pattern)
    if parser.parse_optional_keyword("pad"):
        pads = PadLayoutArrayAttr.parse_parameter(parser)
        properties["pad_dimensions"] = PadLayoutArrayAttr(pads)
    if parser.parse_optional_keyword("pad_value"):
        parser.parse_punctuation("=")
        properties["pad_value"] = IntegerAttr(parser.parse_integer(), i64)
    return properties
