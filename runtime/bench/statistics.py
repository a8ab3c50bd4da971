"""What a series of times says, without assuming that it is normal: it never is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

import numpy as np
from numpy.typing import NDArray

Z95 = 1.96
BLOCKS = 20
"""Blocks of neighbours that a session is cut into."""
OUTLIER_MADS = 5.0
"""Distance from the median, in scaled MADs, past which a sample is shown as an outlier."""
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A series of times, in seconds.

    Attributes:
        count: Samples, outliers included: none is ever thrown away.
        median: Their middle.
        low: Lower end of the median's 95% confidence interval.
        high: Upper end.
        mad: Median absolute deviation from the median.
        p95: 95th percentile.
        p99: 99th percentile.
        outliers: Samples further than `OUTLIER_MADS` from the median.
        waves: Half of the 95% interval, relative, as the medians of blocks of neighbours tell
            it; wider than the other where neighbours resemble each other.
    """

    count: int
    median: float
    low: float
    high: float
    mad: float
    p95: float
    p99: float
    outliers: int
    waves: float

    @property
    def spread(self) -> float:
        """Half the confidence interval, as a share of the median: the wider of the two."""
        return max((self.high - self.low) / 2 / self.median if self.median else 0.0, self.waves)


def summarize(samples: Sequence[float]) -> Summary:
    """Return what `samples` say; at least one.

    The median's interval is that of order statistics: it takes no distribution for granted.
    """
    values = np.sort(np.asarray(samples, float))
    count = values.size
    half = Z95 * sqrt(count) / 2
    low, high = max(0, floor(count / 2 - half)), min(count - 1, ceil(count / 2 + half))
    median = float(np.median(values))
    deviations = np.abs(values - median)
    mad = float(np.median(deviations))
    p95, p99 = (float(value) for value in np.percentile(values, (95, 99)))
    far = deviations > OUTLIER_MADS * _MAD_TO_SIGMA * mad
    return Summary(
        count=count,
        median=median,
        low=float(values[low]),
        high=float(values[high]),
        mad=mad,
        p95=p95,
        p99=p99,
        outliers=int(far.sum()) if mad else 0,
        waves=_waves(samples, median),
    )


def block_medians(samples: Sequence[float]) -> NDArray[np.float64]:
    """Return the medians of a session's `BLOCKS` blocks of neighbours; at least one each."""
    parts = np.array_split(np.asarray(samples, float), BLOCKS)
    return np.array([np.median(part) for part in parts])


def _waves(samples: Sequence[float], median: float) -> float:
    if len(samples) < 2 * BLOCKS or not median:
        return 0.0
    error = float(block_medians(samples).std(ddof=1)) / sqrt(BLOCKS)
    return Z95 * error / median
