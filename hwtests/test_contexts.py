"""Hardware contexts up to the pool and past it, one xclbin after another, several processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

from errors import CheckFailed, LabError
from kernels import registry
from kernels.contract import Kernel
from runtime.canary import check_canary
from runtime.device import Program
from runtime.devices import open_device
from runtime.verify import CaseReport, Golden, check, verify
from runtime.xrt import XrtDevice
from runtime.xrt.contexts import LIMIT
from toolchain.build import Build


class Lab(Protocol):
    """The fixture of that name."""

    device: XrtDevice

    def build(self, kernel: Kernel) -> Build: ...

    def program(self, kernel: Kernel) -> Program: ...


Conclude = Callable[[Kernel, Sequence[CaseReport]], None]
PROCESSES = 2


def every_kernel() -> list[Kernel]:
    return [kernel for name in registry.names() for kernel in registry.find(name)]


@pytest.mark.xrt
def test_more_programs_than_the_pool_has_contexts(lab: Lab, conclude: Conclude) -> None:
    """Loaded all, then called twice round: contexts are given back and made again."""
    kernels = every_kernel()
    assert len(kernels) > LIMIT
    loaded = [(kernel, lab.program(kernel), next(iter(kernel.demo()))) for kernel in kernels]
    for _ in range(2):
        for kernel, program, case in loaded:
            conclude(kernel, [check(kernel, program, case)])
            assert lab.device.contexts <= LIMIT


def test_one_xclbin_after_another(lab: Lab, conclude: Conclude) -> None:
    first, second = every_kernel()[0], every_kernel()[-1]
    assert first.kernel_name() != second.kernel_name()
    for kernel in (first, second) * 5:
        conclude(kernel, verify(kernel, lab.program(kernel), kernel.demo()).cases)


@pytest.mark.xrt
def test_every_kernel_as_a_stream_and_as_a_runlist(lab: Lab, kernel: Kernel, calls: int) -> None:
    program = lab.device.load(lab.build(kernel))
    case = next(iter(kernel.demo()))
    inputs = [case.inputs[arg.name] for arg in program.args if arg.role.is_read]
    golden = Golden(kernel, case.inputs)
    count = 0
    for results in (program.stream([inputs] * calls), program.batch([inputs] * calls)):
        for result in results:
            golden.compare(result).require(kernel.title)
            count += 1
    assert count == 2 * calls


@pytest.mark.xrt
def test_instructions_of_another_kernel_end_in_a_named_failure(lab: Lab) -> None:
    """The xclbin of one kernel with the instructions of another; then the right ones again."""
    kernel, other = registry.find("gelu_int8/512")[0], registry.find("passthrough")[0]
    device = lab.device
    stack = device._stack
    own, foreign = stack.files(lab.build(kernel), ""), stack.files(lab.build(other), "")
    mixed = type(stack)(**{**vars(stack), "files": lambda *_: (own[0], foreign[1])})
    device.close()  # the pool is one for both, and a device evicts its own contexts only
    wrong = XrtDevice(mixed, timeout=2)
    try:
        program = wrong.load(lab.build(kernel))
        case = next(iter(kernel.demo()))
        inputs = [case.inputs[arg.name] for arg in program.args if arg.role.is_read]
        with pytest.raises(CheckFailed) as caught:
            program(*inputs)
        assert caught.value.code in {"NPU430", "NPU431", "NPU432", "NPU437"}
    finally:
        wrong.close()
    assert check_canary(device)


@pytest.mark.xrt
def test_more_buffers_than_the_xclbin_takes_are_refused(lab: Lab) -> None:
    kernel = registry.find("gelu_int8/512")[0]
    with pytest.raises(LabError) as caught:
        lab.device.load(lab.build(kernel), kernel.args() * 4)
    assert caught.value.code == "NPU426"


def _canary_of(name: str) -> int:
    return check_canary(open_device(name))


def test_processes_at_once(pytestconfig: pytest.Config) -> None:
    """Each with its own context: the driver shares the array between them."""
    name = pytestconfig.getoption("--device")
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        assert all(pool.map(_canary_of, [name] * PROCESSES))
