"""Nothing is lost and nothing counted twice between a run and its timeline."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.array.config import Direction, Port, PortKind, TileId
from simulator.array.recorder import Doing
from simulator.simulation import Run
from simulator.timeline.records import Role, Timeline

if TYPE_CHECKING:
    from tests.timeline.conftest import Plain, Traced


def check_spans(timeline: Timeline) -> None:
    """Spans lie in the run, one after the other; without merging they sum to the cycles."""
    for track in timeline.tracks:
        assert all(timeline.start <= span.start < span.end for span in track.spans), track.who
        assert all(a.end <= b.start for a, b in pairwise(track.spans)), track.who
        assert track.spans[-1].end <= timeline.end, track.who
        assert sum(track.cycles.values()) <= timeline.cycles
        if not timeline.resolution:
            for doing in Doing:
                spans = [span for span in track.spans if span.doing is doing]
                assert sum(b - a for a, b, *_ in spans) == track.cycles.get(doing, 0), track.who


def check_work(timeline: Timeline, run: Run) -> None:
    """What tracks did is what the run's own counters say."""
    assert timeline.cycles == run.cycles
    tracks = {(track.tile, track.name): track for track in timeline.tracks}
    assert tracks[None, "host"].busy == run.host_cycles
    for tile, cycles in run.stats.work.cores.items():
        assert tracks[tile, "core"].busy == cycles
    for (tile, direction, number), use in run.stats.work.channels.items():
        track = tracks[tile, f"{direction}:{number}"]
        transfers = sum(
            track.cycles.get(doing, 0) for doing in (Doing.WORK, Doing.SETUP, Doing.STREAM)
        )
        # A channel of the array may be in a transfer when the host ends: the counter has only
        # whole ones.
        assert transfers == use.busy if tile.row == 0 else transfers >= use.busy
        assert track.words == use.words
        if timeline.resolution == 0:
            assert sum(span.words for span in track.spans) == use.words
    for port, words in run.stats.work.routes.items():
        assert tracks[port.tile, f"stream {port.kind}:{port.channel}"].words == words


@settings(max_examples=12, deadline=None)
@given(size=st.sampled_from([1, 3, 16, 100]), rounds=st.integers(1, 9))
def test_a_timeline_says_what_the_counters_say(traced: Traced, size: int, rounds: int) -> None:
    timeline, run = traced(size, rounds)
    check_spans(timeline)
    check_work(timeline, run)


def test_a_capped_timeline_merges_spans_and_keeps_sums(traced: Traced) -> None:
    whole, _ = traced(16, 200)
    capped, run = traced(16, 200, limit=300)
    assert whole.resolution == 0
    assert capped.resolution > 0
    assert sum(len(track.spans) for track in capped.tracks) <= 300
    check_spans(capped)
    check_work(capped, run)
    for fine, coarse in zip(whole.tracks, capped.tracks, strict=True):
        assert fine.cycles == coarse.cycles
        assert fine.waits == coarse.waits
        assert sum(span.words for span in fine.spans) == sum(span.words for span in coarse.spans)
        assert fine.spans[0].start == coarse.spans[0].start
        assert fine.spans[-1].end == coarse.spans[-1].end


def test_a_limit_below_one_span_a_track_is_the_best_it_can_be(traced: Traced) -> None:
    whole, _ = traced(16, 50)
    timeline, run = traced(16, 50, limit=1)
    assert [len(track.spans) for track in timeline.tracks] == [1] * len(timeline.tracks)
    points = [sum(len(one.points) for one in each.counters) for each in (timeline, whole)]
    assert points[0] < points[1]
    check_work(timeline, run)


def test_a_recorder_changes_no_cycle(traced: Traced, plain: Plain) -> None:
    _, run = traced(16, 4)
    without = plain(16, 4)
    assert (without.cycles, without.stats.work) == (run.cycles, run.stats.work)


def test_every_part_of_the_array_has_its_track(traced: Traced) -> None:
    timeline, _ = traced()
    names: dict[TileId | None, list[str]] = {}
    for track in timeline.tracks:
        names.setdefault(track.tile, []).append(track.name)
    assert names == {
        None: ["host"],
        TileId(0, 0): ["MM2S:0", "S2MM:0", "stream DMA:0"],
        TileId(0, 1): ["MM2S:0", "S2MM:0", "stream DMA:0"],
        TileId(0, 2): ["core", "MM2S:0", "S2MM:0", "stream DMA:0"],
        TileId(0, 3): ["core", "S2MM:0"],
    }


def test_waits_name_who_ended_them(traced: Traced) -> None:
    timeline, _ = traced()
    tracks = {track.who: track for track in timeline.tracks}
    assert set(tracks["the host"].waits) == {"tile(0,0) S2MM:0"}
    assert set(tracks["core of tile(0,3)"].waits) == {"tile(0,3) S2MM:0"}
    assert set(tracks["tile(0,0) S2MM:0"].waits) == {"tile(0,2) MM2S:0"}
    assert "core of tile(0,2)" in tracks["tile(0,2) MM2S:0"].waits


def test_locks_count_as_the_array_does(traced: Traced) -> None:
    timeline, _ = traced(rounds=6)
    counters = {(one.tile, one.name): one for one in timeline.counters}
    free = counters[TileId(0, 2), "lock 2 of_out_prod_lock_0"]
    objects = counters[TileId(0, 2), "objects of_out"]
    assert [value for _, value in free.points][-1] == 2
    assert {value for _, value in free.points} <= {0, 1, 2}
    assert [(at, 2 - value) for at, value in free.points] == list(objects.points)
    for counter in timeline.counters:
        assert all(a[0] < b[0] and a[1] != b[1] for a, b in pairwise(counter.points))


def test_a_broadcast_is_one_stream_to_both_ends(traced: Traced) -> None:
    timeline, run = traced()
    (stream,) = [
        track
        for track in timeline.tracks
        if track.role is Role.STREAM and track.tile == TileId(0, 1)
    ]
    assert {span.what for span in stream.spans} == {"to tile(0,2) DMA:0 tile(0,3) DMA:0"}
    assert stream.words == run.stats.work.routes[Port(TileId(0, 1), PortKind.DMA, 0)] == 64
    received = [track.words for track in timeline.tracks if track.name == f"{Direction.S2MM}:0"]
    assert received == [64, 64, 64, 64]


@pytest.mark.parametrize("doing", [Doing.WORK, Doing.SETUP, Doing.LOCK, Doing.STREAM, Doing.TOKEN])
def test_each_kind_of_time_occurs(traced: Traced, doing: Doing) -> None:
    timeline, _ = traced()
    assert any(track.cycles.get(doing) for track in timeline.tracks)
