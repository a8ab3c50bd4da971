"""The trace is what the Chrome trace format and Perfetto want."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from simulator.array.recorder import Doing
from simulator.timeline import chrome
from simulator.timeline.records import Timeline

if TYPE_CHECKING:
    from tests.timeline.conftest import Traced

Event = dict[str, Any]


def validate(text: str) -> list[Event]:
    """Hold a document to the rules of the format; return its events."""
    document = json.loads(text)
    assert document["displayTimeUnit"] in ("ms", "ns")
    events: list[Event] = document["traceEvents"]
    assert {event["ph"] for event in events} <= {"M", "X", "C"}, "no B without its E"
    named = {
        kind: {
            (event["pid"], event["tid"] if kind == "thread_name" else 0): event["args"]["name"]
            for event in events
            if event["ph"] == "M" and event["name"] == kind
        }
        for kind in ("process_name", "thread_name")
    }
    ends: dict[tuple[int, int], float] = defaultdict(float)
    last: dict[tuple[int, str], float] = defaultdict(lambda: -1.0)
    for event in events:
        assert isinstance(event["pid"], int)
        assert named["process_name"][event["pid"], 0]
        if event["ph"] == "X":
            thread = event["pid"], event["tid"]
            assert named["thread_name"][thread]
            assert event["name"]
            assert event["dur"] > 0
            # A nanosecond of rounding apart, nothing on a thread overlaps or goes back.
            assert event["ts"] >= ends[thread] - 1e-6, event
            ends[thread] = event["ts"] + event["dur"]
        elif event["ph"] == "C":
            series = event["pid"], event["name"]
            assert event["ts"] > last[series], event
            last[series] = event["ts"]
            assert len(event["args"]) == 1
            assert all(isinstance(value, int | float) for value in event["args"].values())
    numbers = [event["tid"] for event in events if event["name"] == "thread_name"]
    assert len(numbers) == len(set(numbers))
    return events


def test_a_trace_is_valid_and_complete(traced: Traced) -> None:
    timeline, run = traced(16, 8)
    events = validate(chrome.dumps(timeline))
    spans = [event for event in events if event["ph"] == "X"]
    assert len(spans) == sum(len(track.spans) for track in timeline.tracks)
    assert max(event["ts"] + event["dur"] for event in spans) <= run.cycles / 1e3 + 1e-6
    processes = [event["args"]["name"] for event in events if event["name"] == "process_name"]
    assert processes == [
        "host",
        "tile(0,0) shim",
        "tile(0,1) memory",
        "tile(0,2) core",
        "tile(0,3) core",
    ]


def test_a_capped_trace_is_valid_and_says_so(traced: Traced) -> None:
    timeline, _ = traced(16, 200, limit=300)
    text = chrome.dumps(timeline)
    validate(text)
    merged = json.loads(text)["otherData"]["merged"]
    assert merged == f"spans and points closer than {timeline.resolution} cycles"
    assert any(
        event["args"].get("merged spans", 0) > 1 for event in json.loads(text)["traceEvents"]
    )


def test_the_trace_of_a_deadlock_ends_in_waits(deadlock: tuple[object, Timeline]) -> None:
    _, timeline = deadlock
    validate(chrome.dumps(timeline))
    last = {track.who: track.spans[-1] for track in timeline.tracks}
    assert last["the host"].doing is Doing.TOKEN
    assert last["the host"].end == timeline.end
    assert last["tile(0,2) MM2S:0"].doing is Doing.LOCK
    assert last["tile(0,2) MM2S:0"].end == timeline.end


def test_arguments_say_what_a_transfer_is(traced: Traced) -> None:
    timeline, _ = traced(16, 2)
    events = validate(chrome.dumps(timeline))
    threads = {
        event["tid"]: (event["pid"], event["args"]["name"])
        for event in events
        if event["name"] == "thread_name"
    }
    (first,) = [
        event
        for event in events
        if event["ph"] == "X"
        and threads[event["tid"]] == (102, "MM2S:0")
        and event["name"] == "of_out_buff_0"
    ]
    assert first["cat"] == "dma,work"
    assert first["args"] == {
        "kind": "work",
        "cycles": 16,
        "design line": first["args"]["design line"],
        "bytes": 64,
        "bytes per cycle": 4.0,
        "memory": "tile(0,2)",
        "address": first["args"]["address"],
        "length": 64,
        "acquire": "lock 3 of tile(0,2) by 1",
        "release": "lock 2 of tile(0,2) by 1",
    }


def test_bandwidth_counters_sum_to_the_words(traced: Traced) -> None:
    timeline, run = traced(100, 9)
    events = validate(chrome.dumps(timeline))
    rates = [event for event in events if event["name"] == "stream DMA:0 bytes per cycle"]
    shim = [event for event in rates if event["pid"] == 100]
    total = 0.0
    for event, after in pairwise(shim):
        total += event["args"]["B/cycle"] * (after["ts"] - event["ts"]) * 1e3
    assert shim[-1]["args"]["B/cycle"] == 0
    assert abs(total - 4 * 900) < 4
    assert run.cycles > 900
