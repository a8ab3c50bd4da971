"""The summary of timelines whose numbers are known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.array.config import BufferDescriptor, Dim, TileId
from simulator.array.recorder import Doing
from simulator.timeline.banks import CORE_BANK, MEM_BANK, Meetings, meetings
from simulator.timeline.rates import bandwidth
from simulator.timeline.records import Role, Span, Timeline, Track
from simulator.timeline.summary import chain, summarise

if TYPE_CHECKING:
    from tests.timeline.conftest import Traced

SHIM, MEM, CORE = TileId(0, 0), TileId(0, 1), TileId(0, 2)


def track(
    who: str,
    role: Role,
    cycles: dict[Doing, int],
    tile: TileId | None = CORE,
    spans: tuple[Span, ...] = (),
    waits: dict[str, int] | None = None,
    name: str = "",
) -> Track:
    return Track(
        tile=tile,
        name=name or who.rpartition(" ")[2],
        who=who,
        role=role,
        spans=spans,
        cycles=cycles,
        words=sum(span.words for span in spans),
        waits=waits or {},
    )


def timeline(*tracks: Track, cycles: int = 1000) -> Timeline:
    return Timeline(title="test", clock_hz=10**9, start=0, end=cycles, tracks=tracks, counters=())


def moving(start: int, end: int, words: int, memory: TileId, address: int, *dims: Dim) -> Span:
    record = BufferDescriptor(memory=memory, address=address, length=4 * words, dims=dims)
    return Span(start, end, Doing.WORK, "of", 0, words, transfer=record)


def test_the_busiest_resource_bounds_the_run() -> None:
    core = track("core of tile(0,2)", Role.CORE, {Doing.WORK: 600, Doing.LOCK: 400})
    channel = track("tile(0,2) S2MM:0", Role.DMA, {Doing.WORK: 300, Doing.STREAM: 500})
    summary = summarise(timeline(channel, core))
    assert [share.who for share in summary.shares] == ["core of tile(0,2)", "tile(0,2) S2MM:0"]
    assert summary.verdict() == "core of tile(0,2) bounds the run: it is busy 60% of it, computing"
    channel_share = summary.shares[1]
    assert (channel_share.work, channel_share.stream) == (0.3, 0.5)
    assert channel_share.idle == pytest.approx(0.2)


def test_a_run_in_which_nothing_is_busy_is_bound_by_latency() -> None:
    core = track("core of tile(0,2)", Role.CORE, {Doing.WORK: 100})
    assert summarise(timeline(core)).verdict() == (
        "nothing is busy for half of the run: latencies and waits bound it. The busiest is "
        "core of tile(0,2) with 10%"
    )


def test_an_empty_run_has_a_summary() -> None:
    summary = summarise(timeline(cycles=0))
    assert (summary.verdict(), summary.chain, summary.rate(4)) == ("nothing happened", (), 0.0)


def test_streams_are_no_resource_of_their_own() -> None:
    stream = track("tile(0,2) stream DMA:0", Role.STREAM, {Doing.WORK: 1000})
    assert summarise(timeline(stream)).shares == ()


def test_the_chain_follows_the_longest_waits() -> None:
    host = track("the host", Role.HOST, {Doing.WORK: 9}, None, waits={"a": 10, "b": 900})
    a = track("a", Role.DMA, {}, waits={"c": 500})
    b = track("b", Role.DMA, {Doing.WORK: 100}, waits={"c": 500, "a": 20})
    c = track("c", Role.CORE, {Doing.WORK: 700}, waits={"a": 300})
    assert chain((host, a, b, c)) == ("the host", "b", "c")


def test_the_chain_ends_where_it_closes() -> None:
    host = track("the host", Role.HOST, {}, None, waits={"a": 10})
    a = track("a", Role.DMA, {}, waits={"b": 5})
    b = track("b", Role.DMA, {}, waits={"a": 5})
    assert chain((host, a, b)) == ("the host", "a", "b", "a")


def test_rates_are_bytes_over_modelled_time() -> None:
    sent = moving(0, 500, 500, SHIM, 0)
    channel = track("tile(0,0) MM2S:0", Role.DMA, {Doing.WORK: 500}, SHIM, (sent,))
    summary = summarise(timeline(channel), ops=4000)
    assert (summary.read, summary.written) == (2000, 0)
    assert summary.rate(summary.read) == pytest.approx(2.0)
    assert summary.limit(summary.read_ports) == pytest.approx(4.0)
    assert summary.ops == 4000


def test_real_runs_move_what_they_are_given(traced: Traced) -> None:
    summary = summarise(traced(100, 5)[0])
    assert (summary.read, summary.written) == (2000, 2000)
    assert (summary.read_ports, summary.written_ports) == (1, 1)
    assert summary.chain[0] == "the host"


def test_bandwidth_windows_share_a_span_evenly() -> None:
    span = Span(10, 30, Doing.WORK, "x", words=40)
    stream = track("s", Role.STREAM, {Doing.WORK: 20}, spans=(span,))
    assert bandwidth(timeline(stream, cycles=40), stream, 4) == [
        (0, 10, 0.0),
        (10, 20, 20.0),
        (20, 30, 20.0),
        (30, 40, 0.0),
    ]


def test_two_channels_in_one_bank_may_meet() -> None:
    one = track("a", Role.DMA, {}, spans=(moving(0, 400, 400, CORE, 0),))
    two = track("b", Role.DMA, {}, spans=(moving(200, 600, 400, CORE, 4096),))
    far = track("c", Role.DMA, {}, spans=(moving(200, 600, 400, CORE, 2 * CORE_BANK),))
    # Each makes one access of 16 bytes every 4 cycles; 200 cycles are shared.
    assert meetings(timeline(one, two, far)) == (
        Meetings(tile=CORE, accesses=300, shared=200, most=50, least=0, core=0),
    )


def test_scattered_words_take_an_access_each_and_can_ask_for_too_much() -> None:
    scattered = Dim(100, 8)
    spans = [moving(0, 100, 100, MEM, bank * MEM_BANK, scattered) for bank in (0, 0, 1)]
    tracks = [track(str(i), Role.DMA, {}, MEM, (span,)) for i, span in enumerate(spans)]
    assert meetings(timeline(*tracks)) == (
        Meetings(tile=MEM, accesses=300, shared=100, most=100, least=100, core=0),
    )


def test_a_core_is_held_up_by_no_more_than_the_accesses_while_it_computes() -> None:
    channel = track("a", Role.DMA, {}, spans=(moving(0, 400, 400, CORE, 0),))
    computing = Span(100, 200, Doing.WORK, "kernel"), Span(300, 800, Doing.WORK, "kernel")
    core = track("core of tile(0,2)", Role.CORE, {Doing.WORK: 600}, spans=computing)
    (met,) = meetings(timeline(channel, core))
    assert met.core == (100 + 100) // 4


def test_merged_spans_say_nothing_of_banks(traced: Traced) -> None:
    assert summarise(traced(16, 200)[0]).banks
    assert summarise(traced(16, 200, limit=300)[0]).banks == ()
