"""ObjectFifos that DMAs move: channels, buffer descriptors, routes and core ports.

Channels are given out as mlir-aie does it, for runtime sequences may name them: in the
order of the fifos, first to ends whose objects lie on a neighbouring memory tile.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from simulator.array.config import (
    ChannelId,
    Direction,
    Port,
    PortKind,
    Route,
    TileId,
)
from simulator.array.geometry import Geometry
from simulator.mlir.design import Design
from simulator.mlir.failure import origin, refuse
from simulator.mlir.fifo_pools import End, Pool, Pools, owner
from simulator.mlir.fifos import Dims, acquired, read_fifos, read_links
from simulator.mlir.plan import (
    LockUse,
    Plan,
    PlannedBd,
    PlannedBuffer,
    PlannedChannel,
    PlannedPort,
)
from simulator.mlir.routes import hops

_REACHING_CHANNELS = 4
"""Channels of a memory tile's DMA that reach its neighbours' memories (AM020)."""


def lower_fifos(design: Design, plan: Plan) -> None:
    """Add what the design's objectFifos need to the plan.

    Raises:
        CheckFailed: NPU107, NPU108, NPU122: a fifo or link contradicts itself, or a tile has
            too few DMA channels.
    """
    fifos = read_fifos(design)
    pools = Pools(design, plan, read_links(design, fifos), acquired(design))
    moved: list[tuple[End, list[End]]] = []
    for fifo in fifos.values():
        pool = pools.shared(fifo)
        if pool is not None:
            _add_ports(plan, pool, fifo.name, [fifo.producer], produces=True)
            _add_ports(plan, pool, fifo.name, list(fifo.consumers), produces=False)
            continue
        producer, consumers = pools.ends(fifo)
        pools.fill([producer, *consumers])
        moved.append((producer, consumers))
    pools.join([end for producer, consumers in moved for end in (producer, *consumers)])
    channels = _Channels(design.geometry, plan, moved)
    for producer, consumers in moved:
        _lower_end(plan, producer, channels)
        for consumer in consumers:
            _lower_end(plan, consumer, channels)
        plan.routes.append(_route(producer, consumers, channels))


class _Channels:
    """The DMA channel of every end."""

    def __init__(self, geometry: Geometry, plan: Plan, moved: list[tuple[End, list[End]]]) -> None:
        self._geometry = geometry
        self._taken = {channel.id for channel in plan.channels}
        self._of: dict[int, ChannelId] = {}
        for spilling in (True, False):
            for producer, consumers in moved:
                for end in (producer, *consumers):
                    spills = end.pool is not None and end.pool.spills
                    if spills is spilling and not end.on_core_stream:
                        self._of[id(end)] = self._next(end, reaching=spills)

    def of(self, end: End) -> ChannelId:
        return self._of[id(end)]

    def _next(self, end: End, *, reaching: bool) -> ChannelId:
        direction = Direction.MM2S if end.consumer is None else Direction.S2MM
        limits = self._geometry.limits(end.tile)
        count = limits.mm2s if end.consumer is None else limits.s2mm
        usable = min(count, _REACHING_CHANNELS) if reaching else count
        for number in range(usable):
            channel = ChannelId(end.tile, direction, number)
            if channel not in self._taken:
                self._taken.add(channel)
                return channel
        raise refuse(
            end.fifo.operation,
            f"{end.tile} has {count} {direction} DMA channels, and @{end.fifo.name} needs another",
            code="NPU122",
            cure="move fewer fifos through this tile, or join and distribute them on a memory tile",
        )


def _lower_end(plan: Plan, end: End, channels: _Channels) -> None:
    """Add the core port, the shim allocation or the DMA program of one end."""
    fifo = end.fifo
    if end.on_core_stream:
        return
    channel = channels.of(end)
    if end.pool is None:
        plan.allocations[fifo.name] = plan.allocations[f"{fifo.name}_shim_alloc"] = channel
        return
    if end.link is None:
        _add_ports(plan, end.pool, fifo.name, [end.tile], produces=end.consumer is None)
    chain = _chain(end, end.pool, channel.direction)
    for bd, following in pairwise(chain):
        bd.next = following
    if fifo.iterations is None:
        chain[-1].next = chain[0]
    plan.channels.append(
        PlannedChannel(
            id=channel,
            bds=chain,
            operation=fifo.operation,
            repeat=(fifo.iterations or 1) - 1,
        )
    )


def _add_ports(plan: Plan, pool: Pool, name: str, tiles: list[TileId], *, produces: bool) -> None:
    free, full = pool.locks[0] if pool.locks else (None, None)
    for tile in tiles:
        plan.ports[tile, name, produces] = PlannedPort(
            name=name,
            buffers=pool.buffers,
            acquire=free if produces else full,
            release=full if produces else free,
            repeat=(pool.fifo.repeat or 1) if produces else 1,
        )


@dataclass(frozen=True)
class _Part:
    """A part of each object that one buffer descriptor moves, and whose locks it takes."""

    index: int
    offset: int
    length: int


def _chain(end: End, pool: Pool, direction: Direction) -> list[PlannedBd]:
    """Return the buffer descriptors of one end, in the order of their execution."""
    fifo, link = end.fifo, end.link
    sends = direction is Direction.MM2S
    dims = fifo.to_stream if sends else fifo.from_stream[end.consumer or 0]
    # A DMA that fills objects for a sender that repeats them counts every repetition.
    weight = link.repeat or 1 if link and not sends else 1
    repeat = fifo.repeat or 1 if sends else 1
    return [
        _bd(pool, buffer, part, dims, fifo.pads if sends else (), sends=sends, weight=weight)
        for buffer in pool.buffers
        for _ in range(repeat)
        for part in _parts(end, pool)
    ]


def _parts(end: End, pool: Pool) -> list[_Part]:
    fifo, link = end.fifo, end.link
    if link is None:
        return [_Part(0, 0, fifo.layout.size)]
    if not link.parts:
        # The end with smaller objects still moves the whole of the larger ones.
        return [_Part(0, 0, max(fifo.layout.size, pool.fifo.layout.size))]
    several = link.inputs if link.is_join else link.outputs
    every = [_Part(index, *part) for index, part in enumerate(link.parts)]
    return every if fifo is owner(link) else [every[several.index(fifo)]]


def _bd(
    pool: Pool,
    buffer: PlannedBuffer,
    part: _Part,
    dims: Dims,
    pads: Dims,
    *,
    sends: bool,
    weight: int,
) -> PlannedBd:
    acquire = release = None
    if pool.locks:
        free, full = pool.locks[part.index]
        acquire = LockUse(lock=full if sends else free, value=weight)
        release = LockUse(lock=free if sends else full, value=weight)
    return PlannedBd(
        buffer=buffer,
        offset=part.offset,
        length=part.length,
        operation=pool.fifo.operation,
        dims=dims,
        pads=pads,
        acquire=acquire,
        release=release,
    )


def _route(producer: End, consumers: list[End], channels: _Channels) -> Route:
    destinations = tuple(_port(end, channels) for end in consumers)
    return Route(
        source=_port(producer, channels),
        destinations=destinations,
        hops=max(hops(producer.tile, end.tile) for end in consumers),
        origin=origin(producer.fifo.operation, producer.fifo.name),
    )


def _port(end: End, channels: _Channels) -> Port:
    if end.on_core_stream:
        return Port(end.tile, PortKind.CORE, end.fifo.stream_port)
    return Port(end.tile, PortKind.DMA, channels.of(end).channel)
