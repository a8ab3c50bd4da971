"""Enumerations, attributes and types of the aie dialect, spelled as mlir-aie spells them."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from xdsl.dialects.builtin import MemRefType, StringAttr
from xdsl.dialects.utils.enum_attribute import EnumAttribute
from xdsl.ir import (
    Attribute,
    Data,
    ParametrizedAttribute,
    SpacedOpaqueSyntaxAttribute,
    TypeAttribute,
)
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.str_enum import StrEnum


class WireBundle(StrEnum):
    """What a stream port of a tile is attached to."""

    CORE = "Core"
    DMA = "DMA"
    FIFO = "FIFO"
    SOUTH = "South"
    WEST = "West"
    NORTH = "North"
    EAST = "East"
    PLIO = "PLIO"
    NOC = "NOC"
    TRACE = "Trace"
    CONTROL = "TileControl"


class ChannelDirection(StrEnum):
    """Which way a DMA channel moves data, seen from memory."""

    S2MM = "S2MM"
    MM2S = "MM2S"


class FifoPort(StrEnum):
    """The end of an objectFifo that a core uses."""

    PRODUCE = "Produce"
    CONSUME = "Consume"


class LockActionKind(StrEnum):
    """What an ``aie.use_lock`` does; a plain acquire waits for equality."""

    ACQUIRE = "Acquire"
    ACQUIRE_GREATER_EQUAL = "AcquireGreaterEqual"
    RELEASE = "Release"


class LockBlockingKind(StrEnum):
    """Whether an ``aie.use_lock`` waits."""

    NON_BLOCKING = "NonBlocking"
    BLOCKING = "Blocking"


class LogicalTileKind(StrEnum):
    """The kind of tile that an ``aie.logical_tile`` asks for."""

    CORE = "CoreTile"
    MEM = "MemTile"
    SHIM_NOC = "ShimNOCTile"
    SHIM_PL = "ShimPLTile"


class CascadeSide(StrEnum):
    """A neighbour of a core that its cascade stream comes from or goes to."""

    SOUTH = "South"
    WEST = "West"
    NORTH = "North"
    EAST = "East"


@irdl_attr_definition
class WireBundleAttr(EnumAttribute[WireBundle], SpacedOpaqueSyntaxAttribute):
    """`WireBundle` as an attribute."""

    name = "aie.wire_bundle"


@irdl_attr_definition
class ChannelDirectionAttr(EnumAttribute[ChannelDirection], SpacedOpaqueSyntaxAttribute):
    """`ChannelDirection` as an attribute."""

    name = "aie.channel_direction"


@irdl_attr_definition
class FifoPortAttr(EnumAttribute[FifoPort], SpacedOpaqueSyntaxAttribute):
    """`FifoPort` as an attribute."""

    name = "aie.fifo_port"


@irdl_attr_definition
class LockActionAttr(EnumAttribute[LockActionKind], SpacedOpaqueSyntaxAttribute):
    """`LockActionKind` as an attribute."""

    name = "aie.lock_action"


@irdl_attr_definition
class LockBlockingAttr(EnumAttribute[LockBlockingKind], SpacedOpaqueSyntaxAttribute):
    """`LockBlockingKind` as an attribute."""

    name = "aie.lock_blocking"


@irdl_attr_definition
class LogicalTileKindAttr(EnumAttribute[LogicalTileKind], SpacedOpaqueSyntaxAttribute):
    """`LogicalTileKind` as an attribute."""

    name = "aie.tile_type"


@irdl_attr_definition
class CascadeSideAttr(EnumAttribute[CascadeSide], SpacedOpaqueSyntaxAttribute):
    """`CascadeSide` as an attribute."""

    name = "aie.cascade_side"


def _parse_pair(
    parser: AttrParser, first: tuple[str, ...], second: tuple[str, ...]
) -> tuple[int, int]:
    """Parse ``<a, b>``; each number may have its field's name in front, in either order."""
    values: dict[int, int] = {}
    with parser.in_angle_brackets():
        for position in range(2):
            if position:
                parser.parse_punctuation(",")
            field = position
            for index, names in enumerate((first, second)):
                if any(parser.parse_optional_keyword(name) for name in names):
                    parser.parse_punctuation("=")
                    field = index
            values[field] = parser.parse_integer(allow_boolean=False)
    if len(values) != 2:
        parser.raise_error(f"expected both {first[0]} and {second[0]}")
    return values[0], values[1]


Pairs: TypeAlias = tuple[tuple[int, int], ...]


class _PairsAttr(Data[Pairs]):
    """A bracketed list of pairs."""

    FIRST: ClassVar[tuple[str, ...]]
    SECOND: ClassVar[tuple[str, ...]]

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Pairs:
        return tuple(
            parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, lambda: _parse_pair(parser, cls.FIRST, cls.SECOND)
            )
        )

    def print_parameter(self, printer: Printer) -> None:
        pairs = (f"<{first}, {second}>" for first, second in self.data)
        printer.print_string(f"[{', '.join(pairs)}]")


@irdl_attr_definition
class DimLayoutArrayAttr(_PairsAttr):
    """A DMA access pattern ``[<size, stride>, ...]`` in elements, outermost dimension first."""

    name = "aie.bd_dim_layout_array"
    FIRST = ("size", "wrap")
    SECOND = ("stride", "step")


@irdl_attr_definition
class PadLayoutArrayAttr(_PairsAttr):
    """Padding elements ``[<before, after>, ...]`` around each dimension of a pattern."""

    name = "aie.bd_pad_layout_array"
    FIRST = ("const_pad_before",)
    SECOND = ("const_pad_after",)


@irdl_attr_definition
class DimLayoutArrayArrayAttr(Data[tuple[Pairs, ...]]):
    """One DMA access pattern per consumer of an objectFifo."""

    name = "aie.bd_dim_layout_array_array"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[Pairs, ...]:
        return tuple(
            parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, lambda: DimLayoutArrayAttr.parse_parameter(parser)
            )
        )

    def print_parameter(self, printer: Printer) -> None:
        patterns = (DimLayoutArrayAttr(pattern) for pattern in self.data)
        with printer.in_square_brackets():
            printer.print_list(patterns, lambda pattern: pattern.print_parameter(printer))


@irdl_attr_definition
class PacketInfoAttr(Data[tuple[int, int]]):
    """Type and id in the header of a packet: ``<pkt_type = 0, pkt_id = 1>``."""

    name = "aie.packet_info"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[int, int]:
        return _parse_pair(parser, ("pkt_type",), ("pkt_id",))

    def print_parameter(self, printer: Printer) -> None:
        printer.print_string(f"<pkt_type = {self.data[0]}, pkt_id = {self.data[1]}>")


@irdl_attr_definition
class BdIterationAttr(Data[tuple[int, int, int]]):
    """How a buffer descriptor moves on between executions, in elements.

    ``<size = 4, stride = 1024, current = 2>``; `current` may be left out.
    """

    name = "aie.bd_iteration"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[int, int, int]:
        values = {"size": 1, "stride": 0, "current": 0}

        def parse_field() -> None:
            field = parser.parse_identifier()
            if field not in values:
                parser.raise_error(f"expected one of {', '.join(values)}, got {field}")
            parser.parse_punctuation("=")
            values[field] = parser.parse_integer()

        parser.parse_comma_separated_list(parser.Delimiter.ANGLE, parse_field)
        return values["size"], values["stride"], values["current"]

    def print_parameter(self, printer: Printer) -> None:
        size, stride, current = self.data
        printer.print_string(f"<size = {size}, stride = {stride}, current = {current}>")


@irdl_attr_definition
class BlockFloatType(ParametrizedAttribute, TypeAttribute):
    """A block floating point element of NPU2: ``!aiex.bfp<"v8bfp16ebs8">``."""

    name = "aiex.bfp"

    block_type: StringAttr


class OfMemref(ParametrizedAttribute, TypeAttribute):
    """A type that has the type of a memref as its parameter."""

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return [parser.parse_type()]


@irdl_attr_definition
class ObjectFifoType(OfMemref):
    """The type of an objectFifo, with the type of one object."""

    name = "aie.objectfifo"

    memref: MemRefType[Attribute]


@irdl_attr_definition
class ObjectFifoSubviewType(OfMemref):
    """What an acquire gives in releases before 1.4: objects to be accessed by index."""

    name = "aie.objectfifosubview"

    memref: MemRefType[Attribute]


ATTRIBUTES: list[type[Attribute]] = [
    BlockFloatType,
    BdIterationAttr,
    CascadeSideAttr,
    ChannelDirectionAttr,
    DimLayoutArrayArrayAttr,
    DimLayoutArrayAttr,
    FifoPortAttr,
    LockActionAttr,
    LockBlockingAttr,
    LogicalTileKindAttr,
    ObjectFifoSubviewType,
    ObjectFifoType,
    PacketInfoAttr,
    PadLayoutArrayAttr,
    WireBundleAttr,
]
