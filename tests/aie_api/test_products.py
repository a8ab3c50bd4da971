"""Products against numpy for integers and against the exact adder for floating point."""

from __future__ import annotations

from collections.abc import Callable

import aie2_models as models
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NUMPY = {
    "int4": np.int8,
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "uint16": np.uint16,
    "int32": np.int32,
    "bfloat16": ml_dtypes.bfloat16,
    "float": np.float32,
}
CHAINS = [("int8", "int8"), ("uint8", "int8"), ("int16", "int16"), ("uint16", "int16")]
CHAINS += [("int16", "int32"), ("int32", "int32")]

# The table of aie_api for XDNA 1: operand types, bits of the accumulator, shapes.
SHAPES = {
    ("int8", "int4", 32): "4x16x8 8x16x8",
    ("uint8", "int4", 32): "4x32x8",
    ("int8", "int8", 32): "4x8x4 4x16x4 8x8x4 2x8x8 4x8x8 8x8x8 1x16x8 2x16x8 4x16x8",
    ("uint8", "int8", 32): "4x8x8",
    ("int16", "int8", 32): "4x4x4 8x4x4 4x4x8 8x4x8",
    ("int16", "int8", 64): "4x8x4 2x8x8",
    ("int8", "int16", 64): "4x4x8 4x4x4",
    ("int16", "int16", 32): "4x2x8 8x2x8 8x1x8",
    ("int16", "int16", 64): "2x4x8 4x4x8 4x4x4",
    ("int32", "int16", 64): "4x2x4 4x4x4 2x4x8 4x4x8 4x1x8",
    ("int16", "int32", 64): "4x4x4 2x4x8",
    ("int32", "int32", 64): "4x2x4 4x4x4 8x2x4 4x1x8",
}
INTEGER_BLOCKS = [(*types, shape) for types, shapes in SHAPES.items() for shape in shapes.split()]
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def call(functions: Callable) -> Callable:
    call = functions("products")
    call("set_modes", models.FLOOR, models.NONE)
    return call


def draw(rng: np.random.Generator, name: str, count: int) -> np.ndarray:
    if name == "int4":
        return rng.integers(-8, 8, count).astype(np.int8)
    if name in ("bfloat16", "float"):
        return models.floats(rng, count, spread=6).astype(NUMPY[name])
    return models.integers(rng, NUMPY[name], count)


def wrapped(values: np.ndarray, bits: int) -> np.ndarray:
    """Arbitrary integers modulo 2^bits, as signed ones."""
    cut = [models.saturate(int(v), bits, True, models.NONE) for v in values.reshape(-1)]
    return np.array(cut).reshape(values.shape)


def objects(values: np.ndarray) -> np.ndarray:
    """Python integers, which do not overflow."""
    return values.astype(object)


@pytest.mark.parametrize(("a_type", "b_type"), CHAINS)
@settings(deadline=None, max_examples=20)
@given(seed=seeds)
def test_integer_chains_wrap_in_their_accumulator(
    call: Callable, a_type: str, b_type: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    wide = NUMPY[b_type] is np.int32
    count = 32 if NUMPY[b_type] is np.int8 else 16
    a, b = draw(rng, a_type, 2 * count), draw(rng, b_type, 2 * count)
    result = np.zeros(count, np.int64 if wide else np.int32)
    call(f"chain_{a_type}_{b_type}", a, b, result)
    (x, y), (u, v) = objects(a).reshape(2, -1), objects(b).reshape(2, -1)
    expected = x * u + y * v - x * v - x * int(b[0])
    np.testing.assert_array_equal(result, wrapped(expected, 64 if wide else 32))


def test_a_wider_accumulator_can_be_asked_for(call: Callable) -> None:
    a, b = np.full(32, -32768, np.int16), np.full(32, -32768, np.int16)
    b[16:] = 32767
    result = np.zeros(16, np.int64)
    call("chain64_int16_int16", a, b, result)
    assert set(result.tolist()) == {2**30 - 2**15 * 32767 + 2**15 * 32767 - 2**30}


@settings(deadline=None, max_examples=30)
@given(seed=seeds)
def test_bfloat16_chains_are_the_adders(call: Callable, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = draw(rng, "bfloat16", 32), draw(rng, "bfloat16", 32)
    result = np.zeros(16, np.float32)
    call("chain_bfloat16_bfloat16", a, b, result)
    (x, y), (u, v) = a.astype(float).reshape(2, -1), b.astype(float).reshape(2, -1)
    for i in range(16):
        acc = models.add_terms([], [(x[i], u[i])])
        acc = models.add_terms([acc], [(y[i], v[i])])
        acc = models.add_terms([acc], [(-x[i], v[i])])
        minus = models.add_terms([], [(-x[i], u[0])])
        assert result[i] == models.add_terms([acc, minus], [])


def emulated_product(x: float, y: float, acc: float, rounding: int) -> float:
    """Peano's product of two fp32: three bfloat16 parts each, smallest products first."""

    def parts(value: float) -> list[float]:
        split = []
        for _ in range(3):
            bits = np.array([models.to_bfloat16(np.float32(value), rounding)])
            split.append(float(models.bfloat16_values(bits)[0]))
            value = models.add_terms([value], [(-split[-1], 1.0)])
        return split

    (a, b, c), (d, e, f) = parts(x), parts(y)
    total = 0.0
    for pair in ((c, f), (c, e), (b, f), (a, f), (b, e), (d, c), (b, d), (a, e)):
        total = models.add_terms([total], [pair])
    return models.add_terms([total, acc], [(a, d)])


@pytest.mark.parametrize("rounding", [models.FLOOR, models.CONV_EVEN])
@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_float_products_are_emulated(call: Callable, rounding: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = draw(rng, "float", 32), draw(rng, "float", 32)
    call("set_modes", rounding, models.NONE)
    result = np.zeros(16, np.float32)
    call("chain_float_float", a, b, result)
    (x, y), (u, v) = a.astype(float).reshape(2, -1), b.astype(float).reshape(2, -1)
    for i in range(0, 16, 4):
        acc = emulated_product(x[i], u[i], 0.0, rounding)
        acc = emulated_product(y[i], v[i], acc, rounding)
        acc = emulated_product(-x[i], v[i], acc, rounding)
        minus = emulated_product(-x[i], u[0], 0.0, rounding)
        assert result[i] == models.add_terms([acc, minus], [])


def test_float_products_are_close_to_ieee(call: Callable) -> None:
    rng = np.random.default_rng(5)
    call("set_modes", models.CONV_EVEN, models.NONE)
    a, b = rng.uniform(1, 2, (2, 32)).astype(np.float32)
    a[16:] = 0
    b[0] = 0
    result = np.zeros(16, np.float32)
    call("chain_float_float", a, b, result)
    np.testing.assert_allclose(result, a[:16].astype(float) * (b[:16].astype(float) - b[16:]), 1e-6)


@pytest.mark.parametrize(("a_type", "b_type", "bits", "shape"), INTEGER_BLOCKS)
@settings(deadline=None, max_examples=6)
@given(seed=seeds)
def test_integer_blocks(
    call: Callable, a_type: str, b_type: str, bits: int, shape: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    m, k, n = map(int, shape.split("x"))
    a, b = draw(rng, a_type, 2 * m * k), draw(rng, b_type, 2 * k * n)
    given_b = (b[0::2] & 15 | b[1::2] << 4).astype(np.uint8) if b_type == "int4" else b
    result = np.zeros((m, n), f"int{bits}")
    call(f"mmul_{a_type}_{b_type}_{shape}", a, given_b, result)
    blocks = objects(a).reshape(2, m, k) @ objects(b).reshape(2, k, n)
    np.testing.assert_array_equal(result, wrapped(blocks[0] + blocks[1], bits))


@pytest.mark.parametrize("shape", ["4x8x4", "8x8x4", "4x8x8", "8x8x8", "8x1x8"])
@settings(deadline=None, max_examples=5)
@given(seed=seeds)
def test_bfloat16_blocks_add_eight_products_at_once(call: Callable, shape: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, k, n = map(int, shape.split("x"))
    a, b = draw(rng, "bfloat16", 2 * m * k), draw(rng, "bfloat16", 2 * k * n)
    result = np.zeros((m, n), np.float32)
    call(f"mmul_bfloat16_bfloat16_{shape}", a, b, result)
    x, y = a.astype(float).reshape(2, m, k), b.astype(float).reshape(2, k, n)
    for row, column in [(0, 0), (m - 1, n - 1), (m // 2, 1), (1, n // 2)]:
        first = models.add_terms([], list(zip(x[0, row], y[0, :, column], strict=True)))
        expected = models.add_terms([first], list(zip(x[1, row], y[1, :, column], strict=True)))
        assert result[row, column] == expected


EXPONENTS = {
    "any, infinities and NaNs too": (0, 256, 0, 256),
    "of like size": (120, 136, 110, 142),
    "subnormal": (0, 3, 0, 8),
    "products at the smallest sums": (58, 70, 0, 12),
    "sums that overflow": (185, 196, 245, 255),
    "far apart": (1, 255, 1, 255),
}
"""What a block's elements have as biased exponents: bounds for factors, then for sums before."""


@pytest.mark.parametrize("kind", EXPONENTS)
@settings(deadline=None, max_examples=10)
@given(seed=seeds)
def test_a_block_adds_as_its_lanes_do_one_by_one(call: Callable, kind: str, seed: int) -> None:
    """Blocks are added in doubles, lanes in integers: two ways to the same bits."""
    rng = np.random.default_rng(seed)
    low, high, low_c, high_c = EXPONENTS[kind]
    count = 200
    factors = (rng.integers(low, high, (2, count, 32)) << 7) | rng.integers(0, 128, (2, count, 32))
    factors |= rng.integers(0, 2, factors.shape) << 15
    factors[rng.random(factors.shape) < rng.choice([0, 0.4])] &= 0x8000
    c = (rng.integers(low_c, high_c, (count, 16)) << 23) | rng.integers(0, 1 << 23, (count, 16))
    c |= rng.integers(0, 2, c.shape) << 31
    a, b = factors.astype(np.uint16)
    blocks, lanes = np.zeros((2, count, 16), np.uint32)
    call("blocks_and_lanes", a, b, c.astype(np.uint32), blocks, lanes, count)
    np.testing.assert_array_equal(blocks, lanes)
    assert np.unique(blocks).size > 1


def test_bfloat16_blocks_with_infinities_and_nan(call: Callable) -> None:
    a, b = np.ones((2, 4, 8), ml_dtypes.bfloat16), np.ones((2, 8, 4), ml_dtypes.bfloat16)
    a[0, 0, 0], a[0, 1, 0], a[0, 2, 0] = np.inf, -np.inf, np.nan
    b[0, 0, 1] = 0
    a[1, 0, 3] = -np.inf
    result = np.zeros((4, 4), np.float32)
    call("mmul_bfloat16_bfloat16_4x8x4", a, b, result)
    assert np.isnan(result[0]).all()  # inf - inf, and inf * 0 in column 1
    assert result[1, 0] == -np.inf
    assert np.isnan(result[1, 1])
    assert np.isnan(result[2]).all()
    assert (result[3] == [16, 15, 16, 16]).all()


@settings(deadline=None, max_examples=20)
@given(seed=seeds)
def test_products_of_tiny_and_huge_numbers(call: Callable, seed: int) -> None:
    """Subnormal factors count, subnormal results are zero, overflow is an infinity."""
    rng = np.random.default_rng(seed)
    a = models.bfloat16_values(rng.integers(0, 0x7F80, 32))
    b = models.bfloat16_values(rng.integers(0, 0x7F80, 32) | 0x8000)
    c = rng.integers(0, 0x7F800000, 16, dtype=np.uint32).view(np.float32)
    result = np.zeros(16, np.float32)
    call("mac_elem_16_2_bfloat16", a, b, c, result)
    x, y = a.astype(float).reshape(2, -1), b.astype(float).reshape(2, -1)
    for i in range(16):
        pairs = [(x[0, i], y[0, i]), (x[1, i], y[1, i])]
        assert result[i] == models.add_terms([float(c[i])], pairs)


def test_float_blocks_are_close(call: Callable) -> None:
    rng = np.random.default_rng(9)
    call("set_modes", models.CONV_EVEN, models.NONE)
    a, b = rng.standard_normal((2, 2, 32)).astype(np.float32)
    result = np.zeros((4, 4), np.float32)
    call("mmul_float_float_4x8x4", a, b, result)
    exact = np.einsum("imk,ikn->mn", a.reshape(2, 4, 8).astype(float), b.reshape(2, 8, 4))
    np.testing.assert_allclose(result, exact, rtol=1e-5, atol=1e-5)


def test_a_block_starts_from_a_vector_and_ends_in_one(call: Callable) -> None:
    rng = np.random.default_rng(1)
    call("set_modes", models.CONV_EVEN, models.SATURATE)
    a, b = rng.integers(-128, 128, 96, dtype=np.int8), rng.integers(-128, 128, 64, dtype=np.int8)
    result = np.zeros(32, np.int8)
    call("mmul_to_int8", a, b, result, 8)
    start = a[64:].astype(int) << 3
    lanes = (a[:32].reshape(4, 8).astype(int) @ b.reshape(8, 8)).reshape(-1) + start
    expected = [models.srs(int(v), 8, 8, True, models.CONV_EVEN, models.SATURATE) for v in lanes]
    assert result.tolist() == expected


@settings(deadline=None, max_examples=20)
@given(seed=seeds, c=st.integers(0, 31), d=st.integers(0, 63))
def test_sliding_products_wrap_round_their_vectors(
    call: Callable, seed: int, c: int, d: int
) -> None:
    rng = np.random.default_rng(seed)
    coeff, data = draw(rng, "int8", 32), draw(rng, "uint8", 64)
    result = np.zeros(32, np.int32)
    call("sliding_int8", coeff, data, result, c, d)
    lanes, points = np.ogrid[:32, :8]
    first = coeff[(c + points) % 32].astype(int) * data[(d + lanes + points) % 64]
    second = coeff[(c + 8 + points) % 32].astype(int) * data[(d + 3 + lanes + points) % 64]
    np.testing.assert_array_equal(result, (first + second).sum(axis=1))

    coeff, data = draw(rng, "int16", 16), draw(rng, "int16", 64)
    wide = np.zeros(16, np.int64)
    call("sliding_int16", coeff, data, wide, c, d)
    lanes, points = np.ogrid[:16, :4]
    strided = coeff[(c + points) % 16].astype(int) * data[(d + 2 * lanes + 2 * points) % 64]
    np.testing.assert_array_equal(wide, strided.sum(axis=1))


@settings(deadline=None, max_examples=10)
@given(seed=seeds, c=st.integers(0, 15), d=st.integers(0, 31))
def test_sliding_bfloat16_adds_point_by_point(call: Callable, seed: int, c: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    coeff, data = draw(rng, "bfloat16", 16), draw(rng, "bfloat16", 32)
    result = np.zeros(16, np.float32)
    call("sliding_bfloat16", coeff, data, result, c, d)
    for lane in range(0, 16, 5):
        acc = 0.0
        for p in range(4):
            pair = (float(coeff[(c + p) % 16]), float(data[(d + lane + p) % 32]))
            acc = models.add_terms([acc], [pair])
        assert result[lane] == acc


@settings(deadline=None, max_examples=15)
@given(seed=seeds, start=st.integers(0, 13))
def test_accumulate_weighs_vectors(call: Callable, seed: int, start: int) -> None:
    rng = np.random.default_rng(seed)
    coeff, data = draw(rng, "int16", 16), draw(rng, "int16", 48)
    result = np.zeros(16, np.int32)
    call("accumulate_int16", coeff, data, result, start)
    weights = objects(coeff[start : start + 3])
    np.testing.assert_array_equal(result, wrapped(weights @ objects(data).reshape(3, 16), 32))

    coeff, data = draw(rng, "bfloat16", 16), draw(rng, "bfloat16", 48)
    floats = np.zeros(16, np.float32)
    call("accumulate_bfloat16", coeff, data, floats)
    w, rows = coeff.astype(float), data.astype(float).reshape(3, 16)
    for i in range(0, 16, 5):  # two products in the first step, one in the second
        acc = models.add_terms([], [(w[0], rows[0, i]), (w[1], rows[1, i])])
        assert floats[i] == models.add_terms([acc], [(w[2], rows[2, i])])


def test_modifiers_change_signs_and_clear(call: Callable) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.integers(-1000, 1000, (2, 16)).astype(np.int16)
    result = np.zeros(16, np.int32)
    call("modifiers_int16", a, b, result)
    wide_a, wide_b = a.astype(int), b.astype(int)
    np.testing.assert_array_equal(result, -wide_a * wide_b + abs(wide_a) * wide_b)
