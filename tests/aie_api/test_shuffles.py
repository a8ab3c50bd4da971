"""Elements moved about, against numpy's indexing."""

from __future__ import annotations

from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

VECTORS = {
    ("int8", 32): np.int8,
    ("uint8", 64): np.uint8,
    ("int16", 16): np.int16,
    ("int16", 32): np.int16,
    ("bfloat16", 16): ml_dtypes.bfloat16,
    ("int32", 16): np.int32,
    ("float", 16): np.float32,
}
POISON = 0xA5
UNIT_PAIRS = "T8_64x2 T8_2x64 T16_32x2 T16_2x32 T32_16x2 T32_2x16 T64_8x2 T64_2x8 T128_4x2"
UNIT_PAIRS += " T128_2x4 T256_2x2 T512_1x2 T16_16x4 T16_4x16 T32_8x4 T32_4x8"
UNIT_SINGLES = "T16_8x4 T16_4x8 T32_4x4 T8_8x8 T8_16x4 T8_4x16 T16_4x4 T16_4x2 T16_2x4 T16_8x2"
UNIT_SINGLES += " T16_2x8 T16_16x2 T16_2x16 T8_8x4 T8_4x8"

vectors = pytest.mark.parametrize(("name", "size"), VECTORS)


@pytest.fixture(scope="module")
def call(functions: Callable) -> Callable:
    return functions("shuffles")


def numbers(name: str, size: int, start: int = 1) -> np.ndarray:
    """Elements that are all different, and exact in every element type."""
    return np.arange(start, start + size).astype(VECTORS[name, size])


@vectors
@pytest.mark.parametrize("which", range(9))
def test_moves_by_every_distance(call: Callable, name: str, size: int, which: int) -> None:
    v, fill = numbers(name, size), numbers(name, size, 101)
    unknown = np.full(size * v.itemsize, POISON, np.uint8).view(v.dtype)
    for n in range(size + 1 if which in (0, 3, 4, 7) else size):
        result = np.zeros_like(v)
        call(f"move_{name}_{size}", v, fill, result, which, n)
        expected = [
            np.concatenate([unknown[:n], v])[:size],
            np.roll(v, n),
            np.concatenate([np.repeat(v[:1], n), v])[:size],
            np.concatenate([fill[size - n :], v])[:size],
            np.concatenate([v, unknown[:n]])[n:],
            np.roll(v, -n),
            np.concatenate([v, np.repeat(v[-1:], n)])[n:],
            np.concatenate([v, fill[:n]])[n:],
            v[::-1],
        ][which]
        assert result.tobytes() == expected.tobytes(), n


def zipped(v: np.ndarray, w: np.ndarray, chunk: int) -> np.ndarray:
    if chunk >= v.size:
        return np.concatenate([v, w])
    return np.stack([v.reshape(-1, chunk), w.reshape(-1, chunk)], axis=1).reshape(-1)


def unzipped(v: np.ndarray, w: np.ndarray, chunk: int) -> np.ndarray:
    if chunk >= v.size:
        return np.concatenate([v, w])
    both = np.concatenate([v, w]).reshape(-1, 2, chunk)
    return both.transpose(1, 0, 2).reshape(-1)


def filtered(v: np.ndarray, w: np.ndarray, chunk: int) -> np.ndarray:
    halves = [x.reshape(-1, 2, chunk).transpose(1, 0, 2).reshape(-1) for x in (v, w)]
    return np.concatenate(halves)


@vectors
@pytest.mark.parametrize("by_mode", [False, True])
def test_weaves_in_every_chunk(call: Callable, name: str, size: int, by_mode: bool) -> None:
    v, w = numbers(name, size), numbers(name, size, 101)
    for which, weave in enumerate((zipped, unzipped, filtered)):
        widest = size if weave is not filtered else size // 2
        for chunk in (1 << power for power in range(widest.bit_length())):
            result = np.zeros(2 * size, v.dtype)
            call(f"weave_{name}_{size}", v, w, result, which + 3 * by_mode, chunk)
            assert result.tobytes() == weave(v, w, chunk).tobytes(), (weave, chunk)


@vectors
def test_transposes_every_shape(call: Callable, name: str, size: int) -> None:
    v = numbers(name, size)
    for rows in (1 << power for power in range(size.bit_length())):
        result = np.zeros_like(v)
        call(f"transpose_{name}_{size}", v, result, rows, size // rows)
        assert result.tobytes() == v.reshape(rows, -1).T.tobytes(), rows


def test_transposes_with_sizes_that_the_compiler_knows(call: Callable) -> None:
    v = numbers("uint8", 64)
    result = np.zeros(5 * 64, np.uint8)
    call("transposes_uint8", v, result)
    shapes = [v.reshape(rows, -1).T.reshape(-1) for rows in (8, 4, 16, 2, 32)]
    np.testing.assert_array_equal(result.reshape(5, 64), shapes)


def test_interleaves_by_indices(call: Callable) -> None:
    result = np.zeros(8, np.int32)
    call("custom_int32", np.arange(4, dtype=np.int32), np.arange(4, 8, dtype=np.int32), result)
    assert result.tolist() == [7, 0, 3, 4, 1, 1, 6, 2]


@settings(deadline=None, max_examples=30)
@given(shift=st.integers(0, 64))
def test_shifts_bytes(call: Callable, shift: int) -> None:
    both = np.arange(128, dtype=np.int8)
    result = np.zeros(64, np.int8)
    call("shift_bytes_int8", both[:64], both[64:], result, shift)
    np.testing.assert_array_equal(result, both[shift : shift + 64])


@pytest.mark.parametrize(
    "mode",
    [f"{mode}_{half}" for mode in UNIT_PAIRS.split() for half in ("lo", "hi")]
    + UNIT_SINGLES.split(),
)
def test_shuffle_unit_transposes_what_its_mode_names(call: Callable, mode: str) -> None:
    width, shape, *half = mode[1:].split("_")
    rows, columns = (int(count) for count in shape.split("x"))
    both = np.random.default_rng(0).integers(0, 256, 128, dtype=np.uint8)
    result = np.zeros(64, np.uint8)
    call(f"unit_{mode}", both[:64], both[64:], result)
    matrices = both.reshape(-1, rows, columns, int(width) // 8)
    turned = matrices.transpose(0, 2, 1, 3).reshape(2, 64)
    np.testing.assert_array_equal(result, turned[1 if half == ["hi"] else 0])
