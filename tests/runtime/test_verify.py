"""The check of a kernel: right outputs pass, everything else is told for what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from errors import CheckFailed
from kernels.compare import Poison
from kernels.contract import Arg, Array, Case, Kernel
from runtime.device import Basis, Result, Timing
from runtime.verify import check, verify

Fault = Callable[[dict[str, Array], Poison], None]


class NumpyProgram:
    """A program that computes with the golden model and spoils what `fault` says."""

    def __init__(self, kernel: Kernel, fault: Fault | None = None) -> None:
        self.kernel = kernel
        self.fault = fault

    @property
    def args(self) -> tuple[Arg, ...]:
        return self.kernel.args()

    def __call__(self, *inputs: Array) -> Result:
        read = [arg for arg in self.args if arg.role.is_read]
        outputs = self.kernel.golden(
            {arg.name: array for arg, array in zip(read, inputs, strict=True)}
        )
        poison = Poison(1)
        if self.fault:
            self.fault(outputs, poison)
        return Result(
            outputs=outputs,
            poison=poison,
            written=dict.fromkeys(outputs),
            timing=Timing(
                dispatch=None, transfer=None, run=1e-6, cycles=1000, basis=Basis.MODELLED
            ),
        )


def case(kernel: Kernel, name: str = "random-0") -> Case:
    return next(case for case in kernel.cases() if case.name == name)


def test_right_outputs_pass_and_are_counted(gelu: Kernel) -> None:
    report = check(gelu, NumpyProgram(gelu), case(gelu))
    assert report.ok
    assert (report.kernel, report.case) == ("gelu_int8/512", "random-0")
    assert (report.compared, report.worst, report.cycles) == (512, 0, 1000)


def _wrong_element(outputs: dict[str, Array], poison: Poison) -> None:  # noqa: ARG001
    outputs["y"][7] ^= 1


def _never_written(outputs: dict[str, Array], poison: Poison) -> None:
    poison.fill(outputs["y"])


def _missing(outputs: dict[str, Array], poison: Poison) -> None:  # noqa: ARG001
    del outputs["y"]


def _half(outputs: dict[str, Array], poison: Poison) -> None:  # noqa: ARG001
    outputs["y"] = outputs["y"][:256]


@pytest.mark.parametrize(
    ("fault", "compared", "says"),
    [
        (_wrong_element, 512, "gelu_int8/512 on random-0: y: 1 of 512 elements wrong"),
        (_never_written, 512, "never written"),
        (_missing, 0, "y: is missing"),
        (_half, 0, "has the shape"),
    ],
)
def test_wrong_outputs_fail_with_what_is_wrong(
    gelu: Kernel, fault: Fault, compared: int, says: str
) -> None:
    report = check(gelu, NumpyProgram(gelu, fault), case(gelu))
    assert not report.ok
    assert isinstance(report.failure, CheckFailed)
    assert says in report.failure.message
    assert report.compared == compared


def test_a_run_that_fails_is_a_failed_case_and_stops_no_other(gelu: Kernel) -> None:
    def stuck(outputs: dict[str, Array], poison: Poison) -> None:  # noqa: ARG001
        if not outputs["y"].any():
            raise CheckFailed("deadlock", code="NPU203")

    told: list[str] = []
    cases = [case(gelu, "zeros"), case(gelu, "ramp")]
    report = verify(gelu, NumpyProgram(gelu, stuck), cases, lambda one: told.append(one.case))
    assert told == ["zeros", "ramp"]
    assert [one.ok for one in report.cases] == [False, True]
    assert not report.ok
    stuck_case = report.cases[0]
    assert stuck_case.result is None
    assert stuck_case.comparison is None
    assert stuck_case.cycles is None
    assert stuck_case.failure is not None
    assert stuck_case.failure.code == "NPU203"
    assert stuck_case.failure.message == "gelu_int8/512 on zeros: deadlock"


def test_no_cases_are_not_a_success(gelu: Kernel) -> None:
    def none() -> Iterator[Case]:
        yield from ()

    assert not verify(gelu, NumpyProgram(gelu), none()).ok


def test_a_bug_in_the_golden_model_is_not_swallowed(gelu: Kernel) -> None:
    inputs = {"x": np.full(512, 9, np.int8), "table": np.zeros(2, np.int8)}
    with pytest.raises(IndexError):
        check(gelu, NumpyProgram(gelu), Case("short-table", inputs))
