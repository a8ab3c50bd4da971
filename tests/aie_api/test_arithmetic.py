"""Elementwise operations, comparisons and reductions against numpy and the exact adder."""

from __future__ import annotations

from collections.abc import Callable

import aie2_models as models
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ELEMENTS = {
    "int8": (np.int8, 64),
    "uint8": (np.uint8, 64),
    "int16": (np.int16, 32),
    "uint16": (np.uint16, 32),
    "int32": (np.int32, 16),
    "uint32": (np.uint32, 16),
    "bfloat16": (ml_dtypes.bfloat16, 32),
    "float": (np.float32, 16),
}
INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32"]
FLOATS = ["bfloat16", "float"]
COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "neq": np.not_equal,
}
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def call(functions: Callable) -> Callable:
    call = functions("arithmetic")
    call("set_modes", models.FLOOR, models.NONE)
    return call


def draw(seed: int, name: str, arrays: int = 2) -> list[np.ndarray]:
    """Arrays of an element type, with equal elements among them."""
    rng = np.random.default_rng(seed)
    dtype, count = ELEMENTS[name]
    if name in FLOATS:
        made = [models.floats(rng, count, spread=6).astype(dtype) for _ in range(arrays)]
    else:
        made = [models.integers(rng, dtype, count) for _ in range(arrays)]
    same = rng.integers(0, 4, count) == 0
    return [made[0], *(np.where(same, made[0], other).astype(dtype) for other in made[1:])]


def narrowed(values: list[float], name: str, rounding: int = models.FLOOR) -> list[float]:
    if name == "float":
        return values
    bits = np.array([models.to_bfloat16(np.float32(v), rounding) for v in values])
    return models.bfloat16_values(bits).tolist()


@pytest.mark.parametrize("name", INTEGERS)
@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_integer_sums_wrap(call: Callable, name: str, seed: int) -> None:
    a, b = draw(seed, name)
    result = np.zeros_like(a)
    with np.errstate(over="ignore"):
        call(f"add_{name}", a, b, result)
        np.testing.assert_array_equal(result, a + b)
        call(f"sub_{name}", a, b, result)
        np.testing.assert_array_equal(result, a - b)
        call(f"add_scalar_{name}", a, b, result)
        np.testing.assert_array_equal(result, a + b[0])
        call(f"neg_{name}", a, result)
        np.testing.assert_array_equal(result, -a)
        call(f"abs_{name}", a, result)
        np.testing.assert_array_equal(result, np.abs(a))


@pytest.mark.parametrize("rounding", [models.FLOOR, models.CONV_EVEN, models.SYM_CEIL])
@pytest.mark.parametrize("name", FLOATS)
@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_floating_sums_are_the_adders(call: Callable, name: str, rounding: int, seed: int) -> None:
    """bfloat16 is summed in fp32 and rounded back by the mode of the core."""
    a, b = draw(seed, name)
    call("set_modes", rounding, models.NONE)
    for operation, sign in (("add", 1), ("sub", -1)):
        result = np.zeros_like(a)
        call(f"{operation}_{name}", a, b, result)
        sums = [
            models.add_terms([float(x), sign * float(y)], []) for x, y in zip(a, b, strict=True)
        ]
        assert result.tolist() == narrowed(sums, name, rounding)


@pytest.mark.parametrize("name", [*INTEGERS, *FLOATS])
@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_comparisons_and_extremes_of_numbers(call: Callable, name: str, seed: int) -> None:
    a, b = draw(seed, name)
    flags = np.zeros(len(a), np.uint8)
    for comparison, expected in COMPARISONS.items():
        call(f"{comparison}_{name}", a, b, flags)
        np.testing.assert_array_equal(flags, expected(a, b), comparison)
    result = np.zeros_like(a)
    call(f"max_{name}", a, b, result)
    np.testing.assert_array_equal(result, np.maximum(a, b))
    call(f"min_{name}", a, b, result)
    np.testing.assert_array_equal(result, np.minimum(a, b))
    call(f"max_scalar_{name}", a, b, result)
    np.testing.assert_array_equal(result, np.maximum(a, b[0]))


@pytest.mark.parametrize("name", [*INTEGERS, *FLOATS])
@settings(deadline=None, max_examples=10)
@given(seed=seeds, words=st.integers(0, 2**64 - 1))
def test_select_takes_the_second_where_set(
    call: Callable, name: str, seed: int, words: int
) -> None:
    a, b = draw(seed, name)
    mask = np.array([words & 0xFFFFFFFF, words >> 32], np.uint32)
    chosen = np.array([words >> i & 1 for i in range(len(a))], bool)
    result = np.zeros_like(a)
    call(f"select_{name}", a, b, mask, result)
    np.testing.assert_array_equal(result, np.where(chosen, b, a))


def test_nan_is_unordered_even_for_inequality(call: Callable) -> None:
    """AIE2 makes neq of two lt: with NaN it is false, unlike IEEE's."""
    a = np.array([np.nan, 1.0, np.nan, -np.nan] * 8).astype(ml_dtypes.bfloat16)
    b = np.array([1.0, np.nan, np.nan, 2.0] * 8).astype(ml_dtypes.bfloat16)
    flags = np.ones(32, np.uint8)
    for comparison in COMPARISONS:
        call(f"{comparison}_bfloat16", a, b, flags)
        assert not flags.any(), comparison


def test_extremes_with_nan_are_the_first_operand(call: Callable) -> None:
    bits = np.array([0x7FC0, 0x3F80, 0xFFC1, 0x4000] * 8, np.uint16)
    other = np.array([0x3F80, 0x7FC0, 0x7FC2, 0xFFC0] * 8, np.uint16)
    result = np.zeros(32, np.uint16)
    for name in ("max", "min"):
        call(f"{name}_bfloat16", bits, other, result)
        np.testing.assert_array_equal(result, bits)


def test_zeros_of_both_signs(call: Callable) -> None:
    """Equal to comparisons, but ordered for max and min."""
    plus, minus = np.zeros(32, np.uint16), np.full(32, 0x8000, np.uint16)
    flags = np.zeros(32, np.uint8)
    call("eq_bfloat16", minus, plus, flags)
    assert flags.all()
    result = np.zeros(32, np.uint16)
    call("max_bfloat16", minus, plus, result)
    np.testing.assert_array_equal(result, plus)
    call("min_bfloat16", plus, minus, result)
    np.testing.assert_array_equal(result, minus)


@pytest.mark.parametrize("name", INTEGERS)
@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_integer_reductions(call: Callable, name: str, seed: int) -> None:
    (a,) = draw(seed, name, arrays=1)
    result = np.zeros(1, a.dtype)
    call(f"reduce_max_{name}", a, result)
    assert result[0] == a.max()
    call(f"reduce_min_{name}", a, result)
    assert result[0] == a.min()
    call(f"reduce_add_{name}", a, result)
    assert result[0] == a.sum(dtype=a.dtype)


@pytest.mark.parametrize(("name", "folded"), [("int8", 16), ("uint8", 16), ("int16", 8)])
@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_small_sums_fold_wrapping_and_end_saturated(
    call: Callable, name: str, folded: int, seed: int
) -> None:
    """aie_api adds halves down to 128 bits, then those elements in an accumulator."""
    (a,) = draw(seed, name, arrays=1)
    call("set_modes", models.FLOOR, models.SATURATE)
    result = np.zeros(1, a.dtype)
    call(f"reduce_add_{name}", a, result)
    partial = a.reshape(-1, folded)
    with np.errstate(over="ignore"):
        while len(partial) > 1:
            partial = partial[: len(partial) // 2] + partial[len(partial) // 2 :]
    info = np.iinfo(a.dtype)
    expected = models.saturate(int(partial.sum(dtype=np.int64)), info.bits, info.min < 0, 1)
    assert result[0] == expected


@settings(deadline=None, max_examples=25)
@given(seed=seeds)
def test_bfloat16_sum_takes_rows_of_eight(call: Callable, seed: int) -> None:
    (a,) = draw(seed, "bfloat16", arrays=1)
    call("set_modes", models.CONV_EVEN, models.NONE)
    result = np.zeros(1, np.uint16)
    call("reduce_add_bfloat16", a, result)
    rows = [models.add_terms([], [(float(v), 1.0) for v in row]) for row in a.reshape(4, 8)]
    halves = [models.add_terms(rows[0::2], []), models.add_terms(rows[1::2], [])]
    assert result[0] == models.to_bfloat16(models.add_terms(halves, []), models.CONV_EVEN)


@settings(deadline=None, max_examples=25)
@given(seed=seeds)
def test_float_sum_folds_halves(call: Callable, seed: int) -> None:
    (a,) = draw(seed, "float", arrays=1)
    result = np.zeros(1, np.float32)
    call("reduce_add_float", a, result)
    lanes = a.tolist()
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [
            models.add_terms([x, y], []) for x, y in zip(lanes[:half], lanes[half:], strict=True)
        ]
    assert result[0] == lanes[0]


@pytest.mark.parametrize("name", INTEGERS[:5])
@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_integer_bits_and_ranges(call: Callable, name: str, seed: int) -> None:
    a, b = draw(seed, name)
    result = np.zeros_like(a)
    for operation, expected in (
        ("bit_and", a & b),
        ("bit_or", a | b),
        ("bit_xor", a ^ b),
    ):
        call(f"{operation}_{name}", a, b, result)
        np.testing.assert_array_equal(result, expected)
    call(f"bit_not_{name}", a, result)
    np.testing.assert_array_equal(result, ~a)
    info = np.iinfo(a.dtype)
    wide_a, wide_b = a.astype(np.int64), b.astype(np.int64)
    call(f"saturating_add_{name}", a, b, result)
    np.testing.assert_array_equal(result, np.clip(wide_a + wide_b, info.min, info.max))
    call(f"saturating_sub_{name}", a, b, result)
    np.testing.assert_array_equal(result, np.clip(wide_a - wide_b, info.min, info.max))
    bounds = np.sort(b[:2]).copy()
    call(f"clamp_{name}", a, bounds, result)
    np.testing.assert_array_equal(result, np.clip(a, *bounds))


@pytest.mark.parametrize("saturation", models.SATURATIONS)
@pytest.mark.parametrize("name", INTEGERS[:5])
@settings(deadline=None, max_examples=10)
@given(seed=seeds, shift=st.integers(0, 7))
def test_shifts_saturate_and_round(
    call: Callable, name: str, saturation: int, seed: int, shift: int
) -> None:
    """They go through an accumulator on AIE2, so the core's modes hold for them."""
    (a,) = draw(seed, name, arrays=1)
    info = np.iinfo(a.dtype)
    result = np.zeros_like(a)
    for rounding in (models.FLOOR, models.CONV_EVEN):
        call("set_modes", rounding, saturation)
        call(f"upshift_{name}", a, result, shift)
        up = [models.saturate(int(v) << shift, info.bits, info.min < 0, saturation) for v in a]
        assert result.tolist() == up
        call(f"downshift_{name}", a, result, shift)
        down = [models.srs(int(v), shift, info.bits, info.min < 0, rounding, saturation) for v in a]
        assert result.tolist() == down
    call(f"logical_downshift_{name}", a, result, shift)
    unsigned = a.view(f"u{a.dtype.itemsize}")
    np.testing.assert_array_equal(result, (unsigned >> shift).view(a.dtype))


def test_operators_are_the_functions(call: Callable) -> None:
    a, b = draw(3, "int16")
    result = np.zeros_like(a)
    call("operators_int16", a, b, result)
    with np.errstate(over="ignore"):
        total = a + b + b
    np.testing.assert_array_equal(result, np.where(a < b, total ^ ~b, total & a))


@pytest.mark.parametrize(("name", "relative"), [("bfloat16", 2.0**-6), ("float", 3e-3)])
def test_inverses_are_as_close_as_one_newton_step(
    call: Callable, name: str, relative: float
) -> None:
    """The bounds are those of the method: a guess within 12 %, one step, the type's rounding."""
    call("set_modes", models.CONV_EVEN, models.NONE)
    dtype = ELEMENTS[name][0]
    values = np.geomspace(1e-3, 1e3, 64).astype(dtype)
    for start in range(0, 64, 16):
        x = np.ascontiguousarray(values[start : start + 16])
        result = np.zeros(16, dtype)
        call(f"inv_{name}", x, result)
        np.testing.assert_allclose(result.astype(float) * x.astype(float), 1.0, rtol=relative)
        call(f"invsqrt_{name}", x, result)
        squares = result.astype(float) ** 2 * x.astype(float)
        np.testing.assert_allclose(squares, 1.0, rtol=2 * relative)


@pytest.mark.parametrize("value", [1e-38, 2e-3, 1.0, 3.0, 65536.0, 3e38])
def test_scalar_roots_need_no_library(call: Callable, value: float) -> None:
    x = np.array([value], np.float32)
    result = np.zeros(3, np.float32)
    call("scalars_float", x, result)
    exact = float(x[0])
    expected = np.array([1 / exact, exact**-0.5, exact**0.5], np.float64)
    np.testing.assert_array_equal(result, expected.astype(np.float32))


@settings(deadline=None, max_examples=20)
@given(bits=st.integers(0, 2**64 - 1), shift=st.integers(0, 63))
def test_masks_are_64_bit_integers(call: Callable, bits: int, shift: int) -> None:
    flags = np.array([bits >> i & 1 for i in range(64)], np.uint8)
    words, counts = np.zeros(4, np.uint32), np.zeros(3, np.uint8)
    call("mask_words", flags, words, counts, shift)
    assert int(words[0]) | int(words[1]) << 32 == bits
    assert words[2] == (bits << shift & (1 << 64) - 1) >> 32
    assert words[3] == (bits >> shift) >> 16 & 0xFFFF
    assert counts.tolist() == [bits.bit_count(), 64 - bits.bit_length(), 1]
