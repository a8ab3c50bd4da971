"""Moves within and between vectors: shuffles, shifts, broadcasts, single elements."""

from __future__ import annotations

from functools import cache

import numpy as np

from simulator.aie2.execution.lanes import Lanes, lanes
from simulator.aie2.execution.meaning import MEANINGS

_SHUFFLES = (
    "8_64x2 16_32x2 32_16x2 64_8x2 128_4x2 256_2x2 128_2x4 64_2x8 32_2x16 16_2x32 8_2x64 512_1x2 "
    "16_16x4 16_4x16 16_8x4. 16_4x8. 32_8x4 32_4x8 32_4x4. 8_8x8. 8_16x4. 8_4x16. 16_1x2. "
    "16_4x4. 16_4x2. 16_2x4. 16_8x2. 16_2x8. 16_16x2. 16_2x16. 8_8x4. 8_4x8."
)
"""Shuffle modes in the order of their numbers: bits_ROWSxCOLUMNS, and a dot where there is
one mode, not one for each half of the result. (llvm-aie and aie_api name them so.)"""

_FLIP = "16_1x2"


@cache
def routes() -> list[Lanes]:
    """Return, for each shuffle mode, which byte of the two vectors each result byte is.

    A mode reads both vectors as matrices of rows and columns, transposes each, and gives
    the low or the high half. Mode 38 swaps neighbouring 16-bit lanes.
    """
    found = []
    for name in _SHUFFLES.split():
        bits, _, shape = name.rstrip(".").partition("_")
        rows, columns = map(int, shape.split("x"))
        found += _routes(int(bits) // 8, rows, columns, name)
    return found


def _routes(size: int, rows: int, columns: int, name: str) -> list[Lanes]:
    elements = np.arange(128 // size)
    if name.startswith(_FLIP):
        order = elements ^ 1
    else:
        order = elements.reshape(-1, rows, columns).transpose(0, 2, 1).reshape(-1)
    octets = (order[:, None] * size + np.arange(size)).reshape(-1)
    return [octets[:64]] if name.endswith(".") else [octets[:64], octets[64:]]


def vshuffle(a: bytes, b: bytes, mode: int) -> bytes:
    """Route the bytes of two vectors by a mode."""
    both = np.frombuffer(a + b, np.uint8)
    table = routes()
    return bytes(both[table[mode % 64 % len(table)]].tobytes())


def vshift(a: bytes, b: bytes, count: int) -> bytes:
    """The bytes of a and b end to end, from byte `count` on."""
    start = count & 63
    return (a + b)[start : start + len(a)]


MEANINGS.update({"vshuffle": vshuffle, "vshift": vshift})
MEANINGS.update(dict.fromkeys(("vmov", "vmov.d"), lambda a: a))
MEANINGS["vclr"] = lambda: bytes(128)


def _elements(bits: int) -> None:
    size = bits // 8

    def broadcast(value: int) -> bytes:
        element: bytes = (value & (1 << bits) - 1).to_bytes(size, "little")
        return element * (64 // size)

    def broadcast_shuffled(value: int, mode: int) -> bytes:
        both = broadcast(value)
        return vshuffle(both, both, mode)

    def extract_broadcast(vector: bytes, index: int) -> bytes:
        at = index % (64 // size) * size
        return vector[at : at + size] * (64 // size)

    def insert(vector: bytes, index: int, value: int) -> bytes:
        at = index % (64 // size) * size
        element = (value & (1 << bits) - 1).to_bytes(size, "little")
        return vector[:at] + element + vector[at + size :]

    def push_high(vector: bytes, value: int) -> bytes:
        return vector[size:] + (value & (1 << bits) - 1).to_bytes(size, "little")

    def push_low(value: int, vector: bytes) -> bytes:
        return (value & (1 << bits) - 1).to_bytes(size, "little") + vector[:-size]

    def extract(vector: bytes, index: int, _: int) -> int:
        return int(lanes(vector, bits, signed=True)[index % (64 // size)]) & (1 << 64) - 1

    def extract_dynamic(vector: bytes, index: int, sign: int) -> int:
        return int(lanes(vector, bits, bool(sign))[index % (64 // size)]) & (1 << 64) - 1

    narrow = bits < 64

    def word(meaning: object) -> object:
        if not narrow:
            return meaning
        return lambda *a: meaning(*a) & 0xFFFF_FFFF  # type: ignore[operator]

    MEANINGS[f"vbcst.{bits}"] = broadcast
    MEANINGS[f"vbcstshfl.{bits}"] = broadcast_shuffled
    MEANINGS[f"vextbcst.{bits}"] = extract_broadcast
    MEANINGS[f"vinsert.{bits}"] = insert
    MEANINGS[f"vpush.hi.{bits}"] = push_high
    MEANINGS[f"vpush.lo.{bits}"] = push_low
    MEANINGS[f"vextract.s{bits}"] = word(extract)  # type: ignore[assignment]
    MEANINGS[f"vextract.d{bits}"] = word(extract_dynamic)  # type: ignore[assignment]


for _bits in (8, 16, 32, 64):
    _elements(_bits)
