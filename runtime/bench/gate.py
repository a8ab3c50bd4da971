"""The regression gate: slower, faster, no change, or not enough samples to tell.

Times of neighbouring runs resemble each other (clock, temperature), have outliers, and often
two modes. So a session's samples are cut into blocks of neighbours and a block counts as one
value, its median; what is compared is the mean of the blocks. Sessions differ from each
other too: how much, the baseline's sessions tell. A bootstrap over sessions and blocks gives
the interval of the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import numpy as np
from numpy.typing import NDArray

BLOCKS = 20
"""Blocks that a session is cut into."""
LEAST = 5 * BLOCKS
"""Samples of a session below which nothing is said."""
CONFIDENCE = 0.99
FLOOR = 0.005
"""A change that may be smaller than this is not called one."""
MARGIN = 0.02
"""A change that is surely smaller than this is called none."""
RESAMPLES = 2000

Values = NDArray[np.float64]


class Verdict(StrEnum):
    """What the gate says."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = "no change"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, kw_only=True)
class Change:
    """The change from a baseline, as a share of it.

    Attributes:
        estimate: Above 0 is slower.
        low: Lower end of its interval, at `CONFIDENCE`.
        high: Upper end.
        samples: Samples of the candidate.
        more: Samples that the candidate lacks, where it cannot be told.
    """

    verdict: Verdict
    estimate: float
    low: float
    high: float
    samples: int
    more: int = 0

    def __str__(self) -> str:
        if self.verdict is Verdict.UNCLEAR:
            return f"cannot tell, {self.more:,} more samples needed"
        width = (self.high - self.low) / 2
        if self.verdict is Verdict.SAME:
            return f"no change ({self.estimate:+.1%} ± {100 * width:.1f})"
        return f"{self.verdict.value} by {abs(self.estimate):.1%} ± {100 * width:.1f}"


def compare(
    baseline: Sequence[Sequence[float]], candidate: Sequence[float], *, seed: int = 0
) -> Change:
    """Compare a session with the sessions before it.

    Args:
        baseline: At least one session; from three on, how far sessions differ is known.
        candidate: Samples of the new one, in order.
        seed: Of the bootstrap: the same data always give the same answer.
    """
    short = LEAST - min(len(candidate), *map(len, baseline))
    if short > 0:
        return Change(
            verdict=Verdict.UNCLEAR,
            estimate=0.0,
            low=-1.0,
            high=1.0,
            samples=len(candidate),
            more=short,
        )
    old = np.stack([_blocks(session) for session in baseline])
    new = _blocks(candidate)
    estimate = float(new.mean() / old.mean() - 1)
    changes = _bootstrap(old, new, np.random.default_rng(seed))
    low, high = np.quantile(changes, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return _judged(estimate, float(low), float(high), len(candidate))


def _blocks(session: Sequence[float]) -> Values:
    """Return the medians of a session's blocks of neighbours."""
    parts = np.array_split(np.asarray(session, float), BLOCKS)
    return np.array([np.median(part) for part in parts])


def _bootstrap(old: Values, new: Values, random: np.random.Generator) -> Values:
    """Return changes as they might have come out as well."""
    sessions = old.shape[0]
    which = random.integers(0, sessions, (RESAMPLES, sessions))
    blocks = random.integers(0, BLOCKS, (RESAMPLES, sessions, BLOCKS))
    before = old[which[:, :, None], blocks].mean(axis=(1, 2))
    after = new[random.integers(0, BLOCKS, (RESAMPLES, BLOCKS))].mean(axis=1)
    if sessions > 2:
        # The candidate is one session, with a deviation of its own like those of the others.
        deviations = old.mean(axis=1) / old.mean() - 1
        scale = deviations.std(ddof=1)
        after = after * (1 + scale * random.standard_t(sessions - 1, RESAMPLES))
    changes: Values = after / before - 1
    return changes


def _judged(estimate: float, low: float, high: float, samples: int) -> Change:
    verdict, more = Verdict.UNCLEAR, 0
    if low > FLOOR:
        verdict = Verdict.SLOWER
    elif high < -FLOOR:
        verdict = Verdict.FASTER
    elif low > -MARGIN and high < MARGIN:
        verdict = Verdict.SAME
    else:
        width = (high - low) / 2
        more = max(LEAST, ceil(samples * ((2 * width / MARGIN) ** 2 - 1)))
    return Change(
        verdict=verdict, estimate=estimate, low=low, high=high, samples=samples, more=more
    )
