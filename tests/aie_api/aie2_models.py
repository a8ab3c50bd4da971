"""AIE2's arithmetic in exact rational numbers: slow, obvious, and apart from the headers."""

from __future__ import annotations

import math
from fractions import Fraction

import ml_dtypes
import numpy as np

FLOOR, CEIL, SYM_FLOOR, SYM_CEIL = 0, 1, 2, 3
NEG_INF, POS_INF, SYM_ZERO, SYM_INF, CONV_EVEN, CONV_ODD = 8, 9, 10, 11, 12, 13
ROUNDINGS = (FLOOR, CEIL, SYM_FLOOR, SYM_CEIL, NEG_INF, POS_INF, SYM_ZERO, SYM_INF, CONV_EVEN)
ROUNDINGS = (*ROUNDINGS, CONV_ODD)
NONE, SATURATE, SYMMETRIC = 0, 1, 3
SATURATIONS = (NONE, SATURATE, SYMMETRIC)


def round_to_integer(numerator: int | Fraction, mode: int, denominator: int = 1) -> int:
    """Round a fraction by a mode of the core's rounding register."""
    x = numerator if denominator == 1 else Fraction(numerator, denominator)
    below, twice_rest = math.floor(x), 2 * (x - math.floor(x))
    if mode in (FLOOR, CEIL, SYM_FLOOR, SYM_CEIL):
        up = {FLOOR: False, CEIL: True, SYM_FLOOR: x < 0, SYM_CEIL: x > 0}[mode]
        return below + (up and twice_rest > 0)
    tie_goes_up = {
        NEG_INF: False,
        POS_INF: True,
        SYM_ZERO: x < 0,
        SYM_INF: x > 0,
        CONV_EVEN: below % 2 == 1,
        CONV_ODD: below % 2 == 0,
    }[mode]
    return below + (twice_rest > 1 or (twice_rest == 1 and tie_goes_up))


def saturate(value: int, bits: int, signed: bool, mode: int) -> int:
    """Keep `value` in `bits` bits by a mode of the core's saturation register."""
    high = (1 << (bits - signed)) - 1
    low = 0 if not signed else -high if mode == SYMMETRIC else -high - 1
    if mode != NONE:
        return min(max(value, low), high)
    cut = value & ((1 << bits) - 1)
    return cut - (1 << bits) if signed and cut > high else cut


def srs(value: int, shift: int, bits: int, signed: bool, rounding: int, saturation: int) -> int:
    """Shift right, round, saturate."""
    rounded = value << -shift if shift < 0 else round_to_integer(value, rounding, 1 << shift)
    return saturate(rounded, bits, signed, saturation)


def exact(value: float) -> Fraction:
    """A finite number as a fraction."""
    return Fraction(*float(value).as_integer_ratio())


def nearest_even(x: Fraction) -> int:
    """Round half to even."""
    return round_to_integer(x, CONV_EVEN)


def exponent_of(value: float) -> int:
    """The exponent of fp32 and bfloat16 formats: subnormals have that of the smallest normal."""
    return max(math.frexp(float(value))[1] - 1, -126)


def to_fp32(x: Fraction, zero_sign: int = 1) -> float:
    """Round to fp32, nearest even; too small is a zero with its sign, too large an infinity."""
    if x == 0:
        return 0.0 * zero_sign
    sign = 1 if x > 0 else -1
    exponent = math.floor(math.log2(abs(x)))
    while Fraction(2) ** exponent > abs(x):
        exponent -= 1
    while Fraction(2) ** (exponent + 1) <= abs(x):
        exponent += 1
    unit = Fraction(2) ** (exponent - 23)
    magnitude = nearest_even(abs(x) / unit) * unit
    if magnitude >= Fraction(2) ** 128:
        return sign * math.inf
    return sign * (float(magnitude) if magnitude >= Fraction(2) ** -126 else 0.0)


def add_terms(accumulators: list[float], products: list[tuple[float, float]]) -> float:
    """One pass through AIE2's adder: align to the largest term, add, normalise."""
    terms = [(exact(a), exponent_of(a)) for a in accumulators if a]
    terms += [
        (exact(a) * exact(b), exponent_of(a) + exponent_of(b)) for a, b in products if a and b
    ]
    if not terms:
        return 0.0
    unit = Fraction(2) ** (max(exponent for _, exponent in terms) - 23)
    return to_fp32(sum(nearest_even(value / unit) for value, _ in terms) * unit)


def to_bfloat16(value: np.float32, rounding: int) -> int:
    """The bits of an fp32 rounded to bfloat16 by a mode of the core."""
    bits = int(np.float32(value).view(np.uint32))
    sign, magnitude = bits >> 31, bits & 0x7FFFFFFF
    if magnitude >= 0x7F800000:
        cut = magnitude >> 16
        keep_nan = magnitude > 0x7F800000 and cut == 0x7F80
        return sign << 15 | cut | keep_nan
    # Bit patterns of one sign are in the order of their values, evenly between two neighbours.
    signed = Fraction(-magnitude if sign else magnitude, 1 << 16)
    return sign << 15 | abs(round_to_integer(signed, rounding))


def bfloat16_values(bits: np.ndarray) -> np.ndarray:
    """Bit patterns as bfloat16."""
    return np.ascontiguousarray(bits.astype(np.uint16)).view(ml_dtypes.bfloat16)


def integers(rng: np.random.Generator, dtype: type, count: int) -> np.ndarray:
    """Integers of a type: anything, the extremes, and what lies near powers of two."""
    info = np.iinfo(dtype)
    anything = rng.integers(info.min, info.max, count, dtype=dtype, endpoint=True)
    powers = np.array([1 << power for power in range(info.bits - 1)], dtype)
    near = rng.choice(powers, count) + rng.integers(0, 3, count).astype(dtype) - dtype(1)
    if info.min < 0:
        near = np.where(rng.integers(0, 2, count) == 1, -near, near)
    extremes = rng.choice(np.array([info.min, info.max, 0], dtype), count)
    return np.choose(rng.integers(0, 3, count), [anything, near, extremes]).astype(dtype)


def floats(rng: np.random.Generator, count: int, spread: int = 20) -> np.ndarray:
    """fp32 numbers of both signs with exponents up to `spread` apart, some of them zero."""
    values = rng.standard_normal(count) * 2.0 ** rng.integers(-spread, spread + 1, count)
    return np.where(rng.integers(0, 10, count) == 0, 0, values).astype(np.float32)
