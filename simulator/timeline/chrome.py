"""A timeline as Chrome-trace JSON, which Perfetto (ui.perfetto.dev) opens.

Processes are tiles, threads their core, DMA channels and streams; the host is a process of
its own. Counters belong to their tile. Times are microseconds, as the format wants them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simulator.array.checks import addressed
from simulator.array.config import TileId
from simulator.timeline.rates import WINDOWS, bandwidth
from simulator.timeline.records import Counter, Role, Span, Timeline, Track, place_name

HOST_PROCESS = 1

_COLOURS = {
    "work": "thread_state_running",
    "set-up": "thread_state_runnable",
    "wait for lock": "thread_state_uninterruptible",
    "wait for stream": "thread_state_iowait",
    "wait for token": "thread_state_sleeping",
    "wait for queue": "thread_state_sleeping",
}


def trace(timeline: Timeline) -> dict[str, Any]:
    """Return the document, ready for :mod:`json`."""
    return {
        "displayTimeUnit": "ns",
        "otherData": {
            "title": timeline.title,
            "basis": "modelled, not measured",
            "clock": f"{timeline.clock_hz / 1e9:g} GHz assumed: "
            f"a cycle is {1e9 / timeline.clock_hz:g} ns",
            "cycles": timeline.cycles,
            "merged": _merged(timeline),
        },
        "traceEvents": [*_names(timeline), *_spans(timeline), *_counters(timeline)],
    }


def dumps(timeline: Timeline) -> str:
    """Return the document as text, one event a line."""
    document = trace(timeline)
    events = ",\n".join(json.dumps(event) for event in document.pop("traceEvents"))
    head = json.dumps(document, indent=1)[:-2]
    return f'{head},\n "traceEvents": [\n{events}\n]}}\n'


def process(tile: TileId | None) -> int:
    """Return the process number of a tile, or of the host."""
    return HOST_PROCESS if tile is None else 100 + 10 * tile.col + tile.row


def _merged(timeline: Timeline) -> str:
    if not timeline.resolution:
        return "nothing: every span and point is here"
    return f"spans and points closer than {timeline.resolution} cycles"


def _places(timeline: Timeline) -> list[TileId | None]:
    tiles = {track.tile for track in timeline.tracks} | {one.tile for one in timeline.counters}
    return sorted(tiles, key=lambda tile: tile or (-1, -1))


def _names(timeline: Timeline) -> Iterator[dict[str, Any]]:
    for place, tile in enumerate(_places(timeline)):
        yield _meta(tile, 0, "process_name", {"name": place_name(tile)})
        yield _meta(tile, 0, "process_sort_index", {"sort_index": place})
    for number, track in _numbered(timeline):
        yield _meta(track.tile, number, "thread_name", {"name": track.name})
        yield _meta(track.tile, number, "thread_sort_index", {"sort_index": number})


def _meta(tile: TileId | None, thread: int, name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    return {"ph": "M", "pid": process(tile), "tid": thread, "name": name, "args": dict(args)}


def _numbered(timeline: Timeline) -> Iterable[tuple[int, Track]]:
    return enumerate(timeline.tracks, 1)


def _spans(timeline: Timeline) -> Iterator[dict[str, Any]]:
    micro = 1e6 / timeline.clock_hz
    for number, track in _numbered(timeline):
        for span in track.spans:
            yield {
                "ph": "X",
                "pid": process(track.tile),
                "tid": number,
                "ts": round((span.start - timeline.start) * micro, 6),
                "dur": round((span.end - span.start) * micro, 6),
                "name": span.what,
                "cat": f"{track.role},{span.doing}",
                "cname": _COLOURS[span.doing],
                "args": _arguments(span),
            }


def _arguments(span: Span) -> dict[str, Any]:
    args: dict[str, Any] = {"kind": str(span.doing), "cycles": span.end - span.start}
    if span.line:
        args["design line"] = span.line
    if span.words:
        args["bytes"] = 4 * span.words
        args["bytes per cycle"] = round(4 * span.words / (span.end - span.start), 3)
    if span.pieces > 1:
        args["merged spans"] = span.pieces
    bd = span.transfer
    if bd is not None:
        args["memory"] = addressed(bd) if bd.memory is None else str(bd.memory)
        args["address"] = bd.address
        args["length"] = bd.length
        if bd.dims:
            args["dims"] = " ".join(f"{dim.size}x{dim.stride}" for dim in bd.dims)
        for side, action in (("acquire", bd.acquire), ("release", bd.release)):
            if action is not None:
                args[side] = f"lock {action.lock} of {action.tile} by {action.value}"
    return args


def _counters(timeline: Timeline) -> Iterator[dict[str, Any]]:
    micro = 1e6 / timeline.clock_hz
    for counter in timeline.counters:
        yield from _points(counter, timeline.start, micro)
    for track in timeline.tracks:
        if track.role is Role.STREAM:
            windows = bandwidth(timeline, track, WINDOWS)
            name = f"{track.name} bytes per cycle"
            points = tuple((start, 4 * words / (stop - start)) for start, stop, words in windows)
            for cycle, rate in _changes((*points, (timeline.end, 0.0))):
                yield _count(track.tile, cycle - timeline.start, micro, name, "B/cycle", rate)


def _points(counter: Counter, start: int, micro: float) -> Iterator[dict[str, Any]]:
    for cycle, value in counter.points:
        at = max(0, cycle - start)
        yield _count(counter.tile, at, micro, counter.name, counter.unit, value)


def _changes(points: Iterable[tuple[int, float]]) -> Iterator[tuple[int, float]]:
    last: float | None = None
    for cycle, value in points:
        if value != last:
            yield cycle, round(value, 4)
        last = value


def _count(
    tile: TileId | None, cycle: int, micro: float, name: str, unit: str, value: float
) -> dict[str, Any]:
    return {
        "ph": "C",
        "pid": process(tile),
        "ts": round(cycle * micro, 6),
        "name": name,
        "args": {unit: value},
    }
