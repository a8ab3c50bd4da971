"""What a design says of itself: its runtime sequence's arguments, the streams between tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from errors import UsageError
from kernels.contract import Arg, Role
from simulator.mlir.design import Design
from simulator.mlir.dialects.objectfifo import ObjectFifoOp
from simulator.mlir.layouts import element, layout
from simulator.mlir.lower import Lowered


def sequence_args(design: Design) -> tuple[Arg, ...]:
    """Return the arguments of the design's only runtime sequence, all of them inputs for now.

    A scalar becomes an array of one element.

    Raises:
        UsageError: There is no sequence or are several, or an argument has no fixed size.
    """
    if len(design.sequences) != 1:
        names = ", ".join(design.sequences) or "none"
        raise UsageError(
            f"{design.source} has {len(design.sequences)} runtime sequences, and a run plays one",
            cure=f"leave one in the design; it has: {names}",
            code="NPU407",
        )
    sequence = next(iter(design.sequences.values()))
    args = []
    for position, argument in enumerate(sequence.body.blocks[0].args):
        name = argument.name_hint or f"arg{position}"
        what = layout(argument.type)
        scalar = element(argument.type)
        if what is not None and None not in what.shape:
            shape = tuple(extent or 0 for extent in what.shape)
            dtype = np.dtype(what.element.numpy)
        elif scalar is not None:
            shape, dtype = (1,), np.dtype(scalar.numpy)
        else:
            raise UsageError(
                f"{design.source}: argument {name} is {argument.type}, which no array file fits",
                cure="give it a fixed shape of integers or floats",
                code="NPU407",
            )
        args.append(Arg(name, Role.IN, shape, dtype))
    return tuple(args)


@dataclass(frozen=True)
class Flow:
    """Data on its way between tiles: a stream, or an objectFifo in memory that two cores share.

    Attributes:
        name: The design's name for it.
        source: Where it starts, as ``tile(0,0):1`` for DMA channel 1, or the tile alone.
        targets: Where it ends.
        packet: The id of a packet-switched stream.
        objects: What an objectFifo carries, as ``512xi8``; empty for a bare stream.
    """

    name: str
    source: str
    targets: tuple[str, ...]
    packet: int | None = None
    objects: str = ""


def flows(lowered: Lowered) -> Iterator[Flow]:
    """Yield every stream of the design, then the objectFifos that need none."""
    fifos = {fifo.sym_name.data: fifo for fifo in lowered.design.each(ObjectFifoOp)}
    streamed = set()
    for route in lowered.configuration.routes:
        name = route.origin.name
        streamed.add(name)
        yield Flow(
            name,
            f"{route.source.tile}:{route.source.channel}",
            tuple(f"{port.tile}:{port.channel}" for port in route.destinations),
            route.packet_id,
            _objects(fifos[name]) if name in fifos else "",
        )
    tile = lowered.design.tile
    for name, fifo in fifos.items():
        if name not in streamed:
            ends = tuple(str(tile(consumer, fifo)) for consumer in fifo.consumers)
            yield Flow(name, str(tile(fifo.producer, fifo)), ends, objects=_objects(fifo))


def _objects(fifo: ObjectFifoOp) -> str:
    return (
        str(layout(fifo.type.memref) or fifo.type.memref).removeprefix("memref<").removesuffix(">")
    )
