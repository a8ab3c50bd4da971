"""ln_softmax_gelu: its definition against the formulas, its stages against its definition."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.contract import Array, Kernel, bfloat16
from kernels.ln_softmax_gelu.kernel import FEATURES, LnSoftmaxGelu, real_chain

VERSIONS = ("vector", "scalar")
ROW = LnSoftmaxGelu(1)

Run = Callable[[str, Array, Array, Array], Array]


@pytest.fixture(scope="module")
def run(native: Callable[[Kernel], Callable[..., None]], aligned: Callable[[Array], Array]) -> Run:
    """``run(version, x, gamma, beta)`` calls the three stages on a row."""
    call = native(ROW)

    def source(version: str, x: Array, gamma: Array, beta: Array) -> Array:
        rows = [aligned(np.full(FEATURES, 99, bfloat16)) for _ in range(3)]
        params = aligned(np.concatenate([gamma, beta]))
        call(f"chain_layernorm_{version}", aligned(x), params, rows[0])
        call(f"chain_softmax_{version}", rows[0], rows[1])
        call(f"chain_gelu_{version}", rows[1], rows[2])
        return rows[2]

    return source


def row(seed: int, mean: float, deviation: float) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.normal(mean, deviation, FEATURES)
    gamma, beta = rng.normal(1, 0.3, FEATURES), rng.normal(0, 0.3, FEATURES)
    return x.astype(bfloat16), gamma.astype(bfloat16), beta.astype(bfloat16)


rows = st.builds(row, st.integers(0, 2**32), st.sampled_from([0, 3, -500]), st.floats(0.01, 100))


def test_the_definition_follows_the_three_formulas() -> None:
    x, gamma, beta = row(1, 0.5, 2)
    values = x.astype(float).tolist()
    mean, variance = statistics.fmean(values), statistics.pvariance(values)
    normalised = [
        float(g) * (value - mean) / math.sqrt(variance + 1e-5) + float(b)
        for value, g, b in zip(values, gamma, beta, strict=True)
    ]
    total = math.fsum(map(math.exp, normalised))
    shares = [math.exp(value) / total for value in normalised]
    expected = [share * 0.5 * (1 + math.erf(share / math.sqrt(2))) for share in shares]
    np.testing.assert_allclose(real_chain(x[np.newaxis], gamma, beta)[0], expected, rtol=1e-10)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_stages_are_within_tolerance_on_any_row(run: Run, version: str) -> None:
    @settings(deadline=None, max_examples=20)
    @given(rows)
    def check(data: tuple[Array, Array, Array]) -> None:
        x, gamma, beta = data
        expected = ROW.golden({"x": x[np.newaxis], "gamma": gamma, "beta": beta})["y"][0]
        error = ROW.tolerance.error(run(version, *data), expected)
        assert error.max() <= ROW.tolerance.limit

    check()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_errors_are_those_of_three_roundings_and_have_no_bias(run: Run, version: str) -> None:
    """The tolerance covers the worst rounding; the usual ones are an eighth of it."""
    errors = []
    for seed in range(6):
        data = row(seed, 0.3, 2)
        exact = real_chain(data[0][np.newaxis], *data[1:])[0]
        errors.append(run(version, *data).astype(float) / exact - 1)
    assert np.abs(errors).mean() < 2.0**-7
    assert abs(np.mean(errors)) < 2.0**-9


def test_the_design_is_a_chain_of_neighbours() -> None:
    """Each core reads the one below's memory, so that two of the fifos need no DMA."""
    design = LnSoftmaxGelu().design()
    fifos = re.findall(r"aie\.objectfifo @(\w+)\(%(\w+), \{%(\w+)\}", design)
    assert [tiles for name, *tiles in fifos if name != "of_params"] == [
        ["shim", "first"],
        ["first", "second"],
        ["second", "third"],
        ["third", "shim"],
    ]
    assert [
        f"%{name} = aie.tile(0, {place})" in design
        for name, place in (("first", 2), ("second", 3), ("third", 4))
    ] == [True] * 3
