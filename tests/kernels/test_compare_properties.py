"""Properties of the comparator over random outputs, damage and tolerances."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from kernels.compare import compare
from kernels.contract import Array, Exact, IntSteps, Relative, Tolerance, Ulps, arg_out
from kernels.contract.tolerance import distance

INTEGERS = st.sampled_from([np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64])
SHAPES = array_shapes(max_dims=3, max_side=12)


@st.composite
def integer_damage(draw: st.DrawFn) -> tuple[Array, Array, int]:
    """An array, a copy with one element changed, and that element's number."""
    dtype = draw(INTEGERS)
    gold = draw(arrays(dtype, draw(SHAPES)))
    place = draw(st.integers(0, gold.size - 1))
    info = np.iinfo(dtype)
    value = draw(st.integers(int(info.min), int(info.max)))
    assume(value != gold.reshape(-1)[place])
    actual = gold.copy()
    actual.reshape(-1)[place] = value
    return gold, actual, place


@st.composite
def float_damage(draw: st.DrawFn) -> tuple[Array, Array, int]:
    """The same for floats, where any bit pattern may be the damage."""
    width = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    gold = draw(arrays(width, draw(SHAPES), elements=st.floats(width=np.dtype(width).itemsize * 8)))  # type: ignore[arg-type]
    place = draw(st.integers(0, gold.size - 1))
    bits = draw(st.integers(0, 2 ** (8 * gold.dtype.itemsize) - 1))
    actual = gold.copy()
    actual.view(f"u{gold.dtype.itemsize}").reshape(-1)[place] = bits
    before, after = gold.reshape(-1)[place], actual.reshape(-1)[place]
    assume(before.tobytes() != after.tobytes())
    assume(not (np.isnan(before) and np.isnan(after)))
    return gold, actual, place


def run(actual: Array, gold: Array, tolerance: Tolerance) -> Any:
    arg = arg_out("y", gold.shape, gold.dtype)
    comparison = compare({"y": actual}, {"y": gold}, [arg], tolerance, poison=None, written=None)
    return comparison.outputs[0]


@settings(deadline=None, max_examples=200)
@given(integer_damage() | float_damage())
def test_any_single_changed_element_is_found_and_named(case: tuple[Array, Array, int]) -> None:
    gold, actual, place = case
    output = run(actual, gold, Exact("nothing rounds"))
    assert not output.ok
    assert output.bad == 1
    assert output.compared == gold.size
    (element,) = output.first
    assert element.index == tuple(np.unravel_index(place, gold.shape))
    kind = gold.dtype.type
    assert kind(element.actual).tobytes() == actual[element.index].tobytes() or np.isnan(
        element.actual
    )
    assert kind(element.expected).tobytes() == gold[element.index].tobytes() or np.isnan(
        element.expected
    )


@settings(deadline=None, max_examples=200)
@given(integer_damage(), st.integers(0, 300))
def test_integer_steps_pass_exactly_up_to_their_number(
    case: tuple[Array, Array, int], steps: int
) -> None:
    gold, actual, place = case
    apart = abs(int(gold.reshape(-1)[place]) - int(actual.reshape(-1)[place]))
    assert run(actual, gold, IntSteps("given", steps)).ok == (apart <= steps)


def neighbour(value: Any, towards: float, steps: int) -> Any:
    """The float that lies `steps` representable values further."""
    with np.errstate(all="ignore"):
        for _ in range(steps):
            value = np.nextafter(value, type(value)(towards))
    return value


@settings(deadline=None, max_examples=200)
@given(float_damage(), st.integers(0, 5))
def test_ulps_pass_exactly_up_to_their_number(case: tuple[Array, Array, int], ulps: int) -> None:
    gold, actual, place = case
    before, after = gold.reshape(-1)[place], actual.reshape(-1)[place]
    down, up = neighbour(before, -np.inf, ulps), neighbour(before, np.inf, ulps)
    near = down <= after <= up and not (np.isinf(before) or np.isinf(after))
    assert run(actual, gold, Ulps("given", ulps)).ok == bool(near)


@settings(deadline=None, max_examples=100)
@given(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30), st.floats(0, 1), st.floats(1e-30, 1e3))
def test_relative_is_its_formula(actual: float, gold: float, rtol: float, floor: float) -> None:
    passes = run(np.array([actual]), np.array([gold]), Relative("given", rtol, floor)).ok
    assert passes == (abs(actual - gold) / max(abs(gold), floor) <= rtol)


@settings(deadline=None, max_examples=100)
@given(integer_damage() | float_damage())
def test_distance_is_symmetric_and_zero_on_itself(case: tuple[Array, Array, int]) -> None:
    gold, actual, _ = case
    assert np.array_equal(distance(gold, actual), distance(actual, gold))
    assert not distance(gold, gold, signed_zeros=True).any()
