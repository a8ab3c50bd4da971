"""Outputs that nobody wrote: told from wrong ones by mask and by poison."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.compare import Comparison, Finding, Poison, compare
from kernels.compare.check import Mask
from kernels.contract import Arg, Array, Exact, IntSteps, Role, arg_out, bfloat16

DTYPES = [np.int8, np.uint8, np.int16, np.int32, np.float32, bfloat16]


def check(
    actual: Array, expected: Array, poison: Poison | None = None, written: Mask | None = None
) -> Comparison:
    arg = arg_out("y", expected.shape, expected.dtype)
    masks = {"y": written}
    exact = Exact("nothing rounds")
    return compare({"y": actual}, {"y": expected}, [arg], exact, poison=poison, written=masks)


def golden(dtype: object, shape: tuple[int, ...] = (16, 32)) -> Array:
    return (np.arange(512) % 100).astype(dtype).reshape(shape)


@pytest.mark.parametrize("dtype", DTYPES)
def test_poison_fills_every_element_and_finds_itself(dtype: object) -> None:
    array = golden(dtype)
    Poison(7).fill(array)
    assert Poison(7).left_in(array).all()
    assert Poison(8).left_in(array).mean() < 0.05


def test_poison_is_deterministic_and_has_no_common_byte() -> None:
    first, again, other = (np.zeros(100_000, np.uint8) for _ in range(3))
    Poison(1).fill(first)
    Poison(1).fill(again)
    Poison(2).fill(other)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.isin(first, [0x00, 0x7F, 0x80, 0xFF]).any()
    assert len(np.unique(first)) == 252


def test_poison_fills_and_finds_through_strides() -> None:
    whole = np.zeros((8, 8), np.int16)
    Poison(3).fill(whole[:, ::2])
    assert Poison(3).left_in(whole[:, ::2]).all()
    assert not whole[:, 1::2].any()


def test_an_element_written_in_part_is_not_left() -> None:
    array = np.zeros(256, np.int16)
    Poison(3).fill(array)
    array.view(np.uint8)[::2] = 0
    assert not Poison(3).left_in(array).any()


def test_poison_of_a_scalar() -> None:
    scalar = np.zeros((), np.int32)
    Poison(3).fill(scalar)
    assert Poison(3).left_in(scalar).shape == ()
    assert Poison(3).left_in(scalar)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_output_never_written_is_named_so(dtype: object) -> None:
    actual = golden(dtype)
    Poison(5).fill(actual)
    (output,) = check(actual, golden(dtype), Poison(5)).outputs
    assert output.finding is Finding.NEVER_WRITTEN
    assert output.unwritten == output.bad >= 500


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_part_never_written_is_counted_and_located(dtype: object) -> None:
    expected = golden(dtype)
    actual = expected.copy()
    Poison(5).fill(actual[8:])
    pattern = expected.copy()
    Poison(5).fill(pattern)
    actual[8:] = pattern[8:]
    (output,) = check(actual, expected, Poison(5)).outputs
    assert output.finding is Finding.NEVER_WRITTEN
    assert output.unwritten >= 250
    assert "second half" in output.diagnosis


def test_wrong_bytes_are_not_taken_for_poison() -> None:
    expected = np.zeros(65536, np.uint8)
    actual = np.random.default_rng(0).integers(1, 256, 65536).astype(np.uint8)
    (output,) = check(actual, expected, Poison(5)).outputs
    assert output.finding is Finding.VALUES
    assert output.unwritten == 0


def test_a_single_byte_of_poison_proves_nothing() -> None:
    expected = golden(np.int8)
    actual = expected.copy()
    pattern = expected.copy()
    Poison(5).fill(pattern)
    actual[3, 3] = pattern[3, 3]
    assert check(actual, expected, Poison(5)).outputs[0].finding is Finding.VALUES


def test_one_word_of_poison_proves_it() -> None:
    expected = golden(np.int32)
    actual = expected.copy()
    pattern = expected.copy()
    Poison(5).fill(pattern)
    actual[3, 3] = pattern[3, 3]
    assert check(actual, expected, Poison(5)).outputs[0].finding is Finding.NEVER_WRITTEN


def test_other_wrong_elements_are_counted_apart() -> None:
    expected = golden(np.int32)
    actual = expected.copy()
    pattern = expected.copy()
    Poison(5).fill(pattern)
    actual[0] = pattern[0]
    actual[15] += 1
    (output,) = check(actual, expected, Poison(5)).outputs
    assert (output.bad, output.unwritten) == (64, 32)
    assert output.message == "32 of 512 elements never written, 32 others wrong"


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2047))
def test_one_byte_missing_in_the_mask_is_found_though_values_are_right(byte: int) -> None:
    expected = golden(np.int32)
    written = np.ones(2048, np.bool_)
    written[byte] = False
    (output,) = check(expected.copy(), expected, written=written).outputs
    assert output.finding is Finding.NEVER_WRITTEN
    assert (output.bad, output.unwritten) == (1, 1)
    assert np.ravel_multi_index(output.first[0].index, (16, 32)) == byte // 4


def test_a_full_mask_outranks_chance_poison() -> None:
    expected = golden(np.int32)
    actual = expected.copy()
    Poison(5).fill(actual)
    written = np.ones(2048, np.bool_)
    (output,) = check(actual, expected, Poison(5), written).outputs
    assert output.finding is Finding.VALUES


def test_what_is_wrong_beside_the_mask_is_counted() -> None:
    expected = golden(np.int8)
    written = np.ones(512, np.bool_)
    written[:4] = False
    actual = expected.copy()
    actual[15, 31] = 7
    (output,) = check(actual, expected, written=written).outputs
    assert (output.bad, output.unwritten) == (5, 4)


def test_a_mask_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="511 bytes for 512"):
        check(golden(np.int8), golden(np.int8), written=np.ones(511, np.bool_))


def test_an_inout_needs_not_be_written_whole() -> None:
    expected = golden(np.int8)
    arg = Arg("y", Role.INOUT, expected.shape, expected.dtype)
    comparison = compare(
        {"y": expected},
        {"y": expected},
        [arg],
        IntSteps("none", 0),
        poison=Poison(1),
        written={"y": np.zeros(512, np.bool_)},
    )
    assert comparison.ok
