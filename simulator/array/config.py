"""What the hardware can be told, as plain data: the seam between front ends and the array.

A front end (MLIR today, xclbin and instructions next) writes these records; the array
model executes them. They use the hardware's own vocabulary, count bytes and 32-bit words,
and know nothing of MLIR. Every record carries an :class:`Origin`, so that a failure deep
in the array can name the line of the design that asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from simulator.array.core import CoreContext
    from simulator.array.host import PollRegister, WriteRegisters

WORD = 4
"""Bytes in a stream word; DMA lengths and strides are counted in words by the hardware."""


class TileId(NamedTuple):
    """A tile's place: column from the west, row from the south (row 0 is the shim)."""

    col: int
    row: int

    def __str__(self) -> str:
        return f"tile({self.col},{self.row})"


@dataclass(frozen=True)
class Origin:
    """Where in the user's design an object comes from.

    Attributes:
        name: The user's name for it (an objectFifo, a buffer), or an empty string.
        line: 1-based line of the design text, or 0 where there is none.
    """

    name: str = ""
    line: int = 0

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else ""
        return ", ".join(part for part in (self.name, where) if part)

    @property
    def bracketed(self) -> str:
        """`` (name, line 7)`` to append to a noun, or nothing where nothing is known."""
        return f" ({self})" if self.name or self.line else ""


NOWHERE = Origin()


class Direction(StrEnum):
    """Which way a DMA channel moves data, seen from memory."""

    MM2S = "MM2S"
    S2MM = "S2MM"


class ChannelId(NamedTuple):
    """A DMA channel of the array."""

    tile: TileId
    direction: Direction
    channel: int

    def __str__(self) -> str:
        return f"{self.tile} {self.direction}:{self.channel}"


class PortKind(StrEnum):
    """What a stream endpoint is attached to."""

    DMA = "DMA"
    CORE = "Core"
    CASCADE = "Cascade"
    CONTROL = "TileControl"
    TRACE = "Trace"


class Port(NamedTuple):
    """A stream endpoint of a tile: a DMA channel, a core port, the cascade or tile control.

    A DMA port that feeds a route is the MM2S channel of that number, one that a route
    ends in is the S2MM channel.
    """

    tile: TileId
    kind: PortKind
    channel: int

    def __str__(self) -> str:
        return f"{self.tile} {self.kind}:{self.channel}"


class Dim(NamedTuple):
    """One dimension of a DMA access pattern, counted in 32-bit words."""

    size: int
    stride: int


class Pad(NamedTuple):
    """Words of padding that a memory tile's MM2S channel adds around a dimension."""

    before: int
    after: int


@dataclass(frozen=True, kw_only=True)
class LockAction:
    """A lock operation that a BD makes: acquire waits for ``>= value`` and subtracts it
    (``== value`` where `equal`), release adds it. `tile` is the tile that owns the lock.
    """

    tile: TileId
    lock: int
    value: int
    equal: bool = False


@dataclass(frozen=True, kw_only=True)
class Packet:
    """The header of a packet-switched stream: 5-bit id, 3-bit type."""

    id: int
    type: int = 0


@dataclass(frozen=True, kw_only=True)
class Iteration:
    """A BD's own outermost loop: each execution starts `stride` words further, `size` times
    before it wraps. `current` is the step that the next execution takes.
    """

    size: int
    stride: int
    current: int = 0


@dataclass(frozen=True, kw_only=True)
class BufferDescriptor:
    """One DMA transfer.

    Attributes:
        memory: The tile whose memory is addressed (its own, or for a memory tile an east or
            west neighbour); None addresses host memory (shim tiles).
        address: Byte address in that memory; for host memory the offset in `host_arg`.
        length: Bytes moved in one execution, padding included, packet header not; a multiple
            of :data:`WORD`.
        dims: Access pattern in words, outermost first, at most 4 (3 outside memory tiles,
            the iteration apart); empty means contiguous. The outermost dimension goes on
            until `length` is reached, as the hardware's does.
        pads: Padding around each dimension of `dims`, memory-tile MM2S only; zeros are sent.
        host_arg: Which runtime-sequence argument `address` counts from (shim tiles).
        external: Which external buffer of the configuration instead.
        packet: Header to send in front of the payload (MM2S on a packet-switched route).
        next_bd: The BD executed after this one, None ends the task.
    """

    memory: TileId | None
    address: int
    length: int
    dims: tuple[Dim, ...] = ()
    pads: tuple[Pad, ...] = ()
    iteration: Iteration | None = None
    acquire: LockAction | None = None
    release: LockAction | None = None
    packet: Packet | None = None
    next_bd: int | None = None
    host_arg: int | None = None
    external: str | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Task:
    """An entry of a DMA channel's task queue: a BD chain executed `repeat` + 1 times.

    With `token` the channel reports completion to the host, which may wait for it.
    """

    bd: int
    repeat: int = 0
    token: bool = False
    origin: Origin = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """A named range of a tile's memory. `initial` is its content before the cores start."""

    tile: TileId
    name: str
    address: int
    size: int
    initial: bytes | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A counting semaphore of a tile, 6 bits wide, with its value before the cores start."""

    tile: TileId
    index: int
    initial: int = 0
    name: str = ""
    origin: Origin = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Channel:
    """What a DMA channel of a core or memory tile does from the start: tasks queued before
    the cores run. Shim channels are usually started by the runtime sequence instead; a design's
    own shim DMA program starts them here, too.
    """

    tile: TileId
    direction: Direction
    channel: int
    tasks: tuple[Task, ...] = ()
    origin: Origin = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Route:
    """A stream connection from one port to one or more.

    A circuit-switched route (`packet_id` None) owns its ports. Packet-switched routes may
    share source and destination ports; one packet occupies a shared port at a time.

    Attributes:
        hops: Stream switches crossed to each destination, for the time model.
        keep_header: The destination receives the 4-byte packet header in front of the payload.
    """

    source: Port
    destinations: tuple[Port, ...]
    packet_id: int | None = None
    keep_header: bool = False
    hops: int = 1
    origin: Origin = NOWHERE


CoreProgram = Callable[["CoreContext"], Generator[Any, Any, None]]
"""A core's program: a generator that yields the requests of `simulator.array.core` when it
must wait, and returns when the core is done."""


@dataclass(frozen=True, kw_only=True)
class Core:
    """A compute tile's core: its program and the stack reserved at the bottom of its memory.

    Attributes:
        releases: Locks (owner tile, index) that the program may release; a deadlock report
            names the core to those who wait for them. Where it is empty only locks that the
            core has released before are known.
    """

    tile: TileId
    program: CoreProgram
    stack_size: int = 0x400
    releases: frozenset[tuple[TileId, int]] = frozenset()
    origin: Origin = NOWHERE


@dataclass(kw_only=True)
class Configuration:
    """All that is set before the cores are enabled.

    Attributes:
        device: Geometry name, such as ``"npu1"`` or ``"npu1_1col"``.
        bds: Buffer descriptors by tile and BD index.
        writes: Register writes (and looks at registers) that configure what the other records
            do not, in order.
        external: Host memory that is no run's argument, by name: arrays of bytes, read and
            written in place. A configuration with any has shim channels of its own, and a run
            goes on after its host program until the array has come to rest.
    """

    device: str
    buffers: list[Buffer] = field(default_factory=list)
    locks: list[Lock] = field(default_factory=list)
    bds: dict[TileId, dict[int, BufferDescriptor]] = field(default_factory=dict)
    channels: list[Channel] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    cores: list[Core] = field(default_factory=list)
    writes: Sequence[WriteRegisters | PollRegister] = ()
    external: dict[str, npt.NDArray[np.uint8]] = field(default_factory=dict)
