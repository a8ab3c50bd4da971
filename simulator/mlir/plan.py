"""What a design asks of the array, before numbers and addresses are given out.

Hand-written configuration and lowered objectFifos both end here; lengths, offsets and
access patterns still count elements.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.ir import Operation, SSAValue

from simulator.array.config import ChannelId, Iteration, Packet, Route, TileId
from simulator.mlir.failure import refuse
from simulator.mlir.layouts import Layout


@dataclass(eq=False, kw_only=True)
class PlannedBuffer:
    """A buffer of a tile. `address` and `bank` are what the design fixes, if it does."""

    tile: TileId
    name: str
    layout: Layout
    operation: Operation
    initial: bytes | None = None
    address: int | None = None
    bank: int | None = None


@dataclass(eq=False, kw_only=True)
class ExternalBuffer:
    """A buffer in host memory that the design declares itself."""

    name: str
    layout: Layout
    operation: Operation


@dataclass(eq=False, kw_only=True)
class PlannedLock:
    """A lock of a tile. `index` is what the design fixes, if it does."""

    tile: TileId
    name: str
    operation: Operation
    initial: int = 0
    index: int | None = None


@dataclass(frozen=True, kw_only=True)
class LockUse:
    """An acquire or release; a plain acquire waits for equality."""

    lock: PlannedLock
    value: int
    equal: bool = False


@dataclass(eq=False, kw_only=True)
class PlannedBd:
    """A buffer descriptor.

    Attributes:
        buffer: What it moves.
        offset: First element, counted from the start of the buffer.
        length: Elements moved in one execution, padding included.
        dims: (size, stride) outermost first; empty means contiguous.
        pads: (before, after) for each dimension, or empty.
        next: What is executed after it; None ends the task.
        index: The number that the design fixes, if it does.
    """

    buffer: PlannedBuffer | ExternalBuffer
    offset: int
    length: int
    operation: Operation
    dims: tuple[tuple[int, int], ...] = ()
    pads: tuple[tuple[int, int], ...] = ()
    iteration: Iteration | None = None
    acquire: LockUse | None = None
    release: LockUse | None = None
    packet: Packet | None = None
    next: PlannedBd | None = None
    index: int | None = None


@dataclass(eq=False, kw_only=True)
class PlannedChannel:
    """A DMA channel that starts with the design, and the chain that it executes.

    `bds` is the chain in order, each descriptor once; `repeat` + 1 is how often it runs.
    """

    id: ChannelId
    bds: list[PlannedBd]
    operation: Operation
    repeat: int = 0


@dataclass(frozen=True, kw_only=True)
class PlannedPort:
    """The end of an objectFifo that a core uses.

    Attributes:
        buffers: The objects, in turn.
        acquire: Lock that an acquire takes from, None without synchronisation.
        release: Lock that a release adds to.
        repeat: Lock steps for each object.
    """

    name: str
    buffers: tuple[PlannedBuffer, ...]
    acquire: PlannedLock | None
    release: PlannedLock | None
    repeat: int = 1


@dataclass(kw_only=True)
class Plan:
    """Everything that a design asks for.

    Attributes:
        allocations: Shim channels by the names that runtime sequences use.
        packets: Packet header of such a channel, where it has one.
        declared_buffers: Buffers that the design declares itself, by SSA value.
        declared_locks: Locks that the design declares itself, by SSA value.
        external: Its buffers in host memory, by SSA value.
        ports: ObjectFifo ends by core tile, fifo name and whether it produces.
    """

    buffers: list[PlannedBuffer] = field(default_factory=list)
    locks: list[PlannedLock] = field(default_factory=list)
    channels: list[PlannedChannel] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    allocations: dict[str, ChannelId] = field(default_factory=dict)
    packets: dict[str, Packet] = field(default_factory=dict)
    ports: dict[tuple[TileId, str, bool], PlannedPort] = field(default_factory=dict)
    declared_buffers: dict[SSAValue, PlannedBuffer] = field(default_factory=dict)
    declared_locks: dict[SSAValue, PlannedLock] = field(default_factory=dict)
    external: dict[SSAValue, ExternalBuffer] = field(default_factory=dict)

    def lock(self, value: SSAValue, user: Operation) -> PlannedLock:
        """Return the declared lock behind an SSA value.

        Raises:
            CheckFailed: NPU105, the value is something else.
        """
        lock = self.declared_locks.get(value)
        if lock is None:
            raise refuse(
                user,
                f"{user.name} needs a lock here",
                code="NPU105",
                cure="use the result of an aie.lock",
            )
        return lock
