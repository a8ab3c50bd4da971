"""The order in which loops of the API call their bodies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture(scope="module")
def call(functions: Callable) -> Callable:
    return functions("loops")


def test_unrolled_loops_give_constants_in_order(call: Callable) -> None:
    result = np.zeros(14, np.int32)
    call("unrolled", result)
    assert result.tolist() == [6, 4, 2, 1, 3, 5, -1, -1, 0, 1, 2, 10, 11, 12]


def test_two_loops_run_side_by_side(call: Callable) -> None:
    result = np.zeros(24, np.int32)
    call("pipelined", result, 8)
    assert result[:8].tolist() == list(range(8))
    ahead = [0, 1, 2, 100, 3, 101, 4, 102, 5, 103, 6, 104, 7, 105, 106, 107]
    assert result[8:].tolist() == ahead


def test_hints_leave_loops_as_they_are(call: Callable) -> None:
    result = np.zeros(15, np.int32)
    call("hinted", result, 5)
    assert result.tolist() == [*range(5), *range(5), *[7] * 5]


def test_concepts_and_registers(call: Callable) -> None:
    result = np.zeros(16, np.int32)
    call("doubled_in_a_register", np.arange(16, dtype=np.int32), result)
    assert result.tolist() == list(range(0, 32, 2))


def test_a_library_by_itself_is_on_tile_0(call: Callable) -> None:
    result = np.ones(3, np.uint16)
    call("where", result)
    assert result.tolist() == [0, 0, 0xFFFE]
