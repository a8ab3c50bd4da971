"""Runlists: what is refused before anything runs."""

from __future__ import annotations

import numpy as np
import pytest

from errors import UsageError
from kernels import registry
from runtime.runlist import Output, Runlist, Step
from runtime.sim import SimDevice, SimProgram
from toolchain.build import build
from toolchain.unit import Unit


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> SimProgram:
    """A program with one input and one output of the same form."""
    kernel = registry.find("passthrough/1024")[0]
    (result,) = build([Unit.from_kernel(kernel)], root=tmp_path_factory.mktemp("runlist"))
    assert result.build is not None, result.errors
    return SimDevice().load(result.build)


@pytest.fixture
def data(copy: SimProgram) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    (arg,) = (arg for arg in copy.args if arg.role.is_read)
    return np.arange(arg.size).astype(arg.dtype)


def test_an_output_goes_on_to_the_next_step(copy: SimProgram, data: np.ndarray) -> None:  # type: ignore[type-arg]
    name = copy.args[-1].name
    chain = Runlist([Step(copy, (data,)), Step(copy, (Output(0, name),))])
    assert len(chain) == 2
    for value in (3, 4):
        data[0] = value
        results = chain()
        np.testing.assert_array_equal(results[1].outputs[name], data)


def test_a_batch_is_its_calls(copy: SimProgram, data: np.ndarray) -> None:  # type: ignore[type-arg]
    name = copy.args[-1].name
    outputs = [result.outputs[name] for result in copy.batch([(data,), (data[::-1].copy(),)])]
    np.testing.assert_array_equal(outputs, [data, data[::-1]])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((), "step 1 has 0 inputs and takes"),
        ((Output(1, "out"),), "step 1 takes an output of step 1"),
        ((Output(-1, "out"),), "step 1 takes an output of step -1"),
        ((Output(0, "nothing"),), "step 1 takes the output 'nothing' of step 0, which has"),
        ((np.zeros(3, np.int8),), "does not fit the argument"),
    ],
    ids=["none", "its own", "before the first", "unknown", "another shape"],
)
def test_steps_that_do_not_fit_are_refused(
    copy: SimProgram,
    data: np.ndarray,  # type: ignore[type-arg]
    inputs: tuple[Output, ...],
    message: str,
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Runlist([Step(copy, (data,)), Step(copy, inputs)])
    assert caught.value.code == "NPU403"


def test_a_runlist_has_steps() -> None:
    with pytest.raises(UsageError, match="it has no steps"):
        Runlist([])
