"""The recorder that makes a timeline."""

from __future__ import annotations

from collections import Counter as Sums
from collections.abc import Iterator

from simulator.array.config import Port, PortKind, TileId
from simulator.array.recorder import Activity, Doing
from simulator.timeline import fullness
from simulator.timeline.fullness import Levels
from simulator.timeline.records import MIXED, Role, Span, Timeline, Track

SPANS = 50_000
"""Most spans, and most points of counters, that a timeline keeps unless told otherwise."""

_ORDER = (Role.HOST, Role.CORE, Role.DMA, Role.STREAM)


class _Line:
    """A track in the making."""

    def __init__(self, tile: TileId | None, name: str, who: str, role: Role) -> None:
        self.tile, self.name, self.who, self.role = tile, name, who, role
        self.activity: Activity | None = None
        self.since = 0
        self.peer = ""
        self.spans: list[Span] = []
        self.cycles: Sums[Doing] = Sums()
        self.waits: Sums[str] = Sums()
        self.words = 0
        self.moves: list[tuple[int, int, int]] = []

    def add(self, span: Span, resolution: int) -> int:
        """Append a span to what it did; return by how many spans the line grew."""
        self.cycles[span.doing] += span.end - span.start
        return self.append(span, resolution)

    def append(self, span: Span, resolution: int) -> int:
        """Append a span, merged with the last one where both fit in `resolution` cycles."""
        last = self.spans[-1] if self.spans else None
        if last is None:
            self.spans.append(span)
        elif last.end == span.start and last[2:5] == span[2:5] and last.transfer is span.transfer:
            self.spans[-1] = last._replace(end=span.end, words=last.words + span.words)
            return 0
        elif resolution and span.end - last.start <= resolution:
            longer = max(last, span, key=lambda one: one.end - one.start)
            self.spans[-1] = Span(
                last.start,
                span.end,
                longer.doing,
                longer.what if last.what == span.what else MIXED,
                longer.line,
                last.words + span.words,
                last.pieces + span.pieces,
            )
            return 0
        else:
            self.spans.append(span)
        return 1

    def pieces(self, activity: Activity, end: int) -> Iterator[Span]:
        """Yield a transfer as stretches in which it was set up, moved, or waited for its peer."""
        cursor = self.since
        for start, stop, words in (*self.moves, (end, end, 0)):
            start, stop = max(start, cursor), min(stop, end)
            ready = min(max(activity.ready, cursor), start)
            parts = (
                (cursor, ready, Doing.SETUP, f"set up {activity.what}", 0),
                (ready, start, Doing.STREAM, f"wait for {self.peer or 'the stream'}", 0),
                (start, stop, Doing.WORK, activity.what, words),
            )
            for first, last, doing, what, count in parts:
                if last > first:
                    yield Span(
                        first,
                        last,
                        doing,
                        what,
                        activity.origin.line,
                        count,
                        transfer=activity.transfer,
                    )
            cursor = max(cursor, stop)
        self.moves.clear()


class Collector:
    """Hears of a run (see :class:`simulator.array.recorder.Recorder`) and gives its timeline.

    Args:
        limit: Most spans, and most points of counters, to keep. Where a run has more, those
            that lie closest together are merged; sums stay exact.
    """

    def __init__(self, limit: int = SPANS) -> None:
        self._limit = limit
        self._count = 0
        self._resolution = 0
        self._start: int | None = None
        self._end = 0
        self._lines: dict[tuple[TileId | None, str], _Line] = {}
        self._levels = Levels(limit)
        self._releaser: dict[tuple[TileId, int], str] = {}

    def began(self, cycle: int) -> None:
        """See :class:`simulator.array.recorder.Recorder`, as for those below."""
        if self._start is None:
            self._start = cycle
            self._levels.begin()

    def ended(self, cycle: int) -> None:
        self._end = cycle
        for line in self._lines.values():
            self._close(line, cycle)
            line.since = cycle

    def loaded(self, cycle: int) -> None:
        for line in self._lines.values():
            if line.role is not Role.HOST:
                self._close(line, cycle)
                line.activity = None

    def enter(self, cycle: int, tile: TileId | None, track: str, activity: Activity | None) -> None:
        line = self._line(tile, track)
        self._close(line, cycle)
        line.activity, line.since = activity, cycle

    def moved(self, start: int, end: int, port: Port, words: int, to: tuple[Port, ...]) -> None:
        stream = self._line(port.tile, f"stream {port.kind}:{port.channel}")
        stream.words += words
        ends = " ".join(map(str, to))
        self._count += stream.add(
            Span(start, end, Doing.WORK, f"to {ends}", 0, words), self._resolution
        )
        sender = self._user(port, "MM2S")
        if sender is not None:
            sender.words += words
            sender.moves.append((start, end, words))
        receivers = [line for other in to if (line := self._user(other, "S2MM")) is not None]
        if sender is not None and receivers:
            for receiver in receivers:
                receiver.peer = sender.who
            # Of the receivers of a broadcast the sender waited for the one that came last.
            sender.peer = max(receivers, key=lambda line: line.since).who

    def arrived(self, start: int, end: int, port: Port, words: int) -> None:
        receiver = self._user(port, "S2MM")
        if receiver is not None:
            receiver.words += words
            receiver.moves.append((start, end, words))

    def released(self, cycle: int, tile: TileId, lock: int, by: str) -> None:  # noqa: ARG002
        self._releaser[tile, lock] = by

    def level(self, cycle: int, tile: TileId, counter: str, value: int, name: str = "") -> None:
        self._levels.add(cycle, tile, counter, value, name)

    def timeline(self, title: str, clock_hz: int) -> Timeline:
        """Return what happened so far.

        Args:
            title: What ran.
            clock_hz: Cycles a second that the model assumes.
        """
        start = self._start or 0
        lines = sorted(
            (line for line in self._lines.values() if line.spans),
            key=lambda line: (line.tile or (-1, -1), _ORDER.index(line.role), line.name),
        )
        return Timeline(
            title=title,
            clock_hz=clock_hz,
            start=start,
            end=max(self._end, start),
            tracks=tuple(_track(line) for line in lines),
            counters=fullness.counters(self._levels),
            resolution=max(self._resolution, self._levels.resolution),
        )

    def _line(self, tile: TileId | None, track: str) -> _Line:
        line = self._lines.get((tile, track))
        if line is None:
            line = self._lines[tile, track] = _Line(tile, track, *_identity(tile, track))
        return line

    def _user(self, port: Port, direction: str) -> _Line | None:
        """Return who sends or receives at a port; None for what has no track."""
        if port.kind is PortKind.DMA:
            return self._line(port.tile, f"{direction}:{port.channel}")
        if port.kind in (PortKind.CORE, PortKind.CASCADE):
            return self._line(port.tile, "core")
        return None

    def _close(self, line: _Line, cycle: int) -> None:
        """Note what `line` did up to `cycle`."""
        activity = line.activity
        if activity is None or cycle <= line.since:
            return
        if activity.doing is Doing.STREAM:
            for span in line.pieces(activity, cycle):
                if span.doing is Doing.STREAM and line.peer:
                    line.waits[line.peer] += span.end - span.start
                self._count += line.add(span, self._resolution)
        else:
            peer = activity.peer
            if activity.doing is Doing.LOCK and activity.lock is not None:
                peer = self._releaser.get(activity.lock, "")
            if peer and activity.doing is not Doing.SETUP:
                line.waits[peer] += cycle - line.since
            span = Span(line.since, cycle, activity.doing, activity.what, activity.origin.line)
            self._count += line.add(span, self._resolution)
        while self._count > max(self._limit, len(self._lines)):
            self._coarsen()

    def _coarsen(self) -> None:
        """Merge neighbours that lie closer than twice as many cycles as before."""
        self._resolution = max(16, self._resolution * 2)
        self._count = 0
        for line in self._lines.values():
            spans, line.spans = line.spans, []
            self._count += sum(line.append(span, self._resolution) for span in spans)


def _identity(tile: TileId | None, track: str) -> tuple[str, Role]:
    if tile is None:
        return "the host", Role.HOST
    if track == "core":
        return f"core of {tile}", Role.CORE
    return f"{tile} {track}", Role.STREAM if track.startswith("stream") else Role.DMA


def _track(line: _Line) -> Track:
    return Track(
        tile=line.tile,
        name=line.name,
        who=line.who,
        role=line.role,
        spans=tuple(line.spans),
        cycles=dict(line.cycles),
        words=line.words,
        waits=dict(line.waits),
    )
