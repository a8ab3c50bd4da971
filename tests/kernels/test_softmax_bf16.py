"""softmax_bf16: its definition against the formula, its source against its definition."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.contract import Array, Kernel, bfloat16
from kernels.contract.tolerance import distance
from kernels.softmax_bf16.kernel import SoftmaxBf16

COLS = 64
SHORT = SoftmaxBf16(1, COLS)
VERSIONS = ("softmax_bf16_vector", "softmax_bf16_scalar")

Run = Callable[[str, Array], Array]

values = st.floats(-100, 100, width=32) | st.sampled_from([-np.inf, 3e38, -3e38, 1e-40, -0.0])
rows = arrays(np.float64, COLS, elements=values).map(lambda row: row.astype(bfloat16))


def golden(row: Array) -> Array:
    return SHORT.golden({"x": row[np.newaxis]})["y"][0]


@pytest.fixture(scope="module")
def run(native: Callable[[Kernel], Callable[..., None]], aligned: Callable[[Array], Array]) -> Run:
    """``run(symbol, row)`` calls the compiled source on a row of 64."""
    call = native(SHORT)

    def source(symbol: str, row: Array) -> Array:
        y = aligned(np.full(COLS, 99, bfloat16))
        call(symbol, aligned(row), y)
        return y

    return source


@settings(deadline=None, max_examples=50)
@given(arrays(np.float64, 8, elements=st.floats(-30, 30)).map(lambda row: row.astype(bfloat16)))
def test_the_definition_is_the_quotient_of_exponentials(row: Array) -> None:
    powers = [math.exp(float(value)) for value in row]
    expected = np.array([power / math.fsum(powers) for power in powers])
    y = SoftmaxBf16(1, 8).golden({"x": row[np.newaxis]})["y"][0]
    assert distance(y, expected.astype(bfloat16)).max() <= 1


@pytest.mark.parametrize("spoiler", [np.nan, -np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 37, COLS - 1])
@pytest.mark.parametrize("symbol", VERSIONS)
def test_one_special_value_makes_its_row_nan(
    run: Run, symbol: str, place: int, spoiler: float
) -> None:
    row = np.zeros(COLS, bfloat16)
    row[place] = spoiler
    assert np.isnan(golden(row).astype(float)).all()
    assert np.isnan(run(symbol, row).astype(float)).all()


@pytest.mark.parametrize("symbol", VERSIONS)
def test_minus_infinity_gives_0_and_alone_nan(run: Run, symbol: str) -> None:
    row = np.full(COLS, -np.inf, bfloat16)
    assert np.isnan(run(symbol, row).astype(float)).all()
    row[5] = -3e38
    expected = (np.arange(COLS) == 5).astype(bfloat16)
    np.testing.assert_array_equal(run(symbol, row), expected)
    np.testing.assert_array_equal(golden(row), expected)


@pytest.mark.parametrize("symbol", VERSIONS)
def test_the_source_is_within_tolerance_on_any_row(run: Run, symbol: str) -> None:
    @settings(deadline=None, max_examples=150)
    @given(rows)
    def check(row: Array) -> None:
        error = SHORT.tolerance.error(run(symbol, row), golden(row))
        assert error.max() <= SHORT.tolerance.limit

    check()


@pytest.mark.parametrize("symbol", VERSIONS)
def test_most_results_are_the_nearest_and_none_is_3_off(run: Run, symbol: str) -> None:
    """Without bias, that is: wrong tables or roundings show as a shifted distribution."""
    rng = np.random.default_rng(5)
    scores = rng.normal(0, 4, (100, COLS)).astype(bfloat16)
    steps = np.array([distance(run(symbol, row), golden(row)) for row in scores])
    assert steps.max() <= 2
    assert (steps == 0).mean() > 0.6
    sums = np.array([run(symbol, row).astype(float).sum() for row in scores])
    assert np.abs(sums - 1).max() < 2**-8


def test_the_last_elements_of_an_odd_row_take_part(
    native: Callable[[Kernel], Callable[..., None]], aligned: Callable[[Array], Array]
) -> None:
    """1,500 is 93 vectors and 12 elements; what lies behind the row stays as it was."""
    call = native(SoftmaxBf16(1))
    x = np.full(1500, -10, bfloat16)
    x[1499] = 5
    y = aligned(np.full(1504, 99, bfloat16))
    call("softmax_bf16_vector", aligned(x), y)
    expected = SoftmaxBf16(1).golden({"x": x[np.newaxis]})["y"][0]
    assert distance(y[:1500], expected).max() <= 1
    assert (y[1500:] == 99).all()
