"""How many samples: warm up until stable, then go on until the median is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from runtime.bench.statistics import summarize

WINDOW = 20
"""Samples whose median is compared with that of the window before."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When to stop.

    Attributes:
        stable: Relative change between two windows below which the device is warm.
        tight: Half-width of the median's 95% interval, relative, that is narrow enough.
        least: Samples taken in any case.
        most: Samples after which it ends, however wide the interval.
        warmup: Samples of the warm-up after which it goes on, stable or not.
        seconds: Budget of the device's time for the samples.
    """

    stable: float = 0.02
    tight: float = 0.005
    least: int = 100
    most: int = 5000
    warmup: int = 500
    seconds: float = 10.0


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


def sample(measure: Callable[[], float], plan: Plan) -> Series:
    """Call `measure` until the plan is met.

    Args:
        measure: Runs once and returns its seconds.
        plan: When to stop.
    """
    warmup, stable = _warm_up(measure, plan)
    samples: list[float] = []
    spent, tight = 0.0, False
    while len(samples) < plan.most and not tight:
        samples.append(measure())
        spent += samples[-1]
        if len(samples) >= plan.least and len(samples) % WINDOW == 0:
            tight = summarize(samples).spread <= plan.tight
        if spent > plan.seconds and len(samples) >= WINDOW:
            break
    return Series(samples=tuple(samples), warmup=warmup, stable=stable, tight=tight)


def _warm_up(measure: Callable[[], float], plan: Plan) -> tuple[int, bool]:
    """Run until two windows in a row have the same median, and return how often."""
    count, before = 0, 0.0
    while count + WINDOW <= plan.warmup:
        now = float(np.median([measure() for _ in range(WINDOW)]))
        count += WINDOW
        if before and abs(now / before - 1) <= plan.stable:
            return count, True
        before = now
    return count, False
