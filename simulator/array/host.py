"""What a host program can ask of the array: the commands of a runtime sequence.

A host program is a generator that yields one command after another; the array executes
each in order, as the NPU's command processor does, and resumes the program when it is
done. Commands that write (`WriteBd`, `SetLock`, `WriteRegisters`, `PushTask`...) cost a few
cycles; `PushTask` stalls while the channel's queue is full; `AwaitToken` waits::

    def sequence() -> HostRun:
        yield WriteBd(shim, 0, BufferDescriptor(memory=None, host_arg=1, ...))
        yield PushTask(shim, Direction.S2MM, 0, Task(bd=0, token=True))
        yield AwaitToken(shim, Direction.S2MM, 0)
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from simulator.array.config import (
    NOWHERE,
    BufferDescriptor,
    Configuration,
    Direction,
    Origin,
    Task,
    TileId,
)
from simulator.array.core import Delay


class WriteBd(NamedTuple):
    """Write `content` to buffer descriptor `bd` of `tile`.

    A shim BD with a `host_arg` is bound here to the host buffer of this run, as the
    hardware's BD holds the address that was patched into it. Writing a BD that a channel
    executes at that moment is an error.
    """

    tile: TileId
    bd: int
    content: BufferDescriptor


class PushTask(NamedTuple):
    """Push `task` to a DMA channel's queue; waits while the queue holds its 4 tasks."""

    tile: TileId
    direction: Direction
    channel: int
    task: Task


class AwaitToken(NamedTuple):
    """Wait until the channel has completed a task that was pushed with a token, and take it.

    Tokens are counted: two tasks with a token need two awaits, and an await finds a token
    that came before it.
    """

    tile: TileId
    direction: Direction
    channel: int
    origin: Origin = NOWHERE


class SetLock(NamedTuple):
    """Set a lock to `value` (0..63), whatever it was."""

    tile: TileId
    lock: int
    value: int
    origin: Origin = NOWHERE


class WriteMemory(NamedTuple):
    """Write `data` at byte `address` of a tile's memory: a runtime parameter."""

    tile: TileId
    address: int
    data: bytes
    origin: Origin = NOWHERE


class WriteRegisters(NamedTuple):
    """Write consecutive 32-bit words from byte `address` of a tile on; only bits of `mask` change.

    Waits while a task queue among them is full. What each register does is in
    :mod:`simulator.array.registers`.
    """

    tile: TileId
    address: int
    words: Sequence[int]
    mask: int = 0xFFFFFFFF
    origin: Origin = NOWHERE


class PollRegister(NamedTuple):
    """Wait until the register at `address` of a tile, masked, holds `value`.

    What can be read is in :mod:`simulator.array.register_values`.
    """

    tile: TileId
    address: int
    mask: int
    value: int
    origin: Origin = NOWHERE


class PatchAddress(NamedTuple):
    """Let the shim descriptor whose address word is at `address` move host argument
    `argument`, from byte `offset` on.
    """

    tile: TileId
    address: int
    argument: int
    offset: int
    origin: Origin = NOWHERE


class Reconfigure(NamedTuple):
    """Load another configuration, as another PDI is loaded: all stops but this program.

    Memories keep what they hold.
    """

    configuration: Configuration


HostRequest: TypeAlias = (
    WriteBd
    | PushTask
    | AwaitToken
    | SetLock
    | WriteMemory
    | WriteRegisters
    | PollRegister
    | PatchAddress
    | Reconfigure
    | Delay
)
HostRun: TypeAlias = Generator[HostRequest, None, None]
"""A running host program."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a run is given up.

    Attributes:
        max_cycles: Simulated cycles of this run.
        max_seconds: Wall-clock seconds of this run.
    """

    max_cycles: int = 2_000_000_000
    max_seconds: float = 120.0
