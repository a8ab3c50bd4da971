"""Vectors as lanes: bytes in and out of numpy."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Lanes: TypeAlias = npt.NDArray[Any]

SIGNED = {8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}
UNSIGNED = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


def lanes(value: bytes, bits: int, signed: bool = False) -> Lanes:
    """Return a vector's lanes of 8 to 64 bits."""
    return np.frombuffer(value, (SIGNED if signed else UNSIGNED)[bits])


def wide(value: bytes, bits: int, signed: bool) -> Lanes:
    """Return a vector's lanes of 4 to 64 bits as int64."""
    if bits == 4:
        octets = np.frombuffer(value, np.uint8)
        nibbles = np.stack([octets & 15, octets >> 4], 1).reshape(-1).astype(np.int64)
        return (nibbles ^ 8) - 8 if signed else nibbles
    return lanes(value, bits, signed).astype(np.int64)


def packed(values: Lanes, bits: int) -> bytes:
    """Return lanes as a vector's bytes, the low `bits` bits of each."""
    if bits == 4:
        nibbles = (values & 15).astype(np.uint8).reshape(-1, 2)
        return bytes((nibbles[:, 0] | nibbles[:, 1] << 4).tobytes())
    return bytes(values.astype(UNSIGNED[bits]).tobytes())


def float32(value: bytes) -> Lanes:
    """Return bfloat16 lanes as float32."""
    return (np.frombuffer(value, np.uint16).astype(np.uint32) << 16).view(np.float32)


def bit_mask(flags: Lanes) -> int:
    """Return flags as a number, lane 0 in bit 0."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def flags_of(mask: int, count: int) -> Lanes:
    """Return the low `count` bits of a number as flags."""
    octets = np.frombuffer((mask & (1 << count) - 1).to_bytes(-(-count // 8), "little"), np.uint8)
    return np.unpackbits(octets, bitorder="little")[:count].astype(np.bool_)
