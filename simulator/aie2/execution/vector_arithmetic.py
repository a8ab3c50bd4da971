"""Vector arithmetic, comparisons and selection: lanes of 8, 16 and 32 bits.

A ``d`` in a lane's type takes its sign from control register crVaddSign, an ``s`` is signed.
Comparisons give a bit per lane.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.aie2.execution.lanes import Lanes, bit_mask, flags_of, float32, lanes, packed, wide
from simulator.aie2.execution.meaning import MEANINGS, means

WIDTHS = (8, 16, 32)


@means("vband")
def vband(a: bytes, b: bytes) -> bytes:
    """And, bit by bit."""
    return packed(lanes(a, 64) & lanes(b, 64), 64)


@means("vbor")
def vbor(a: bytes, b: bytes) -> bytes:
    """Or, bit by bit."""
    return packed(lanes(a, 64) | lanes(b, 64), 64)


def _plain(bits: int) -> None:
    def add(a: bytes, b: bytes) -> bytes:
        return packed(lanes(a, bits) + lanes(b, bits), bits)

    def sub(a: bytes, b: bytes) -> bytes:
        return packed(lanes(a, bits) - lanes(b, bits), bits)

    def select(a: bytes, b: bytes, mask: int) -> bytes:
        """Take b where the mask has a bit."""
        x, y = lanes(a, bits), lanes(b, bits)
        return packed(np.where(flags_of(mask, len(x)), y, x), bits)

    def add_or_sub(a: bytes, b: bytes, mask: int) -> bytes:
        """Subtract where the mask has a bit."""
        x, y = lanes(a, bits), lanes(b, bits)
        return packed(np.where(flags_of(mask, len(x)), x - y, x + y), bits)

    def is_zero(a: bytes) -> int:
        return bit_mask(lanes(a, bits) == 0)

    def negate(a: bytes, sign: int = 1) -> tuple[bytes, int]:
        values = wide(a, bits, bool(sign))
        return packed(-values, bits), bit_mask(values > 0)

    for name, meaning in (
        (f"vadd.{bits}", add),
        (f"vsub.{bits}", sub),
        (f"vsel.{bits}", select),
        (f"vaddsub.{bits}", add_or_sub),
        (f"veqz.{bits}", is_zero),
        (f"vneg_gtz{bits}", negate),
    ):
        MEANINGS[name] = meaning


_Pair = Callable[[Lanes, Lanes], Lanes]

_PAIRS: dict[str, tuple[_Pair, _Pair]] = {
    "vmaxdiff_lt": (lambda a, b: np.maximum(a - b, 0), np.less),
    "vsub_lt": (lambda a, b: a - b, np.less),
    "vsub_ge": (lambda a, b: a - b, np.greater_equal),
    "vmin_ge": (np.minimum, np.greater_equal),
    "vmax_lt": (np.maximum, np.less),
}
"""What is written by name, and the comparison whose flags go with it."""


def _signed(bits: int, letter: str) -> None:
    fixed = letter == "s"

    def compute(pair: _Pair, compare: _Pair) -> Callable[..., tuple[bytes, int]]:
        def meaning(a: bytes, b: bytes, sign: int) -> tuple[bytes, int]:
            x, y = (wide(v, bits, fixed or bool(sign)) for v in (a, b))
            return packed(pair(x, y), bits), bit_mask(compare(x, y))

        return meaning

    def flags(compare: _Pair) -> Callable[..., int]:
        def meaning(a: bytes, b: bytes, sign: int) -> int:
            x, y = (wide(v, bits, fixed or bool(sign)) for v in (a, b))
            return bit_mask(compare(x, y))

        return meaning

    def absolute(a: bytes, sign: int) -> tuple[bytes, int]:
        values = wide(a, bits, fixed or bool(sign))
        return packed(np.abs(values), bits), bit_mask(values > 0)

    def complement(a: bytes, _: int) -> tuple[bytes, int]:
        values = wide(a, bits, signed=True)
        return packed(~values, bits), bit_mask(values < 0)

    for name, (pair, compare) in _PAIRS.items():
        MEANINGS[f"{name}.{letter}{bits}"] = compute(pair, compare)
    MEANINGS[f"vlt.{letter}{bits}"] = flags(np.less)
    MEANINGS[f"vge.{letter}{bits}"] = flags(np.greater_equal)
    MEANINGS[f"vabs_gtz.{letter}{bits}"] = absolute
    if fixed:
        MEANINGS[f"vbneg_ltz.s{bits}"] = complement


for _bits in WIDTHS:
    _plain(_bits)
    _signed(_bits, "d")
    _signed(_bits, "s")


def ordered(value: bytes) -> Lanes:
    """Return bfloat16 lanes as integers in the order of their values, -0 below +0."""
    bits = np.frombuffer(value, np.int16).astype(np.int32)
    return np.where(bits < 0, -(bits & 0x7FFF) - 1, bits)


@means("vlt.bf16")
def vlt_bf16(a: bytes, b: bytes, _: int) -> int:
    """Compare; never true with a NaN."""
    return bit_mask(float32(a) < float32(b))


@means("vge.bf16")
def vge_bf16(a: bytes, b: bytes, _: int) -> int:
    """Compare; never true with a NaN."""
    return bit_mask(float32(a) >= float32(b))


@means("vmax_lt.bf16")
def vmax_lt_bf16(a: bytes, b: bytes, _: int) -> tuple[bytes, int]:
    """Take the larger in the order of the bits, +0 above -0."""
    larger = np.where(ordered(a) < ordered(b), lanes(b, 16), lanes(a, 16))
    return packed(larger, 16), bit_mask(float32(a) < float32(b))


@means("vmin_ge.bf16")
def vmin_ge_bf16(a: bytes, b: bytes, _: int) -> tuple[bytes, int]:
    """Take the smaller in the order of the bits, -0 below +0."""
    smaller = np.where(ordered(a) < ordered(b), lanes(a, 16), lanes(b, 16))
    return packed(smaller, 16), bit_mask(float32(a) >= float32(b))
