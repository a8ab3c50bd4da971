"""Modelled time and the record of what happened when."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from simulator.array.config import ChannelId, Direction, Packet, Port, PortKind, Task, TileId
from simulator.array.core import CoreContext, CoreRun, Delay, StreamRead, StreamWrite
from simulator.array.host import AwaitToken, HostRun, Limits, PushTask, WriteBd
from simulator.array.packet import header
from simulator.array.recorder import Activity, Doing
from simulator.array.timing import (
    BD_START,
    HOP_DEPTH,
    HOP_LATENCY,
    HOST_MEMORY_LATENCY,
    HOST_WRITE_BD,
    LOCK_LATENCY,
)
from simulator.timeline.collect import Collector

if TYPE_CHECKING:
    from tests.array.conftest import Play, Sketch

SHIM, MEM, CORE, NORTH = (TileId(0, row) for row in range(4))
SEND, RECEIVE = Direction.MM2S, Direction.S2MM
LIMITS = Limits(max_cycles=10_000_000, max_seconds=20)


class Spans(Collector):
    """A collector that also keeps every activity whole, before it is cut into work and waits."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[tuple[int, int, TileId | None, str, str]] = []
        self._open: dict[tuple[TileId | None, str], tuple[int, str]] = {}

    def enter(self, cycle: int, tile: TileId | None, track: str, activity: Activity | None) -> None:
        super().enter(cycle, tile, track, activity)
        since, what = self._open.pop((tile, track), (cycle, ""))
        if what:
            self.all.append((since, cycle, tile, track, what))
        if activity is not None:
            self._open[tile, track] = cycle, activity.what


def double_buffer(sketch: type[Sketch], size: int, hops: int = 2) -> Sketch:
    """Through a memory tile with two buffers, so that both directions work at once."""
    design = sketch()
    design.lock(MEM, 0, 2, "free")
    design.lock(MEM, 1, 0, "full")
    free, full = design.act(MEM, 0), design.act(MEM, 1)
    for turn in (0, 1):
        into = {"acquire": free, "release": full, "next_bd": 1 - turn, "name": "of_in"}
        out = {"acquire": full, "release": free, "next_bd": 3 - turn, "name": "of_out"}
        design.bd(MEM, turn, turn * size, size, **into)
        design.bd(MEM, 2 + turn, turn * size, size, **out)
    design.start(MEM, RECEIVE, 0, 0)
    design.start(MEM, SEND, 0, 2)
    design.route(design.dma(SHIM), design.dma(MEM), hops=hops)
    design.route(design.dma(MEM), design.dma(SHIM), hops=hops)
    return design


@pytest.mark.parametrize("size", [1024, 4096, 16384])
def test_double_buffering_moves_nearly_a_word_a_cycle(
    sketch: type[Sketch], play: Play, size: int
) -> None:
    total = 64 * size
    buffers = [np.zeros(total, np.uint8), np.zeros(total, np.uint8)]
    array = double_buffer(sketch, size).array()
    stats = play(array, buffers, (RECEIVE, 0, 1, total), (SEND, 0, 0, total))
    words = total // 4
    assert words < stats.cycles < words * 1.06 + 2 * size / 4 + 1000


def test_a_longer_way_costs_latency_and_no_bandwidth(sketch: type[Sketch], play: Play) -> None:
    total = 64 * 1024
    cycles = []
    for hops in (1, 6):
        buffers = [np.zeros(total, np.uint8), np.zeros(total, np.uint8)]
        array = double_buffer(sketch, 1024, hops).array()
        cycles.append(play(array, buffers, (RECEIVE, 0, 1, total), (SEND, 0, 0, total)).cycles)
    assert 0 < cycles[1] - cycles[0] < 200


def test_a_transfer_takes_the_sum_of_its_documented_parts(sketch: type[Sketch]) -> None:
    """Lock, BD, words, then on the receiving side the switches between."""
    spans = Spans()
    design = sketch()
    design.lock(MEM, 0, 1)
    design.bd(MEM, 0, 0, 400, acquire=design.act(MEM, 0))
    design.bd(CORE, 0, 0, 400)
    design.start(MEM, SEND, 0, 0)
    design.start(CORE, RECEIVE, 0, 0)
    design.route(design.dma(MEM), design.dma(CORE), hops=2)
    design.array(spans).run_host(iter([Delay(1000)]), [], LIMITS)
    sent = LOCK_LATENCY + BD_START + 100
    assert (0, sent, MEM, "MM2S:0", "BD 0") in spans.all
    assert (0, sent + 2 * HOP_LATENCY, CORE, "S2MM:0", "BD 0") in spans.all


@pytest.mark.parametrize("direction", [SEND, RECEIVE])
def test_host_memory_is_far_once_for_tasks_that_follow_each_other(
    sketch: type[Sketch], direction: Direction
) -> None:
    design = sketch()
    design.bd(MEM, 0, 0, 800)
    design.start(MEM, RECEIVE if direction is SEND else SEND, 0, 0)
    design.route(design.dma(SHIM), design.dma(MEM), hops=1)
    design.route(design.dma(MEM), design.dma(SHIM), hops=1)

    def sequence() -> HostRun:
        for bd in range(2):
            yield WriteBd(SHIM, bd, design.host_bd(0, 400))
        for bd in range(2):
            yield PushTask(SHIM, direction, 0, Task(bd=bd, token=True))
        for _ in range(2):
            yield AwaitToken(SHIM, direction, 0)

    stats = design.array().run_host(sequence(), [np.zeros(100, np.uint32)], LIMITS)
    assert stats.cycles == 2 * HOST_WRITE_BD + 2 * (BD_START + 100) + HOST_MEMORY_LATENCY


def test_words_that_wait_in_the_switches_are_read_one_a_cycle(sketch: type[Sketch]) -> None:
    def writer(_core: CoreContext) -> CoreRun:
        yield StreamWrite(0, np.arange(16, dtype=np.uint32))

    def reader(_core: CoreContext) -> CoreRun:
        yield Delay(500)
        yield StreamRead(0, 16)
        yield Delay(0)

    spans = Spans()
    design = sketch()
    design.core(CORE, writer)
    design.core(NORTH, reader)
    design.route(design.port(CORE), design.port(NORTH), hops=2)
    design.array(spans).run_host(iter([Delay(1000)]), [], LIMITS)
    assert (0, 16, CORE, "core", "StreamWrite") in spans.all
    assert (500, 516, NORTH, "core", "StreamRead") in spans.all


@pytest.mark.parametrize("hops", [(1, 3), (3, 1)])
def test_the_switches_to_a_port_hold_what_the_longest_way_to_it_holds(
    sketch: type[Sketch], hops: tuple[int, int]
) -> None:
    def writer(_core: CoreContext) -> CoreRun:
        words = np.full(1 + 3 * HOP_DEPTH, header(Packet(id=2), CORE), np.uint32)
        yield StreamWrite(0, words, last=True)

    spans = Spans()
    design = sketch()
    design.core(CORE, writer)
    for number, count in enumerate(hops):
        design.route(design.port(CORE), design.dma(SHIM), packet_id=2 + number, hops=count)
    design.array(spans).run_host(iter([Delay(1000)]), [], LIMITS)
    assert spans.all[0][4] == "StreamWrite"


def test_counters_are_those_of_one_run(sketch: type[Sketch], play: Play) -> None:
    def program(_core: CoreContext) -> CoreRun:
        yield Delay(123)

    design = double_buffer(sketch, 256)
    design.core(CORE, program)
    array = design.array()
    buffers = [np.zeros(512, np.uint8), np.zeros(512, np.uint8)]
    moves = [(RECEIVE, 0, 1, 512), (SEND, 0, 0, 512)]
    first, second = (play(array, buffers, *moves).work for _ in range(2))
    assert first.cores == {CORE: 123}
    assert second.cores == {}
    for work in (first, second):
        assert work.routes == {Port(SHIM, PortKind.DMA, 0): 128, Port(MEM, PortKind.DMA, 0): 128}
        assert work.channels[ChannelId(MEM, RECEIVE, 0)][:2] == (2, 128)
        assert work.channels[ChannelId(SHIM, SEND, 0)][:2] == (1, 128)
        assert work.channels[ChannelId(SHIM, SEND, 0)].busy >= 128
        assert work.events > 0


def test_a_recorder_hears_of_work_and_waits_one_at_a_time_on_each_track(
    sketch: type[Sketch], play: Play
) -> None:
    def program(_core: CoreContext) -> CoreRun:
        yield Delay(40)
        yield Delay(2, "gelu")

    recorder = Collector()
    design = double_buffer(sketch, 256)
    design.core(CORE, program)
    array = design.array(recorder)
    buffers = [np.zeros(1024, np.uint8), np.zeros(1024, np.uint8)]
    stats = play(array, buffers, (RECEIVE, 0, 1, 1024), (SEND, 0, 0, 1024))
    tracks = {
        (track.tile, track.name): track.spans for track in recorder.timeline("test", 10**9).tracks
    }
    assert set(tracks) == {
        (None, "host"),
        (CORE, "core"),
        (MEM, "S2MM:0"),
        (MEM, "MM2S:0"),
        (MEM, "stream DMA:0"),
        (SHIM, "S2MM:0"),
        (SHIM, "MM2S:0"),
        (SHIM, "stream DMA:0"),
    }
    for spans in tracks.values():
        assert all(0 <= span.start < span.end <= stats.cycles for span in spans)
        assert all(a.end <= b.start for a, b in pairwise(spans))
    assert [span[:4] for span in tracks[CORE, "core"]] == [
        (0, 40, Doing.WORK, "compute"),
        (40, 42, Doing.WORK, "gelu"),
    ]
    filled = [span for span in tracks[MEM, "S2MM:0"] if span.what == "of_in"]
    assert sum(span.words for span in filled) == 256
    assert "wait for lock 1 of tile(0,1) (full)" in {span.what for span in tracks[MEM, "MM2S:0"]}
    assert [(span.doing, span.what) for span in tracks[None, "host"]] == [
        (Doing.WORK, "WriteBd BD 0 of tile(0,0)"),
        (Doing.WORK, "WriteBd BD 1 of tile(0,0)"),
        (Doing.WORK, "PushTask tile(0,0) S2MM:0"),
        (Doing.WORK, "PushTask tile(0,0) MM2S:0"),
        (Doing.TOKEN, "AwaitToken tile(0,0) S2MM:0"),
    ]


def test_a_recorder_changes_nothing(sketch: type[Sketch], play: Play) -> None:
    cycles = []
    for recorder in (None, Collector()):
        array = double_buffer(sketch, 256).array(recorder)
        buffers = [np.zeros(4096, np.uint8), np.zeros(4096, np.uint8)]
        stats = play(array, buffers, (RECEIVE, 0, 1, 4096), (SEND, 0, 0, 4096))
        cycles.append((stats.cycles, stats.work.events))
    assert cycles[0] == cycles[1]
