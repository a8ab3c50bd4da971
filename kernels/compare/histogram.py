"""How far the elements of an output are from their golden values, counted in bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kernels.contract import Arg, Array, Tolerance
from kernels.contract.tolerance import distance, is_float

STEPS = (0, 1, 2, 3, 4, *(1 << power for power in range(3, 17)))
"""Largest distance of each bin but the last two: whole steps up to 4, then powers of two.

The bin behind them holds what is further, the last one what has no distance: NaN or an infinity
beside something else.
"""

SHARES = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0)
"""Largest error of each bin but the last two, as a share of what the tolerance allows."""


@dataclass(frozen=True)
class Histogram:
    """The errors of one output.

    Attributes:
        unit: What `steps` counts: ``ULP`` for floats, ``steps`` for integers.
        small: Elements whose error counts absolutely only, see `Tolerance.small`; a step of
            theirs says nothing.
        steps: The others by distance in representable values, see `STEPS`.
        shares: All elements by share of the tolerance, see `SHARES`; None where it allows nothing.
    """

    unit: str
    small: int
    steps: tuple[int, ...]
    shares: tuple[int, ...] | None


def histograms(
    actual: Mapping[str, Array],
    expected: Mapping[str, Array],
    args: Sequence[Arg],
    tolerance: Tolerance,
    spreads: Mapping[str, Array] | None = None,
) -> dict[str, Histogram]:
    """Count the errors of every output that has its contract's form; others have no errors.

    Args:
        actual: What the device gave, by argument name.
        expected: What the golden model gave.
        args: The kernel's arguments; those that are written are counted.
        tolerance: How far a value may be off.
        spreads: Those of the kernel, `Kernel.spreads`.

    Returns:
        A histogram per output; `small` and `steps` of each add up to the output's elements.
    """
    found = {}
    for arg in args:
        if arg.role.is_written and arg.name in actual and arg.name in expected:
            left, right = np.asarray(actual[arg.name]), np.asarray(expected[arg.name])
            if arg.size and all(_formed(one, arg) for one in (left, right)):
                spread = (spreads or {}).get(arg.name)
                found[arg.name] = _histogram(left, right, tolerance, spread)
    return found


def _formed(values: Array, arg: Arg) -> bool:
    return values.shape == arg.shape and values.dtype == arg.dtype


def _histogram(
    actual: Array, expected: Array, tolerance: Tolerance, spread: Array | None
) -> Histogram:
    # What is equal bit for bit has no error, and is most of a large output: look at the rest.
    left, right = actual.reshape(-1), expected.reshape(-1)
    small = tolerance.with_spread(spread).small(expected).reshape(-1)
    bits = f"u{left.dtype.itemsize}"
    places = np.flatnonzero(left.view(bits) != right.view(bits))
    equal = left.size - places.size
    left, right = left[places], right[places]
    steps = distance(left, right, signed_zeros=tolerance.limit == 0)[~small[places]]
    shares = None
    if tolerance.limit > 0:
        mine = tolerance.with_spread(None if spread is None else spread.reshape(-1)[places])
        shares = _count(mine.error(left, right) / tolerance.limit, SHARES, equal)
    unit = "ULP" if is_float(expected.dtype) else "steps"
    count = int(small.sum())
    equal = small.size - count - steps.size
    return Histogram(unit, count, _count(steps, STEPS, equal), shares)


def _count(errors: Array, bounds: Sequence[float], equal: int) -> tuple[int, ...]:
    """Count `errors` up to each bound, beyond the last, and those that are no finite number.

    Args:
        errors: Those that are looked at.
        bounds: Of the bins; the first is 0.
        equal: Elements besides, whose error is 0.
    """
    finite = errors[np.isfinite(errors)]
    bins = np.searchsorted(np.asarray(bounds, np.float64), finite, side="left")
    counts = np.bincount(bins, minlength=len(bounds) + 1)
    counts[0] += equal
    return (*(int(count) for count in counts), errors.size - finite.size)
