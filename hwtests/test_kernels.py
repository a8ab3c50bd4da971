"""Every kernel x variant x case on the device, against its golden model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kernels.contract import Kernel
from runtime.device import Program
from runtime.verify import CaseReport, check, verify

Conclude = Callable[[Kernel, Sequence[CaseReport]], None]


def test_edge_and_random_data(
    kernel: Kernel, case_name: str, program: Program, conclude: Conclude
) -> None:
    case = next(case for case in kernel.cases() if case.name == case_name)
    conclude(kernel, [check(kernel, program, case)])


def test_demo(kernel: Kernel, program: Program, conclude: Conclude) -> None:
    conclude(kernel, verify(kernel, program, kernel.demo()).cases)


def test_again_and_again(kernel: Kernel, program: Program, conclude: Conclude, calls: int) -> None:
    """The last output is as right as the first."""
    case = next(iter(kernel.demo()))
    conclude(kernel, [check(kernel, program, case) for _ in range(calls)])
