"""How times went from session to session: what a report draws and `npulab bench --history` prints.

    for series in history(read(Path("build/bench/timings.jsonl"))):
        series.points        # oldest first: time, commit, median, its interval

A series is of one variant on one device, host and power mode; times of different series are not
compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.bench.compare import by_series, judge
from runtime.bench.gate import Change
from runtime.bench.record import Record


@dataclass(frozen=True, kw_only=True)
class Point:
    """A session.

    Attributes:
        time: When, in UTC, ISO 8601.
        commit: The lab's, ``unknown`` where it is not known.
        median: Seconds of a call.
        low: Lower end of the median's 95% interval, in seconds.
        high: Upper end.
        spread: What is printed behind the median; see `runtime.bench.statistics.Summary.spread`.
        p99: 99th percentile, in seconds.
        samples: How many.
        change: From the point before, relative; None for the first.
        gate: What the gate says of it against the sessions before it; None without any.
    """

    time: str
    commit: str
    median: float
    low: float
    high: float
    spread: float
    p99: float
    samples: int
    change: float | None
    gate: Change | None


@dataclass(frozen=True, kw_only=True)
class History:
    """The sessions of one series, oldest first.

    Attributes:
        kernel: The variant's title.
        basis: ``measured`` or ``modelled``; to be printed wherever a point is.
    """

    kernel: str
    device: str
    basis: str
    host: str
    power_mode: str
    points: tuple[Point, ...]


def history(records: Sequence[Record], *, judged: bool = True, last: int = 0) -> list[History]:
    """Return the series of a store, in the order in which they first came.

    Args:
        records: Oldest first.
        judged: Whether the gate looks at every point, which takes some milliseconds each.
        last: How many points of each series, the newest; 0 for all.
    """
    return [_history(one, judged=judged, last=last) for one in by_series(records).values()]


def _history(sessions: Sequence[Record], *, judged: bool, last: int) -> History:
    kernel, device, basis, host, power_mode = sessions[0].series
    first = max(0, len(sessions) - last) if last else 0
    return History(
        kernel=kernel,
        device=device,
        basis=basis,
        host=host,
        power_mode=power_mode,
        points=tuple(
            _point(sessions[: place + 1], judged=judged) for place in range(first, len(sessions))
        ),
    )


def _point(sessions: Sequence[Record], *, judged: bool) -> Point:
    """Return the last session as a point."""
    *before, record = sessions
    summary = record.summary
    return Point(
        time=record.time,
        commit=record.commit,
        median=summary.median,
        low=summary.low,
        high=summary.high,
        spread=summary.spread,
        p99=summary.p99,
        samples=summary.count,
        change=summary.median / before[-1].summary.median - 1 if before else None,
        gate=judge(record, before)[1] if judged else None,
    )
