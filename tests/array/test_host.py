"""Host programs: commands, tokens, queues, what stays between runs, when a run is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import CheckFailed
from simulator.array.config import Buffer, ChannelId, Dim, Direction, Lock, Pad, Task, TileId
from simulator.array.core import Acquire, CoreContext, CoreRun, Delay
from simulator.array.host import (
    AwaitToken,
    HostRun,
    Limits,
    PushTask,
    SetLock,
    WriteBd,
    WriteMemory,
)
from simulator.array.timing import HOST_COMMAND, HOST_WRITE_BD

if TYPE_CHECKING:
    from tests.array.conftest import Play, Sketch

SHIM, MEM, CORE = TileId(0, 0), TileId(0, 1), TileId(0, 2)
SEND, RECEIVE = Direction.MM2S, Direction.S2MM
LIMITS = Limits(max_cycles=100_000, max_seconds=20)


def loopback(sketch: type[Sketch], size: int) -> Sketch:
    """The shim's words go to a memory tile and back, `size` bytes at a time, for ever."""
    design = sketch()
    design.lock(MEM, 0, 1)
    design.lock(MEM, 1, 0)
    design.bd(MEM, 0, 0, size, acquire=design.act(MEM, 0), release=design.act(MEM, 1), next_bd=0)
    design.bd(MEM, 1, 0, size, acquire=design.act(MEM, 1), release=design.act(MEM, 0), next_bd=1)
    design.start(MEM, RECEIVE, 0, 0)
    design.start(MEM, SEND, 0, 1)
    design.route(design.dma(SHIM), design.dma(MEM))
    design.route(design.dma(MEM), design.dma(SHIM))
    return design


def test_what_the_array_holds_stays_between_runs(sketch: type[Sketch], play: Play) -> None:
    """Half an object is sent in each of two runs; the second run gets it whole."""
    array = loopback(sketch, 64).array()
    first, second = np.arange(8, dtype=np.uint32), np.arange(8, 16, dtype=np.uint32)
    target = np.zeros(16, np.uint32)
    array.run_host(sends_first(sketch), [first], LIMITS)
    play(array, [second, target], (RECEIVE, 0, 1, 64), (SEND, 0, 0, 32))
    assert target.tolist() == list(range(16))


def sends_first(sketch: type[Sketch]) -> HostRun:
    yield WriteBd(SHIM, 5, sketch.host_bd(0, 32))
    yield PushTask(SHIM, SEND, 0, Task(bd=5, token=True))
    yield AwaitToken(SHIM, SEND, 0)


def test_shim_bds_of_the_configuration_are_bound_to_each_run(sketch: type[Sketch]) -> None:
    design = loopback(sketch, 16)
    design.configuration.bds[SHIM] = {2: design.host_bd(0, 16), 3: design.host_bd(1, 16)}
    array = design.array()

    def sequence() -> HostRun:
        yield PushTask(SHIM, RECEIVE, 0, Task(bd=3, token=True))
        yield PushTask(SHIM, SEND, 0, Task(bd=2))
        yield AwaitToken(SHIM, RECEIVE, 0)

    for value in range(3):
        source, target = np.full(4, value, np.uint32), np.full(4, 9, np.uint32)
        array.run_host(sequence(), [source, target], LIMITS)
        assert target.tolist() == source.tolist()


def test_a_push_to_a_full_queue_waits_for_a_place(sketch: type[Sketch]) -> None:
    design = loopback(sketch, 16)
    pushed = []

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 16))
        yield WriteBd(SHIM, 1, design.host_bd(1, 16))
        for _ in range(8):
            yield PushTask(SHIM, RECEIVE, 0, Task(bd=1, token=True))
            pushed.append(len(pushed))
            if len(pushed) == 5:  # one at work, four in the queue
                yield PushTask(SHIM, SEND, 0, Task(bd=0, repeat=7))
        for _ in range(8):
            yield AwaitToken(SHIM, RECEIVE, 0)

    target = np.zeros(4, np.uint32)
    stats = design.array().run_host(sequence(), [np.arange(4, dtype=np.uint32), target], LIMITS)
    assert target.tolist() == [0, 1, 2, 3]
    assert len(pushed) == 8
    use = stats.work.channels[ChannelId(SHIM, RECEIVE, 0)]
    assert (use.executed, use.words) == (8, 32)


def test_tokens_are_counted_and_kept(sketch: type[Sketch]) -> None:
    design = loopback(sketch, 16)

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 16))
        yield PushTask(SHIM, SEND, 0, Task(bd=0, repeat=1, token=True))
        yield PushTask(SHIM, SEND, 0, Task(bd=0, token=True))
        yield WriteBd(SHIM, 1, design.host_bd(0, 48))
        yield PushTask(SHIM, RECEIVE, 0, Task(bd=1))
        yield Delay(2000)
        yield AwaitToken(SHIM, SEND, 0)
        yield AwaitToken(SHIM, SEND, 0)

    stats = design.array().run_host(sequence(), [np.zeros(12, np.uint32)], LIMITS)
    assert stats.findings == ()
    assert stats.cycles == 2000 + stats.host_cycles
    assert stats.host_cycles == 2 * HOST_WRITE_BD + 3 * HOST_COMMAND


def test_a_task_without_a_token_gives_none(sketch: type[Sketch]) -> None:
    design = loopback(sketch, 16)

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 16))
        yield PushTask(SHIM, SEND, 0, Task(bd=0))
        yield AwaitToken(SHIM, SEND, 0)

    with pytest.raises(CheckFailed, match="NPU229"):
        design.array().run_host(sequence(), [np.zeros(4, np.uint32)], LIMITS)


def test_locks_and_runtime_parameters_are_written_by_the_host(sketch: type[Sketch]) -> None:
    parameter = Buffer(tile=CORE, name="rtp", address=1024, size=8)
    seen = []

    def program(core: CoreContext) -> CoreRun:
        while True:
            yield Acquire(CORE, 3)
            seen.append(core.view(parameter).tolist())

    design = sketch()
    design.core(CORE, program)

    def sequence() -> HostRun:
        for value in (1, 2):
            yield WriteMemory(CORE, 1024, bytes([value] * 8))
            yield SetLock(CORE, 3, 1)
            yield Delay(50)

    design.array().run_host(sequence(), [], LIMITS)
    assert seen == [[1] * 8, [2] * 8]


def test_the_last_bytes_of_a_buffer_that_is_no_whole_word_stay(
    sketch: type[Sketch], play: Play
) -> None:
    target = np.full(18, 7, np.uint8)
    array = loopback(sketch, 16).array()
    stats = play(array, [np.zeros(16, np.uint8), target], (RECEIVE, 0, 1, 16), (SEND, 0, 0, 16))
    assert target.tolist() == [0] * 16 + [7, 7]
    assert stats.written[1].tolist() == [True] * 16 + [False] * 2


def test_memory_sent_before_it_was_written_is_a_finding(sketch: type[Sketch], play: Play) -> None:
    design = loopback(sketch, 16)
    design.configuration.locks[1] = Lock(tile=MEM, index=1, initial=1)
    target = np.zeros(4, np.uint32)
    array = design.array()
    stats = play(array, [target], (RECEIVE, 0, 0, 16))
    assert target.tolist() == [0xA5A5A5A5] * 4
    assert [str(finding).splitlines()[0] for finding in stats.findings] == [
        "[NPU219] BD 1 of tile(0,1) sends memory that nobody had written"
    ]
    moves = [(RECEIVE, 0, 1, 16), (SEND, 0, 0, 16)]
    assert play(array, [np.zeros(4, np.uint32), target], *moves).findings == ()


@pytest.mark.parametrize("writer", ["host", "core", "initial"])
def test_memory_that_somebody_may_have_written_is_no_finding(
    sketch: type[Sketch], play: Play, writer: str
) -> None:
    initial = bytes(16) if writer == "initial" else None
    buffer = Buffer(tile=CORE, name="out", address=64, size=16, initial=initial)
    design = sketch()
    design.configuration.buffers.append(buffer)
    design.lock(CORE, 0)
    design.bd(CORE, 0, 64, 16, acquire=design.act(CORE, 0))
    design.start(CORE, SEND, 0, 0)
    design.route(design.dma(CORE), design.dma(SHIM))

    def program(core: CoreContext) -> CoreRun:
        yield Delay(1)
        if writer == "core":
            core.address(buffer)
        core.release(CORE, 0)

    design.core(CORE, program)
    array = design.array()
    if writer == "host":
        array.write_memory(CORE, 64, bytes(16))
    assert play(array, [np.zeros(4, np.uint32)], (RECEIVE, 0, 0, 16)).findings == ()


def test_padding_and_words_written_in_part_are_no_finding(sketch: type[Sketch], play: Play) -> None:
    design = sketch()
    design.bd(MEM, 0, 0, 16, dims=(Dim(2, 1),), pads=(Pad(1, 1),))
    design.start(MEM, SEND, 0, 0)
    design.route(design.dma(MEM), design.dma(SHIM))
    array = design.array()
    array.write_memory(MEM, 0, bytes(4))
    array.write_memory(MEM, 4, bytes(2))
    target = np.ones(4, np.uint32)
    assert play(array, [target], (RECEIVE, 0, 0, 16)).findings == ()
    assert target.tolist() == [0, 0, 0xA5A50000, 0]


def test_shim_tasks_that_are_not_finished_are_a_finding(sketch: type[Sketch]) -> None:
    design = loopback(sketch, 64)

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 16))
        yield PushTask(SHIM, RECEIVE, 0, Task(bd=0))
        yield PushTask(SHIM, RECEIVE, 1, Task(bd=0))
        yield PushTask(SHIM, RECEIVE, 1, Task(bd=0))

    stats = design.array().run_host(sequence(), [np.zeros(4, np.uint32)], LIMITS)
    assert [finding.message for finding in stats.findings] == [
        "the host program has ended, and tile(0,0) S2MM:0 has 1 unfinished task",
        "the host program has ended, and tile(0,0) S2MM:1 has 2 unfinished tasks",
    ]
    assert {finding.code for finding in stats.findings} == {"NPU220"}


def spinning(_core: CoreContext) -> CoreRun:
    while True:
        yield Delay(10)


def test_a_run_ends_at_its_last_cycle_and_says_who_waits(sketch: type[Sketch]) -> None:
    design = sketch()
    design.core(CORE, spinning)
    with pytest.raises(CheckFailed) as failure:
        design.array().run_host(
            iter([AwaitToken(SHIM, SEND, 0)]), [], Limits(max_cycles=995, max_seconds=20)
        )
    assert str(failure.value).splitlines() == [
        "[NPU201] the run was given up after 995 cycles, at cycle 990",
        "    the host waits for a task token of tile(0,0) MM2S:0; tile(0,0) MM2S:0 could end it",
        "    tile(0,0) MM2S:0 has no task",
        "    chain: the host -> tile(0,0) MM2S:0",
        "  -> look for a core that loops without an end; raise the limit if the design just takes "
        "long",
    ]


def test_the_last_cycle_still_counts(sketch: type[Sketch]) -> None:
    sketch().array().run_host(iter([Delay(995)]), [], Limits(max_cycles=995, max_seconds=20))


def test_a_run_ends_at_its_last_second_even_if_no_cycle_passes(sketch: type[Sketch]) -> None:
    def stuck(_core: CoreContext) -> CoreRun:
        while True:
            yield Delay(0)

    design = sketch()
    design.core(CORE, stuck)
    with pytest.raises(CheckFailed) as failure:
        design.array().run_host(iter([Delay(100)]), [], Limits(max_cycles=1000, max_seconds=0.02))
    assert str(failure.value).splitlines()[0] == (
        "[NPU202] the run was given up after 0.02 seconds, at cycle 0"
    )
