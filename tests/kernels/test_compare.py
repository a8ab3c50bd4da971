"""The comparator against wrong outputs of every kind: form, values, what it says of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from errors import CheckFailed
from errors.catalogue import load as load_catalogue
from kernels.compare import Comparison, Finding, compare
from kernels.contract import (
    Arg,
    Array,
    Exact,
    IntSteps,
    Relative,
    Role,
    Spread,
    Tolerance,
    Ulps,
    arg_in,
    arg_out,
    bfloat16,
)

EXACT = Exact("nothing rounds")
RAMP = np.arange(-64, 64, dtype=np.int8)


def check(actual: Array, expected: Array, tolerance: Tolerance = EXACT) -> Comparison:
    arg = arg_out("y", expected.shape, expected.dtype)
    return compare({"y": actual}, {"y": expected}, [arg], tolerance, poison=None, written=None)


def check_spread(actual: Array, expected: Array, spread: Array) -> Comparison:
    tolerance = Spread("a hundredth of the spread", 0.01, 1.0, 1e-30)
    arg = arg_out("y", expected.shape, expected.dtype)
    spreads = {"y": spread}
    return compare(
        {"y": actual}, {"y": expected}, [arg], tolerance, poison=None, written=None, spreads=spreads
    )


def finding(comparison: Comparison) -> Finding | None:
    (output,) = comparison.outputs
    assert comparison.ok == (output.finding is None)
    return output.finding


def floats(values: Any, dtype: Any = np.float32) -> Array:
    return np.array(values, dtype)


def test_an_equal_output_is_right_and_counted() -> None:
    comparison = check(RAMP.copy(), RAMP)
    assert comparison.ok
    assert comparison.compared == RAMP.size
    assert str(comparison) == "y: 128 of 128 elements right"
    comparison.require("k/1 on ramp")


@pytest.mark.parametrize(
    ("actual", "expected_finding", "words"),
    [
        (RAMP[:64], Finding.SHAPE, "(64,)"),
        (RAMP[:0], Finding.SHAPE, "is empty"),
        (RAMP.reshape(2, 64), Finding.SHAPE, "(2, 64)"),
        (RAMP.reshape(1, 128), Finding.SHAPE, "(1, 128)"),
        (np.array(RAMP[0]), Finding.SHAPE, "()"),
        (RAMP.astype(np.int16), Finding.DTYPE, "int16"),
        (RAMP.view(np.uint8), Finding.DTYPE, "uint8"),
        (RAMP.astype(np.float32), Finding.DTYPE, "float32"),
        (RAMP.astype(object), Finding.DTYPE, "object"),
    ],
)
def test_form_is_checked_before_values(
    actual: Array, expected_finding: Finding, words: str
) -> None:
    comparison = check(actual, RAMP, IntSteps("anything goes", 255))
    assert finding(comparison) is expected_finding
    assert words in comparison.outputs[0].message
    assert comparison.compared == 0


def test_byte_order_is_part_of_the_dtype() -> None:
    expected = np.arange(8, dtype=np.int32)
    assert finding(check(expected.astype(">i4"), expected)) is Finding.DTYPE


@pytest.mark.parametrize("golden", [RAMP[:64], RAMP.astype(np.int64), None])
def test_the_golden_model_is_held_to_the_contract_too(golden: Array | None) -> None:
    expected = {} if golden is None else {"y": golden}
    arg = arg_out("y", RAMP.shape, RAMP.dtype)
    actual = {"y": RAMP if golden is None else golden}
    comparison = compare(actual, expected, [arg], EXACT, poison=None, written=None)
    assert finding(comparison) is Finding.GOLDEN


def test_a_missing_output_is_found() -> None:
    args = [arg_out("y", RAMP.shape, RAMP.dtype), arg_out("z", RAMP.shape, RAMP.dtype)]
    both = {"y": RAMP, "z": RAMP}
    comparison = compare({"y": RAMP}, both, args, EXACT, poison=None, written=None)
    assert not comparison.ok
    assert [output.finding for output in comparison.outputs] == [None, Finding.MISSING]


def test_an_array_that_is_no_output_is_found() -> None:
    args = [arg_in("x", RAMP.shape, RAMP.dtype), arg_out("y", RAMP.shape, RAMP.dtype)]
    both = {"x": RAMP, "y": RAMP}
    comparison = compare(both, {"y": RAMP}, args, EXACT, poison=None, written=None)
    assert not comparison.ok
    assert [output.finding for output in comparison.outputs] == [None, Finding.UNEXPECTED]


@pytest.mark.parametrize("args", [[], [arg_in("x", (4,), np.int8)]])
def test_comparing_nothing_fails(args: list[Arg]) -> None:
    comparison = compare({}, {}, args, EXACT, poison=None, written=None)
    assert finding(comparison) is Finding.EMPTY
    assert not Comparison(()).ok


def test_an_output_without_elements_fails() -> None:
    assert finding(check(RAMP[:0], RAMP[:0])) is Finding.EMPTY


def test_an_inout_is_compared() -> None:
    arg = Arg("y", Role.INOUT, RAMP.shape, RAMP.dtype)
    comparison = compare({"y": -RAMP}, {"y": RAMP}, [arg], EXACT, poison=None, written=None)
    assert finding(comparison) is Finding.VALUES


def test_a_masked_array_hides_nothing() -> None:
    hidden = np.ma.MaskedArray(RAMP + np.int8(1), mask=np.ones(RAMP.shape, bool))
    assert check(hidden, RAMP).outputs[0].bad == RAMP.size


def test_a_view_with_strides_is_compared_like_its_copy() -> None:
    matrix = np.arange(64, dtype=np.int16).reshape(8, 8)
    assert check(matrix.T.copy().T, matrix).ok
    assert finding(check(matrix.T, matrix)) is Finding.VALUES


@pytest.mark.parametrize("tolerance", [EXACT, Ulps("any", 2**62), Relative("any", 1e30, 1.0)])
def test_all_nan_never_passes(tolerance: Tolerance) -> None:
    expected = floats([1.0, 2.0, 3.0])
    comparison = check(np.full_like(expected, np.nan), expected, tolerance)
    assert finding(comparison) is Finding.NAN
    assert comparison.outputs[0].nan == 3


@pytest.mark.parametrize("tolerance", [EXACT, Ulps("any", 2**62), Relative("any", 1e30, 1.0)])
@pytest.mark.parametrize("value", [0.0, 1.0, np.inf])
def test_a_number_where_nan_belongs_never_passes(tolerance: Tolerance, value: float) -> None:
    comparison = check(floats([value, 1.0]), floats([np.nan, 1.0]), tolerance)
    assert finding(comparison) is Finding.VALUES
    assert comparison.outputs[0].bad == 1


def test_nan_matches_nan_of_any_payload_and_sign() -> None:
    quiet, negative = (np.array([bits], np.uint32) for bits in (0x7FC00001, 0xFFC00000))
    assert check(negative.view(np.float32), quiet.view(np.float32)).ok


@pytest.mark.parametrize("tolerance", [Ulps("any", 2**62), Relative("any", 1e30, 1.0)])
@pytest.mark.parametrize(
    ("actual", "expected"), [(np.inf, 3e38), (3e38, np.inf), (-np.inf, np.inf), (0.0, np.inf)]
)
def test_infinity_matches_only_its_own_sign(
    tolerance: Tolerance, actual: float, expected: float
) -> None:
    assert finding(check(floats([actual]), floats([expected]), tolerance)) is Finding.VALUES
    assert check(floats([expected]), floats([expected]), tolerance).ok


@pytest.mark.parametrize(
    ("actual", "expected", "tolerance", "passes"),
    [
        (floats([1.29]), floats([1.0]), Relative("tables", 0.01, 1.0), False),
        (floats([1.29]), floats([1.0]), Relative("tables", 0.3, 1.0), True),
        (floats([1.29]), floats([1.0]), Ulps("rounding", 1), False),
        (floats([1.29], bfloat16), floats([1.0], bfloat16), Ulps("rounding", 36), False),
        (floats([1.29], bfloat16), floats([1.0], bfloat16), Ulps("rounding", 37), True),
        (floats([-0.0]), floats([0.0]), EXACT, False),
        (floats([-0.0]), floats([0.0]), Ulps("signs of zero", 0), True),
        (floats([1e-45]), floats([0.0]), Ulps("none", 0), False),
        (floats([1e-45]), floats([-1e-45]), Ulps("two", 2), True),
        (floats([1e-45]), floats([-1e-45]), Ulps("one", 1), False),
        (floats([1e-45]), floats([1e-40]), Relative("absolute below 1", 1e-3, 1.0), True),
        (np.array([3], np.int8), np.array([1], np.int8), IntSteps("two", 2), True),
        (np.array([4], np.int8), np.array([1], np.int8), IntSteps("two", 2), False),
        (np.array([-128], np.int8), np.array([127], np.int8), IntSteps("254", 254), False),
    ],
)
def test_tolerances_at_their_edge(
    actual: Array, expected: Array, tolerance: Tolerance, passes: bool
) -> None:
    assert check(actual, expected, tolerance).ok == passes


def test_one_ulp_off_is_named_with_both_values() -> None:
    expected = np.linspace(1, 2, 100, dtype=np.float32).reshape(10, 10)
    actual = expected.copy()
    actual[3, 7] = np.nextafter(actual[3, 7], np.float32(9))
    (output,) = check(actual, expected).outputs
    (element,) = output.first
    assert element == output.worst
    assert element.index == (3, 7)
    assert element.steps == 1
    assert np.float32(element.actual) == actual[3, 7]
    assert np.float32(element.expected) == expected[3, 7]
    assert output.unit == "ULP"
    assert "1 ULP away" in str(output)


def test_zeros_of_different_sign_are_shown_a_step_apart() -> None:
    (output,) = check(floats([0.0, -0.0]), floats([0.0, 0.0])).outputs
    assert [element.steps for element in output.first] == [1]
    assert "-0.0" in str(output)


def test_the_first_bad_elements_and_the_worst_are_named() -> None:
    actual = RAMP.copy().reshape(8, 16)
    actual[2, 3:6] += 1
    actual[5, 5] = 127
    (output,) = check(actual, RAMP.reshape(8, 16)).outputs
    assert output.message == "4 of 128 elements wrong"
    assert [element.index for element in output.first] == [(2, 3), (2, 4), (2, 5), (5, 5)]
    assert output.worst is not None
    assert (output.worst.index, output.worst.actual) == ((5, 5), 127)


def test_the_worst_error_of_a_right_output_is_told() -> None:
    actual = RAMP.copy()
    actual[9] += 1
    comparison = check(actual, RAMP, IntSteps("one step of rounding", 1))
    assert comparison.ok
    worst = comparison.outputs[0].worst
    assert worst is not None
    assert (worst.index, worst.steps) == ((9,), 1)
    assert check(RAMP, RAMP).outputs[0].worst is None


def wrong_outputs() -> list[Comparison]:
    ramp = np.arange(4096, dtype=np.float32).reshape(4, 32, 32) + 1
    reason = "the table of 256 entries is rounded once, the sum is not, and the result is again"
    return [
        check(ramp * np.float32(1.29), ramp, Relative(reason, 0.01, 1e-6)),
        check(np.full_like(ramp, np.nan), ramp, Ulps(reason, 1)),
        check(-ramp, ramp),
        check(ramp[:2], ramp),
        check(np.full((4,), -(2**63)), np.full((4,), 2**63 - 1)),
        check(np.zeros((), np.int8), np.ones((), np.int8)),
    ]


@pytest.mark.parametrize("comparison", wrong_outputs())
def test_reports_fit_80_columns(comparison: Comparison) -> None:
    assert max(len(line) for line in str(comparison).splitlines()) <= 80


@pytest.mark.parametrize("comparison", wrong_outputs())
def test_reports_are_strict_json(comparison: Comparison) -> None:
    record = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert record["ok"] is False
    assert record["outputs"][0]["code"] == comparison.outputs[0].finding.code  # type: ignore[union-attr]
    assert record["outputs"][0]["bad"] == comparison.outputs[0].bad


def test_require_raises_with_the_code_and_the_elements() -> None:
    actual = RAMP.copy()
    actual[40] = 0
    with pytest.raises(CheckFailed) as caught:
        check(actual, RAMP).require("copy/128 on ramp")
    assert caught.value.message == "copy/128 on ramp: y: 1 of 128 elements wrong"
    assert caught.value.code == "NPU308"
    assert any("[40]" in line and "-24" in line for line in caught.value.details)


def test_every_finding_is_in_the_catalogue() -> None:
    catalogue = load_catalogue()
    codes = [finding.code for finding in Finding]
    assert len(set(codes)) == len(codes)
    assert all(code in catalogue for code in codes)
    assert all(finding.cure for finding in Finding)


def test_a_spread_decides_element_by_element() -> None:
    """What is right where values are far apart is wrong where they are near each other."""
    expected = np.zeros((4, 8), np.float32)
    spread = np.where(np.arange(4)[:, np.newaxis] < 2, 100.0, 1.0) + np.zeros((4, 8))
    actual = expected + np.float32(0.5)
    comparison = check_spread(actual, expected, spread)
    (output,) = comparison.outputs
    assert (output.finding, output.bad) == (Finding.VALUES, 16)
    assert [element.index[0] for element in output.first] == [2] * 5
    assert output.worst is not None
    assert output.worst.error == pytest.approx(0.5)
    actual[2:] = 0
    assert check_spread(actual, expected, spread).ok


def test_values_that_moved_are_told_from_wrong_ones_with_a_spread_too() -> None:
    expected = np.random.default_rng(1).standard_normal((8, 16)).astype(np.float32)
    spread = np.full((8, 16), 0.1)
    shifted = np.roll(expected.reshape(-1), 3).reshape(8, 16)
    (output,) = check_spread(shifted, expected, spread).outputs
    assert output.diagnosis == "shifted: every value is 3 elements later than it should be"
