"""How times went from session to session: what a report draws and `npulab bench --history` prints.

    for series in history(read(Path("build/bench/timings.jsonl"))):
        series.points        # oldest first: time, commit, median, its interval

A series is of one variant on one device, host and power mode; times of different series are not
compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.bench.compare import compare_stores
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


def history(records: Sequence[Record], *, judged: bool = True) -> list[History]:
    """Return the series of a store, in the order in which they first came.

    Args:
        records: Oldest first.
        judged: Whether the gate looks at every point, which takes some milliseconds each.
    """
    series: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        series.setdefault(record.series, []).append(record)
    return [_history(sessions, judged=judged) for sessions in series.values()]


def _history(sessions: Sequence[Record], *, judged: bool) -> History:
    kernel, device, basis, host, power_mode = sessions[0].series
    points: list[Point] = []
    for place, record in enumerate(sessions):
        summary = record.summary
        before = points[-1].median if points else None
        judge = judged and place > 0
        points.append(
            Point(
                time=record.time,
                commit=record.commit,
                median=summary.median,
                low=summary.low,
                high=summary.high,
                p99=summary.p99,
                samples=summary.count,
                change=summary.median / before - 1 if before else None,
                gate=compare_stores(sessions[: place + 1])[0].change if judge else None,
            )
        )
    return History(
        kernel=kernel,
        device=device,
        basis=basis,
        host=host,
        power_mode=power_mode,
        points=tuple(points),
    )
