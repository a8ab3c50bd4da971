"""add_residual: its source against exact sums, over the whole range of bfloat16."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.add_residual.kernel import CHUNK, AddResidual
from kernels.contract import Array, Kernel, bfloat16
from kernels.contract.tolerance import distance

KERNEL = AddResidual(4)
VERSIONS = ("add_residual_vector", "add_residual_scalar")

Run = Callable[[str, Array, Array], Array]

floats = st.floats(width=16) | st.floats(-(2.0**127), 2.0**127, width=32)
some = arrays(np.float64, 32, elements=floats).map(lambda data: data.astype(bfloat16))


def golden(x: Array, residual: Array) -> Array:
    return KERNEL.golden({"x": x, "residual": residual})["y"]


@pytest.fixture(scope="module")
def run(native: Callable[[Kernel], Callable[..., None]], aligned: Callable[[Array], Array]) -> Run:
    """``run(symbol, x, residual)`` calls the compiled source on 2,048 elements."""
    call = native(KERNEL)

    def source(symbol: str, x: Array, residual: Array) -> Array:
        y = aligned(np.full(CHUNK, 99, bfloat16))
        call(symbol, aligned(np.resize(x, CHUNK)), aligned(np.resize(residual, CHUNK)), y)
        return y

    return source


@pytest.mark.parametrize(
    ("x", "residual"), [(1.0, 2.0**-8), (1.0, 3 * 2.0**-8), (300.0, -298.0), (-5.0, 5.0)]
)
def test_the_definition_is_the_nearest_even_value_to_the_exact_sum(
    x: float, residual: float
) -> None:
    y = golden(np.array([x], bfloat16), np.array([residual], bfloat16))
    exact = Fraction(x) + Fraction(residual)
    near = y.view(np.int16) + np.arange(-1, 2, dtype=np.int16)
    gaps = [abs(Fraction(float(value)) - exact) for value in near.view(bfloat16) if value == value]
    assert abs(Fraction(float(y[0])) - exact) == min(gaps)
    assert gaps.count(min(gaps)) == 1 or y.view(np.int16)[0] % 2 == 0


@pytest.mark.parametrize("symbol", VERSIONS)
def test_the_source_is_within_tolerance_on_any_values(run: Run, symbol: str) -> None:
    @settings(deadline=None, max_examples=100)
    @given(some, some)
    def check(x: Array, residual: Array) -> None:
        error = KERNEL.tolerance.error(run(symbol, x, residual)[:32], golden(x, residual))
        assert error.max() <= KERNEL.tolerance.limit

    check()


@pytest.mark.parametrize("symbol", VERSIONS)
def test_normal_sums_are_exactly_rounded(run: Run, symbol: str) -> None:
    rng = np.random.default_rng(8)
    magnitudes = 2.0 ** rng.uniform(-20, 20, (2, CHUNK))
    x, residual = (magnitudes * rng.choice([-1.0, 1.0], (2, CHUNK))).astype(bfloat16)
    np.testing.assert_array_equal(run(symbol, x, residual), golden(x, residual))


@pytest.mark.parametrize("symbol", VERSIONS)
def test_special_values(run: Run, symbol: str) -> None:
    x = np.array([np.inf, np.inf, -np.inf, np.nan, 3.3e38, -3.3e38, 1.0], bfloat16)
    residual = np.array([1.0, -np.inf, -np.inf, 1.0, 1e38, -1e38, np.nan], bfloat16)
    expected = np.array([np.inf, np.nan, -np.inf, np.nan, np.inf, -np.inf, np.nan], bfloat16)
    assert distance(run(symbol, x, residual)[:7], expected).max() == 0
    assert distance(golden(x, residual), expected).max() == 0
