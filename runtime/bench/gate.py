"""The regression gate: slower, faster, no change, or not enough samples to tell.

Times of neighbouring runs resemble each other (clock, temperature), have outliers, and often
two modes. So a session's samples are cut into blocks of neighbours and a block counts as one
value, its median; what is compared is the mean of the blocks without the extreme ones (a
burst of work elsewhere spoils whole blocks). Sessions differ from each
other too: how much, the baseline's sessions tell, as far as their own noise does not explain
it; a few sessions tell it badly, so an assumption counts as well. A bootstrap over sessions
and blocks gives the interval of the change, once under the usual assumption, and once under a
cautious one, without which nobody is accused: a gate that cries wolf is not heard.
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
SAFETY = 0.67
"""Share of the interval that would just do for which the missing samples are counted."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Assumption:
    """What is assumed of sessions, before any are seen.

    Attributes:
        apart: How far they are apart, relative, as a standard deviation.
        weight: How many sessions this counts for.
    """

    apart: float
    weight: int


USUAL = Assumption(0.003, 8)
"""By which a change is called none."""
CAUTIOUS = Assumption(0.005, 6)
"""By which a change is called one."""


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
    random = np.random.default_rng(seed)
    before, after = _bootstrap(old, new, random)
    usual, cautious = (
        _interval(after * _deviations(old, assumed, random) / before - 1)
        for assumed in (USUAL, CAUTIOUS)
    )
    verdict = _judged(usual, cautious)
    low, high = cautious if verdict in (Verdict.SLOWER, Verdict.FASTER) else usual
    estimate = float(_level(new) / _level(old).mean() - 1)
    more: int | None = 0
    if verdict is Verdict.UNCLEAR:
        noise = _half(_interval(after / _level(old).mean()))
        # Either answer will do.
        answers = (MARGIN - abs(estimate), usual), (abs(estimate) - FLOOR, cautious)
        asked = [_more(room, _half(width), noise, len(candidate)) for room, width in answers]
        more = min((one for one in asked if one is not None), default=None)
    return Change(
        verdict=verdict,
        estimate=estimate,
        low=low,
        high=high,
        samples=len(candidate),
        more=more,
    )


def compare_exact(before: float, now: float) -> Change:
    """Compare two times that have no noise, as those of a model."""
    estimate = now / before - 1
    alone = estimate, estimate
    verdict = _judged(alone, alone)
    return Change(verdict=verdict, estimate=estimate, low=estimate, high=estimate, samples=1)


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


def _bootstrap(old: Values, new: Values, random: np.random.Generator) -> tuple[Values, Values]:
    """Return means of the baseline and of the candidate as they might have come out as well."""
    sessions = old.shape[0]
    which = random.integers(0, sessions, (RESAMPLES, sessions))
    blocks = random.integers(0, BLOCKS, (RESAMPLES, sessions, BLOCKS))
    before = _level(old[which[:, :, None], blocks]).mean(axis=1)
    after = _level(new[random.integers(0, BLOCKS, (RESAMPLES, BLOCKS))])
    return before, after


def _deviations(old: Values, assumed: Assumption, random: np.random.Generator) -> Values:
    """Return by what factors a session might have deviated, as the baseline's sessions do."""
    apart, freedom = _apart(old / _level(old).mean(), assumed)
    if old.shape[0] == 1:
        # Resampling the only session tells nothing of how the next one would have deviated.
        apart *= sqrt(2)
    values: Values = 1 + apart * random.standard_t(freedom, RESAMPLES)
    return values


def _apart(sessions: Values, assumed: Assumption) -> tuple[float, int]:
    """Return how far sessions are apart, relative, and the degrees of freedom of that.

    The variance between sessions, less what their own noise makes of it, together with the
    assumed one, each by its weight (the scaled inverse chi-squared prior of textbooks).
    """
    known = sessions.shape[0] - 1
    between = 0.0
    if known:
        spread = _level(sessions).var(ddof=1) - _noise(sessions).mean()
        between = max(0.0, float(spread))
    freedom = assumed.weight + known
    return sqrt((assumed.weight * assumed.apart**2 + known * between) / freedom), freedom


def _interval(values: Values) -> tuple[float, float]:
    low, high = np.quantile(values, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def _half(interval: tuple[float, float]) -> float:
    return (interval[1] - interval[0]) / 2


def _judged(usual: tuple[float, float], cautious: tuple[float, float]) -> Verdict:
    """Return what the intervals of the change under the two assumptions say."""
    if cautious[0] > FLOOR:
        return Verdict.SLOWER
    if cautious[1] < -FLOOR:
        return Verdict.FASTER
    return Verdict.SAME if usual[0] > -MARGIN and usual[1] < MARGIN else Verdict.UNCLEAR


def _more(room: float, width: float, noise: float, samples: int) -> int | None:
    """Return how many samples the candidate lacks; None where no number would do.

    Args:
        room: How wide half of the interval may be for an answer.
        width: Half of it now.
        noise: The part of that which the candidate's own samples make; only it shrinks with
            more of them, by the square root.
        samples: The candidate's.
    """
    rest = max(0.0, width**2 - noise**2)
    # The estimate moves as samples come, so some room is left.
    left = max(0.0, SAFETY * room) ** 2 - rest
    if left <= 0:
        return None
    return max(LEAST, ceil(samples * (noise**2 / left - 1)))
