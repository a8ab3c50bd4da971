"""Lookup tables against numpy, and table functions against the functions they stand for."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def call(functions: Callable) -> Callable:
    return functions("tables")


def laid_out(table: np.ndarray) -> np.ndarray:
    """A table as a core's memory bank holds it: every 128 bits twice."""
    runs = table.view(np.uint8).reshape(-1, 16)
    return np.repeat(runs, 2, axis=0).reshape(-1)


@settings(deadline=None, max_examples=20)
@given(seed=seeds)
def test_lookups_clamp_or_cut_the_index(call: Callable, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-128, 128, 64).astype(np.int16)
    keys = rng.integers(-128, 128, 32).astype(np.int8)
    result = np.zeros(64, np.int8)
    call("lookup_int8", laid_out(values), keys, result)
    indices = keys.astype(int)
    np.testing.assert_array_equal(result[:32], values[np.clip((indices >> 1) + 32, 0, 63)])
    np.testing.assert_array_equal(result[32:], values[(indices + 1) % 64])


@settings(deadline=None, max_examples=20)
@given(seed=seeds)
def test_integer_lines(call: Callable, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = rng.integers(-(2**15), 2**15, (32, 2)).astype(np.int16)
    x = rng.integers(-(2**15), 2**15, 16).astype(np.int16)
    result = np.zeros(16, np.int64)
    call("approximate_int16", laid_out(lines), x, result)
    slope, offset = lines[np.clip((x.astype(int) >> 8) + 16, 0, 31)].astype(int).T
    np.testing.assert_array_equal(result, slope * (x.astype(int) & 255) + (offset << 2))


def test_bfloat16_lines(call: Callable) -> None:
    slopes = np.arange(-16, 16).astype(ml_dtypes.bfloat16)
    lines = np.zeros((32, 2), np.float32)
    lines[:, 0] = slopes
    lines[:, 1] = np.arange(32) / 4
    x = np.array([-20, -16, -15.5, -1, -0.25, 0, 0.25, 0.5, 1, 1.75, 2, 3, 14, 15, 15.5, 90])
    x = x.astype(ml_dtypes.bfloat16)
    result = np.zeros(16, np.float32)
    call("approximate_bfloat16", laid_out(lines), x, result)
    index = np.clip(np.floor(x.astype(float)) + 16, 0, 31).astype(int)
    np.testing.assert_array_equal(result, lines[index, 0] * x.astype(float) + lines[index, 1])


def test_exponential(call: Callable) -> None:
    x = np.linspace(-10, 10, 16).astype(ml_dtypes.bfloat16)
    result = np.zeros(16, np.float32)
    call("exponentials", x, result)
    np.testing.assert_allclose(result, np.exp(x.astype(float)), rtol=0.012)


def test_tanh(call: Callable) -> None:
    x = np.linspace(-5, 5, 16).astype(ml_dtypes.bfloat16)
    result = np.zeros(16, ml_dtypes.bfloat16)
    call("tanhs", x, result)
    np.testing.assert_allclose(result.astype(float), np.tanh(x.astype(float)), atol=0.02)


@pytest.mark.parametrize("x", [1.0, 3.0, 0.1, 1e-20, 7e18, 12345.678])
def test_inverse(call: Callable, x: float) -> None:
    result = np.zeros(1, ml_dtypes.bfloat16)
    call("inverse_of", np.array([x], np.float32), result)
    np.testing.assert_allclose(result.astype(float), [1 / np.float64(np.float32(x))], rtol=0.01)
