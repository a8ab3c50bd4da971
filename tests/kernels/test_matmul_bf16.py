"""matmul_bf16: its golden model against exact sums, its source against the golden model."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.contract import Array, Kernel, bfloat16
from kernels.contract.tolerance import distance
from kernels.matmul_bf16.kernel import BLOCK_K, BLOCK_M, BLOCK_N, MatmulBf16

M, K, N = 16, 32, 24
KERNEL = MatmulBf16(M, K, N)
VERSIONS = ("matmul_bf16_vector", "matmul_bf16_scalar")

Run = Callable[[str, Array, Array], Array]

elements = st.floats(-4, 4, width=16)
a_matrices = arrays(np.float64, (M, K), elements=elements).map(lambda a: a.astype(bfloat16))
b_matrices = arrays(np.float64, (K, N), elements=elements).map(lambda b: b.astype(bfloat16))


def golden(a: Array, b: Array) -> Array:
    return KERNEL.golden({"A": a, "B": b})["C"]


def blocks(matrix: Array, rows: int, cols: int) -> Array:
    """Return `matrix` block by block, each block row by row: by another way than the DMA's."""
    height, width = matrix.shape
    split = matrix.reshape(height // rows, rows, width // cols, cols)
    return np.ascontiguousarray(split.transpose(0, 2, 1, 3)).reshape(-1)


@pytest.fixture(scope="module")
def run(native: Callable[[Kernel], Callable[..., None]], aligned: Callable[[Array], Array]) -> Run:
    """``run(symbol, a, b)`` calls the compiled source on row-major matrices."""
    call = native(KERNEL)

    def source(symbol: str, a: Array, b: Array) -> Array:
        c = aligned(np.full(M * N, 99, bfloat16))
        call(symbol, aligned(blocks(a, BLOCK_M, BLOCK_K)), aligned(blocks(b, BLOCK_K, BLOCK_N)), c)
        grid = c.reshape(M // BLOCK_M, N // BLOCK_N, BLOCK_M, BLOCK_N)
        return grid.transpose(0, 2, 1, 3).reshape(M, N)

    return source


def test_the_golden_model_is_the_exact_sum_rounded() -> None:
    a, b = (case := next(KERNEL.demo()).inputs)["A"], case["B"]
    exact = sum((Fraction(float(a[3, i])) * Fraction(float(b[i, 5])) for i in range(K)), Fraction())
    assert golden(a, b)[3, 5] == np.array(float(exact)).astype(bfloat16)


@pytest.mark.parametrize("symbol", VERSIONS)
def test_the_source_is_within_tolerance_on_any_matrices(run: Run, symbol: str) -> None:
    @settings(deadline=None, max_examples=30)
    @given(a_matrices, b_matrices)
    def check(a: Array, b: Array) -> None:
        error = KERNEL.tolerance.error(run(symbol, a, b), golden(a, b))
        assert error.max() <= KERNEL.tolerance.limit

    check()


@pytest.mark.parametrize("symbol", VERSIONS)
def test_small_integers_are_exact(run: Run, symbol: str) -> None:
    """Sums below 256 need no rounding: any misplaced element shows."""
    rng = np.random.default_rng(9)
    a = rng.integers(-2, 3, (M, K)).astype(bfloat16)
    b = rng.integers(-2, 3, (K, N)).astype(bfloat16)
    np.testing.assert_array_equal(run(symbol, a, b), a.astype(int) @ b.astype(int))


@pytest.mark.parametrize("symbol", VERSIONS)
def test_nearly_all_results_are_the_nearest(run: Run, symbol: str) -> None:
    rng = np.random.default_rng(10)
    pairs = [(rng.standard_normal((M, K)), rng.standard_normal((K, N))) for _ in range(40)]
    rounded = [(a.astype(bfloat16), b.astype(bfloat16)) for a, b in pairs]
    steps = np.array([distance(run(symbol, a, b), golden(a, b)) for a, b in rounded])
    assert (steps == 0).mean() > 0.999


@pytest.mark.parametrize("symbol", VERSIONS)
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_a_special_value_reaches_its_row_and_no_other(
    run: Run, symbol: str, special: float
) -> None:
    a, b = np.ones((M, K), bfloat16), np.ones((K, N), bfloat16)
    a[5, 7] = special
    expected = np.full((M, N), K, bfloat16)
    expected[5] = special
    assert distance(run(symbol, a, b), expected).max() == 0
    assert distance(golden(a, b), expected).max() == 0
