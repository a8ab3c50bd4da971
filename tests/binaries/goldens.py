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
OBJECT_BYTES = {
    "passthrough": 4096,
    "gelu_int8": 512,
    "matmul_int8": 512,
    "multiply_add_bf16": 1536,
    "call_delay": 256,
    "call_delay_miscompiled": 256,
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


GOLDENS: dict[str, Golden] = {
    "passthrough": passthrough,
    "gelu_int8": gelu_int8,
    "matmul_int8": matmul_int8,
    "multiply_add_bf16": multiply_add_bf16,
    "call_delay": call_delay,
    "call_delay_miscompiled": call_delay_miscompiled,
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
