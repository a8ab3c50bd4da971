"""matmul_int8 and the layout that both matrix products share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.contract.mlir import Dims
from kernels.matmul_int8.kernel import MatmulInt8
from kernels.matmul_int8.layout import BLOCK_K, BLOCK_M, BLOCK_N, to_blocks, to_rows

counts = st.integers(1, 6)
VECTOR, SCALAR = MatmulInt8.variants()[4:]


def walk(array: np.ndarray[Any, Any], dims: Dims) -> np.ndarray[Any, Any]:
    """Read `array`'s elements in the order of a DMA's dimensions."""
    places = np.zeros((), int)
    for size, stride in dims:
        places = places[..., np.newaxis] + np.arange(size) * stride
    return array.reshape(-1)[places.reshape(-1)]


def half_even(sums: np.ndarray[Any, Any], shift: int) -> np.ndarray[Any, Any]:
    """Requantise in integers only: the golden model uses floats."""
    below, rest = np.divmod(sums, 1 << shift)
    half = 1 << (shift - 1)
    rounded = below + ((rest > half) | ((rest == half) & (below % 2 == 1)))
    return np.clip(rounded, -128, 127)


@given(counts, counts, counts, counts)
@settings(deadline=None)
def test_blocked_order_is_blocks_of_the_matrix(rows: int, cols: int, high: int, wide: int) -> None:
    matrix = np.arange(rows * high * cols * wide).reshape(rows * high, cols * wide)
    blocked = walk(matrix, to_blocks(*matrix.shape, high, wide))
    expected = matrix.reshape(rows, high, cols, wide).transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(blocked, expected.reshape(-1))


@given(counts, counts, counts, counts)
@settings(deadline=None)
def test_row_order_undoes_blocked_order(rows: int, cols: int, high: int, wide: int) -> None:
    matrix = np.arange(rows * high * cols * wide).reshape(rows * high, cols * wide)
    blocked = walk(matrix, to_blocks(*matrix.shape, high, wide))
    np.testing.assert_array_equal(
        walk(blocked, to_rows(*matrix.shape, high, wide)), matrix.reshape(-1)
    )


@pytest.mark.parametrize("kernel", MatmulInt8.variants(), ids=lambda kernel: kernel.label)
def test_golden_equals_integer_arithmetic(kernel: MatmulInt8) -> None:
    for case in kernel.cases(seed=1):
        sums = case.inputs["A"].astype(np.int64) @ case.inputs["B"].astype(np.int64)
        golden = kernel.golden(case.inputs)["C"]
        assert golden.dtype == np.int8
        np.testing.assert_array_equal(golden, half_even(sums, kernel.shift), case.name)


def test_cases_reach_ties_and_both_saturations() -> None:
    cases = {case.name: case.inputs for case in VECTOR.cases()}
    sums = cases["ties"]["A"].astype(np.int64) @ cases["ties"]["B"].astype(np.int64)
    assert (np.abs(sums) % (1 << VECTOR.shift) == 1 << (VECTOR.shift - 1)).all()
    assert sums.min() < 0 < sums.max()
    assert (VECTOR.golden(cases["lowest"])["C"] == 127).all()
    mixed = {"A": cases["lowest"]["A"], "B": cases["highest"]["B"]}
    assert (VECTOR.golden(mixed)["C"] == -128).all()


@pytest.mark.parametrize("size", [16, 32, 64])
def test_versions_equal_the_golden_model_bit_for_bit(size: int, native: Any, aligned: Any) -> None:
    for version in ("vector", "scalar"):
        kernel = MatmulInt8(size, size, size, version)
        call = native(kernel)
        for case in kernel.cases(seed=2):
            a = aligned(walk(case.inputs["A"], to_blocks(size, size, BLOCK_M, BLOCK_K)))
            b = aligned(walk(case.inputs["B"], to_blocks(size, size, BLOCK_K, BLOCK_N)))
            c = aligned(np.full(size * size, 85, np.int8))
            call(f"matmul_int8_{version}", a, b, c)
            actual = walk(c, to_rows(size, size, BLOCK_M, BLOCK_N)).reshape(size, size)
            np.testing.assert_array_equal(actual, kernel.golden(case.inputs)["C"], case.name)


def test_rectangular_tiles_compute_too(native: Any, aligned: Any) -> None:
    kernel = MatmulInt8(8, 40, 48)
    (case,) = (case for case in kernel.cases(seed=3) if case.name == "random-0")
    a = aligned(walk(case.inputs["A"], to_blocks(8, 40, BLOCK_M, BLOCK_K)))
    b = aligned(walk(case.inputs["B"], to_blocks(40, 48, BLOCK_K, BLOCK_N)))
    c = aligned(np.zeros(8 * 48, np.int8))
    native(kernel)("matmul_int8_vector", a, b, c)
    actual = walk(c, to_rows(8, 48, BLOCK_M, BLOCK_N)).reshape(8, 48)
    np.testing.assert_array_equal(actual, kernel.golden(case.inputs)["C"])


def test_design_differs_between_versions_only_in_the_function() -> None:
    scalar = SCALAR.design().replace("matmul_int8_scalar", "matmul_int8_vector")
    assert scalar == VECTOR.design()


def test_estimate_is_below_the_matrix_units_peak() -> None:
    for kernel in (VECTOR, SCALAR):
        (function,) = kernel.functions()
        assert function.cycles >= kernel.work().ops / 2 / 256
        assert function.basis
