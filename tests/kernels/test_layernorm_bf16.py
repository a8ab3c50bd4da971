"""layernorm_bf16: its definition against the formula, its source against its definition."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.contract import Array, Kernel, bfloat16
from kernels.contract.tolerance import distance
from kernels.layernorm_bf16.kernel import EPSILON, FEATURES, LayernormBf16

ROW = LayernormBf16(1)
VERSIONS = ("layernorm_bf16_vector", "layernorm_bf16_scalar")

Run = Callable[[str, Mapping[str, Array]], Array]


def bf16(data: Array) -> Array:
    return data.astype(bfloat16)


rows = st.builds(
    lambda shape, scale, centre: bf16(centre + scale * shape),
    arrays(np.float64, FEATURES, elements=st.floats(-2, 2, width=32)),
    st.sampled_from([1e-3, 1.0, 50.0, 1e10]),
    st.sampled_from([0.0, 1.0, -300.0]),
)
params = arrays(np.float64, FEATURES, elements=st.floats(-2, 2, width=32)).map(bf16)
inputs = st.fixed_dictionaries({"x": rows, "gamma": params, "beta": params})


def golden(case: Mapping[str, Array]) -> Array:
    return ROW.golden({**case, "x": case["x"][np.newaxis]})["y"][0]


def plain(x: Array) -> dict[str, Array]:
    return {"x": bf16(x), **ROW.params()}


@pytest.fixture(scope="module")
def run(native: Callable[[Kernel], Callable[..., None]], aligned: Callable[[Array], Array]) -> Run:
    """``run(symbol, inputs)`` calls the compiled source on one row."""
    call = native(ROW)

    def source(symbol: str, case: Mapping[str, Array]) -> Array:
        y = aligned(np.full(FEATURES, 99, bfloat16))
        call(symbol, aligned(case["x"]), aligned(np.concatenate([case["gamma"], case["beta"]])), y)
        return y

    return source


@settings(deadline=None, max_examples=20)
@given(inputs)
def test_the_definition_is_the_formula(case: dict[str, Array]) -> None:
    x, gamma, beta = (case[name].astype(float).tolist() for name in ("x", "gamma", "beta"))
    mean = statistics.fmean(x)
    deviation = (statistics.pvariance(x, mean) + EPSILON) ** 0.5
    formula = [(v - mean) / deviation * g + b for v, g, b in zip(x, gamma, beta, strict=True)]
    error = ROW.tolerance.error(golden(case), bf16(np.array(formula)))
    assert error.max() <= ROW.tolerance.limit


@pytest.mark.parametrize("symbol", VERSIONS)
def test_the_source_is_within_tolerance_on_any_row(run: Run, symbol: str) -> None:
    @settings(deadline=None, max_examples=100)
    @given(inputs)
    def check(case: dict[str, Array]) -> None:
        error = ROW.tolerance.error(run(symbol, case), golden(case))
        assert error.max() <= ROW.tolerance.limit

    check()


@pytest.mark.parametrize("symbol", VERSIONS)
def test_nearly_all_results_are_the_nearest(run: Run, symbol: str) -> None:
    rng = np.random.default_rng(6)
    cases = [plain(rng.normal(rng.uniform(-5, 5), 2, FEATURES)) for _ in range(40)]
    steps = np.array([distance(run(symbol, case), golden(case)) for case in cases])
    assert (steps == 0).mean() > 0.99
    assert (steps <= 1).mean() > 0.999


@pytest.mark.parametrize("symbol", VERSIONS)
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 1e25])
@pytest.mark.parametrize("place", [0, 300])
def test_a_row_that_has_no_variance_in_fp32_is_nan(
    run: Run, symbol: str, special: float, place: int
) -> None:
    case = plain(np.where(np.arange(FEATURES) == place, special, 1.0))
    assert np.isnan(golden(case).astype(float)).all()
    assert np.isnan(run(symbol, case).astype(float)).all()


@pytest.mark.parametrize("symbol", VERSIONS)
@pytest.mark.parametrize("value", [0.0, 1.0, -3e38, 1e-40])
def test_equal_features_give_beta_exactly(run: Run, symbol: str, value: float) -> None:
    case = plain(np.full(FEATURES, value))
    case["beta"] = bf16(np.linspace(-3, 3, FEATURES))
    np.testing.assert_array_equal(run(symbol, case), case["beta"])
    np.testing.assert_array_equal(golden(case), case["beta"])


@pytest.mark.parametrize("symbol", VERSIONS)
def test_a_mean_far_from_zero_costs_no_precision(run: Run, symbol: str) -> None:
    """Steps of one ULP about 128: a sum of the values themselves would lose them in fp32."""
    x = 128.0 + np.random.default_rng(7).integers(0, 3, FEATURES)
    case = plain(x)
    assert distance(run(symbol, case), golden(case)).max() <= 1
