"""How many samples: warm up until stable, then go on until the median is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from runtime.bench.record import all_same
from runtime.bench.statistics import summarize

WINDOW = 20
"""Samples whose median is compared with that of the window before."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When to stop.

    Attributes:
        stable: Relative change between two windows below which the device is warm.
        tight: Half-width of the median's 95% interval, relative, that is narrow enough.
        least: Samples that are taken unless the time is up before.
        most: Samples after which it ends, however wide the interval.
        warmup: Samples of the warm-up after which it goes on, stable or not.
        seconds: Time that all of it may take on this machine's clock, of which the warm-up
            gets half at most. One sample is taken in any case, and none is broken off.
        exact: Samples that suffice where they are all the same, as those of a model without
            noise are; 0 where none do.
    """

    stable: float = 0.02
    tight: float = 0.005
    least: int = 100
    most: int = 5000
    warmup: int = 500
    seconds: float = 10.0
    exact: int = 0


@dataclass(frozen=True, kw_only=True)
class Series:
    """Samples, in the order in which they were taken.

    Attributes:
        samples: Seconds each.
        warmup: Samples that were spent before.
        stable: Whether the warm-up ended because the times had settled.
        tight: Whether the interval became as narrow as planned.
    """

    samples: tuple[float, ...]
    warmup: int
    stable: bool
    tight: bool


def sample(
    measure: Callable[[], float], plan: Plan, clock: Callable[[], float] = time.monotonic
) -> Series:
    """Call `measure` until the plan is met.

    Args:
        measure: Runs once and returns its seconds.
        plan: When to stop.
        clock: Gives the seconds that count for the plan's budget.
    """
    begin = clock()

    def spent(share: float = 1.0) -> bool:
        return clock() - begin > share * plan.seconds

    first = _alike(measure, plan, spent)
    if first and (len(first) == plan.exact or spent()) and all_same(first):
        enough = len(first) == plan.exact
        return Series(samples=tuple(first), warmup=0, stable=enough, tight=enough)
    warmup, stable = _warm_up(measure, plan, lambda: spent(0.5))
    samples: list[float] = []
    tight = False
    while len(samples) < plan.most and not tight:
        samples.append(measure())
        if len(samples) >= plan.least and len(samples) % WINDOW == 0:
            tight = summarize(samples).spread <= plan.tight
        if spent():
            break
    return Series(samples=tuple(samples), warmup=len(first) + warmup, stable=stable, tight=tight)


def _alike(measure: Callable[[], float], plan: Plan, spent: Callable[[], bool]) -> list[float]:
    """Run until a time differs from the first, the plan's number is reached or the time is up."""
    times: list[float] = []
    while len(times) < plan.exact and not (times and (spent() or not all_same(times))):
        times.append(measure())
    return times


def _warm_up(
    measure: Callable[[], float], plan: Plan, spent: Callable[[], bool]
) -> tuple[int, bool]:
    """Run until two windows in a row have the same median, and return how often."""
    count, before = 0, 0.0
    while count + WINDOW <= plan.warmup:
        window: list[float] = []
        while len(window) < WINDOW:
            if spent():
                return count + len(window), False
            window.append(measure())
        now = float(np.median(window))
        count += WINDOW
        if before and abs(now / before - 1) <= plan.stable:
            return count, True
        before = now
    return count, False
