"""The binaries of tests/binaries, xclbin and instructions, as the NPU gets them.

On the NPU this asks whether it answers what the simulated array answered; on the fake the
instructions and the machine code of the xclbin are executed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
import pytest

from errors import CheckFailed, LabError
from kernels import registry
from kernels.contract import Arg, Array, Kernel, Role
from runtime.canary import check_canary
from runtime.xrt import XrtDevice
from runtime.xrt.contexts import LIMIT
from runtime.xrt.program import XrtProgram
from toolchain.build import Build

BINARIES = Path(__file__).parents[1] / "tests" / "binaries"
NAMES = sorted(path.parent.name for path in BINARIES.glob("*/design.xclbin"))
OBJECTS = {"passthrough": 4}
"""Objects of a call; two where nothing is said."""
pytestmark = pytest.mark.xrt


class Lab(Protocol):
    """The fixture of that name."""

    device: XrtDevice

    def build(self, kernel: Kernel) -> Build: ...


def _goldens() -> ModuleType:
    spec = importlib.util.spec_from_file_location("binary_goldens", BINARIES / "goldens.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Binary:
    """A program of tests/binaries on the device, with calls whose answers are known."""

    program: XrtProgram
    calls: list[tuple[Array, bytes]]

    def check(self, number: int) -> None:
        given, golden = self.calls[number]
        assert self.program(given).outputs["y"].tobytes() == golden


Load = Callable[..., Binary]


@pytest.fixture
def load(lab: Lab) -> Load:
    """Give a function that loads a binary, if asked with another's instructions, on one device.

    A build says where its files are; here each stands for another binary.
    """
    goldens = _goldens()
    carriers = iter([kernel for name in registry.names() for kernel in registry.find(name)])
    places: dict[str, tuple[Path, Path]] = {}
    stack = replace(lab.device._stack, files=lambda build, _: places[build.title])
    device = XrtDevice(stack, timeout=2)

    def make(name: str, instructions: str | None = None) -> Binary:
        build = lab.build(next(carriers))
        places[build.title] = (
            BINARIES / name / "design.xclbin",
            BINARIES / (instructions or name) / "insts.bin",
        )
        count = OBJECTS.get(name, 2)
        calls = []
        for call in range(3):
            objects = [goldens.example(name, call * count + place) for place in range(count)]
            golden = b"".join(goldens.GOLDENS[name](one) for one in objects)
            calls.append((np.frombuffer(b"".join(objects), np.uint8).copy(), golden))
        given, golden = calls[0]
        args = (
            Arg("x", Role.IN, given.shape, np.dtype(np.uint8)),
            Arg("y", Role.OUT, (len(golden),), np.dtype(np.uint8)),
        )
        return Binary(device.load(build, args), calls)

    return make


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_as_its_golden(name: str, load: Load) -> None:
    binary = load(name)
    for number in range(len(binary.calls)):
        binary.check(number)


def test_streams_and_runlists_of_a_binary(load: Load) -> None:
    binary = load("matmul_int8")
    inputs = [[given] for given, _ in binary.calls]
    for results in (list(binary.program.stream(inputs)), binary.program.batch(inputs)):
        answers = [result.outputs["y"].tobytes() for result in results]
        assert answers == [golden for _, golden in binary.calls]


def test_more_binaries_than_the_pool_has_contexts(load: Load) -> None:
    binaries = [load(name) for name in NAMES]
    assert len(binaries) > LIMIT
    for number in range(2):
        for binary in binaries:
            binary.check(number)


def test_instructions_of_another_binary_end_in_a_named_failure(lab: Lab, load: Load) -> None:
    """The product's instructions await twice the bytes that GELU's core sends."""
    wrong = load("gelu_int8", "matmul_int8")
    with pytest.raises(CheckFailed) as caught:
        wrong.program(wrong.calls[0][0])
    assert caught.value.code in {"NPU430", "NPU431", "NPU432", "NPU437"}
    load("gelu_int8").check(0)
    assert check_canary(lab.device)


def test_arrays_of_another_size_never_reach_the_device(load: Load) -> None:
    binary = load("passthrough")
    with pytest.raises(LabError) as caught:
        binary.program(binary.calls[0][0][:-4])
    assert caught.value.code == "NPU403"
    binary.check(0)
