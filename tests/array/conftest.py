"""A terse way to write array configurations, for all tests of the array model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest

from simulator.array.array import Array
from simulator.array.config import (
    BufferDescriptor,
    Channel,
    Configuration,
    Core,
    CoreProgram,
    Direction,
    Lock,
    LockAction,
    Origin,
    Port,
    PortKind,
    Route,
    Task,
    TileId,
)
from simulator.array.host import AwaitToken, HostRun, Limits, PushTask, WriteBd
from simulator.array.recorder import Recorder, RunStats

SHIM = TileId(0, 0)
LIMITS = Limits(max_cycles=10_000_000, max_seconds=20)

Move: TypeAlias = tuple[Direction, int, int, int]
"""Direction, channel, host argument, bytes."""

Play: TypeAlias = Callable[..., RunStats]


class Sketch:
    """A configuration in the making. Objects may be given a design line by `line`."""

    def __init__(self, device: str = "npu1") -> None:
        self.configuration = Configuration(device=device)

    def lock(
        self, tile: TileId, index: int, initial: int = 0, name: str = "", line: int = 0
    ) -> None:
        origin = Origin(line=line)
        lock = Lock(tile=tile, index=index, initial=initial, name=name, origin=origin)
        self.configuration.locks.append(lock)

    def bd(
        self,
        tile: TileId,
        index: int,
        address: int,
        length: int,
        *,
        name: str = "",
        line: int = 0,
        **rest: Any,
    ) -> None:
        rest.setdefault("memory", tile)
        self.configuration.bds.setdefault(tile, {})[index] = BufferDescriptor(
            address=address, length=length, origin=Origin(name, line), **rest
        )

    def start(
        self, tile: TileId, direction: Direction, channel: int, bd: int, repeat: int = 0
    ) -> None:
        tasks = (Task(bd=bd, repeat=repeat),)
        self.configuration.channels.append(
            Channel(tile=tile, direction=direction, channel=channel, tasks=tasks)
        )

    def route(self, source: Port, *destinations: Port, **rest: Any) -> None:
        self.configuration.routes.append(Route(source=source, destinations=destinations, **rest))

    def core(self, tile: TileId, program: CoreProgram, **rest: Any) -> None:
        self.configuration.cores.append(Core(tile=tile, program=program, **rest))

    def array(self, recorder: Recorder | None = None) -> Array:
        return Array(self.configuration, recorder)

    @staticmethod
    def dma(tile: TileId, channel: int = 0) -> Port:
        return Port(tile, PortKind.DMA, channel)

    @staticmethod
    def port(tile: TileId) -> Port:
        return Port(tile, PortKind.CORE, 0)

    @staticmethod
    def act(tile: TileId, lock: int, value: int = 1) -> LockAction:
        return LockAction(tile=tile, lock=lock, value=value)

    @staticmethod
    def host_bd(argument: int, length: int, address: int = 0, **rest: Any) -> BufferDescriptor:
        return BufferDescriptor(
            memory=None, host_arg=argument, address=address, length=length, **rest
        )


def transfer(moves: Sequence[Move]) -> HostRun:
    """Play the moves at the shim of column 0, all at once, and wait for what is received."""
    for bd, (_, _, argument, length) in enumerate(moves):
        yield WriteBd(SHIM, bd, Sketch.host_bd(argument, length))
    for bd, (direction, channel, _, _) in enumerate(moves):
        yield PushTask(SHIM, direction, channel, Task(bd=bd, token=direction is Direction.S2MM))
    for direction, channel, _, _ in moves:
        if direction is Direction.S2MM:
            yield AwaitToken(SHIM, direction, channel)


@pytest.fixture(scope="session")
def sketch() -> type[Sketch]:
    """Give the class; hypothesis tests make one object for each example."""
    return Sketch


@pytest.fixture(scope="session")
def play() -> Play:
    """Give a function that runs moves on an array with some host buffers."""

    def run(array: Array, buffers: Sequence[np.ndarray], *moves: Move) -> RunStats:
        return array.run_host(transfer(moves), buffers, LIMITS)

    return run
