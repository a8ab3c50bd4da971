"""The regression gate: slower, faster, no change, or not enough samples to tell.

Times of neighbouring runs resemble each other (clock, temperature), have outliers, and often
two modes. So a session's samples are cut into blocks of neighbours and a block counts as one
value, its median; what is compared is the mean of the blocks without the extreme ones (a
burst of work elsewhere spoils whole blocks). Sessions differ from each
other too: how much, the baseline's sessions tell, as far as their own noise does not explain
it; a few sessions tell it badly, so an assumption counts as well. A bootstrap over sessions
and blocks gives the interval of the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from runtime.bench.statistics import BLOCKS, block_medians

LEAST = 10 * BLOCKS
"""Samples of a session below which nothing is said."""
CONFIDENCE = 0.99
FLOOR = 0.005
"""A change that may be smaller than this is not called one."""
MARGIN = 0.02
"""A change that is surely smaller than this is called none."""
RESAMPLES = 2000
TRIMMED = BLOCKS // 10
"""Blocks that are left out on either side."""
APART = 0.003
"""How far sessions are assumed to be apart, relative, as a standard deviation."""
WEIGHT = 8
"""Sessions that this assumption counts for."""

SAFETY = 0.67
"""Share of the interval that would just do for which the missing samples are counted."""

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
        more: Samples that the candidate lacks, where it cannot be told; None where it is the
            baseline that does not suffice.
    """

    verdict: Verdict
    estimate: float
    low: float
    high: float
    samples: int
    more: int | None = 0

    def __str__(self) -> str:
        if self.verdict is Verdict.UNCLEAR:
            if self.more is None:
                return "cannot tell, more sessions to compare with needed"
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
        baseline: At least one session, of the same conditions.
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
    old = np.stack([block_medians(session) for session in baseline])
    new = block_medians(candidate)
    before, after = _bootstrap(old, new, np.random.default_rng(seed))
    estimate = float(_level(new) / _level(old).mean() - 1)
    low, high = _interval(after / before - 1)
    verdict = _judged(low, high)
    more: int | None = 0
    if verdict is Verdict.UNCLEAR:
        resampled = _level(new[_picks(np.random.default_rng(seed))])
        noise = _half(resampled / _level(old).mean())
        more = _more(abs(estimate), (high - low) / 2, noise, len(candidate))
    return Change(
        verdict=verdict,
        estimate=estimate,
        low=low,
        high=high,
        samples=len(candidate),
        more=more,
    )


def _level(blocks: Values) -> Values:
    """Return the mean along the last axis, without the extreme blocks of either side."""
    values: Values = np.sort(blocks, axis=-1)[..., TRIMMED : BLOCKS - TRIMMED].mean(axis=-1)
    return values


def _noise(blocks: Values) -> Values:
    """Return the variance of `_level`: that of winsorised blocks, as textbooks have it."""
    ordered = np.sort(blocks, axis=-1)
    low, high = ordered[..., TRIMMED, None], ordered[..., BLOCKS - TRIMMED - 1, None]
    spread = np.clip(ordered, low, high).var(axis=-1, ddof=1)
    values: Values = spread / BLOCKS / (1 - 2 * TRIMMED / BLOCKS) ** 2
    return values


def _picks(random: np.random.Generator) -> NDArray[np.int64]:
    """Return which blocks each resample of a session takes."""
    return random.integers(0, BLOCKS, (RESAMPLES, BLOCKS))


def _bootstrap(old: Values, new: Values, random: np.random.Generator) -> tuple[Values, Values]:
    """Return means of the baseline and of the candidate as they might have come out as well."""
    sessions = old.shape[0]
    which = random.integers(0, sessions, (RESAMPLES, sessions))
    blocks = random.integers(0, BLOCKS, (RESAMPLES, sessions, BLOCKS))
    before = _level(old[which[:, :, None], blocks]).mean(axis=1)
    after = _level(new[_picks(random)])
    # The candidate is one session, with a deviation of its own like those of the others.
    apart, freedom = _apart(old / _level(old).mean())
    if sessions == 1:
        # Resampling the only session tells nothing of how the next one would have deviated.
        apart *= sqrt(2)
    return before, after * (1 + apart * random.standard_t(freedom, RESAMPLES))


def _apart(sessions: Values) -> tuple[float, int]:
    """Return how far sessions are apart, relative, and the degrees of freedom of that.

    The variance between sessions, less what their own noise makes of it, together with the
    assumed one, each by its weight (the scaled inverse chi-squared prior of textbooks).
    """
    known = sessions.shape[0] - 1
    between = 0.0
    if known:
        spread = _level(sessions).var(ddof=1) - _noise(sessions).mean()
        between = max(0.0, float(spread))
    freedom = WEIGHT + known
    return sqrt((WEIGHT * APART**2 + known * between) / freedom), freedom


def _interval(values: Values) -> tuple[float, float]:
    low, high = np.quantile(values, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def _half(values: Values) -> float:
    low, high = _interval(values)
    return (high - low) / 2


def _judged(low: float, high: float) -> Verdict:
    if low > FLOOR:
        return Verdict.SLOWER
    if high < -FLOOR:
        return Verdict.FASTER
    return Verdict.SAME if low > -MARGIN and high < MARGIN else Verdict.UNCLEAR


def _more(estimate: float, width: float, noise: float, samples: int) -> int | None:
    """Return how many samples the candidate lacks; None where no number would do.

    Args:
        estimate: Size of the change.
        width: Half of its interval.
        noise: The part of that which the candidate's own samples make; only it shrinks with
            more of them, by the square root.
        samples: The candidate's.
    """
    rest = max(0.0, width**2 - noise**2)
    # Either answer will do; the estimate moves as samples come, so some room is left.
    enough = SAFETY * max(MARGIN - estimate, estimate - FLOOR)
    room = enough**2 - rest
    if room <= 0:
        return None
    return max(LEAST, ceil(samples * (noise**2 / room - 1)))
