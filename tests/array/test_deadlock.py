"""Deadlocks: what is said about them, word for word, and as a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from simulator.array.array import Array
from simulator.array.config import CoreProgram, Direction, Origin, Task, TileId
from simulator.array.core import (
    Acquire,
    CascadeRead,
    CoreContext,
    CoreRun,
    Delay,
    StreamRead,
    StreamWrite,
)
from simulator.array.deadlock import Deadlock, Wait, WaitFor, WaitKind
from simulator.array.host import AwaitToken, HostRun, Limits, PushTask, WriteBd

if TYPE_CHECKING:
    from tests.array.conftest import Sketch

SHIM, MEM, CORE = TileId(0, 0), TileId(0, 1), TileId(0, 2)
SEND, RECEIVE = Direction.MM2S, Direction.S2MM
LIMITS = Limits(max_cycles=1_000_000, max_seconds=20)


def deadlock(array: Array, sequence: HostRun, buffers: Sequence[np.ndarray] = ()) -> Deadlock:
    with pytest.raises(Deadlock) as failure:
        array.run_host(sequence, buffers, LIMITS)
    return failure.value


def pipeline(sketch: type[Sketch], program: CoreProgram) -> Sketch:
    """Shim to core to shim: buffers guarded by locks 0, 1 (in) and 2, 3 (out)."""
    design = sketch()
    for index, (initial, name) in enumerate(
        [(1, "in_prod_lock"), (0, "in_cons_lock"), (1, "out_prod_lock"), (0, "out_cons_lock")]
    ):
        design.lock(CORE, index, initial, name, line=3 + index)
    for bd, (acquire, release, name, line) in enumerate([(0, 1, "of_in", 8), (3, 2, "of_out", 9)]):
        design.bd(
            CORE,
            bd,
            256 * bd,
            64,
            acquire=design.act(CORE, acquire),
            release=design.act(CORE, release),
            next_bd=bd,
            name=name,
            line=line,
        )
    design.start(CORE, RECEIVE, 0, 0)
    design.start(CORE, SEND, 0, 1)
    design.route(design.dma(SHIM), design.dma(CORE))
    design.route(design.dma(CORE), design.dma(SHIM))
    design.core(CORE, program, releases=frozenset({(CORE, 0), (CORE, 3)}))
    return design


def host(design: Sketch, sent: int, received: int) -> HostRun:
    yield WriteBd(SHIM, 0, design.host_bd(0, sent))
    yield WriteBd(SHIM, 1, design.host_bd(1, received))
    yield PushTask(SHIM, RECEIVE, 0, Task(bd=1, token=True))
    yield PushTask(SHIM, SEND, 0, Task(bd=0))
    yield AwaitToken(SHIM, RECEIVE, 0, Origin("out", 30))


def buffers(*sizes: int) -> list[np.ndarray]:
    return [np.zeros(size, np.uint8) for size in sizes]


def test_a_core_that_forgets_a_release_is_the_end_of_the_chain(sketch: type[Sketch]) -> None:
    def forgetful(core: CoreContext) -> CoreRun:
        for _ in range(2):
            yield Acquire(CORE, 1, origin=Origin(line=20))
            yield Acquire(CORE, 2, origin=Origin(line=21))
            yield Delay(10)
            core.release(CORE, 0)

    design = pipeline(sketch, forgetful)
    error = deadlock(design.array(), host(design, 128, 128), buffers(128, 128))
    cycle = error.graph.cycle
    assert str(error).splitlines() == [
        f"[NPU203] deadlock at cycle {cycle}: the host (out, line 30) waits for a task token of "
        "tile(0,0) S2MM:0, and nothing in the array can go on",
        "    the host (out, line 30) waits for a task token of tile(0,0) S2MM:0; "
        "tile(0,0) S2MM:0 could end it",
        "    tile(0,0) S2MM:0 waits for words: 0 of 32 came; tile(0,2) MM2S:0 could end it",
        "    tile(0,2) MM2S:0 (of_out, line 9) waits for lock 3 of tile(0,2) (out_cons_lock, "
        "line 6) >= 1, its value is 0; core of tile(0,2) could end it",
        "    core of tile(0,2) (line 21) waits for lock 2 of tile(0,2) (out_prod_lock, line 5) "
        ">= 1, its value is 0; tile(0,2) MM2S:0 could end it",
        "    tile(0,2) S2MM:0 (of_in, line 8) waits for lock 0 of tile(0,2) (in_prod_lock, line 3) "
        ">= 1, its value is 0; core of tile(0,2) could end it",
        "    chain: the host -> tile(0,0) S2MM:0 -> tile(0,2) MM2S:0 -> core of tile(0,2) -> "
        "tile(0,2) MM2S:0",
        "  -> follow the chain round its cycle: a missing release, too few objects in a fifo, or "
        "two who acquire the same locks in another order",
    ]


def test_a_core_that_ended_is_named_as_ended(sketch: type[Sketch]) -> None:
    def once(core: CoreContext) -> CoreRun:
        yield Acquire(CORE, 1)
        yield Acquire(CORE, 2)
        core.release(CORE, 0)
        core.release(CORE, 3)

    design = pipeline(sketch, once)
    error = deadlock(design.array(), host(design, 128, 128), buffers(128, 128))
    assert error.graph.others == {"core of tile(0,2)": "has ended"}
    assert error.graph.chain()[-1] == "core of tile(0,2)"
    assert "    core of tile(0,2) has ended" in str(error).splitlines()


def test_an_input_shorter_than_its_peer_ends_at_the_idle_sender(sketch: type[Sketch]) -> None:
    def copies(core: CoreContext) -> CoreRun:
        while True:
            yield Acquire(CORE, 1)
            yield Acquire(CORE, 2)
            core.release(CORE, 0)
            core.release(CORE, 3)

    design = pipeline(sketch, copies)
    error = deadlock(design.array(), host(design, 124, 128), buffers(124, 128))
    waits = {wait.who: wait.what for wait in error.graph.waits}
    assert waits["tile(0,2) S2MM:0"] == "for words: 15 of 16 came"
    assert error.graph.others == {"tile(0,0) MM2S:0": "has no task"}
    assert error.graph.chain() == (
        "the host",
        "tile(0,0) S2MM:0",
        "tile(0,2) MM2S:0",
        "core of tile(0,2)",
        "tile(0,2) S2MM:0",
        "tile(0,0) MM2S:0",
    )


def test_a_sender_that_nobody_receives_says_where_its_words_stay(sketch: type[Sketch]) -> None:
    design = sketch()
    design.route(design.dma(SHIM), design.dma(MEM), hops=2)

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 400))
        yield PushTask(SHIM, SEND, 0, Task(bd=0, token=True))
        yield AwaitToken(SHIM, SEND, 0)

    error = deadlock(design.array(), sequence(), buffers(400))
    assert error.graph.waits[1] == Wait(
        who="tile(0,0) MM2S:0",
        tile=SHIM,
        kind=WaitKind.STREAM,
        what="to send words: 0 of 100 are gone, tile(0,1) DMA:0 takes none",
        by=("tile(0,1) S2MM:0",),
    )
    assert error.graph.others == {"tile(0,1) S2MM:0": "has no task"}


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (
            StreamWrite(0, np.arange(3, dtype=np.uint32), origin=Origin(line=5)),
            "core of tile(0,2) (line 5) waits to send words: 0 of 3 are gone, no route leaves "
            "tile(0,2) Core:0; nothing could end it",
        ),
        (
            StreamRead(0, 3, Origin(line=5)),
            "core of tile(0,2) (line 5) waits for words: 0 of 3 came, no route leads to "
            "tile(0,2) Core:0; nothing could end it",
        ),
        (
            CascadeRead(Origin(line=5)),
            "core of tile(0,2) (line 5) waits for words: 0 of 16 came, no route leads to "
            "tile(0,2) Cascade:0; nothing could end it",
        ),
        (
            Acquire(CORE, 7, 2, equal=True, origin=Origin(line=5)),
            "core of tile(0,2) (line 5) waits for lock 7 of tile(0,2) == 2, its value is 0; "
            "nothing could end it",
        ),
    ],
)
def test_every_wait_of_a_core_has_its_words(sketch: type[Sketch], request_: Any, line: str) -> None:
    def program(_core: CoreContext) -> CoreRun:
        yield request_

    design = sketch()
    design.core(CORE, program)
    error = deadlock(design.array(), iter([AwaitToken(SHIM, SEND, 0)]))
    assert line in error.details


def test_a_full_task_queue_is_a_wait_of_the_host(sketch: type[Sketch]) -> None:
    design = sketch()

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 4))
        for line in range(6):
            yield PushTask(SHIM, RECEIVE, 1, Task(bd=0, origin=Origin(line=line)))

    error = deadlock(design.array(), sequence(), buffers(4))
    assert error.graph.waits[0] == Wait(
        who="the host",
        tile=None,
        kind=WaitKind.QUEUE,
        what="for a free place in the task queue of tile(0,0) S2MM:1",
        by=("tile(0,0) S2MM:1",),
        origin=Origin(line=5),
    )


def test_a_core_that_was_never_started_is_named(sketch: type[Sketch]) -> None:
    design = sketch()
    design.route(design.port(CORE), design.dma(SHIM))

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 4))
        yield PushTask(SHIM, RECEIVE, 0, Task(bd=0, token=True))
        yield AwaitToken(SHIM, RECEIVE, 0)

    error = deadlock(design.array(), sequence(), buffers(4))
    assert error.graph.others == {"core of tile(0,2)": "was never started"}


def test_a_chain_follows_those_who_wait_and_stops_at_a_cycle() -> None:
    def wait(who: str, *by: str) -> Wait:
        return Wait(who=who, tile=None, kind=WaitKind.LOCK, what="for x", by=by)

    graph = WaitFor(
        cycle=0, waits=(wait("a", "idle", "b"), wait("b", "c"), wait("c", "b")), others={}
    )
    assert graph.chain() == ("a", "b", "c", "b")
    assert WaitFor(cycle=0, waits=(), others={}).lines() == ()
