"""The simulated array as a device: what it refuses, what it gives, what it keeps."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from errors import UsageError
from kernels.contract import Array, Kernel
from runtime.device import Basis, Device, Program
from runtime.sim import SimDevice
from simulator.clock import CLOCK_HZ
from toolchain.build import Build
from toolchain.storage.manifest import Manifest

X = np.arange(512, dtype=np.int16).astype(np.int8)
TABLE = np.arange(256, dtype=np.uint8).view(np.int8)


@pytest.fixture
def program(gelu_build: Build) -> Program:
    device: Device = SimDevice()
    return device.load(gelu_build)


def test_the_arguments_are_the_builds(program: Program, gelu: Kernel) -> None:
    assert program.args == gelu.args()


@pytest.mark.parametrize(
    ("inputs", "code", "says"),
    [
        ((), "NPU401", "takes 2 inputs and was given 0"),
        ((X,), "NPU401", "takes 2 inputs and was given 1"),
        ((X, TABLE, X), "NPU401", "takes 2 inputs and was given 3"),
        ((X[:256], TABLE), "NPU403", "the array for x does not fit"),
        ((X.reshape(2, 256), TABLE), "NPU403", "the array for x does not fit"),
        ((X.view(np.uint8), TABLE), "NPU403", "the array for x does not fit"),
        ((TABLE, X), "NPU403", "the array for x does not fit"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    program: Program, inputs: tuple[Array, ...], code: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        program(*inputs)
    assert caught.value.code == code


def test_a_build_for_another_target_is_refused(gelu_build: Build) -> None:
    other = Build(gelu_build.folder, _with(gelu_build, target="aie2"))
    with pytest.raises(UsageError, match="built for aie2, and the simulator runs host builds"):
        SimDevice().load(other)


def test_a_build_without_a_contract_needs_its_arguments(gelu_build: Build, gelu: Kernel) -> None:
    anonymous = Build(gelu_build.folder, _with(gelu_build, args=None))
    with pytest.raises(UsageError, match="no contract") as caught:
        SimDevice().load(anonymous)
    assert caught.value.code == "NPU402"
    assert SimDevice().load(anonymous, gelu.args()).args == gelu.args()


def test_a_call_gives_outputs_masks_and_a_modelled_time(program: Program, gelu: Kernel) -> None:
    result = program(X, TABLE)
    assert list(result.outputs) == ["y"]
    assert np.array_equal(result.outputs["y"], X)
    mask = result.written["y"]
    assert mask is not None
    assert mask.shape == (512,)
    assert mask.all()
    timing = result.timing
    assert timing.basis is Basis.MODELLED
    assert timing.cycles is not None
    assert timing.cycles > gelu.functions()[0].cycles
    assert timing.run == timing.cycles / CLOCK_HZ
    assert (timing.dispatch, timing.transfer) == (None, None)


def test_a_call_leaves_its_inputs_alone_and_can_be_repeated(program: Program) -> None:
    x, table = X.copy(), TABLE.copy()
    first = program(x, table)
    second = program(x[::-1].copy(), table)
    assert np.array_equal(x, X)
    assert np.array_equal(first.outputs["y"], X)
    assert np.array_equal(second.outputs["y"], X[::-1])
    assert first.poison != second.poison


def test_inputs_in_any_memory_order_are_taken(program: Program) -> None:
    wide = np.zeros((512, 3), np.int8)
    wide[:, 1] = X
    assert np.array_equal(program(wide[:, 1], TABLE).outputs["y"], X)


def _with(build: Build, **changes: object) -> Manifest:
    return msgspec.structs.replace(build.manifest, **changes)
