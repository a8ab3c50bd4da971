"""The pattern that a report names: only when it is certain, and then the right one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kernels.compare import compare
from kernels.compare.pattern import location
from kernels.contract import Array, Exact, IntSteps, Ulps, arg_out, bfloat16

GOLD = np.random.default_rng(11).integers(-100, 100, 256).astype(np.int8)
MATRIX = np.random.default_rng(12).standard_normal((16, 16)).astype(np.float32)


def diagnosis(actual: Array, expected: Array) -> str:
    arg = arg_out("y", expected.shape, expected.dtype)
    tolerance = Exact("nothing rounds") if expected.dtype.kind == "i" else Ulps("rounding", 2)
    outputs = {"y": actual}, {"y": expected}
    return compare(*outputs, [arg], tolerance, poison=None, written=None).outputs[0].diagnosis


def alternate(values: Array, step: int, first: int) -> Array:
    changed = values.copy()
    changed.reshape(-1)[first::step] ^= 1
    return changed


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (np.zeros_like, "all zeros"),
        (lambda gold: np.full_like(gold, 101), "every element is 101"),
        (lambda gold: np.roll(gold, 128), "halves are swapped"),
        (lambda gold: gold[::-1], "reversed"),
        (lambda gold: np.roll(gold, 1), "1 element later"),
        (lambda gold: np.roll(gold, 17), "17 elements later"),
        (lambda gold: np.roll(gold, -4), "4 elements earlier"),
        (lambda gold: gold + np.int8(3), "every element is +3 off"),
        (lambda gold: -gold, "wrong sign"),
        (np.sort, "in another order"),
        (lambda gold: gold ^ 1, "every element is wrong"),
        (lambda gold: alternate(gold, 4, 0), "every 4th element, from 0 on"),
        (lambda gold: alternate(gold, 32, 31), "every 32nd element, from 31 on"),
        (lambda gold: alternate(gold, 1, 128), "exactly the second half"),
        (lambda gold: alternate(gold, 1, 200), "everything from element 200 on"),
        (lambda gold: np.where(np.arange(256) < 128, gold ^ 1, gold), "exactly the first half"),
        (lambda gold: np.where(np.arange(256) < 32, gold ^ 1, gold), "the first 32 elements"),
    ],
)
def test_patterns_of_a_vector(wrong: Callable[[Array], Array], words: str) -> None:
    assert words in diagnosis(wrong(GOLD), GOLD)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda gold: gold.T, "transposed"),
        (lambda gold: np.full_like(gold, np.nan), "every element is NaN"),
        (lambda gold: gold.view(np.uint32).byteswap().view(np.float32), "bytes of every element"),
        (lambda gold: -gold, "wrong sign"),
        (lambda gold: np.where(np.arange(16)[:, None] == 3, 9, gold), "elements 48 to 63"),
        (lambda gold: np.where(np.arange(16) == 3, 9, gold), "every 16th element, from 3 on"),
    ],
)
def test_patterns_of_a_matrix(wrong: Callable[[Array], Array], words: str) -> None:
    assert words in diagnosis(wrong(MATRIX).astype(np.float32), MATRIX)


def test_a_transposed_matrix_that_is_not_square() -> None:
    gold = GOLD.reshape(8, 32)
    assert "transposed" in diagnosis(gold.T.reshape(8, 32), gold)


def test_patterns_hold_within_the_tolerance() -> None:
    moved = np.nextafter(MATRIX.T, np.float32(100))
    assert "transposed" in diagnosis(moved, MATRIX)


def test_patterns_of_bfloat16() -> None:
    gold = MATRIX.astype(bfloat16)
    assert "transposed" in diagnosis(gold.T.copy(), gold)
    assert "another order" in diagnosis(np.sort(gold.reshape(-1)).reshape(16, 16), gold)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([(3, 1), (3, 5), (3, 6)], "all in row 3"),
        ([(1, 9), (5, 9), (6, 9)], "all in column 9"),
        ([(r, (5 * r) % 16) for r in range(9, 16)] + [(9, 2)], "all in the second half"),
        ([(r, (5 * r) % 16) for r in range(7)] + [(6, 2)], "all in the first half"),
        ([(0, 8), (1, 0), (3, 8), (4, 0), (6, 8), (9, 0), (13, 8), (15, 0)], "0 modulo 8"),
        ([(0, 1)], ""),
        ([(0, 1), (3, 7), (14, 2)], ""),
    ],
)
def test_where_bad_elements_lie(places: list[tuple[int, int]], words: str) -> None:
    bad = np.zeros((16, 16), np.bool_)
    bad[tuple(zip(*places, strict=True))] = True
    assert words in location(bad)
    assert bool(location(bad)) == bool(words)


@pytest.mark.parametrize("places", [[10, 74], [10, 14, 18], [2, 6, 10], [245, 249, 253]])
def test_a_progression_with_gaps_at_its_ends_is_none(places: list[int]) -> None:
    bad = np.zeros(256, np.bool_)
    bad[places] = True
    assert location(bad) == ""


def test_one_wrong_element_of_a_constant_is_no_shift() -> None:
    gold = np.full(64, 5, np.int8)
    for place in (0, 3, 63):
        actual = gold.copy()
        actual[place] = 9
        assert diagnosis(actual, gold) == ""


def test_orders_that_the_tolerance_cannot_tell_apart_are_not_named() -> None:
    gold, actual = np.tile([0, 1], 8).astype(np.int8), np.tile([2, 1], 8).astype(np.int8)
    arg, loose = arg_out("y", gold.shape, gold.dtype), IntSteps("one step", 1)
    outputs = {"y": actual}, {"y": gold}
    result = compare(*outputs, [arg], loose, poison=None, written=None).outputs[0]
    assert "every 2nd element" in result.diagnosis


def test_one_wrong_element_has_no_pattern() -> None:
    assert diagnosis(np.array([5], np.int8), np.array([4], np.int8)) == ""
    assert diagnosis(np.zeros(3, np.int8), np.ones(3, np.int8)) == "every element is wrong"


@settings(deadline=None, max_examples=100)
@given(
    arrays(np.int8, 64, elements=st.integers(-100, 100)),
    st.lists(st.integers(0, 63), min_size=1, max_size=12, unique=True),
)
def test_whatever_is_said_of_random_damage_is_true(gold: Array, places: list[int]) -> None:
    actual = gold.copy()
    actual[places] += 1
    words = diagnosis(actual, gold)
    bad = sorted(places)
    if "second half" in words:
        assert bad[0] >= 32
    if "first half" in words:
        assert bad[-1] < 32
    if "modulo" in words:
        modulus = int(words.split()[-1])
        assert len({place % modulus for place in bad}) == 1
    if words.startswith("exactly"):
        assert bad == list(range(bad[0], bad[-1] + 1))
    if words.startswith("shifted"):
        shift = int(words.split("value is ")[1].split()[0])
        late, early = (actual, gold) if "later" in words else (gold, actual)
        assert np.array_equal(late[shift:], early[:-shift])
