"""ObjectFifos: typed channels between tiles, and their use in cores."""

from __future__ import annotations

from xdsl.dialects.builtin import (
    I32,
    ArrayAttr,
    DenseArrayBase,
    IndexType,
    IntegerAttr,
    MemRefType,
    SymbolNameConstraint,
    SymbolRefAttr,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.traits import SymbolOpInterface

from simulator.mlir.dialects.attributes import (
    DimLayoutArrayArrayAttr,
    DimLayoutArrayAttr,
    FifoPortAttr,
    ObjectFifoSubviewType,
    ObjectFifoType,
    PadLayoutArrayAttr,
    Pairs,
)
from simulator.mlir.dialects.initial import parse_initial_values
from simulator.mlir.dialects.syntax import (
    AieOperation,
    Attributes,
    parse_dict,
    parse_index_operand,
    parse_index_operands,
)


@irdl_op_definition
class ObjectFifoOp(AieOperation):
    """A fifo of equal objects from one producer to its consumers.

    ``aie.objectfifo @name(%p dimensionsToStream [..], {%c dimensionsFromStream [..]}, 2 : i32)
    {attributes} : !aie.objectfifo<memref<..>> = [dense<..>, ..]``; the depth is one number or
    an array with one for the producer and one for each consumer.
    """

    name = "aie.objectfifo"

    sym_name = prop_def(SymbolNameConstraint())
    producer = operand_def(IndexType)
    consumers = var_operand_def(IndexType)
    depth = prop_def()
    type = prop_def(ObjectFifoType)
    dimensions_to_stream = prop_def(DimLayoutArrayAttr)
    dimensions_from_stream = prop_def(DimLayoutArrayArrayAttr)
    initial_values = opt_prop_def(ArrayAttr)
    via_DMA = opt_prop_def()  # noqa: N815 - the attribute's name in designs
    plio = opt_prop_def()
    disable_synchronization = opt_prop_def()
    repeat_count = opt_prop_def(IntegerAttr)
    aie_stream = opt_prop_def(IntegerAttr)
    aie_stream_port = opt_prop_def(IntegerAttr)
    padDimensions = opt_prop_def(PadLayoutArrayAttr)  # noqa: N815
    padValue = opt_prop_def(IntegerAttr)  # noqa: N815
    iter_count = opt_prop_def(IntegerAttr)
    traits = traits_def(SymbolOpInterface())

    @classmethod
    def parse(cls, parser: Parser) -> ObjectFifoOp:
        properties: Attributes = {"sym_name": parser.parse_symbol_name()}
        with parser.in_parens():
            producer, to_stream = _parse_end(parser, "dimensionsToStream")
            parser.parse_punctuation(",")
            ends = parser.parse_comma_separated_list(
                parser.Delimiter.BRACES, lambda: _parse_end(parser, "dimensionsFromStream")
            )
            parser.parse_punctuation(",")
            properties["depth"] = parser.parse_attribute()
        properties["dimensions_to_stream"] = DimLayoutArrayAttr(to_stream)
        properties["dimensions_from_stream"] = DimLayoutArrayArrayAttr(
            tuple(pattern for _, pattern in ends)
        )
        more, attributes = parse_dict(parser, cls)
        parser.parse_punctuation(":")
        fifo_type = parser.parse_type()
        if not isinstance(fifo_type, ObjectFifoType):
            parser.raise_error(f"expected an !aie.objectfifo type, got {fifo_type}")
        properties["type"] = fifo_type
        if parser.parse_optional_punctuation("="):
            properties["initial_values"] = ArrayAttr(parse_initial_values(parser, fifo_type.memref))
        return cls.build(
            operands=[producer, [tile for tile, _ in ends]],
            properties=properties | more,
            attributes=attributes,
        )


def _parse_end(parser: Parser, keyword: str) -> tuple[SSAValue, Pairs]:
    """Parse a tile and the access pattern of its DMA, empty if none is given."""
    tile = parse_index_operand(parser)
    if parser.parse_optional_keyword(keyword):
        return tile, DimLayoutArrayAttr.parse_parameter(parser)
    return tile, ()


@irdl_op_definition
class ObjectFifoAllocateOp(AieOperation):
    """Puts the objects of a shared-memory fifo into another tile's memory."""

    name = "aie.objectfifo.allocate"

    fifo = prop_def(SymbolRefAttr)
    tile = operand_def(IndexType)

    assembly_format = "$fifo `(` $tile `)` attr-dict"


@irdl_op_definition
class ObjectFifoLinkOp(AieOperation):
    """Passes objects on through a tile's memory: forwarded, distributed or joined.

    ``aie.objectfifo.link [@a] -> [@b, @c] ([] [0, 64])``; offsets count elements.
    """

    name = "aie.objectfifo.link"

    inputs = prop_def(ArrayAttr)
    outputs = prop_def(ArrayAttr)
    src_offsets = prop_def(ArrayAttr)
    dst_offsets = prop_def(ArrayAttr)

    @classmethod
    def parse(cls, parser: Parser) -> ObjectFifoLinkOp:
        inputs = parser.parse_attribute()
        parser.parse_punctuation("->")
        outputs = parser.parse_attribute()
        with parser.in_parens():
            offsets = [_parse_offsets(parser), _parse_offsets(parser)]
        return cls.build(
            properties={
                "inputs": inputs,
                "outputs": outputs,
                "src_offsets": offsets[0],
                "dst_offsets": offsets[1],
            },
            attributes=parser.parse_optional_attr_dict(),
        )


def _parse_offsets(parser: Parser) -> Attribute:
    offsets = parser.parse_optional_comma_separated_list(
        parser.Delimiter.SQUARE, parser.parse_integer
    )
    return ArrayAttr([IntegerAttr(offset, i64) for offset in offsets or []])


@irdl_op_definition
class ObjectFifoRegisterExternalBuffersOp(AieOperation):
    """Names the host buffers that a fifo's shim end moves."""

    name = "aie.objectfifo.register_external_buffers"

    fifo = prop_def(SymbolRefAttr)
    tile = operand_def(IndexType)
    buffers = var_operand_def(MemRefType)

    assembly_format = (
        "attr-dict $fifo `(` $tile `,` `{` $buffers `}` `)` `:` `(` type($buffers) `)`"
    )


@irdl_op_definition
class ObjectFifoAcquireOp(AieOperation):
    """Waits until the core holds `size` objects of a fifo.

    Gives the objects themselves (1.4), or a subview to access them by index (before).
    """

    name = "aie.objectfifo.acquire"

    fifo = prop_def(SymbolRefAttr)
    port = prop_def(FifoPortAttr)
    size = prop_def(IntegerAttr[I32])
    objects = var_result_def()

    assembly_format = "attr-dict $fifo `(` $port `,` $size `)` `:` type($objects)"


@irdl_op_definition
class ObjectFifoReleaseOp(AieOperation):
    """Hands `size` objects of a fifo on to the other end."""

    name = "aie.objectfifo.release"

    fifo = prop_def(SymbolRefAttr)
    port = prop_def(FifoPortAttr)
    size = prop_def(IntegerAttr[I32])

    assembly_format = "attr-dict $fifo `(` $port `,` $size `)`"


@irdl_op_definition
class ObjectFifoSubviewAccessOp(AieOperation):
    """One object of an acquired subview."""

    name = "aie.objectfifo.subview.access"

    subview = operand_def(ObjectFifoSubviewType)
    index = prop_def(IntegerAttr[I32])
    object = result_def(MemRefType)

    assembly_format = "$subview `[` $index `]` attr-dict `:` type($subview) `->` type($object)"


@irdl_op_definition
class ObjectFifoRegisterProcessOp(AieOperation):
    """A pattern of acquires and releases around calls of a function."""

    name = "aie.objectfifo.register_process"

    fifo = prop_def(SymbolRefAttr)
    port = prop_def(FifoPortAttr)
    acquire_pattern = operand_def()
    release_pattern = operand_def()
    callee = prop_def(SymbolRefAttr)
    length = operand_def(IndexType)

    assembly_format = (
        "attr-dict $fifo `(` $port `,` $acquire_pattern `:` type($acquire_pattern) `,`"
        " $release_pattern `:` type($release_pattern) `,` $callee `,` $length `)`"
    )


def _parse_typed_indices(parser: Parser) -> list[SSAValue]:
    """Parse ``(%a, %b : index, index)`` or ``()``."""
    parser.parse_punctuation("(")
    values: list[SSAValue] = []
    if not parser.parse_optional_punctuation(")"):
        values = parse_index_operands(parser)
        parser.parse_punctuation(":")
        parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        parser.parse_punctuation(")")
    return values


@irdl_op_definition
class ObjectFifoRearmBindingOp(AieOperation):
    """The channels and locks of an objectFifo, for ``aiex.dma_channel_reset_for``.

    ``@name channels(%tile : index) locks(%a, %b : index, index) {channel_dirs = .., ...}``
    """

    name = "aie.objectfifo_rearm_binding"

    sym_name = prop_def(SymbolNameConstraint())
    channel_tiles = var_operand_def(IndexType)
    locks = var_operand_def(IndexType)
    channel_dirs = prop_def(DenseArrayBase)
    channel_indices = prop_def(DenseArrayBase)
    lock_inits = prop_def(DenseArrayBase)
    head_bd_ids = opt_prop_def(DenseArrayBase)
    repeat_counts = opt_prop_def(DenseArrayBase)
    traits = traits_def(SymbolOpInterface())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)

    @classmethod
    def parse(cls, parser: Parser) -> ObjectFifoRearmBindingOp:
        properties: Attributes = {"sym_name": parser.parse_symbol_name()}
        operands: list[list[SSAValue]] = []
        for name in ("channels", "locks"):
            parser.parse_keyword(name)
            operands.append(_parse_typed_indices(parser))
        more, attributes = parse_dict(parser, cls)
        return cls.build(operands=operands, properties=properties | more, attributes=attributes)


OPERATIONS = [
    ObjectFifoAcquireOp,
    ObjectFifoAllocateOp,
    ObjectFifoLinkOp,
    ObjectFifoOp,
    ObjectFifoRearmBindingOp,
    ObjectFifoRegisterExternalBuffersOp,
    ObjectFifoRegisterProcessOp,
    ObjectFifoReleaseOp,
    ObjectFifoSubviewAccessOp,
]
