"""Drawings of numbers: distributions of errors, times over the days."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from kernels.compare.histogram import SHARES, STEPS
from npulab import figures
from npulab.report.records import VariantRecord
from runtime.bench.record import Record
from simulator.timeline.picture import rectangle, svg, text

WIDTH = 336.0

_LEFT, _RIGHT, _TOP = 44.0, 4.0, 10.0
_PLOT = 118.0
_LABEL = 7.3
"""Pixels of a character in the small font."""


def step_labels() -> tuple[str, ...]:
    """Return what the bins of `STEPS` are called, one word each."""
    lows = [0, *(bound + 1 for bound in STEPS)]
    bins = [
        f"{high:,}" if low == high else f"{low:,}\u2013{high:,}"
        for low, high in zip(lows, STEPS, strict=False)
    ]
    return (*bins, f"over {STEPS[-1]:,}", "NaN or inf")


def share_labels() -> tuple[str, ...]:
    """Return what the bins of `SHARES` are called."""
    return ("0", *(f"to {bound:.4g}" for bound in SHARES[1:]), "beyond", "NaN or inf")


def add_up(columns: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Return the sums of histograms of the same bins, bin by bin."""
    return tuple(sum(counts) for counts in zip(*columns, strict=True))


def steps_of(record: VariantRecord) -> tuple[int, ...]:
    """Return the elements of a variant's cases by distance; empty where none was compared.

    Those whose error counts absolutely only are not among them: see `small_of`.
    """
    return add_up([out.steps for case in record.cases for out in case.outputs if out.steps])


def small_of(record: VariantRecord) -> int:
    """Return how many elements are too small for a distance in steps to mean something."""
    return sum(out.small for case in record.cases for out in case.outputs)


def unit_of(record: VariantRecord) -> str:
    """Return what the distances of a variant count."""
    units = {out.unit for case in record.cases for out in case.outputs if out.steps}
    return units.pop() if len(units) == 1 else "steps or ULP"


def histogram(title: str, counts: Sequence[int], limit: float | None) -> str:
    """Draw elements by distance in steps, their number on a logarithmic scale.

    Args:
        title: What they are of.
        counts: One count per bin of `STEPS`.
        limit: The largest distance that is right; None where that is no number of steps.
    """
    last = max([4, *(index for index, count in enumerate(counts) if count)])
    named = [_short(bound) if bound < 5 else f"≤{_short(bound)}" for bound in STEPS]
    labels = [*named, f">{_short(STEPS[-1])}", "NaN"][: last + 1]
    step = (WIDTH - _LEFT - _RIGHT) / len(labels)
    decades = max(1, math.ceil(math.log10(max(*counts, 2) + 1)))
    body = list(_decades(decades))
    for index, label in enumerate(labels):
        x, count = _LEFT + index * step, counts[index]
        if count:
            height = max(2.0, _PLOT * (math.log10(count) + 0.15) / (decades + 0.15))
            wrong = limit is not None and (index >= len(STEPS) or STEPS[index] > limit)
            look = "bar hot" if wrong else "bar"
            tip = f"{step_labels()[index]}: {count:,}"
            y = _TOP + _PLOT - height
            body.append(rectangle(x + 1.5, y, step - 3, height, look, tip, rx=1.5))
        every = math.ceil(max(map(len, labels)) * _LABEL / step)
        if index % every == 0:
            body.append(text(x + step / 2, _TOP + _PLOT + 15, label, "soft small", "middle"))
    return svg(WIDTH, _TOP + _PLOT + 20, f"Errors of {title}", body, style=False)


def _decades(decades: int) -> Iterator[str]:
    """Yield the lines of 1, 10, 100, ... elements and their labels."""
    every = 1 if decades <= 5 else 2
    for power in range(0, decades + 1, every):
        y = _TOP + _PLOT - _PLOT * (power + 0.15) / (decades + 0.15)
        yield _line(_LEFT, y, WIDTH - _RIGHT, y)
        yield text(_LEFT - 6, y + 4, _short(10**power), "soft small", "end")


def history(title: str, series: Sequence[Record]) -> str:
    """Draw the medians of a series of timings with their 95% intervals, oldest first."""
    summaries = [record.summary for record in series]
    low = min(one.low for one in summaries)
    high = max(one.high for one in summaries)
    room = (high - low) * 0.1 or high * 0.05
    low, high = max(0.0, low - room), high + room
    left = 66.0
    step = (WIDTH - left - _RIGHT) / len(summaries)

    def height(seconds: float) -> float:
        return _TOP + _PLOT * (1 - (seconds - low) / (high - low))

    body = []
    for part in (0.0, 0.5, 1.0):
        seconds = low + part * (high - low)
        y = height(seconds)
        body.append(_line(left, y, WIDTH - _RIGHT, y))
        body.append(text(left - 6, y + 4, figures.seconds(seconds), "soft small", "end"))
    middles = [left + (index + 0.5) * step for index in range(len(summaries))]
    points = " ".join(
        f"{x:.5g},{height(one.median):.5g}" for x, one in zip(middles, summaries, strict=True)
    )
    body.append(f'<polyline class="course" points="{points}"/>')
    for x, one, record in zip(middles, summaries, series, strict=True):
        span = f'y1="{height(one.low):.5g}" y2="{height(one.high):.5g}"'
        body.append(f'<line class="whisker" x1="{x:.5g}" x2="{x:.5g}" {span}/>')
        tip = f"{record.time}: {figures.seconds(one.median)}, {one.count:,} samples"
        body.append(rectangle(x - 3, height(one.median) - 3, 6, 6, "dot", tip, rx=3))
    base = _TOP + _PLOT + 15
    body.append(text(left, base, series[0].time[:10], "soft small"))
    if len(series) > 1:
        body.append(text(WIDTH - _RIGHT, base, series[-1].time[:10], "soft small", "end"))
    return svg(WIDTH, base + 6, f"Times of {title}", body, style=False)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="axis" x1="{x1:g}" x2="{x2:g}" y1="{y1:.5g}" y2="{y2:.5g}"/>'


def _short(value: int) -> str:
    if value < 1000:
        return str(value)
    if value % 1024 == 0:
        return f"{value >> 10}K"
    return f"{value // 1000}k" if value < 1_000_000 else f"{value // 1_000_000}M"
