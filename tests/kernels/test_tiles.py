"""Tiles of the matrix products: their layouts, their estimates, their source in both versions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from errors import UsageError
from kernels.contract import Array, Kernel, bfloat16
from kernels.conv1d_bf16.kernel import Conv1dBf16
from kernels.ffn_bf16.kernel import FfnBf16
from kernels.ffn_int8.kernel import FfnInt8
from kernels.matmul_bf16_array.kernel import MatmulBf16Array
from kernels.tiles.array import turns
from kernels.tiles.gelu import gelu_of
from kernels.tiles.shape import BF16, INT8, TileShape

SHAPES = [TileShape(INT8, 64, 128, 64), TileShape(BF16, 64, 32, 64), TileShape(BF16, 16, 24, 40)]
Native = Callable[[Kernel], Callable[..., None]]
Aligned = Callable[[Array], Array]


def order(dims: object) -> Array:
    """Return the elements' places in the order of a transfer."""
    places = np.zeros((), int)
    for size, stride in dims:  # type: ignore[attr-defined]
        places = places[..., np.newaxis] + np.arange(size) * stride
    return places.reshape(-1)


def blocks(matrix: Array, rows: int, cols: int, by_columns: bool) -> Array:
    """Return `matrix` block by block: by another way than the DMAs'."""
    height, width = matrix.shape
    split = matrix.reshape(height // rows, rows, width // cols, cols)
    axes = (2, 0, 1, 3) if by_columns else (0, 2, 1, 3)
    return np.ascontiguousarray(split.transpose(axes)).reshape(-1)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_transfers_bring_tiles_into_blocks_and_back(shape: TileShape) -> None:
    unit = shape.unit
    a, b = np.arange(shape.m * shape.k), np.arange(shape.k * shape.n)
    c = np.arange(shape.m * shape.n).reshape(shape.m, shape.n)
    np.testing.assert_array_equal(
        a[order(shape.a_blocks())], blocks(a.reshape(shape.m, -1), unit.m, unit.k, True)
    )
    np.testing.assert_array_equal(
        b[order(shape.b_blocks())], blocks(b.reshape(shape.k, -1), unit.k, unit.n, False)
    )
    stored = blocks(c, unit.m, unit.n, True)
    np.testing.assert_array_equal(stored[order(shape.c_rows())], c.reshape(-1))


def test_neighbouring_tiles_of_a_follow_each_other() -> None:
    """What lets one transfer send all tiles of a row block."""
    shape = TileShape(BF16, 16, 24, 40)
    wide = np.arange(shape.m * 3 * shape.k).reshape(shape.m, -1)
    sent = wide.reshape(-1)[order(shape.a_blocks(3 * shape.k))].reshape(3, -1)
    for tile, columns in zip(sent, np.split(wide, 3, axis=1), strict=True):
        np.testing.assert_array_equal(tile, blocks(columns, BF16.m, BF16.k, True))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_estimate_beats_the_matrix_unit(shape: TileShape) -> None:
    ideal = shape.m * shape.k * shape.n / (shape.unit.m * shape.unit.k * shape.unit.n)
    assert ideal < shape.cycles() < 2 * ideal
    assert shape.cycles(scalar=True) > 8 * shape.cycles()


def test_what_an_estimate_is_made_of() -> None:
    """4x4 turns of 2x2 blocks: 4 * 16 products and 8 to fill, each; 20 to call."""
    assert TileShape(INT8, 32, 128, 64).cycles() == 4 * 4 * (64 + 8) + 20
    # With k = 8 the sums' 16 stores take longer than the 4 products.
    assert TileShape(INT8, 32, 8, 64).cycles() == 4 * 4 * (16 + 8) + 20
    assert TileShape(BF16, 64, 32, 64).cycles() == 4 * 8 * (32 + 8) + 20


@pytest.mark.parametrize(
    ("rows", "m", "starts"),
    [
        (64, 16, [0, 16, 32, 48]),
        (16, 16, [0]),
        (18, 16, [0, 2]),
        (375, 64, [*range(0, 311, 64), 311]),
    ],
)
def test_turns_cover_all_rows(rows: int, m: int, starts: list[int]) -> None:
    assert turns(rows, m) == starts
    assert {row for start in starts for row in range(start, start + m)} == set(range(rows))


@pytest.mark.parametrize("version", ["vector", "scalar"])
def test_the_bfloat16_source_adds_a_product(native: Native, aligned: Aligned, version: str) -> None:
    """Small integers: sums below 256 need no rounding, so any misplaced element shows."""
    kernel = MatmulBf16Array(64, 32, 64, 16, 16, 16, version)  # type: ignore[arg-type]
    call = native(kernel)
    rng = np.random.default_rng(3)
    a, b = (rng.integers(-2, 3, (16, 16)) for _ in range(2))
    packed = [
        aligned(blocks(a, 4, 8, True).astype(bfloat16)),
        aligned(blocks(b, 8, 4, False).astype(bfloat16)),
    ]
    sums, c = aligned(np.full(256, 7, np.float32)), aligned(np.zeros(256, bfloat16))
    call("matmul_first", *packed, sums)
    np.testing.assert_array_equal(sums, blocks(a @ b, 4, 4, True))
    call("matmul_mac", *packed, sums)
    call("matmul_last", *packed, sums, c)
    np.testing.assert_array_equal(c.astype(int), blocks(3 * (a @ b), 4, 4, True))


def test_gelu_of_arrays_is_that_of_each_element() -> None:
    x = np.array([[0.0, -0.5, 3.0], [-np.inf, np.inf, -9.0]], bfloat16)
    expected = np.array([[0.0, -0.154, 2.996], [0.0, np.inf, -1e-18]])
    np.testing.assert_allclose(gelu_of(x).astype(float), expected, rtol=2**-7, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FfnBf16(1501), "rows = 1501 is not a positive multiple of 4"),
        (lambda: FfnBf16(252), "252 rows are fewer than the 256"),
        (lambda: FfnBf16(1500, 500), "width = 500"),
        (lambda: FfnBf16(1500, 512, 8192), "hidden = 8192 is not a positive multiple of 512 of at"),
        (lambda: FfnInt8(1500, m=12), "m = 12 is not a positive multiple of 8"),
        (lambda: Conv1dBf16(3004), "frames = 3004 is not a positive multiple of 8"),
        (lambda: Conv1dBf16(504), "252 rows are fewer than the 256"),
        (lambda: Conv1dBf16(3000, 81), "3 * channels = 243 is not a positive multiple of 48"),
        (lambda: Conv1dBf16(3000, 16), "K = 48 is less than two inner tiles of 48"),
        (lambda: MatmulBf16Array(512, 2048), "K = 2048 is not a positive multiple of 32 of at"),
        (lambda: MatmulBf16Array(512, 32), "K = 32 is less than two inner tiles of 32"),
    ],
)
def test_sizes_that_do_not_divide_are_refused(make: Callable[[], Kernel], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert message in caught.value.message
    assert caught.value.code == "NPU150"
    assert caught.value.cure
