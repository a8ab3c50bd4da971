"""What each fixture's core answers, in numpy: an object in, an object out.

``GOLDENS[name](data)`` takes the bytes of one input object and returns those of the output
object; ``example(name, number)`` makes input objects that reach the corners.
"""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import numpy.typing as npt

from kernels.gelu_int8.table import gelu_table

Golden = Callable[[bytes], bytes]
FACTOR = 3
INTEGERS = np.arange(32, dtype="<i2") * 7 - 100
BFLOATS = ((np.arange(32) - 12) * 0.75).astype(ml_dtypes.bfloat16)
"""What latencies/core.s holds under `vectors`."""

_EIGHT = np.full(8, 8, "<i4")
"""Products of int8, all 1, summed over 8."""

OBJECT_BYTES = {
    "passthrough": 4096,
    "gelu_int8": 512,
    "matmul_int8": 512,
    "multiply_add_bf16": 1536,
    "call_delay": 256,
    "call_delay_miscompiled": 256,
    "delay_slots": 64,
    "latencies": 128,
}
"""Bytes of an input object."""


def passthrough(data: bytes) -> bytes:
    """Return what came."""
    return data


def gelu_int8(data: bytes) -> bytes:
    """Look every byte up."""
    found: npt.NDArray[np.int8] = gelu_table()[np.frombuffer(data, np.uint8)]
    return found.tobytes()


def matmul_int8(data: bytes) -> bytes:
    """Multiply two 16 x 16 matrices of int8 into one of int32."""
    a, b = np.frombuffer(data, np.int8).reshape(2, 16, 16).astype(np.int32)
    return (a @ b).astype("<i4").tobytes()


def multiply_add_bf16(data: bytes) -> bytes:
    """Return a * b + c of bfloat16, exact up to one rounding to nearest even."""
    a, b, c = np.frombuffer(data, ml_dtypes.bfloat16).reshape(3, 256).astype(np.float64)
    exact = (a * b + c).astype(np.float32)
    return exact.astype(ml_dtypes.bfloat16).tobytes()


def call_delay(data: bytes) -> bytes:
    """Multiply every word by the factor, modulo 2**32."""
    words = np.frombuffer(data, "<u4").astype(np.uint64) * FACTOR
    return words.astype("<u4").tobytes()


def call_delay_miscompiled(data: bytes) -> bytes:
    """Return zeros: the factor arrives after the function has read it."""
    return bytes(len(data))


def delay_slots(data: bytes) -> bytes:
    """Return the words that delay_slots/core.s numbers."""
    a, b = (int(word) for word in np.frombuffer(data, "<u4")[:2])
    words = [
        *(5, a),  # a load and its shadow
        *(5, 15, 1, 0),  # branches taken and not
        *(7, b),  # a load in a delay slot
        *(1, a * b),  # a product
        0x22,  # a byte store
        *(-9, 21),  # a delayed move
        *(16, 0),  # the link register
        *(a, b, b),  # two loads of one register, a pointer
        *(0x1234, 0x1234, 0, 0x5A),  # memory
    ]
    return b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in words)


def latencies(data: bytes) -> bytes:
    """Return old and new values, instruction by instruction, as latencies/core.s stores them."""
    out = b""
    old = data[64:68]
    for cycles, value in _scalars(data):
        out += (old if cycles > 1 else b"") + (value & 0xFFFFFFFF).to_bytes(4, "little")
    out += bytes(-len(out) % 32)
    for vector in _vectors(data):
        out += data[64:96] + vector
    new, before = (np.frombuffer(data, "<i4", 8, offset) for offset in (0, 64))
    return out + b"".join(_bytes(lanes) for lanes in (new + before, _EIGHT, 2 * _EIGHT))


def _scalars(data: bytes) -> list[tuple[int, int]]:
    """Return the latency and the result of each instruction of the first part."""
    words = np.frombuffer(data, "<i4")
    a, b = int(words[0]), int(words[1])
    return [
        *((1, a + b), (2, a * b)),
        *((1 + delay, a) for delay in range(1, 7)),
        *((7, a), (7, (data[1] & 0x7F) - (data[1] & 0x80)), (7, a >> 16 & 0xFFFF)),
        *((1, a), (1, a - 5), (1, abs(a)), (1, (a & 0x7F) - (a & 0x80))),
        *((1, -77), (1, 99), (1, 0x12345678), (1, b), (2, int(words[3]))),
        *((2, _mask(words[:16] < words[16:])), (2, _mask(words[:16] == 0))),
    ]


def _mask(lanes: npt.NDArray[np.bool_]) -> int:
    return sum(1 << lane for lane in np.flatnonzero(lanes).tolist())


def _vectors(data: bytes) -> list[bytes]:
    """Return the lowest 32 bytes of the result of each instruction of the second part."""
    new, old = data[:64], data[64:]
    x, y = np.frombuffer(new, "<i4"), np.frombuffer(old, "<i4")
    halves = np.frombuffer(new, "<i2") - np.frombuffer(old, "<i2")
    selected = np.where(np.arange(16) % 2 == 0, y, x)
    selected[8:] = x[8:]
    inserted, pushed = x.copy(), np.roll(x, 1)
    inserted[2], pushed[0] = x[1], x[0]
    floats = BFLOATS.astype(np.float32)
    results: list[npt.NDArray[np.generic]] = [
        *(x + y, halves, x & y, x | y, selected),
        *(np.full(8, x[0]), inserted, np.full(8, x[5])),
        *(np.frombuffer(new[4:] + old[:4], "<i4"), pushed, x),
        *(np.minimum(x, y), np.where(x < y, 0, x - y), x, x),
        np.frombuffer(new[:32], np.int8).astype("<i2"),
        *(INTEGERS.astype(np.int8), INTEGERS[:16], BFLOATS[:16]),
        *(INTEGERS.astype("<i4"), INTEGERS.astype("<i4"), floats, floats),
        *(_EIGHT, y[:8] + _EIGHT, floats, 0 * _EIGHT, 0 * _EIGHT),
        *(2 * floats, floats * floats, floats + floats * floats),
    ]
    return [_bytes(result) for result in results]


def _bytes(lanes: npt.NDArray[np.generic]) -> bytes:
    return lanes.tobytes()[:32]


GOLDENS: dict[str, Golden] = {
    "passthrough": passthrough,
    "gelu_int8": gelu_int8,
    "matmul_int8": matmul_int8,
    "multiply_add_bf16": multiply_add_bf16,
    "call_delay": call_delay,
    "call_delay_miscompiled": call_delay_miscompiled,
    "delay_slots": delay_slots,
    "latencies": latencies,
}


def example(name: str, number: int = 0) -> bytes:
    """Return an input object of a fixture, another for each number."""
    random = np.random.default_rng(number)
    size = OBJECT_BYTES[name]
    if name == "multiply_add_bf16":
        # Whole numbers: their products and sums are exact in float32, and many of them need
        # the rounding to bfloat16 that the fixture is about.
        values = random.integers(-40, 41, size // 2).astype(np.float32)
        return values.astype(ml_dtypes.bfloat16).tobytes()
    if number == 0:
        return bytes(i * 7 % 256 for i in range(size))
    return random.bytes(size)
