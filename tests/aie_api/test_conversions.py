"""Shift-round-saturate, bfloat16 rounding and element conversions against exact models."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import aie2_models as models
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NUMPY = {
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "uint16": np.uint16,
    "int32": np.int32,
    "uint32": np.uint32,
    "acc32": np.int32,
    "acc64": np.int64,
}
SRS = [
    *(("acc32", to) for to in ("int8", "uint8", "int16", "uint16")),
    *(("acc64", to) for to in ("int8", "uint8", "int16", "uint16", "int32", "uint32")),
]
UPS = [("int8", "acc32"), ("uint8", "acc32"), ("int16", "acc32"), ("uint16", "acc32")]
UPS += [("int16", "acc64"), ("int32", "acc64")]
SPECIAL = [0x00000000, 0x80000000, 0x7F800000, 0xFF800000, 0x7F800001, 0xFF80FFFF, 0x7FC12345]
SPECIAL += [0x00000001, 0x80000001, 0x00008000, 0x00018000, 0x80018000, 0x7F7FFFFF, 0xFF7FFFFF]
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def call(functions: Callable) -> Callable:
    return functions("conversions")


@pytest.mark.parametrize("saturation", models.SATURATIONS)
@pytest.mark.parametrize(("tag", "to"), SRS)
@settings(deadline=None, max_examples=15)
@given(seed=seeds, shift=st.integers(-4, 59))
def test_srs_is_the_model(
    call: Callable, tag: str, to: str, saturation: int, seed: int, shift: int
) -> None:
    """Every rounding mode, at every shift that AIE2 takes."""
    element = NUMPY[to]
    source = models.integers(np.random.default_rng(seed), NUMPY[tag], 32)
    signed, bits = np.iinfo(element).min < 0, np.iinfo(element).bits
    for rounding in models.ROUNDINGS:
        call("set_modes", rounding, saturation)
        result = np.zeros(32, element)
        call(f"srs_{tag}_{to}", source, result, shift)
        expected = [models.srs(int(v), shift, bits, signed, rounding, saturation) for v in source]
        assert result.tolist() == expected, (rounding, shift)


@pytest.mark.parametrize("rounding", models.ROUNDINGS)
def test_srs_of_every_tie(call: Callable, rounding: int) -> None:
    """All values of small accumulators, so that every tie of both signs and parities is met."""
    call("set_modes", rounding, models.SATURATE)
    for shift in (1, 2, 5):
        for start in range(-96, 96, 32):
            source = np.arange(start, start + 32, dtype=np.int32)
            result = np.zeros(32, np.int16)
            call("srs_acc32_int16", source, result, shift)
            expected = [models.round_to_integer(int(v), rounding, 1 << shift) for v in source]
            assert result.tolist() == expected


def test_srs_between_32_bits_neither_shifts_nor_saturates(call: Callable) -> None:
    call("set_modes", models.CONV_EVEN, models.SATURATE)
    source = np.arange(-16, 16, dtype=np.int32) * 123456789
    result = np.zeros(32, np.int32)
    call("srs_acc32_int32", source, result, 7)
    np.testing.assert_array_equal(result, source)


@pytest.mark.parametrize("saturation", models.SATURATIONS)
@pytest.mark.parametrize(("source", "tag"), UPS)
@settings(deadline=None, max_examples=15)
@given(seed=seeds, shift=st.integers(0, 20))
def test_ups_is_the_model(
    call: Callable, source: str, tag: str, saturation: int, seed: int, shift: int
) -> None:
    """Upshift, kept in the lane's range only when the core saturates (either way)."""
    lane = NUMPY[tag]
    values = models.integers(np.random.default_rng(seed), NUMPY[source], 32)
    call("set_modes", models.FLOOR, saturation)
    result = np.zeros(32, lane)
    call(f"ups_{source}_{tag}", values, result, shift)
    mode = models.NONE if saturation == models.NONE else models.SATURATE
    bits = np.iinfo(lane).bits
    assert result.tolist() == [models.saturate(int(v) << shift, bits, True, mode) for v in values]


@pytest.mark.parametrize("rounding", models.ROUNDINGS)
@settings(deadline=None, max_examples=20)
@given(seed=seeds)
def test_bfloat16_rounding_is_the_model(call: Callable, rounding: int, seed: int) -> None:
    call("set_modes", rounding, models.NONE)
    source = np.random.default_rng(seed).integers(0, 1 << 32, 16, dtype=np.uint32)
    result = np.zeros(16, np.uint16)
    call("round_bfloat16", source, result)
    assert result.tolist() == [models.to_bfloat16(v, rounding) for v in source.view(np.float32)]


@pytest.mark.parametrize("rounding", models.ROUNDINGS)
def test_bfloat16_rounding_of_ties_and_special_values(call: Callable, rounding: int) -> None:
    """Ties with both parities and signs, infinities, NaN with all its bits low, subnormals."""
    ties = [high << 16 | low for high in range(0x3F7E, 0x3F82) for low in (0x7FFF, 0x8000, 0x8001)]
    patterns = SPECIAL + ties + [bits | 0x80000000 for bits in ties]
    patterns += [0] * (-len(patterns) % 16)
    call("set_modes", rounding, models.NONE)
    for start in range(0, len(patterns), 16):
        source = np.array(patterns[start : start + 16], np.uint32)
        result = np.zeros(16, np.uint16)
        call("round_bfloat16", source, result)
        expected = [models.to_bfloat16(v, rounding) for v in source.view(np.float32)]
        assert result.tolist() == expected


def test_scalar_bfloat16_rounds_to_nearest_even_whatever_the_mode(call: Callable) -> None:
    call("set_modes", models.CEIL, models.NONE)
    values = np.random.default_rng(7).standard_normal(16).astype(np.float32) * 1000
    result = np.zeros(16, ml_dtypes.bfloat16)
    call("scalar_bfloat16", values, result)
    np.testing.assert_array_equal(result, values.astype(ml_dtypes.bfloat16))


def test_bfloat16_widens_exactly(call: Callable) -> None:
    bits = np.array([0, 0x8000, 1, 0x8001, 0x7F, 0x80, 0x3F80, 0x7F80, 0xFF80, 0x7F7F], np.uint16)
    bits = np.concatenate([bits, np.arange(6, dtype=np.uint16) + 0x4000])
    result = np.zeros(16, np.uint32)
    call("widen_bfloat16", bits, result)
    np.testing.assert_array_equal(result, bits.astype(np.uint32) << 16)


@pytest.mark.parametrize("saturation", models.SATURATIONS)
@pytest.mark.parametrize(("wide", "narrow"), [("int16", "int8"), ("uint16", "uint8")])
@settings(deadline=None, max_examples=15)
@given(seed=seeds)
def test_pack_is_the_model(
    call: Callable, wide: str, narrow: str, saturation: int, seed: int
) -> None:
    values = models.integers(np.random.default_rng(seed), NUMPY[wide], 32)
    call("set_modes", models.FLOOR, saturation)
    result = np.zeros(32, NUMPY[narrow])
    call(f"pack_{wide}", values, result)
    signed = wide == "int16"
    assert result.tolist() == [models.saturate(int(v), 8, signed, saturation) for v in values]


@pytest.mark.parametrize("name", ["int8", "uint8", "int16"])
def test_unpack_keeps_values(call: Callable, name: str) -> None:
    wide = {"int8": np.int16, "uint8": np.uint16, "int16": np.int32}[name]
    info = np.iinfo(NUMPY[name])
    values = np.linspace(info.min, info.max, 32).astype(NUMPY[name])
    result = np.zeros(32, wide)
    call(f"unpack_{name}", values, result)
    np.testing.assert_array_equal(result, values.astype(wide))


@pytest.mark.parametrize("signed", [True, False])
def test_four_bits_unpack_low_nibble_first(call: Callable, signed: bool) -> None:
    values = np.arange(32) % 16 - (8 if signed else 0)
    nibbles = (values & 15).astype(np.uint8)
    packed = nibbles[0::2] | nibbles[1::2] << 4
    result = np.zeros(32, np.int8 if signed else np.uint8)
    call("unpack_int4" if signed else "unpack_uint4", packed, result)
    assert result.tolist() == values.tolist()


@pytest.mark.parametrize("saturation", models.SATURATIONS)
def test_bytes_pack_to_four_bits(call: Callable, saturation: int) -> None:
    values = np.array([*range(-12, 12), 127, -128, 8, -8, 7, -7, 0, 1], np.int8)
    call("set_modes", models.FLOOR, saturation)
    packed = np.zeros(16, np.uint8)
    call("pack_int8", values, packed)
    nibbles = np.stack([packed & 15, packed >> 4], axis=1).reshape(-1)
    assert nibbles.tolist() == [models.saturate(int(v), 4, True, saturation) & 15 for v in values]


def clamped(value: int, bits: int) -> int:
    return models.saturate(value, bits, True, models.SATURATE)


@settings(deadline=None, max_examples=40)
@given(seed=seeds, shift=st.integers(-8, 16))
def test_bfloat16_to_fixed_rounds_down(call: Callable, seed: int, shift: int) -> None:
    source = models.floats(np.random.default_rng(seed), 16, spread=40).astype(ml_dtypes.bfloat16)
    result = np.zeros(16, np.int32)
    call("fixed_bfloat16_int32", source, result, shift)
    scale = Fraction(2) ** shift
    expected = [
        clamped(models.round_to_integer(models.exact(v) * scale, models.FLOOR), 32) for v in source
    ]
    assert result.tolist() == expected


def test_bfloat16_specials_to_fixed(call: Callable) -> None:
    specials = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38] * 2)
    result = np.zeros(16, np.int32)
    call("fixed_bfloat16_int32", specials.astype(ml_dtypes.bfloat16), result, 0)
    high, low = 2**31 - 1, -(2**31)
    assert result.tolist() == [high, high, high, low, 0, 0, high, low] * 2


@pytest.mark.parametrize(("name", "bits"), [("int16", 16), ("int32", 32)])
@settings(deadline=None, max_examples=40)
@given(seed=seeds, shift=st.integers(-8, 16))
def test_float_to_fixed_rounds_to_nearest_even(
    call: Callable, name: str, bits: int, seed: int, shift: int
) -> None:
    source = models.floats(np.random.default_rng(seed), 16)
    result = np.zeros(16, NUMPY[name])
    call(f"fixed_float_{name}", source, result, shift)
    scale = Fraction(2) ** shift
    assert result.tolist() == [
        clamped(models.nearest_even(models.exact(v) * scale), bits) for v in source
    ]


@settings(deadline=None, max_examples=40)
@given(seed=seeds, shift=st.integers(-4, 16))
def test_int32_to_float_adds_its_halves(call: Callable, seed: int, shift: int) -> None:
    """The upper 16 bits and the lower ones are exact, their sum is AIE2's."""
    source = models.integers(np.random.default_rng(seed), np.int32, 16)
    result = np.zeros(16, np.float32)
    call("float_int32", source, result, shift)
    halves = [(float(int(v) >> 16 << 16), float(int(v) & 0xFFFF)) for v in source]
    assert result.tolist() == [models.add_terms([*pair], []) * 2.0**-shift for pair in halves]


def test_int16_to_float_is_exact(call: Callable) -> None:
    values = np.array([0, 1, -1, 32767, -32768, 255, -256, 1000] * 2, np.int16)
    result = np.zeros(16, np.float32)
    call("float_int16", values, result, 4)
    np.testing.assert_array_equal(result, values.astype(np.float32) / 16)
