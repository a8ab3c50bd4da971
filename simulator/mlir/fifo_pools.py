"""Where the objects of each fifo lie: pools of buffers with their pairs of locks.

Follows the objectFifo lowering of mlir-aie (`AIEObjectFifoStatefulTransform.cpp`): when
ends share memory, how many objects each end gets, and what linked fifos have in common.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from simulator.array.config import TileId
from simulator.array.geometry import Geometry, TileKind
from simulator.mlir.design import Design
from simulator.mlir.dialects.objectfifo import ObjectFifoAllocateOp, ObjectFifoOp
from simulator.mlir.failure import refuse
from simulator.mlir.fifos import Fifo, Link
from simulator.mlir.plan import Plan, PlannedBuffer, PlannedLock

MOST_OBJECTS = 512 * 1024 // 4
"""Words in the largest memory of a tile: no objectFifo is deeper."""


@dataclass(eq=False, kw_only=True)
class Pool:
    """The objects of a fifo's end.

    Attributes:
        fifo: The fifo that the objects are typed and named by.
        locks: (free, filled) for each part of an object; none without synchronisation.
    """

    fifo: Fifo
    tile: TileId
    buffers: tuple[PlannedBuffer, ...]
    locks: tuple[tuple[PlannedLock, PlannedLock], ...]

    @property
    def spills(self) -> bool:
        """Whether some object lies on a neighbour, which not every DMA channel reaches."""
        return any(buffer.tile != self.tile for buffer in self.buffers)


@dataclass(eq=False, kw_only=True)
class End:
    """One end of a fifo: `consumer` is its number among the consumers, None the producer.

    Attributes:
        depth: Objects at this end, if it had its own pool.
        pool: Its objects; None for a shim tile or a core's stream port.
    """

    fifo: Fifo
    consumer: int | None
    tile: TileId
    depth: int
    link: Link | None
    pool: Pool | None = None

    @property
    def name(self) -> str:
        """What mlir-aie calls this end's buffers and locks."""
        if self.consumer is None:
            return self.fifo.name
        several = len(self.fifo.consumers) > 1
        return f"{self.fifo.name}_{self.consumer}_cons" if several else f"{self.fifo.name}_cons"

    @property
    def on_core_stream(self) -> bool:
        """Whether the core reads or writes its stream port instead of memory."""
        return self.fifo.stream in ({0, 2} if self.consumer is None else {1, 2})


class Pools:
    """Gives every end of every fifo its pool, in the order of the design."""

    def __init__(
        self,
        design: Design,
        plan: Plan,
        links: list[Link],
        acquired: dict[tuple[TileId, str], int],
    ) -> None:
        self._geometry = design.geometry
        self._plan = plan
        self._acquired = acquired
        self._link_in = {fifo.name: link for link in links for fifo in link.inputs}
        self._link_out = {fifo.name: link for link in links for fifo in link.outputs}
        self._delegates = self._read_delegates(design)
        self._linked: dict[int, Pool] = {}
        self._used: dict[TileId, int] = defaultdict(int)

    def shared(self, fifo: Fifo) -> Pool | None:
        """Return the one pool of a fifo whose ends reach the same memory, None if DMAs move it."""
        if self._needs_dma(fifo):
            return None
        tile = self._delegates.get(fifo.name) or shared_tile(
            self._geometry, fifo.producer, fifo.consumers[0]
        )
        if tile is None:
            return None
        return self._create(fifo, fifo.name, tile, fifo.depths[0], initial=fifo.initial)

    def ends(self, fifo: Fifo) -> tuple[End, list[End]]:
        """Return the producer end and the consumer ends of a fifo that DMAs move."""
        producer = End(
            fifo=fifo,
            consumer=None,
            tile=fifo.producer,
            depth=self._depth(fifo, 0, fifo.producer),
            link=self._link_out.get(fifo.name),
        )
        consumers = []
        for index, tile in enumerate(fifo.consumers):
            link = self._link_in.get(fifo.name)
            end = End(
                fifo=fifo,
                consumer=index,
                tile=tile,
                depth=self._depth(fifo, index + 1, tile),
                link=link if link is not None and link.tile == tile else None,
            )
            consumers.append(end)
        return producer, consumers

    def fill(self, ends: list[End]) -> None:
        """Create the pools of a fifo's ends; of linked fifos only the owner makes one."""
        for end in ends:
            if end.on_core_stream:
                continue
            if self._geometry.kind(end.tile) is TileKind.SHIM:
                continue
            if end.link is None:
                end.pool = self._pool_of(end)
            elif end.fifo is owner(end.link):
                self._linked[id(end.link)] = self._pool_of(end)

    def join(self, ends: list[End]) -> None:
        """Give linked ends the pool that their link's owner has made."""
        for end in ends:
            if end.link is not None:
                end.pool = self._linked.get(id(end.link))

    def _pool_of(self, end: End) -> Pool:
        produces, link = end.consumer is None, end.link
        repeat = (link.repeat if link else None) or (end.fifo.repeat if produces else None)
        return self._create(
            end.fifo,
            end.name,
            end.tile,
            end.depth,
            initial=end.fifo.initial if produces else (),
            repeat=repeat or 1,
            parts=len(link.parts) or 1 if link else 1,
        )

    def _needs_dma(self, fifo: Fifo) -> bool:
        linked = fifo.name in self._link_in or fifo.name in self._link_out
        wanted = fifo.via_dma or fifo.repeat is not None or fifo.stream is not None
        reordered = fifo.to_stream or any(fifo.from_stream)
        if linked or wanted or reordered or len(fifo.consumers) != 1:
            return True
        return shared_tile(self._geometry, fifo.producer, fifo.consumers[0]) is None

    def _depth(self, fifo: Fifo, index: int, tile: TileId) -> int:
        """Return the objects of one end: a core gets one more than it ever holds at once."""
        depth = fifo.depths[index]
        if fifo.fixed or self._geometry.kind(tile) is not TileKind.CORE:
            return depth
        if index == 0 and fifo.initial:
            return depth
        held = self._acquired.get((tile, fifo.name), 0)
        if held == 0 or (held == 1 and depth == 1):
            return depth
        return held + 1

    def _create(
        self,
        fifo: Fifo,
        name: str,
        tile: TileId,
        depth: int,
        *,
        initial: tuple[bytes, ...] = (),
        repeat: int = 1,
        parts: int = 1,
    ) -> Pool:
        if depth > MOST_OBJECTS:
            raise refuse(
                fifo.operation,
                f"objectFifo @{fifo.name} has depth {depth}, and no tile has room for so many "
                "objects",
                code="NPU107",
                cure="let its ends hold the few objects that they need at a time",
            )
        initial = initial[:depth]
        contents = [*initial, *(None for _ in range(depth - len(initial)))]
        buffers = [
            self._buffer(fifo, f"{name}_buff_{index}", tile, content)
            for index, content in enumerate(contents)
        ]
        free, full = (depth - len(initial)) * repeat, len(initial) * repeat
        locks = [
            (
                self._lock(fifo, f"{name}_prod_lock_{part}", tile, free),
                self._lock(fifo, f"{name}_cons_lock_{part}", tile, full),
            )
            for part in range(parts if fifo.synchronized else 0)
        ]
        return Pool(fifo=fifo, tile=tile, buffers=tuple(buffers), locks=tuple(locks))

    def _buffer(self, fifo: Fifo, name: str, tile: TileId, content: bytes | None) -> PlannedBuffer:
        size = fifo.layout.nbytes
        home = self._home(tile, size)
        self._used[home] += size
        buffer = PlannedBuffer(
            tile=home,
            name=name,
            layout=fifo.layout,
            operation=fifo.operation,
            initial=content,
        )
        self._plan.buffers.append(buffer)
        return buffer

    def _home(self, tile: TileId, size: int) -> TileId:
        """Return `tile`, or for a full memory tile a neighbour that has room for the object."""
        if self._geometry.kind(tile) is not TileKind.MEM:
            return tile
        around = self._geometry.reachable(tile)
        for side in ("own", "west", "east"):
            home = around.get(side)
            if home is not None and self._used[home] + size <= self._geometry.limits(home).memory:
                return home
        return tile

    def _lock(self, fifo: Fifo, name: str, tile: TileId, initial: int) -> PlannedLock:
        lock = PlannedLock(tile=tile, name=name, operation=fifo.operation, initial=initial)
        self._plan.locks.append(lock)
        return lock

    def _read_delegates(self, design: Design) -> dict[str, TileId]:
        delegates = {}
        for op in design.each(ObjectFifoAllocateOp):
            fifo = design.symbol(op.fifo, ObjectFifoOp, op, "objectFifo")
            tile = design.tile(op.tile, op)
            ends = [design.tile(value, op) for value in (fifo.producer, *fifo.consumers)]
            if any(tile not in self._geometry.reachable(end).values() for end in ends):
                raise refuse(
                    op,
                    f"not every end of @{fifo.sym_name.data} reaches the memory of {tile}",
                    code="NPU107",
                    cure="delegate to a tile whose memory producer and consumer both reach",
                )
            delegates[fifo.sym_name.data] = tile
        return delegates


def owner(link: Link) -> Fifo:
    """Return the fifo whose objects lie at the link: the one with the larger objects."""
    first_in, first_out = link.inputs[0], link.outputs[0]
    if link.is_join:
        return first_out
    if link.is_distribute:
        return first_in
    if first_out.initial:
        return first_out
    keeps_input = first_in.layout.size >= first_out.layout.size or first_out.pads
    return first_in if keeps_input else first_out


def shared_tile(geometry: Geometry, producer: TileId, consumer: TileId) -> TileId | None:
    """Return the tile whose memory both reach: the producer's own where possible."""
    if producer in geometry.reachable(consumer).values():
        return producer
    return consumer if consumer in geometry.reachable(producer).values() else None
