"""ObjectFifos and links of a design as records, checked one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from xdsl.dialects.builtin import ArrayAttr, DenseIntOrFPElementsAttr, SymbolRefAttr

from errors import CheckFailed
from simulator.array.config import TileId
from simulator.array.geometry import TileKind
from simulator.mlir.design import Design
from simulator.mlir.dialects.device import CoreOp
from simulator.mlir.dialects.objectfifo import (
    ObjectFifoAcquireOp,
    ObjectFifoLinkOp,
    ObjectFifoOp,
    ObjectFifoRegisterExternalBuffersOp,
    ObjectFifoRegisterProcessOp,
)
from simulator.mlir.failure import no_pad_value, refuse, unsupported
from simulator.mlir.layouts import Layout, flag, integer, layout, optional_integer

Dims = tuple[tuple[int, int], ...]


@dataclass(eq=False, kw_only=True)
class Fifo:
    """An objectFifo.

    Attributes:
        depths: Objects at the producer and at each consumer, as the design says.
        fixed: The depths are given one by one, and stay as they are.
        stream: Which ends are core stream ports: 0 the producer, 1 the consumer, 2 both.
    """

    name: str
    operation: ObjectFifoOp
    producer: TileId
    consumers: tuple[TileId, ...]
    layout: Layout
    depths: tuple[int, ...]
    fixed: bool
    to_stream: Dims
    from_stream: tuple[Dims, ...]
    pads: Dims
    initial: tuple[bytes, ...]
    via_dma: bool
    synchronized: bool
    repeat: int | None
    iterations: int | None
    stream: int | None
    stream_port: int


@dataclass(eq=False, kw_only=True)
class Link:
    """A link: one fifo to one, one to several (distribute) or several to one (join).

    Attributes:
        tile: Where the objects are passed on.
        parts: (offset, length) in elements for each of the several; empty for one to one.
    """

    operation: ObjectFifoLinkOp
    inputs: tuple[Fifo, ...]
    outputs: tuple[Fifo, ...]
    tile: TileId
    parts: tuple[tuple[int, int], ...]

    @property
    def is_join(self) -> bool:
        return len(self.inputs) > 1

    @property
    def is_distribute(self) -> bool:
        return len(self.outputs) > 1

    @property
    def repeat(self) -> int | None:
        """How often each object is sent on, where an output says so."""
        return next((fifo.repeat for fifo in self.outputs if fifo.repeat is not None), None)


def read_fifos(design: Design) -> dict[str, Fifo]:
    """Return the design's objectFifos by name, in the order of the text."""
    for kind in (ObjectFifoRegisterExternalBuffersOp, ObjectFifoRegisterProcessOp):
        for op in design.each(kind):
            raise unsupported(op)
    fifos = (_read_fifo(design, op) for op in design.each(ObjectFifoOp))
    return {fifo.name: fifo for fifo in fifos}


def _read_fifo(design: Design, op: ObjectFifoOp) -> Fifo:
    if flag(op.plio):
        raise unsupported(op, "an objectFifo to programmable logic (plio)")
    what = layout(op.type.memref)
    if what is None or None in what.shape:
        raise unsupported(op, f"an objectFifo of {op.type.memref}")
    consumers = tuple(design.tile(value, op) for value in op.consumers)
    fixed = isinstance(op.depth, ArrayAttr)
    depths = (
        tuple(integer(depth) for depth in op.depth.data)
        if isinstance(op.depth, ArrayAttr)
        else (integer(op.depth),) * (1 + len(consumers))
    )
    if len(depths) != 1 + len(consumers):
        raise refuse(
            op,
            f"objectFifo @{op.sym_name.data} has {len(depths)} depths for a producer and "
            f"{len(consumers)} consumers",
            code="NPU107",
            cure="give one depth, or one for the producer and one for each consumer",
        )
    if min(depths) < 1:
        raise refuse(
            op,
            f"objectFifo @{op.sym_name.data} has depth {min(depths)}",
            code="NPU107",
            cure="give every end at least one object",
        )
    if integer(op.padValue):
        raise no_pad_value(op)
    return Fifo(
        name=op.sym_name.data,
        operation=op,
        producer=design.tile(op.producer, op),
        consumers=consumers,
        layout=what,
        depths=depths,
        fixed=fixed,
        to_stream=op.dimensions_to_stream.data,
        from_stream=op.dimensions_from_stream.data,
        pads=op.padDimensions.data if op.padDimensions else (),
        initial=tuple(_initial_values(op)),
        via_dma=flag(op.via_DMA),
        synchronized=not flag(op.disable_synchronization),
        repeat=optional_integer(op.repeat_count),
        iterations=optional_integer(op.iter_count),
        stream=optional_integer(op.aie_stream),
        stream_port=integer(op.aie_stream_port),
    )


def _initial_values(op: ObjectFifoOp) -> Iterator[bytes]:
    for value in op.initial_values.data if op.initial_values else ():
        if isinstance(value, DenseIntOrFPElementsAttr):
            yield value.data.data


def read_links(design: Design, fifos: dict[str, Fifo]) -> list[Link]:
    """Return the design's links; a fifo takes part in one at most.

    Raises:
        CheckFailed: NPU108, a link contradicts its fifos or itself.
    """
    links = [_read_link(design, op, fifos) for op in design.each(ObjectFifoLinkOp)]
    linked: dict[str, Link] = {}
    for link in links:
        for fifo in (*link.inputs, *link.outputs):
            if fifo.name in linked:
                raise _bad_link(link.operation, f"objectFifo @{fifo.name} is in two links")
            linked[fifo.name] = link
    return links


def _read_link(design: Design, op: ObjectFifoLinkOp, fifos: dict[str, Fifo]) -> Link:
    inputs = tuple(_linked(design, op, reference, fifos) for reference in op.inputs.data)
    outputs = tuple(_linked(design, op, reference, fifos) for reference in op.outputs.data)
    if len(inputs) > 1 and len(outputs) > 1:
        raise _bad_link(op, "a link joins or distributes, not both at once")
    if not inputs or not outputs:
        raise _bad_link(op, "a link needs an input and an output")
    tile = outputs[0].producer
    if any(fifo.producer != tile for fifo in outputs) or any(
        tile not in fifo.consumers for fifo in inputs
    ):
        raise _bad_link(
            op,
            "the fifos of a link must meet on one tile: the inputs end where the outputs start",
        )
    if len(inputs) + len(outputs) > 2 and design.geometry.kind(tile) is not TileKind.MEM:
        raise _bad_link(op, f"join and distribute need a memory tile, and {tile} is none")
    return Link(
        operation=op, inputs=inputs, outputs=outputs, tile=tile, parts=_parts(op, inputs, outputs)
    )


def _linked(
    design: Design, op: ObjectFifoLinkOp, reference: object, fifos: dict[str, Fifo]
) -> Fifo:
    if not isinstance(reference, SymbolRefAttr):
        raise _bad_link(op, "a link lists objectFifos by name, such as [@in]")
    declared = design.symbol(reference, ObjectFifoOp, op, "objectFifo")
    return fifos[declared.sym_name.data]


def _parts(
    op: ObjectFifoLinkOp, inputs: tuple[Fifo, ...], outputs: tuple[Fifo, ...]
) -> tuple[tuple[int, int], ...]:
    """Return offset and length of each part of the large object, in elements.

    Releases before 1.0 give no offsets: there the small objects follow one another.
    """
    several, large, given = (
        (inputs, outputs[0], op.src_offsets)
        if len(inputs) > 1
        else (outputs, inputs[0], op.dst_offsets)
    )
    if len(several) == 1:
        return ()
    offsets = [integer(offset) for offset in given.data]
    *starts, whole = accumulate((fifo.layout.size for fifo in several), initial=0)
    if not offsets and whole == large.layout.size:
        offsets = starts
    if len(offsets) != len(several):
        raise _bad_link(op, f"{len(several)} fifos need {len(several)} offsets, not {len(offsets)}")
    bounds = [*offsets, large.layout.size]
    if offsets[0] < 0 or any(end <= start for start, end in pairwise(bounds)):
        raise _bad_link(
            op,
            f"offsets {offsets} must rise and stay inside the {large.layout.size} elements of "
            f"@{large.name}",
        )
    return tuple((start, end - start) for start, end in pairwise(bounds))


def _bad_link(op: ObjectFifoLinkOp, message: str) -> CheckFailed:
    return refuse(
        op,
        message,
        code="NPU108",
        cure="compare the link with the fifos that it names",
    )


def acquired(design: Design) -> dict[tuple[TileId, str], int]:
    """Return how many objects of a fifo the core of a tile holds at most."""
    most: dict[tuple[TileId, str], int] = {}
    for core in design.each(CoreOp):
        tile = design.tile(core.tile, core)
        for op in core.walk():
            if isinstance(op, ObjectFifoAcquireOp):
                key = (tile, op.fifo.root_reference.data)
                most[key] = max(most.get(key, 0), integer(op.size))
    return most
