"""The canary: the simplest kernel, which must be right before any other result counts."""

from __future__ import annotations

from errors import CheckFailed, LabError
from kernels import registry
from runtime.device import Device
from runtime.verify import verify
from toolchain.build import build
from toolchain.unit import Unit

CANARY = "passthrough"
"""Copies its input: if this is wrong, the machine is, not the kernel under test."""


def check_canary(device: Device) -> int:
    """Run the canary on all of its data, and return how many elements were compared.

    Raises:
        CheckFailed: NPU442, with what went wrong.
        LabError: It could not be built.
    """
    kernel = registry.find(CANARY)[0]
    (result,) = build([Unit.from_kernel(kernel)], target=device.target)
    if result.build is None:
        raise result.errors[0]
    try:
        report = verify(kernel, device.load(result.build), kernel.cases())
    except CheckFailed as error:
        raise _died(device, error) from error
    for case in report.cases:
        if case.failure:
            raise _died(device, case.failure)
    return sum(case.compared for case in report.cases)


def _died(device: Device, why: LabError) -> CheckFailed:
    return CheckFailed(
        f"the canary is wrong on the {device.name}: no other result of it counts",
        cure="find out what is wrong with the machine first; its own failure is above",
        code="NPU442",
        details=tuple(str(why).splitlines()),
    )
