"""How often the gate cries wolf, and how often it sees a slowdown, on noise as labs have it.

    python bench/gate_power.py --trials 1000

Prints tables and draws docs/images/gate_power.svg. All series are synthetic.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from runtime.bench.gate import Verdict, compare
from runtime.bench.sampling import Plan, sample

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "gate_power.svg"
Series = NDArray[np.float64]
Random = np.random.Generator
SESSIONS = 5
"""Sessions of the baseline."""
APART = 0.002
"""How far sessions are apart, relative, as a standard deviation."""
DISPATCH = 150e-6
"""Seconds of a run, of the order that the first measurements on Phoenix had."""
COUNTS = (200, 400, 600, 1000, 1500)
"""Samples of a session that are tried."""
SLOWDOWN = 0.03
WANTED = 0.95
"""Share of slowdowns that are to be seen."""
PLAN = Plan(warmup=0, least=400, seconds=float("inf"))
"""As `npulab bench` samples, its warm-up and its budget apart."""
VARIANTS = 70
"""Variants that a job times."""
BASELINES = (
    *((1, APART), (2, APART), (3, APART), (10, APART), (5, 0.005)),
    *((1, 0.01), (5, 0.01), (10, 0.01)),
)
"""Sessions of other baselines, and how far they are apart."""


def quiet(random: Random, count: int) -> Series:
    """2% of noise, and 2% of outliers that take up to three times as long."""
    noise = 1 + 0.02 * random.standard_normal(count)
    outliers = np.where(random.random(count) < 0.02, random.uniform(1.2, 3.0, count), 1.0)
    return noise * outliers


def _bursts(random: Random, count: int) -> Series:
    busy = np.zeros(count, bool)
    for start in np.flatnonzero(random.random(count) < 0.005):
        busy[start : start + 1 + int(random.exponential(8))] = True
    return np.where(busy, random.uniform(1.2, 2.0, count), 1.0)


def _wave(random: Random, count: int) -> Series:
    phase, period = random.uniform(0, 2 * np.pi), random.uniform(120, 400)
    return 1 + 0.01 * np.sin(2 * np.pi * np.arange(count) / period + phase)


def _modes(random: Random, count: int) -> Series:
    flips = random.random(count) < 1 / 15
    return 1 + 0.03 * ((np.cumsum(flips) + random.integers(2)) % 2)


NOISES: dict[str, Callable[[Random, int], Series]] = {
    "quiet": quiet,
    "bursts": lambda random, count: quiet(random, count) * _bursts(random, count),
    "drifting": lambda random, count: quiet(random, count) * _wave(random, count),
    "bimodal": lambda random, count: quiet(random, count) * _modes(random, count),
    "everything": lambda random, count: (
        quiet(random, count) * _bursts(random, count) * _wave(random, count) * _modes(random, count)
    ),
}
"""2% noise with 2% outliers; bursts of slow runs, 4% of all; a wave of 1%; two modes 3% apart
that change every 15 runs or so; all of it."""


class Rates(NamedTuple):
    """What the gate said of many sessions, as shares of them.

    Attributes:
        samples: Of a session; the median of those of many where they differ.
        most: The 95th percentile of that.
        slower: Said "slower".
        faster: Said "faster".
        unclear: Said "cannot tell".
    """

    samples: int
    most: int
    slower: float
    faster: float
    unclear: float


def session(
    name: str, random: Random, count: int | None, slowdown: float = 0.0, apart: float = APART
) -> list[float]:
    """Return a session, which has an offset of its own; `count` None samples as the bench does."""
    scale = DISPATCH * (1 + apart * random.standard_normal()) * (1 + slowdown)
    series = scale * NOISES[name](random, PLAN.most if count is None else count)
    if count is not None:
        return list(series)
    values = iter(series)
    return list(sample(lambda: float(next(values)), PLAN).samples)


def rates(
    name: str,
    count: int | None,
    slowdown: float,
    trials: int,
    *,
    seed: int = 0,
    sessions: int = SESSIONS,
    apart: float = APART,
) -> Rates:
    """Let the gate judge `trials` sessions, each with a baseline of its own."""
    random = np.random.default_rng(seed)
    verdicts: Counter[Verdict] = Counter()
    counts = []
    for _ in range(trials):
        baseline = [session(name, random, count, apart=apart) for _ in range(sessions)]
        candidate = session(name, random, count, slowdown, apart)
        verdicts[compare(baseline, candidate).verdict] += 1
        counts.append(len(candidate))
    shares = [verdicts[one] / trials for one in (Verdict.SLOWER, Verdict.FASTER, Verdict.UNCLEAR)]
    most = round(float(np.percentile(counts, 95)))
    return Rates(round(median(counts)), most, *shares)


def told_after_more(name: str, count: int, slowdown: float, trials: int, seed: int = 0) -> str:
    """Take the samples that the gate says are missing; return how often it then tells."""
    random = np.random.default_rng(seed)
    unclear = hopeless = told = 0
    missing = []
    for _ in range(trials):
        baseline = [session(name, random, 400) for _ in range(SESSIONS)]
        change = compare(baseline, session(name, random, count, slowdown))
        if change.verdict is not Verdict.UNCLEAR:
            continue
        unclear += 1
        if change.more is None:
            hopeless += 1
            continue
        missing.append(change.more)
        again = compare(baseline, session(name, random, count + change.more, slowdown))
        told += again.verdict is not Verdict.UNCLEAR
    asked = unclear - hopeless
    return (
        f"{unclear} of {trials} unclear; of {hopeless} the baseline is too little; of {asked} with "
        f"a median of {median(missing or [0]):,.0f} more samples {told} are told"
    )


def jobs(count: int, apart: float, seed: int = 0) -> tuple[int, int]:
    """Let the gate judge jobs at no change; return how many were red, and how many unclear.

    The sessions of each variant deviate on their own, which is the worst case.
    """
    random = np.random.default_rng(seed)
    red = unclear = 0
    for _ in range(count):
        verdicts = set()
        for _ in range(VARIANTS):
            baseline = [session("quiet", random, 400, apart=apart) for _ in range(SESSIONS)]
            verdicts.add(compare(baseline, session("quiet", random, 400, apart=apart)).verdict)
        red += Verdict.SLOWER in verdicts
        unclear += Verdict.UNCLEAR in verdicts
    return red, unclear


COLOURS = ("#0b62a4", "#c05a00", "#2e7d32", "#8e24aa", "#c62828")
STYLE = """<style>
text { fill: #222 } .paper { fill: #fff } .grid { stroke: #ddd }
@media (prefers-color-scheme: dark) {
text { fill: #ddd } .paper { fill: #16181d } .grid { stroke: #383c44 }
.line { filter: brightness(1.5) } }
</style>"""
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 400, 60, 20, 34, 50


def draw(found: dict[str, list[Rates]], alarms: float) -> str:
    """Return shares of slowdowns seen over samples as an SVG, light or dark as the page is.

    Args:
        found: Rates at `COUNTS`, with a slowdown, by noise.
        alarms: Largest share of false alarms of all.
    """
    parts = [*_grid(alarms)]
    for place, (name, shares) in enumerate(found.items()):
        colour = COLOURS[place]
        points = [_place(one.samples, one.slower) for one in shares]
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(
            f'<polyline class="line" fill="none" stroke="{colour}" stroke-width="2" '
            f'points="{corners}"/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        y = HEIGHT - BOTTOM - 18 * (len(found) - place) + 4
        parts.append(
            f'<rect class="line" x="480" y="{y - 9}" width="14" height="4" fill="{colour}"/>'
        )
        parts.append(_text(500, y - 3, name, "start"))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">'
    )
    paper = f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>'
    return "\n".join([head, STYLE, paper, *parts, "</svg>", ""])


def _place(samples: float, share: float) -> tuple[float, float]:
    low, high = np.log(COUNTS[0]), np.log(COUNTS[-1])
    across = float((np.log(samples) - low) / (high - low))
    return (
        LEFT + across * (WIDTH - LEFT - RIGHT),
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM),
    )


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{words}</text>'


def _grid(alarms: float) -> Sequence[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [
        _text(
            WIDTH / 2,
            18,
            f"slowdowns of 3% that the gate sees, sessions {APART:.1%} apart; "
            f"false alarms at most {alarms:.1%}",
        )
    ]
    for share in (0, 0.25, 0.5, 0.75, WANTED, 1):
        y = _place(COUNTS[0], share)[1]
        dash = ' stroke-dasharray="5 4"' if share == WANTED else ""
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"{dash}/>')
        parts.append(_text(LEFT - 8, y + (10 if share == WANTED else 4), f"{share:.0%}", "end"))
    for count in COUNTS:
        x = _place(count, 0)[0]
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
        parts.append(_text(x, bottom + 18, f"{count:,}"))
    parts.append(_text((LEFT + right) / 2, HEIGHT - 10, "samples of a session"))
    return parts


def show(words: str) -> None:
    """Print one line."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _row(name: str, same: Rates, slower: Rates, label: str) -> None:
    show(
        f"| {name} | {label} | {same.slower:.1%} | {same.faster:.1%} | {same.unclear:.1%} | "
        f"{slower.slower:.1%} |"
    )


def main() -> None:
    """Print a row for each noise and number of samples, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=500)
    trials = parser.parse_args().trials
    show("| noise | samples | slower, falsely | faster, falsely | cannot tell | 3% seen |")
    show("|---|---:|---:|---:|---:|---:|")
    seen: dict[str, list[Rates]] = {}
    alarms = 0.0
    for name in NOISES:
        pairs = [(rates(name, n, 0, trials), rates(name, n, SLOWDOWN, trials)) for n in COUNTS]
        for same, slower in pairs:
            _row(name, same, slower, f"{same.samples:,}")
            alarms = max(alarms, same.slower)
        same, slower = (rates(name, None, change, trials) for change in (0.0, SLOWDOWN))
        label = f"as the bench takes them: {same.samples:,}, of 5% over {same.most:,}"
        _row(name, same, slower, label)
        seen[name] = [slower for _, slower in pairs]
        enough = next((one.samples for one in seen[name] if one.slower >= WANTED), None)
        show(f"| {name} | {enough} for {WANTED:.0%} | | | | |")
    show("\nwith baselines of other lengths, and sessions further apart, 400 samples:")
    for sessions, apart in BASELINES:
        same, slower = (
            rates("bimodal", 400, change, trials, sessions=sessions, apart=apart)
            for change in (0.0, SLOWDOWN)
        )
        _row("bimodal", same, slower, f"{sessions} sessions {apart:.1%} apart")
    count = trials // 10
    for apart in (APART, 0.005, 0.01):
        red, unclear = jobs(count, apart)
        show(
            f"{count} jobs of {VARIANTS} variants, quiet, sessions {apart:.1%} apart, no change: "
            f"{red} with a slower variant, {unclear} with an unclear one"
        )
    for name in ("quiet", "bimodal"):
        for slowdown in (0.0, SLOWDOWN):
            told = told_after_more(name, 200, slowdown, trials)
            show(f"{name}, 200 samples, {slowdown:.0%} slower: {told}")
    PICTURE.write_text(draw(seen, alarms), encoding="utf-8")
    show(f"drawn in {PICTURE}")


if __name__ == "__main__":
    main()
