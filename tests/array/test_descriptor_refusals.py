"""Buffer descriptors that the hardware could not execute are refused, with these words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from errors import CheckFailed, LabError
from simulator.array.array import Array
from simulator.array.config import (
    BufferDescriptor,
    ChannelId,
    Configuration,
    Dim,
    Direction,
    Iteration,
    LockAction,
    Origin,
    Packet,
    Pad,
    Task,
    TileId,
)
from simulator.array.core import (
    Delay,
)
from simulator.array.host import (
    AwaitToken,
    HostRun,
    Limits,
    PushTask,
    WriteBd,
)

if TYPE_CHECKING:
    from tests.array.conftest import Sketch

SHIM, MEM, CORE = TileId(0, 0), TileId(0, 1), TileId(0, 2)
SEND, RECEIVE = Direction.MM2S, Direction.S2MM
LIMITS = Limits(max_cycles=100_000, max_seconds=20)


def bd(
    memory: TileId | None = CORE, address: int = 0, length: int = 64, **rest: Any
) -> BufferDescriptor:
    return BufferDescriptor(
        memory=memory, address=address, length=length, origin=Origin("of", 7), **rest
    )


def act(tile: TileId, lock: int = 0, value: int = 1) -> LockAction:
    return LockAction(tile=tile, lock=lock, value=value)


def first_line(failure: pytest.ExceptionInfo[LabError]) -> str:
    return str(failure.value).splitlines()[0]


DESCRIPTORS = [
    (CORE, 16, bd(), "NPU210", "tile(0,2) has no BD 16, it has 0..15"),
    (CORE, 0, bd(next_bd=16), "NPU210", "tile(0,2) has no BD 16, it has 0..15"),
    (
        TileId(4, 2),
        0,
        bd(),
        "NPU210",
        "tile(4,2) does not exist, device npu1 has columns 0..3 and rows 0..5",
    ),
    (
        CORE,
        0,
        bd(length=30),
        "NPU206",
        "address 0 and length 30 must be multiples of 4 bytes, the length more than 0",
    ),
    (
        CORE,
        0,
        bd(length=0),
        "NPU206",
        "address 0 and length 0 must be multiples of 4 bytes, the length more than 0",
    ),
    (
        CORE,
        0,
        bd(address=2),
        "NPU206",
        "address 2 and length 64 must be multiples of 4 bytes, the length more than 0",
    ),
    (
        CORE,
        0,
        bd(address=65_500),
        "NPU205",
        "it reaches bytes 65500..65563, outside the 65536 bytes of tile(0,2)'s memory",
    ),
    (
        CORE,
        0,
        bd(address=-4),
        "NPU205",
        "it reaches bytes -4..59, outside the 65536 bytes of tile(0,2)'s memory",
    ),
    (
        CORE,
        0,
        bd(dims=(Dim(2, 16384), Dim(8, 1))),
        "NPU205",
        "it reaches bytes 0..65567, outside the 65536 bytes of tile(0,2)'s memory",
    ),
    (
        CORE,
        0,
        bd(dims=(Dim(1, 16384), Dim(8, 1))),
        "NPU205",
        "it reaches bytes 0..65567, outside the 65536 bytes of tile(0,2)'s memory",
    ),
    (
        CORE,
        0,
        bd(iteration=Iteration(size=3, stride=8190)),
        "NPU205",
        "it reaches bytes 0..65583, outside the 65536 bytes of tile(0,2)'s memory",
    ),
    (
        MEM,
        0,
        bd(memory=MEM, length=2**19),
        "NPU209",
        "524288 bytes, it can move 524284 at most",
    ),
    (CORE, 0, bd(dims=(Dim(2, 2),) * 4), "NPU209", "4 dimensions, this tile's DMA has 3"),
    (
        CORE,
        0,
        bd(dims=(Dim(0, 1),)),
        "NPU209",
        "sizes must be positive and strides not negative",
    ),
    (
        CORE,
        0,
        bd(dims=(Dim(2, -1),)),
        "NPU209",
        "sizes must be positive and strides not negative",
    ),
    (
        CORE,
        0,
        bd(iteration=Iteration(size=65, stride=1)),
        "NPU209",
        "iteration must have size 1..64, current below it",
    ),
    (
        CORE,
        0,
        bd(iteration=Iteration(size=2, stride=1, current=2)),
        "NPU209",
        "iteration must have size 1..64, current below it",
    ),
    (
        CORE,
        0,
        bd(packet=Packet(id=32)),
        "NPU209",
        "packet id must be in 0..31, type in 0..7",
    ),
    (
        CORE,
        0,
        bd(dims=(Dim(16, 1),), pads=(Pad(1, 0),)),
        "NPU209",
        "only a memory tile's DMA pads",
    ),
    (
        MEM,
        0,
        bd(memory=MEM, dims=(Dim(16, 1),), pads=(Pad(1, 0), Pad(0, 0))),
        "NPU209",
        "one padding, not negative, for each dimension",
    ),
    (
        MEM,
        0,
        bd(memory=MEM, dims=(Dim(13, 1),), pads=(Pad(1, 1),)),
        "NPU209",
        "length 64 is more than the 60 bytes of its padded dimensions",
    ),
    (
        CORE,
        0,
        bd(memory=None, host_arg=0),
        "NPU209",
        "a shim BD addresses a host argument, any other a tile's memory",
    ),
    (
        SHIM,
        0,
        bd(memory=None),
        "NPU209",
        "a shim BD addresses a host argument, any other a tile's memory",
    ),
    (
        CORE,
        0,
        bd(memory=TileId(0, 3)),
        "NPU209",
        "its DMA does not reach the memory of tile(0,3)",
    ),
    (
        MEM,
        0,
        bd(memory=TileId(2, 1)),
        "NPU209",
        "its DMA does not reach the memory of tile(2,1)",
    ),
    (
        CORE,
        0,
        bd(acquire=act(TileId(0, 3))),
        "NPU209",
        "its DMA does not reach lock 0 of tile(0,3)",
    ),
    (CORE, 0, bd(release=act(CORE, 16)), "NPU210", "tile(0,2) has no lock 16, it has 0..15"),
    (CORE, 0, bd(acquire=act(CORE, 0, 64)), "NPU204", "value 64 is outside 0..63"),
]


@pytest.mark.parametrize(("tile", "index", "content", "code", "why"), DESCRIPTORS)
def test_a_descriptor_that_cannot_be_executed_is_refused(
    tile: TileId, index: int, content: BufferDescriptor, code: str, why: str
) -> None:
    with pytest.raises(CheckFailed) as failure:
        Array(Configuration(device="npu1", bds={tile: {index: content}}))
    assert first_line(failure) == f"[{code}] BD {index} of {tile} (of, line 7): {why}"


def test_the_same_descriptors_within_their_limits_are_taken() -> None:
    Array(
        Configuration(
            device="npu1",
            bds={
                CORE: {
                    0: bd(length=65_532),
                    15: bd(address=65_472, next_bd=15, packet=Packet(id=31, type=7)),
                    1: bd(iteration=Iteration(size=64, stride=100, current=63)),
                    2: bd(acquire=act(CORE, 15, 63), dims=(Dim(2, 8), Dim(2, 4), Dim(4, 1))),
                },
                MEM: {
                    0: bd(memory=TileId(1, 1), acquire=act(TileId(1, 1), 63)),
                    47: bd(memory=MEM, dims=(Dim(14, 1),), pads=(Pad(1, 1),)),
                },
            },
        )
    )


USES = [
    (
        MEM,
        ChannelId(MEM, SEND, 1),
        0,
        bd(memory=MEM),
        "[NPU209] tile(0,1) MM2S:1 executes BD 0 of tile(0,1) (of, line 7): even channels of a "
        "memory tile use BDs 0..23, odd ones 24..47",
    ),
    (
        MEM,
        ChannelId(MEM, SEND, 0),
        24,
        bd(memory=MEM),
        "[NPU209] tile(0,1) MM2S:0 executes BD 24 of tile(0,1) (of, line 7): even channels of a "
        "memory tile use BDs 0..23, odd ones 24..47",
    ),
    (
        MEM,
        ChannelId(MEM, SEND, 4),
        0,
        bd(memory=TileId(1, 1)),
        "[NPU209] tile(0,1) MM2S:4 executes BD 0 of tile(0,1) (of, line 7): channels 4 and 5 of a "
        "memory tile reach only its own memory and locks",
    ),
    (
        MEM,
        ChannelId(MEM, RECEIVE, 0),
        0,
        bd(memory=MEM, dims=(Dim(14, 1),), pads=(Pad(1, 1),)),
        "[NPU209] tile(0,1) S2MM:0 executes BD 0 of tile(0,1) (of, line 7): only an MM2S channel "
        "pads",
    ),
]


@pytest.mark.parametrize(("tile", "channel", "index", "content", "message"), USES)
def test_a_descriptor_that_is_not_for_this_channel_is_refused(
    tile: TileId, channel: ChannelId, index: int, content: BufferDescriptor, message: str
) -> None:
    array = Array(Configuration(device="npu1", bds={tile: {index: content}}))
    array.push_task(channel, Task(bd=index))
    with pytest.raises(CheckFailed) as failure:
        array.run_host(iter([Delay(10)]), [], LIMITS)
    assert first_line(failure) == message


def test_a_descriptor_in_use_cannot_be_rewritten(sketch: type[Sketch]) -> None:
    design = sketch()
    design.bd(CORE, 0, 0, 64, acquire=design.act(CORE, 0), next_bd=1)
    design.bd(CORE, 1, 64, 64)
    design.start(CORE, SEND, 0, 0)
    array = design.array()
    array.write_bd(CORE, 2, bd())
    with pytest.raises(CheckFailed) as failure:
        array.run_host(iter([WriteBd(CORE, 1, bd())]), [], LIMITS)
    assert first_line(failure) == (
        "[NPU207] BD 1 of tile(0,2) (of, line 7) is written while tile(0,2) MM2S:0 has a task "
        "that executes the BD of this number"
    )


def test_a_descriptor_that_a_chain_has_left_behind_can_be_rewritten(sketch: type[Sketch]) -> None:
    design = sketch()
    design.bd(CORE, 0, 0, 64, next_bd=1)
    design.bd(CORE, 1, 64, 64, acquire=design.act(CORE, 0))
    design.start(CORE, SEND, 0, 0)
    design.route(design.dma(CORE), design.dma(SHIM))

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 64))
        yield PushTask(SHIM, RECEIVE, 0, Task(bd=0, token=True))
        yield AwaitToken(SHIM, RECEIVE, 0)
        yield WriteBd(CORE, 0, bd())

    design.array().run_host(sequence(), [np.zeros(16, np.uint32)], LIMITS)


def test_a_descriptor_whose_task_is_finished_can_be_rewritten(sketch: type[Sketch]) -> None:
    design = sketch()
    design.bd(MEM, 0, 0, 64)
    design.start(MEM, RECEIVE, 0, 0)
    design.route(design.dma(SHIM), design.dma(MEM))
    array = design.array()

    def sequence() -> HostRun:
        for _ in range(2):
            yield WriteBd(SHIM, 0, design.host_bd(0, 32))
            yield PushTask(SHIM, SEND, 0, Task(bd=0, token=True))
            yield AwaitToken(SHIM, SEND, 0)

    array.run_host(sequence(), [np.zeros(8, np.uint32)], LIMITS)
