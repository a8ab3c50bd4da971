"""Speed of the array model itself: payload, events, memory-tile transposes.

    python bench/simulated_array.py

Prints one line per figure with what was counted: medians of five runs in this process, in its
processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from time import process_time

import numpy as np

from simulator.array.array import Array
from simulator.array.config import (
    Buffer,
    BufferDescriptor,
    Channel,
    Configuration,
    Core,
    Dim,
    Direction,
    Lock,
    LockAction,
    Port,
    PortKind,
    Route,
    Task,
    TileId,
)
from simulator.array.core import Acquire, CoreContext, CoreRun, Delay
from simulator.array.host import AwaitToken, HostRun, Limits, PushTask, WriteBd

SHIM, MEM, CORE = TileId(0, 0), TileId(0, 1), TileId(0, 2)
MIB = 1 << 20


def through(tile: TileId, size: int, dims: tuple[Dim, ...] = ()) -> Configuration:
    """Two buffers of `tile`, filled by S2MM 0 and emptied (with `dims`) by MM2S 0, by turns."""

    def lock(index: int) -> LockAction:
        return LockAction(tile=tile, lock=index, value=1)

    bds = {}
    for turn in (0, 1):
        bds[turn] = BufferDescriptor(
            memory=tile,
            address=turn * size,
            length=size,
            acquire=lock(0),
            release=lock(1),
            next_bd=1 - turn,
        )
        bds[2 + turn] = BufferDescriptor(
            memory=tile,
            address=turn * size,
            length=size,
            dims=dims,
            acquire=lock(1),
            release=lock(0),
            next_bd=3 - turn,
        )
    dma = PortKind.DMA
    return Configuration(
        device="npu1_1col",
        locks=[Lock(tile=tile, index=0, initial=2), Lock(tile=tile, index=1)],
        bds={tile: bds},
        channels=[
            Channel(tile=tile, direction=Direction.S2MM, channel=0, tasks=(Task(bd=0),)),
            Channel(tile=tile, direction=Direction.MM2S, channel=0, tasks=(Task(bd=2),)),
        ],
        routes=[
            Route(source=Port(SHIM, dma, 0), destinations=(Port(tile, dma, 0),), hops=2),
            Route(source=Port(tile, dma, 0), destinations=(Port(SHIM, dma, 0),), hops=2),
        ],
    )


def with_core(size: int) -> Configuration:
    """A core between two buffers: it waits for both and hands both on, 100 cycles each time."""
    configuration = through(CORE, size)
    source = Buffer(tile=CORE, name="in", address=0, size=size)
    target = Buffer(tile=CORE, name="out", address=size, size=size)
    pairs = {0: (0, 1, source), 1: (3, 2, target)}
    configuration.bds[CORE] = {
        index: BufferDescriptor(
            memory=CORE,
            address=buffer.address,
            length=size,
            acquire=LockAction(tile=CORE, lock=acquire, value=1),
            release=LockAction(tile=CORE, lock=release, value=1),
            next_bd=index,
        )
        for index, (acquire, release, buffer) in pairs.items()
    }
    configuration.channels[1] = Channel(
        tile=CORE, direction=Direction.MM2S, channel=0, tasks=(Task(bd=1),)
    )
    initial = {0: 1, 1: 0, 2: 1, 3: 0}
    configuration.locks = [Lock(tile=CORE, index=i, initial=n) for i, n in initial.items()]

    def program(core: CoreContext) -> CoreRun:
        here, there = core.view(source), core.view(target)
        while True:
            yield Acquire(CORE, 1)
            yield Acquire(CORE, 2)
            there[:] = here
            yield Delay(100)
            core.release(CORE, 0)
            core.release(CORE, 3)

    configuration.cores = [Core(tile=CORE, program=program)]
    return configuration


def in_and_out(size: int) -> HostRun:
    """Send argument 0 and receive argument 1, `size` bytes each."""
    for bd in (0, 1):
        yield WriteBd(SHIM, bd, BufferDescriptor(memory=None, address=0, length=size, host_arg=bd))
    yield PushTask(SHIM, Direction.S2MM, 0, Task(bd=1, token=True))
    yield PushTask(SHIM, Direction.MM2S, 0, Task(bd=0))
    yield AwaitToken(SHIM, Direction.S2MM, 0)


def seconds(make: Callable[[], Configuration], size: int) -> float:
    """Return the median processor time of a run that sends `size` bytes through."""
    source = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    target = np.zeros_like(source)
    times = []
    for _ in range(5):
        array = Array(make())
        start = process_time()
        array.run_host(in_and_out(size), [source, target], Limits())
        times.append(process_time() - start)
    assert len(np.unique(target)) > 1
    return median(times)


def report(line: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Print the figures."""
    size = 64 * MIB
    taken = seconds(lambda: through(MEM, 256 * 1024), size)
    report(f"payload, 256 KiB BDs, two routes: {2 * size / taken / 1e9:.2f} GB/s")

    size, piece = MIB, 64
    taken = seconds(lambda: with_core(piece), size)
    rounds = size // piece
    operations = 2 + 4 + 4  # BDs; locks acquired and released by them; by the core
    report(f"BDs and lock operations, 64-byte objects: {operations * rounds / taken:,.0f} /s")
    report(f"one object in, through a core and out: {taken / rounds * 1e6:.1f} us")

    dims = (Dim(16, 8), Dim(8, 512 * 16), Dim(64, 128), Dim(8, 1))
    taken = seconds(lambda: through(MEM, 256 * 1024, dims), MIB)
    report(f"4-D transpose of 1 MiB in a memory tile: {taken * 1e3:.1f} ms")

    start = process_time()
    for _ in range(10):
        Array(Configuration(device="npu1"))
    report(f"an empty npu1 array: {(process_time() - start) * 100:.2f} ms")


if __name__ == "__main__":
    main()
