"""How often the gate cries wolf, and how often it sees a slowdown, on noise as labs have it."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from runtime.bench.gate import compare

Series = NDArray[np.float64]
SESSIONS = 5
"""Sessions of the baseline."""
DISPATCH = 150e-6
"""Seconds of a run, of the order that the first measurements on Phoenix had."""


def quiet(random: np.random.Generator, count: int) -> Series:
    """2% of noise, and 2% of outliers that take up to three times as long."""
    noise = 1 + 0.02 * random.standard_normal(count)
    outliers = np.where(random.random(count) < 0.02, random.uniform(1.2, 3.0, count), 1.0)
    return noise * outliers


def drifting(random: np.random.Generator, count: int) -> Series:
    """The same on a slow wave of 1%, as temperature makes it."""
    phase, period = random.uniform(0, 2 * np.pi), random.uniform(0.3, 1.0) * count
    wave = 0.01 * np.sin(2 * np.pi * np.arange(count) / period + phase)
    return quiet(random, count) * (1 + wave)


def bimodal(random: np.random.Generator, count: int) -> Series:
    """The same with two modes 3% apart, changing every 15 runs or so."""
    flips = random.random(count) < 1 / 15
    mode = (np.cumsum(flips) + random.integers(2)) % 2
    return quiet(random, count) * (1 + 0.03 * mode)


NOISES: dict[str, Callable[[np.random.Generator, int], Series]] = {
    "quiet": quiet,
    "drifting": drifting,
    "bimodal": bimodal,
}


def session(
    noise: Callable[[np.random.Generator, int], Series],
    random: np.random.Generator,
    count: int,
    slowdown: float = 0.0,
) -> list[float]:
    """Return the samples of a session, which has an offset of its own of 0.2%."""
    offset = 1 + 0.002 * random.standard_normal()
    return list(DISPATCH * offset * (1 + slowdown) * noise(random, count))


def rates(name: str, count: int, slowdown: float, trials: int, seed: int = 0) -> Counter[str]:
    """Return how often the gate came to each verdict."""
    random = np.random.default_rng(seed)
    noise = NOISES[name]
    verdicts: Counter[str] = Counter()
    for _ in range(trials):
        baseline = [session(noise, random, count) for _ in range(SESSIONS)]
        verdicts[compare(baseline, session(noise, random, count, slowdown)).verdict.value] += 1
    return verdicts


def main() -> None:
    """Print a row per noise, number of samples and slowdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=500)
    trials = parser.parse_args().trials
    print(f"{'noise':<10}{'samples':>8}{'slowdown':>10}{'slower':>9}{'faster':>9}{'unclear':>9}")
    for name in NOISES:
        for count in (200, 400, 1000):
            for slowdown in (0.0, 0.03):
                found = rates(name, count, slowdown, trials)
                shares = [found[what] / trials for what in ("slower", "faster", "cannot tell")]
                row = "".join(f"{share:>9.1%}" for share in shares)
                print(f"{name:<10}{count:>8}{slowdown:>10.0%}{row}")


if __name__ == "__main__":
    main()
