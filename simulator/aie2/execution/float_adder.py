"""fp32 as the vector unit computes it: not IEEE.

Up to eight bfloat16 products and two accumulators are added in one step: each term is
aligned to the largest exponent among them and rounded there, to nearest even, to 23 bits
below the leading position; the aligned terms are added exactly; the sum is normalised and
rounded once. What is too small becomes zero, too large infinity. (The behaviour that the
open emulator xdna-emu publishes and has compared with Phoenix silicon; a NaN's payload is
not modelled and always 1.)
"""

from __future__ import annotations

import numpy as np

from simulator.aie2.execution.lanes import Lanes, lanes
from simulator.aie2.execution.meaning import MEANINGS
from simulator.aie2.execution.products import (
    FIRST,
    PRODUCTS,
    SECOND,
    Arrangement,
    Control,
    arranged,
    factors,
)

_INFINITY = 0x7F80_0000
_MATRIX = Arrangement((16, 16), 32, 4, 8, 4)
_SUMS = Arrangement((16, 16), 32, 16, 2, 0)
_ARRANGEMENTS = {0: _MATRIX, 1: _SUMS}

Terms = tuple[Lanes, Lanes]
"""Mantissas and exponents of summands, int64 of shape (lanes, summands); a zero has
exponent 0."""


def accumulator_term(bits: Lanes, negate: bool) -> Terms:
    """Return fp32 lanes as mantissa and exponent."""
    biased = (bits >> 23 & 0xFF).astype(np.int64)
    fraction = (bits & 0x7F_FFFF).astype(np.int64)
    mantissa = np.where(biased > 0, fraction | 0x80_0000, fraction)
    exponent = np.where(mantissa > 0, np.maximum(biased, 1) + 128, 0)
    negative = (bits >> 31 == 1) ^ negate
    return np.where(negative, -mantissa, mantissa)[:, None], exponent[:, None]


def product_terms(x: Lanes, y: Lanes, negate: bool) -> Terms:
    """Return the products of bfloat16 lanes of shape (lanes, inner)."""
    exponent_x, exponent_y = (v.astype(np.int64) >> 7 & 0xFF for v in (x, y))
    mantissa_x = (x & 0x7F).astype(np.int64) | np.where(exponent_x > 0, 0x80, 0)
    mantissa_y = (y & 0x7F).astype(np.int64) | np.where(exponent_y > 0, 0x80, 0)
    product = mantissa_x * mantissa_y << 9
    exponent = np.maximum(exponent_x, 1) + np.maximum(exponent_y, 1) + 1
    exponent = np.where(product > 0, exponent, 0)
    negative = ((x ^ y) >> 15 == 1) ^ negate
    return np.where(negative, -product, product), exponent


def add(terms: list[Terms]) -> Lanes:
    """Return the sum of finite terms as the bits of fp32 lanes."""
    mantissa, exponent = (np.concatenate(parts, axis=1) for parts in zip(*terms, strict=True))
    largest = exponent.max(axis=1)
    shift = np.minimum(largest[:, None] - exponent, 30)
    half = (1 << shift) >> 1
    odd = np.where(shift > 0, mantissa >> shift & 1, 0)
    total = ((mantissa + half - (half > 0) + odd) >> shift).sum(axis=1)
    bits = total.astype(np.float32).view(np.uint32).astype(np.int64)
    biased = (bits >> 23 & 0xFF) + largest - 278
    sign = bits & 0x8000_0000
    normal = sign | biased << 23 | bits & 0x7F_FFFF
    in_range = np.where(biased >= 255, sign | _INFINITY, normal)
    small = np.where(biased <= 0, sign, in_range)
    return np.where(total == 0, 0, small).astype(np.uint32)


def with_specials(finite: Lanes, nan: Lanes, positive: Lanes, negative: Lanes) -> Lanes:
    """Put infinities and NaNs where a term had one."""
    result = np.where(positive, _INFINITY, finite)
    result = np.where(negative, 0x8000_0000 | _INFINITY, result)
    return np.where(nan | positive & negative, _INFINITY | 1, result).astype(np.uint32)


class _Sum:
    """Collects the terms of a sum, and the infinities and NaNs among them."""

    def __init__(self, count: int) -> None:
        self._terms: list[Terms] = []
        self._special = False
        self._nan, self._positive, self._negative = (np.zeros(count, np.bool_) for _ in range(3))

    def accumulator(self, value: bytes, negate: bool) -> None:
        bits = lanes(value, 32)
        self._terms.append(accumulator_term(bits, negate))
        magnitude = bits & 0x7FFF_FFFF
        if not (magnitude >= _INFINITY).any():
            return
        self._special = True
        self._nan |= magnitude > _INFINITY
        minus = (bits >> 31 == 1) ^ negate
        self._positive |= (magnitude == _INFINITY) & ~minus
        self._negative |= (magnitude == _INFINITY) & minus

    def products(self, x: Lanes, y: Lanes, negate: bool) -> None:
        self._terms.append(product_terms(x, y, negate))
        a, b = x & 0x7FFF, y & 0x7FFF
        if not ((a >= 0x7F80) | (b >= 0x7F80)).any():
            return
        self._special = True
        infinite = (a == 0x7F80) | (b == 0x7F80)
        nan = (a > 0x7F80) | (b > 0x7F80) | infinite & ((a == 0) | (b == 0))
        minus = ((x ^ y) >> 15 == 1) ^ negate
        self._nan |= nan.any(axis=1)
        self._positive |= (infinite & ~minus).any(axis=1)
        self._negative |= (infinite & minus).any(axis=1)

    def result(self) -> bytes:
        finite = add(self._terms)
        if not self._special:
            return bytes(finite.tobytes())
        special = with_specials(finite, self._nan, self._positive, self._negative)
        return bytes(special.tobytes())


def multiply_add(
    a: bytes, b: bytes, accumulators: tuple[bytes, ...], control: Control, *, fresh: bool
) -> bytes:
    """Add the products of bfloat16 vectors and accumulators.

    Raises:
        CheckFailed: NPU510, a sparse factor or an arrangement that is not implemented.
    """
    shape = _ARRANGEMENTS.get(control.word >> 5 & 7) or control.arrangement()
    factors(a, b, shape)
    left, right = arranged(lanes(a, 16), lanes(b, 16), shape)
    total = _Sum(16)
    total.products(left, right, control.negated(0))
    for which, value in enumerate(accumulators, start=1):
        if which > 1 or not (fresh or control.zero):
            total.accumulator(value, control.negated(which))
    return total.result()


def _register(name: str, flips: int, accumulators: int) -> None:
    def meaning(*arguments: bytes | int) -> bytes:
        *values, word = arguments
        control = Control(int(word) ^ flips << 11)
        *added, a, b = (bytes(v) for v in values)
        return multiply_add(a, b, tuple(added), control, fresh=accumulators == 0)

    MEANINGS[name] = meaning


for _name, _flips, _count in (
    ("vmul.f", 0, 0),
    ("vnegmul.f", PRODUCTS, 0),
    ("vmac.f", 0, 1),
    ("vmsc.f", PRODUCTS, 1),
    ("vaddmac.f", 0, 2),
    ("vaddmsc.f", PRODUCTS, 2),
):
    _register(_name, _flips, _count)


def _sum(name: str, flips: int) -> None:
    def meaning(first: bytes, *rest: bytes | int) -> bytes:
        control = Control(int(rest[-1]) ^ flips << 11)
        total = _Sum(16)
        if not control.zero:
            total.accumulator(first, control.negated(1))
        for value in rest[:-1]:
            total.accumulator(bytes(value), control.negated(2))
        if control.zero and len(rest) == 1:
            total.accumulator(bytes(64), negate=False)
        return total.result()

    MEANINGS[name] = meaning


for _name, _flips in (
    ("vadd.f", 0),
    ("vsub.f", SECOND),
    ("vnegadd.f", FIRST | SECOND),
    ("vnegsub.f", FIRST),
    ("vneg.f", FIRST),
):
    _sum(_name, _flips)
