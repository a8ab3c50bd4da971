"""Loads, stores, iterators, and vectors made and taken apart."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import ml_dtypes
import numpy as np
import pytest

POISON = 0xA5


@pytest.fixture(scope="module")
def call(functions: Callable) -> Callable:
    return functions("memory")


def aligned(count: int, dtype: type = np.int8, offset: int = 0) -> np.ndarray:
    """Zeros whose address is `offset` bytes past a multiple of 64."""
    size = count * np.dtype(dtype).itemsize
    room = np.zeros(size + 128, np.uint8)
    start = -room.ctypes.data % 64 + offset
    return room[start : start + size].view(dtype)


def counted(count: int, dtype: type = np.int8, offset: int = 0) -> np.ndarray:
    values = aligned(count, dtype, offset)
    values[:] = np.arange(count)
    return values


def first_misaligned(call: Callable) -> ctypes.c_uint64:
    """What the library's own core record says, at the place that core.hpp gives it."""
    record = ctypes.c_void_p.in_dll(call.library, "npu_core").value
    assert record is not None
    return ctypes.c_uint64.from_address(record + 24)


def test_loads_and_stores(call: Callable) -> None:
    v, result = counted(16, np.int16), aligned(16, np.int16)
    call("aligned", v, result)
    np.testing.assert_array_equal(result, v)
    words, stored = counted(16, np.int32), aligned(16, np.int32)
    call("aligned_native", words, stored)
    np.testing.assert_array_equal(stored, words)
    assert first_misaligned(call).value == 0


@pytest.mark.parametrize("offset", [2, 6, 30])
def test_unaligned_access_is_asked_for(call: Callable, offset: int) -> None:
    v, result = counted(16, np.int16, offset), aligned(16, np.int16, offset)
    call("unaligned", v, result)
    np.testing.assert_array_equal(result, v)
    assert first_misaligned(call).value == 0


def test_the_first_misaligned_access_is_kept(call: Callable) -> None:
    v, result = counted(16, np.int16, 4), aligned(16, np.int16, 8)
    seen = first_misaligned(call)
    try:
        call("aligned", v, result)
        assert seen.value == v.ctypes.data
    finally:
        seen.value = 0
    np.testing.assert_array_equal(result, v)


def test_floors_go_down_to_alignment(call: Callable) -> None:
    v, result = counted(128), aligned(128)
    call("floors", v[41:], result)
    expected = np.concatenate([v[32:64], v[32:64], v[0:32], v[32:64]])
    np.testing.assert_array_equal(result, expected)
    assert first_misaligned(call).value == 0


@pytest.mark.parametrize(
    "name", ["vector", "cvector", "restrict", "crestrict", "unaligned", "cunaligned"]
)
def test_iterators_step_by_a_vector(call: Callable, name: str) -> None:
    offset = 5 if "unaligned" in name else 0
    v, result = counted(128, offset=offset), aligned(128)
    call(f"copy_{name}", v, result, 4)
    np.testing.assert_array_equal(result, v)


def test_circular_iterators_come_round(call: Callable) -> None:
    v, result = counted(96), aligned(160)
    call("copy_circular", v, result, 5)
    np.testing.assert_array_equal(result, np.concatenate([v, v[:64]]))
    elements, copied = counted(5, np.int16), aligned(12, np.int16)
    call("copy_circular_elements", elements, copied, 12)
    np.testing.assert_array_equal(copied, np.resize(elements, 12))


def test_iterators_write_and_go_back(call: Callable) -> None:
    memory, sums = counted(16, np.int32), aligned(2, np.int32)
    call("increment", memory, sums)
    assert memory[:4].tolist() == [1, 2, 3, 4]
    assert memory[4:8].tolist() == [5, 6, 7, 100]
    assert memory[8:12].tolist() == [9, 10, 11, 12]
    assert memory[12:].tolist() == [8, 8, 8, 8]
    assert sums.tolist() == [5 + 6 + 7 + 100, 32]


def test_constants(call: Callable) -> None:
    data, floats = aligned(64), aligned(16, ml_dtypes.bfloat16)
    words, lanes = aligned(12, np.int32), aligned(16, np.int16)
    words[:] = 5
    call("constants", data, floats, words, lanes)
    assert set(data[:32].tolist()) == {-3}
    assert set(data[32:].tolist()) == {0}
    assert set(floats.tolist()) == {1.5}
    assert words.tolist() == [1, 2, 3, 4] + [0] * 8
    assert set(lanes.tolist()) == {9}


def test_parts(call: Callable) -> None:
    v, result = counted(32, np.int16), aligned(7 * 32, np.int16)
    call("parts", v, result)
    rows = result.reshape(7, 32)
    np.testing.assert_array_equal(rows[0], v.reshape(4, 8)[::-1].reshape(-1))
    np.testing.assert_array_equal(rows[1], [31, 30] + [0] * 14 + list(range(16)))
    np.testing.assert_array_equal(rows[2], np.roll(v, 16))
    np.testing.assert_array_equal(rows[3], np.resize(v[16:], 32))
    np.testing.assert_array_equal(rows[4], np.roll(v, 16))
    np.testing.assert_array_equal(rows[5], [-6, -5, *range(30)])
    np.testing.assert_array_equal(rows[6], v)


def test_casts_keep_the_bits(call: Callable) -> None:
    words, result = counted(16, np.int32), aligned(128, np.uint8)
    words *= 0x01020304
    call("casts", words, result)
    assert result[:64].tobytes() == words.tobytes()
    assert result[64:].tobytes() == words.tobytes()


def test_what_was_never_written_is_a_pattern(call: Callable) -> None:
    words, lanes = aligned(8, np.int32), aligned(8, np.int32)
    call("unwritten", words, lanes)
    assert set(words[:4].view(np.uint8).tolist()) == {POISON}
    assert words[4:].tolist() == [0] * 4
    assert set(lanes.view(np.uint8).tolist()) == {POISON}


def test_parts_of_accumulators(call: Callable) -> None:
    v, result, narrow = counted(32, np.int16), aligned(32, np.int32), aligned(16, np.int16)
    call("accumulators", v, result, narrow)
    np.testing.assert_array_equal(result, np.resize(v[16:] * 16, 32))
    np.testing.assert_array_equal(narrow, v[16:])
