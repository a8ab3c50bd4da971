"""Between widths: accumulators and vectors (ups, srs), pack and unpack, bfloat16.

Rounding and saturation come from control registers (numbers of llvm-aie's aiev2 headers):
crRnd 0 floor, 1 ceil, 2 and 3 the same symmetric about zero, 8 to 13 to the nearest with
ties to minus infinity, plus infinity, zero, away from zero, even, odd; crSat 0 none,
1 saturate, 3 saturate symmetrically. After a reset all are 0.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from simulator.aie2.execution.lanes import Lanes, float32, lanes, packed, wide
from simulator.aie2.execution.meaning import MEANINGS, means

SYMMETRIC = 3
_EVEN, _ODD = 12, 13


def ups(value: bytes, shift: int, saturation: int, sign: int, *, into: int, of: int) -> bytes:
    """Widen lanes of `of` bits to accumulator lanes of `into`, shifted left."""
    values = wide(value, of, bool(sign)) << shift_of(shift)
    if saturation:
        high = (1 << into - 1) - 1
        values = np.clip(values, -high - (saturation != SYMMETRIC), high)
    return packed(values, into)


def shift_of(value: int) -> int:
    """Return the shift that an s register holds: 6 bits."""
    return value & 63


def srs(
    value: bytes, shift: int, saturation: int, rounding: int, sign: int, *, into: int, of: int
) -> bytes:
    """Narrow accumulator lanes of `of` bits: shift right, round, saturate to `into` bits."""
    values = round_shifted(wide(value, of, signed=True), shift_of(shift), rounding)
    return packed(saturated(values, into, bool(sign), saturation), into)


def round_shifted(values: Lanes, shift: int, rounding: int) -> Lanes:
    """Shift int64 lanes right and round by a mode of crRnd."""
    if not shift:
        return values
    below = values >> shift
    rest = values - (below << shift)
    if rounding < 8:
        up = {0: values != values, 1: values == values, 2: values < 0, 3: values > 0}[rounding & 3]
        rounded: Lanes = below + (up & (rest > 0))
        return rounded
    half = 1 << shift - 1
    ties = {
        8: values != values,
        9: values == values,
        10: values < 0,
        11: values > 0,
        _EVEN: below & 1 == 1,
        _ODD: below & 1 == 0,
    }.get(rounding, below & 1 == 1)
    nearest: Lanes = below + ((rest > half) | (rest == half) & ties)
    return nearest


def saturated(values: Lanes, bits: int, is_signed: bool, saturation: int) -> Lanes:
    """Keep lanes within `bits` bits as crSat says."""
    if not saturation:
        return values
    high = (1 << bits - is_signed) - 1
    low = 0 if not is_signed else -high - (saturation != SYMMETRIC)
    return np.clip(values, low, high)


def pack(value: bytes, saturation: int, sign: int, *, into: int, of: int) -> bytes:
    """Narrow vector lanes to half their bits."""
    values = wide(value, of, bool(sign))
    return packed(saturated(values, into, bool(sign), saturation), into)


def unpack(value: bytes, sign: int, *, into: int, of: int) -> bytes:
    """Widen vector lanes to twice their bits."""
    return packed(wide(value, of, bool(sign)), into)


def _always_signed(meaning: partial[bytes], *arguments: int | bytes) -> bytes:
    return meaning(*arguments[:-1], 1)


def _register() -> None:
    for wide_bits, narrow_bits in ((32, 8), (32, 16), (64, 16), (64, 32)):
        up = partial(ups, into=wide_bits, of=narrow_bits)
        down = partial(srs, into=narrow_bits, of=wide_bits)
        for letter in "ds":
            widen = up if letter == "d" else partial(_always_signed, up)
            narrow = down if letter == "d" else partial(_always_signed, down)
            for name in ("vups", "vlda.ups"):
                MEANINGS[f"{name}.s{wide_bits}.{letter}{narrow_bits}"] = widen
            for name in ("vsrs", "vsrsm", "vst.srs"):
                MEANINGS[f"{name}.{letter}{narrow_bits}.s{wide_bits}"] = narrow
    for bits in (4, 8):
        into, out = partial(pack, into=bits, of=2 * bits), partial(unpack, into=2 * bits, of=bits)
        for letter in "ds":
            small = into if letter == "d" else partial(_always_signed, into)
            large = out if letter == "d" else partial(_always_signed, out)
            for name in ("vpack", "vst.pack"):
                MEANINGS[f"{name}.{letter}{bits}.{letter}{2 * bits}"] = small
            for name in ("vunpack", "vldb.unpack"):
                MEANINGS[f"{name}.{letter}{2 * bits}.{letter}{bits}"] = large


_register()


@means("vconv.fp32.bf16", "vlda.conv.fp32.bf16")
def widen_bfloat16(value: bytes) -> bytes:
    """Return bfloat16 lanes as fp32, exactly."""
    return bytes(float32(value).tobytes())


@means("vconv.bf16.fp32", "vst.conv.bf16.fp32")
def narrow_float32(value: bytes, rounding: int) -> bytes:
    """Round fp32 lanes to bfloat16; a NaN stays one."""
    bits = lanes(value, 32)
    negative = bits >> 31 == 1
    magnitude = (bits & 0x7FFF_FFFF).astype(np.int64)
    rounded = round_shifted(np.where(negative, -magnitude, magnitude), 16, rounding)
    finite = np.abs(rounded) | np.where(negative, 0x8000, 0)
    kept = bits.astype(np.int64) >> 16
    nan = kept | ((kept & 0x7F) == 0)
    special = np.where(magnitude > 0x7F80_0000, nan, kept)
    return packed(np.where(magnitude >= 0x7F80_0000, special, finite), 16)


@means("vfloor.s32.bf16")
def floor_bfloat16(value: bytes, shift: int) -> bytes:
    """Floor bfloat16 lanes times two to a signed 6-bit shift, saturated to 32 bits."""
    power = ((shift & 63) ^ 32) - 32
    with np.errstate(invalid="ignore"):  # signalling NaNs
        scaled = np.floor(np.ldexp(float32(value).astype(np.float64), power))
    clipped = np.clip(np.nan_to_num(scaled, nan=2.0**31), -(2.0**31), 2.0**31 - 1)
    return packed(clipped.astype(np.int64), 32)
