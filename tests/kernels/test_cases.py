"""Case data: complete at the edges, reproducible, telling where an element went."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.contract import Arg, arg_in, arg_out, arg_param, bfloat16, random_array, standard_cases

INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32]
FLOATS = [np.float16, np.float32, bfloat16]


def by_name(*args: Arg, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
    return {case.name: dict(case.inputs) for case in standard_cases(args, seed)}


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_edges(dtype: type) -> None:
    info = np.iinfo(dtype)
    cases = by_name(arg_in("x", (40, 50), dtype))
    assert list(cases) == [
        "zeros", "lowest", "highest", "alternating", "ramp", "impulse",
        "random-0", "random-1", "random-2",
    ]  # fmt: skip
    assert not cases["zeros"]["x"].any()
    assert (cases["lowest"]["x"] == info.min).all()
    assert (cases["highest"]["x"] == info.max).all()
    flat = cases["alternating"]["x"].reshape(-1)
    assert (flat[::2] == info.min).all()
    assert (flat[1::2] == info.max).all()
    assert np.count_nonzero(cases["impulse"]["x"]) == 1
    assert np.unique(cases["random-0"]["x"]).size > 200


@pytest.mark.parametrize("dtype", FLOATS)
def test_float_edges(dtype: type) -> None:
    cases = by_name(arg_in("x", (64, 32), dtype))
    assert {"tiny", "nan", "inf"} < set(cases)
    with np.errstate(invalid="ignore"):
        assert np.isnan(cases["nan"]["x"]).any()
        assert not np.isnan(cases["nan"]["x"]).all()
        infinite = cases["inf"]["x"][np.isinf(cases["inf"]["x"])]
        assert {bool(sign) for sign in np.signbit(infinite)} == {True, False}
    tiny = cases["tiny"]["x"].reshape(-1)
    zeros = tiny[tiny == 0]
    assert {bool(sign) for sign in np.signbit(zeros)} == {True, False}
    bits = tiny.view(f"u{tiny.itemsize}")
    assert {0, 1} < set(bits.tolist())
    assert np.isfinite(cases["highest"]["x"]).all()
    assert (cases["lowest"]["x"] == -cases["highest"]["x"]).all()


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
@pytest.mark.parametrize("shift", [1, 2, 16, 32, 128, 256, 512, 1024])
def test_no_shift_by_a_power_of_two_maps_the_ramp_to_itself(dtype: type, shift: int) -> None:
    ramp = by_name(arg_in("x", (2048,), dtype))["ramp"]["x"]
    assert not np.array_equal(np.roll(ramp, shift)[shift:], ramp[shift:])
    assert (ramp[shift:] != ramp[:-shift]).all()


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_cases_have_the_form_of_their_arguments(dtype: type) -> None:
    args = (arg_in("x", (3, 5), dtype), arg_param("w", (7,), dtype), arg_out("y", (2,), dtype))
    for inputs in by_name(*args).values():
        assert set(inputs) == {"x", "w"}
        assert (inputs["x"].shape, inputs["x"].dtype) == ((3, 5), np.dtype(dtype))
        assert (inputs["w"].shape, inputs["w"].dtype) == ((7,), np.dtype(dtype))


def test_data_depend_on_seed_case_and_name_only() -> None:
    x, w = arg_in("x", (64,), np.int8), arg_in("w", (64,), np.int8)
    alone, together, other = by_name(x), by_name(w, x), by_name(x, seed=1)
    for name, inputs in alone.items():
        assert np.array_equal(inputs["x"], together[name]["x"])
    random = ["random-0", "random-1", "random-2"]
    assert all(not np.array_equal(alone[name]["x"], other[name]["x"]) for name in random)
    assert len({alone[name]["x"].tobytes() for name in random}) == 3
    assert not np.array_equal(together["random-0"]["x"], together["random-0"]["w"])


def test_parameters_keep_their_default_at_the_edges_and_vary_at_random() -> None:
    args = (arg_in("x", (32,), np.int8), arg_param("table", (256,), np.int8))
    table = np.arange(256, dtype=np.uint8).view(np.int8)
    cases = {case.name: case.inputs for case in standard_cases(args, 0, params={"table": table})}
    assert np.array_equal(cases["zeros"]["table"], table)
    assert np.array_equal(cases["ramp"]["table"], table)
    assert not np.array_equal(cases["random-0"]["table"], table)


def test_float_parameters_do_not_bring_nan_to_integer_inputs() -> None:
    args = (arg_in("x", (8,), np.int8), arg_param("scale", (8,), np.float32))
    params = {"scale": np.ones(8, np.float32)}
    names = [case.name for case in standard_cases(args, 0, params=params)]
    assert "nan" not in names


def test_random_arrays_reach_both_ends() -> None:
    data = random_array(arg_in("x", (10_000,), np.int8), "stream", 0)
    assert (data.min(), data.max()) == (-128, 127)
