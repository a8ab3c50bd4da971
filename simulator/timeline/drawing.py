"""A timeline as SVG: a lane for each core, DMA channel and the host, tile under tile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from simulator.array.recorder import Doing
from simulator.timeline.picture import CHARACTER, FONT, rectangle, svg, text, wrapped
from simulator.timeline.records import MIXED, Role, Timeline, Track, place_name

WIDTH = 520.0
"""Pixels unless another width is asked for."""

LANES = 48
"""Most lanes in a picture; beyond them those that did least are left out, and it says so."""

_MARGIN = 8.0
_BAR = 14.0
_LANE = FONT + _BAR + 8
_HEAD = FONT + 14
_LEGEND = (
    ("work", "work"),
    ("set-up", "set-up"),
    ("lock", "waits: lock"),
    ("stream", "stream"),
    ("host", "host"),
)
_SOLID = ("work", "set-up")
_STYLE = {
    Doing.WORK: "work",
    Doing.SETUP: "set-up",
    Doing.LOCK: "lock",
    Doing.STREAM: "stream",
    Doing.TOKEN: "host",
    Doing.QUEUE: "host",
}


class _Piece(NamedTuple):
    """Neighbouring columns of pixels that look alike: style, full height or half, tip."""

    first: int
    last: int
    style: str
    full: bool
    tip: str


def draw(timeline: Timeline, width: float = WIDTH, *, style: bool = True) -> str:
    """Return the timeline as an SVG element.

    A column of pixels shows what took most of its cycles, at half the height where the lane
    was idle for most of them. Waits are lower than work, in the colour of what was waited for.

    Args:
        timeline: The run.
        width: Pixels, 320 at least.
        style: Put the style sheet into it, see :func:`simulator.timeline.picture.svg`.
    """
    width = max(320.0, width)
    tracks, left_out = _chosen(timeline)
    body = list(_header(timeline, width, left_out))
    y = _MARGIN + _header_height(timeline, width, left_out)
    for tile, lanes in groupby(tracks, key=lambda track: track.tile):
        body.append(text(_MARGIN, y + FONT, place_name(tile), "title"))
        y += _HEAD - 6
        for track in lanes:
            body += _lane(timeline, track, y, width)
            y += _LANE
        y += 6
    body += _axis(timeline, y, width)
    title = f"Timeline of {timeline.title}: {timeline.cycles:,} modelled cycles"
    return svg(width, y + FONT + 2 * _MARGIN, title, body, style=style)


def _chosen(timeline: Timeline) -> tuple[list[Track], int]:
    """Return the tracks to draw, streams apart (their DMA channels show the same)."""
    tracks = [track for track in timeline.tracks if track.role is not Role.STREAM]
    if len(tracks) <= LANES:
        return tracks, 0
    kept = sorted(tracks, key=lambda track: (track.role is not Role.HOST, -track.busy))[:LANES]
    names = {track.who for track in kept}
    return [track for track in tracks if track.who in names], len(tracks) - LANES


def _notes(timeline: Timeline, left_out: int) -> str:
    nanoseconds = 1e9 / timeline.clock_hz
    note = (
        f"{timeline.cycles:,} cycles, {timeline.cycles * nanoseconds / 1e3:,.2f} us at "
        f"{timeline.clock_hz / 1e9:g} GHz: modelled, not measured."
    )
    if left_out:
        note += f" The {left_out} lanes that did least are left out."
    return note


def _header_height(timeline: Timeline, width: float, left_out: int) -> float:
    lines = len(wrapped(timeline.title, width - 2 * _MARGIN))
    lines += len(wrapped(_notes(timeline, left_out), width - 2 * _MARGIN))
    rows = 1 + max(row for _, row, _, _ in _legend(width))
    return (FONT + 4) * (lines + rows) + 12


def _header(timeline: Timeline, width: float, left_out: int) -> Iterator[str]:
    y = _MARGIN + FONT
    for line in wrapped(timeline.title, width - 2 * _MARGIN):
        yield text(_MARGIN, y, line, "title")
        y += FONT + 4
    for line in wrapped(_notes(timeline, left_out), width - 2 * _MARGIN):
        yield text(_MARGIN, y, line, "soft")
        y += FONT + 4
    for x, row, style, label in _legend(width):
        base = y + row * (FONT + 4)
        yield rectangle(x, base - 10, 10, 10, style)
        yield text(x + 14, base, label, "soft")


def _legend(width: float) -> Iterator[tuple[float, int, str, str]]:
    """Yield place, row, style and label of each entry."""
    x, row = _MARGIN, 0
    for style, label in _LEGEND:
        length = 14 + len(label) * CHARACTER
        if x + length > width - _MARGIN:
            x, row = _MARGIN, row + 1
        yield x, row, style, label
        x += length + 12


def _lane(timeline: Timeline, track: Track, y: float, width: float) -> Iterator[str]:
    share = track.busy / (timeline.cycles or 1)
    yield text(_MARGIN, y + FONT, track.name, "soft")
    yield text(width - _MARGIN, y + FONT, f"works {share:.0%}", "soft", "end")
    top = y + FONT + 4
    yield rectangle(_MARGIN, top, width - 2 * _MARGIN, _BAR, "lane")
    for piece in _pieces(timeline, track, int(width - 2 * _MARGIN)):
        height = (_BAR if piece.style in _SOLID else _BAR * 0.6) * (1 if piece.full else 0.5)
        x, length = _MARGIN + piece.first, piece.last - piece.first
        yield rectangle(x, top + _BAR - height, length, height, piece.style, piece.tip)


def _pieces(timeline: Timeline, track: Track, columns: int) -> Iterator[_Piece]:
    last: _Piece | None = None
    for column, (doing, what, full) in enumerate(_columns(timeline, track, columns)):
        if doing is None:
            look = None
        else:
            tip = what if what == MIXED or doing is Doing.WORK else f"{doing}: {what}"
            look = _Piece(column, column + 1, _STYLE[doing], full, tip)
        if last is not None and look is not None and last[2:] == look[2:]:
            last = last._replace(last=column + 1)
            continue
        if last is not None:
            yield last
        last = look
    if last is not None:
        yield last


def _columns(
    timeline: Timeline, track: Track, columns: int
) -> Iterator[tuple[Doing | None, str, bool]]:
    """Yield for each column of pixels what took most of it, and whether it took half of it."""
    spans, index = track.spans, 0
    for column in range(columns):
        start = timeline.start + timeline.cycles * column / columns
        stop = timeline.start + timeline.cycles * (column + 1) / columns
        while index < len(spans) and spans[index].end <= start:
            index += 1
        sums: dict[Doing, float] = {}
        names: dict[Doing, str] = {}
        at = index
        while at < len(spans) and spans[at].start < stop:
            span = spans[at]
            share = min(span.end, stop) - max(span.start, start)
            sums[span.doing] = sums.get(span.doing, 0.0) + share
            names[span.doing] = (
                span.what if names.get(span.doing, span.what) == span.what else MIXED
            )
            at += 1
        if not sums:
            yield None, "", False
            continue
        doing = max(sums, key=lambda one: sums[one])
        yield doing, names[doing], 2 * sum(sums.values()) >= stop - start


def _axis(timeline: Timeline, y: float, width: float) -> Iterator[str]:
    yield f'<line class="axis" x1="{_MARGIN}" x2="{width - _MARGIN:g}" y1="{y:g}" y2="{y:g}"/>'
    for part, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x = _MARGIN + part * (width - 2 * _MARGIN)
        cycle = timeline.start + int(timeline.cycles * part)
        label = f"{cycle:,}" + " cycles" * (part == 1)
        yield text(x, y + FONT + 4, label, "soft", anchor)
