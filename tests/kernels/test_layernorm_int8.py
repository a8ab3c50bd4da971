"""layernorm_int8: its definition against the formula, its source against its definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.contract import Array, Kernel
from kernels.layernorm_int8.kernel import FEATURES, LayernormInt8, real_layernorm

Native = Callable[[Kernel], Callable[..., None]]
Call = Callable[..., None]
VECTOR, SCALAR = LayernormInt8.variants()

bytes_ = st.integers(-128, 127)
rows = st.one_of(
    arrays(np.int8, FEATURES, elements=bytes_),
    # Few distinct values and little spread: the small end of the variance's range.
    st.builds(
        lambda base, bumps: np.clip(base + bumps, -128, 127).astype(np.int8),
        bytes_,
        arrays(np.int16, FEATURES, elements=st.integers(-2, 2), fill=st.just(0)),
    ),
)
params = arrays(np.int8, FEATURES, elements=bytes_)
inputs = st.fixed_dictionaries({"x": rows, "gamma": params, "beta": params})


def golden(case: Mapping[str, Array]) -> Array:
    return VECTOR.golden(case)["y"]


def plain(x: Array) -> dict[str, Array]:
    return {"x": x, **VECTOR.params()}


@settings(deadline=None, max_examples=150)
@given(inputs)
def test_the_definition_is_within_one_step_of_the_formula(case: dict[str, Array]) -> None:
    real = np.clip(real_layernorm(**case), -128, 127)
    assert np.abs(golden(case) - real).max() < 0.6
    assert np.abs(golden(case) - np.floor(real + 0.5)).max() <= 1


@settings(deadline=None, max_examples=50)
@given(rows)
def test_normalised_features_have_mean_0_and_deviation_1(x: Array) -> None:
    y = golden(plain(x)).astype(np.float64) / 32
    if x.std() == 0:
        assert not y.any()
    elif np.abs(x - x.mean()).max() < 3.9 * x.std():  # none saturates
        assert abs(y.mean()) < 1 / 32
        assert abs(y.std() - 1) < 1 / 32


@settings(deadline=None, max_examples=50)
@given(arrays(np.int8, FEATURES, elements=st.integers(-40, 40)), st.integers(-80, 80))
def test_a_shift_of_all_features_changes_nothing(x: Array, shift: int) -> None:
    np.testing.assert_array_equal(golden(plain(x)), golden(plain(x + np.int8(shift))))


@settings(deadline=None, max_examples=50)
@given(arrays(np.int8, FEATURES, elements=st.integers(-30, 30)), st.sampled_from([2, 4]))
def test_a_power_of_two_scales_features_without_effect(x: Array, factor: int) -> None:
    np.testing.assert_array_equal(golden(plain(x)), golden(plain(x * np.int8(factor))))


@settings(deadline=None, max_examples=30)
@given(bytes_, params, params)
def test_equal_features_give_beta(value: int, gamma: Array, beta: Array) -> None:
    case = {"x": np.full(FEATURES, value, np.int8), "gamma": gamma, "beta": beta}
    np.testing.assert_array_equal(golden(case), beta)


def test_the_cases_hold_the_ends_of_the_range() -> None:
    cases = {case.name: case.inputs for case in VECTOR.cases()}
    spread = {name: FEATURES**2 * inputs["x"].astype(float).var() for name, inputs in cases.items()}
    assert spread["least-variance"] == pytest.approx(255)
    assert spread["alternating"] == pytest.approx((FEATURES * 127.5) ** 2)
    assert spread["flat-row"] == 0
    saturated = golden(cases["saturating"])
    assert saturated.max() == 127
    assert saturated.min() == -128


def test_no_feature_lies_further_out_than_the_format_holds() -> None:
    """One outlier among equal features is the extreme: sqrt(255) deviations."""
    x = np.where(np.arange(FEATURES) == 7, 127, -128).astype(np.int8)
    normalised = (x - x.mean()) / x.std()
    assert normalised.max() == pytest.approx(np.sqrt(255))
    assert normalised.max() * 2**11 < 2**15


@pytest.fixture(scope="module")
def run(native: Native, aligned: Callable[[Array], Array]) -> Callable[[str, Any], Array]:
    """``run(symbol, inputs)`` calls the compiled source."""
    call = native(VECTOR)

    def source(symbol: str, case: Mapping[str, Array]) -> Array:
        packed = aligned(np.concatenate([case[name] for name in ("x", "gamma", "beta")]))
        y = aligned(np.full(FEATURES, 99, np.int8))
        call(symbol, packed, y)
        return y

    return source


@pytest.mark.parametrize("kernel", LayernormInt8.variants(), ids=lambda kernel: kernel.label)
def test_the_source_equals_golden_on_every_case(
    kernel: LayernormInt8, run: Callable[[str, Any], Array]
) -> None:
    for case in kernel.cases(seed=2):
        y = run(kernel.functions()[0].symbol, case.inputs)
        np.testing.assert_array_equal(y, kernel.golden(case.inputs)["y"], case.name)


def test_the_source_equals_golden_on_random_rows(run: Callable[[str, Any], Array]) -> None:
    @settings(deadline=None, max_examples=200)
    @given(inputs)
    def check(case: dict[str, Array]) -> None:
        expected = golden(case)
        np.testing.assert_array_equal(run("layernorm_int8_vector", case), expected)
        np.testing.assert_array_equal(run("layernorm_int8_scalar", case), expected)

    check()


def test_the_source_equals_golden_over_the_whole_range_of_variances(
    run: Callable[[str, Any], Array],
) -> None:
    rng = np.random.default_rng(4)
    for deviation in np.geomspace(0.02, 128, 300):
        x = np.clip(rng.normal(rng.uniform(-60, 60), deviation, FEATURES).round(), -128, 127)
        case = {
            "x": x.astype(np.int8),
            "gamma": rng.integers(-128, 128, FEATURES).astype(np.int8),
            "beta": rng.integers(-128, 128, FEATURES).astype(np.int8),
        }
        np.testing.assert_array_equal(run("layernorm_int8_vector", case), golden(case))
