"""gelu_bf16: its definition against the formula, its source on every bfloat16 there is."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest

from kernels.contract import Array, Kernel, bfloat16
from kernels.contract.tolerance import distance
from kernels.gelu_bf16.kernel import GeluBf16, real_gelu

N = 2048
KERNEL = GeluBf16(N)
pytestmark = pytest.mark.filterwarnings("ignore:invalid value")  # what signalling NaNs raise
VERSIONS = ("gelu_bf16_vector", "gelu_bf16_scalar")

Run = Callable[[str], Array]


@pytest.fixture(scope="module")
def everything() -> Array:
    """All 65,536 bfloat16 values: every sign, exponent and mantissa, NaN and infinity."""
    return np.arange(1 << 16, dtype=np.uint16).view(bfloat16)


@pytest.fixture(scope="module")
def expected(everything: Array) -> Array:
    return KERNEL.golden({"x": everything})["y"]


@pytest.fixture(scope="module")
def run(
    native: Callable[[Kernel], Callable[..., None]],
    aligned: Callable[[Array], Array],
    everything: Array,
) -> Run:
    """``run(symbol)`` gives the compiled source's answer to everything."""
    call = native(KERNEL)

    def source(symbol: str) -> Array:
        y = aligned(np.full(everything.shape, 99, bfloat16))
        x = aligned(everything)
        for start in range(0, x.size, N):
            call(symbol, x[start : start + N], y[start : start + N])
        return y

    return source


@pytest.mark.parametrize("x", [-5.0, -1.0, -1e-3, 0.0, 0.5, 1.0, 3.0])
def test_the_definition_is_x_times_the_normal_distribution(x: float) -> None:
    assert real_gelu(x) == pytest.approx(x * NormalDist().cdf(x), rel=1e-9, abs=1e-15)


def test_the_definition_at_its_ends() -> None:
    assert real_gelu(math.inf) == math.inf
    assert real_gelu(-math.inf) == 0
    assert math.isnan(real_gelu(math.nan))
    assert abs(real_gelu(-5.625)) < 2**-24


@pytest.mark.parametrize("symbol", VERSIONS)
def test_the_source_is_within_tolerance_on_every_value(
    run: Run, expected: Array, symbol: str
) -> None:
    y = run(symbol)
    assert KERNEL.tolerance.error(y, expected).max() <= KERNEL.tolerance.limit
    np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))


@pytest.mark.parametrize("symbol", VERSIONS)
def test_nearly_all_results_are_the_nearest(
    run: Run, everything: Array, expected: Array, symbol: str
) -> None:
    inside = (abs(everything) > bfloat16.type(1e-30)) & (everything > -5) & (everything < 1e30)
    steps = distance(run(symbol)[inside], expected[inside])
    assert steps.max() <= 1
    assert (steps == 0).mean() > 0.99
