"""Tolerances: their limits, their words, and that they refuse to be meaningless."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from kernels.contract import Exact, IntSteps, Relative, Spread, Tolerance, Ulps, bfloat16
from kernels.contract.tolerance import distance, is_float

REASON = "one rounding at the end"


@pytest.mark.parametrize(
    ("tolerance", "limit", "unit", "words"),
    [
        (Exact(REASON), 0, "steps", "exact (one rounding at the end)"),
        (IntSteps(REASON, 2), 2, "steps", "at most 2 steps (one rounding at the end)"),
        (Ulps(REASON, 3), 3, "ULP", "at most 3 ULP (one rounding at the end)"),
        (Relative(REASON, 0.01, 1e-3), 0.01, "relative", "at most 0.01 relative"),
        (Spread(REASON, 0.01, 0.5, 1e-30), 0.01, "relative", "at most 0.01 relative"),
    ],
)
def test_a_tolerance_says_how_far_and_why(
    tolerance: Tolerance, limit: float, unit: str, words: str
) -> None:
    assert (tolerance.limit, tolerance.unit) == (limit, unit)
    assert str(tolerance).startswith(words)
    with pytest.raises(dataclasses.FrozenInstanceError):
        tolerance.reason = "because"  # type: ignore[misc]


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_reason_is_needed(reason: str) -> None:
    for make in (Exact, lambda r: IntSteps(r, 1), lambda r: Relative(r, 0.1, 1.0)):
        with pytest.raises(ValueError, match="give a reason"):
            make(reason)


def test_limits_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="not negative, got -1"):
        IntSteps(REASON, -1)
    with pytest.raises(ValueError, match="finite"):
        Relative(REASON, float("inf"), 1.0)
    with pytest.raises(ValueError, match="finite"):
        Relative(REASON, float("nan"), 1.0)
    for floor in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="floor"):
            Relative(REASON, 0.1, floor)
        with pytest.raises(ValueError, match="floor"):
            Spread(REASON, 0.1, 1.0, floor)
        with pytest.raises(ValueError, match="share"):
            Spread(REASON, 0.1, floor, 1.0)


@pytest.mark.parametrize(
    ("tolerance", "suited", "unsuited"),
    [
        (Exact(REASON), [np.int8, np.float32, bfloat16, np.bool_], [object]),
        (IntSteps(REASON, 1), [np.int8, np.uint64], [np.float32, bfloat16]),
        (Ulps(REASON, 1), [np.float16, np.float32, bfloat16], [np.int32]),
        (Relative(REASON, 1, 1), [np.float64, bfloat16], [np.int8]),
        (Spread(REASON, 1, 1, 1), [np.float64, bfloat16], [np.int8]),
    ],
)
def test_which_dtypes_a_tolerance_suits(
    tolerance: Tolerance, suited: list[type], unsuited: list[type]
) -> None:
    assert all(tolerance.suits(np.dtype(dtype)) for dtype in suited)
    assert not any(tolerance.suits(np.dtype(dtype)) for dtype in unsuited)


def test_a_difference_of_one_survives_in_64_bits() -> None:
    big = np.array([2**63 - 1, -(2**63), 2**62])
    assert distance(big, big - np.array([1, -1, 1])).tolist() == [1, 1, 1]
    unsigned = np.array([2**64 - 1], np.uint64)
    assert distance(unsigned, unsigned - np.uint64(1)).tolist() == [1]
    assert distance(unsigned, np.zeros(1, np.uint64))[0] == pytest.approx(2.0**64)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, bfloat16])
def test_float_distance_counts_representable_values(dtype: type) -> None:
    width = np.dtype(dtype).itemsize
    around = np.array([-3, -2, -1, 1, 2, 3])
    bits = np.where(around < 0, (1 << (8 * width - 1)) - 1 - around, around - 1)
    values = bits.astype(f"u{width}").view(dtype)  # -2, -1, -0, 0, 1, 2 subnormal steps
    zero = np.zeros(6, dtype)
    assert distance(values, zero).tolist() == [2, 1, 0, 0, 1, 2]
    assert distance(values, zero, signed_zeros=True).tolist() == [3, 2, 1, 0, 1, 2]
    one = np.ones(1, dtype)
    next_one = (one.view(f"u{width}") + 1).view(dtype)
    assert distance(one, next_one).tolist() == [1]


def test_a_spread_allows_each_element_its_own_error() -> None:
    tolerance = Spread(REASON, 0.01, 0.5, 1e-3)
    expected = np.array([100.0, 0.0, 0.0, 0.0, np.nan, 1.0])
    spread = np.array([0.0, 200.0, 2.0, 0.0, np.nan, np.nan])
    error = tolerance.with_spread(spread).error(expected + 1, expected)
    np.testing.assert_allclose(error[:5], [0.01, 0.01, 1, 1e3, 0], rtol=1e-2)
    assert not error[5] <= tolerance.limit, "a spread that is no number allows nothing"
    with pytest.raises(ValueError, match=r"hand it Kernel\.spreads"):
        tolerance.error(expected, expected)


def test_which_elements_are_small_beside_their_errors() -> None:
    values = np.array([0.0, 0.12, -0.12, 0.13, -1.0, np.inf, np.nan])
    small = [True, True, True, False, False, False, False]
    assert Relative(REASON, 0.1, 1.0).small(values).tolist() == small
    for share, floor, spread in ((0.5, 1e-9, 2.0), (0.5, 1.0, 0.0)):
        tolerance = Spread(REASON, 0.1, share, floor).with_spread(np.full(7, spread))
        assert tolerance.small(values).tolist() == small
    for other in (Exact(REASON), Ulps(REASON, 1), IntSteps(REASON, 1)):
        assert not other.small(values).any()
        assert other.with_spread(values) is other


def test_what_counts_as_a_float() -> None:
    assert all(is_float(np.dtype(dtype)) for dtype in (np.float16, np.float64, bfloat16))
    assert not any(is_float(np.dtype(dtype)) for dtype in (np.int8, np.bool_, object, "V2"))
