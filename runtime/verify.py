"""The check of a kernel on a device: one code path for tests and for the command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from errors import CheckFailed
from kernels.compare import Comparison, Histogram, compare, histograms
from kernels.contract import Array, Case, Kernel
from runtime.device import Program, Result


@dataclass(frozen=True, kw_only=True)
class CaseReport:
    """What became of one case.

    Attributes:
        kernel: The variant's title, ``kernel/variant``.
        case: The case's name.
        result: What the device gave; None where the run itself failed.
        comparison: The outputs against the golden model; None likewise.
        failure: Why the case is not right; None where it is.
        seconds: Wall time of the run, on this machine; golden model and comparison apart.
        errors: How far each output's elements are from the golden model, by output.
    """

    kernel: str
    case: str
    result: Result | None
    comparison: Comparison | None
    failure: CheckFailed | None
    seconds: float
    errors: Mapping[str, Histogram] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the run ended and every output is right."""
        return self.failure is None

    @property
    def compared(self) -> int:
        """Elements whose value was compared with the golden model's."""
        return self.comparison.compared if self.comparison else 0

    @property
    def worst(self) -> float:
        """Largest error of any element, in the unit of the kernel's tolerance."""
        outputs = self.comparison.outputs if self.comparison else ()
        return max((output.worst.error for output in outputs if output.worst), default=0.0)

    @property
    def cycles(self) -> int | None:
        """Cycles of the run, where the device counts them."""
        return self.result.timing.cycles if self.result else None


@dataclass(frozen=True)
class Report:
    """What became of all cases of one variant."""

    kernel: Kernel
    cases: tuple[CaseReport, ...]

    @property
    def ok(self) -> bool:
        """Whether there were cases and all are right."""
        return bool(self.cases) and all(case.ok for case in self.cases)


def verify(
    kernel: Kernel,
    program: Program,
    cases: Iterable[Case],
    on_case: Callable[[CaseReport], None] | None = None,
) -> Report:
    """Run every case and hold it against the golden model; a case that fails stops no other.

    Args:
        kernel: The variant that `program` was built from.
        program: It, loaded on any device.
        cases: Inputs, by argument name.
        on_case: Told of each case as it ends.
    """
    reports = []
    for case in cases:
        reports.append(check(kernel, program, case))
        if on_case:
            on_case(reports[-1])
    return Report(kernel, tuple(reports))


def check(kernel: Kernel, program: Program, case: Case) -> CaseReport:
    """Run one case and hold its outputs against the golden model.

    Raises:
        UsageError: The case's inputs are not what the arguments say.
    """
    inputs = [case.inputs[arg.name] for arg in program.args if arg.role.is_read]
    what = f"{kernel.title} on {case.name}"
    start = time.perf_counter()
    result: Result | None = None
    comparison: Comparison | None = None
    failure: CheckFailed | None = None
    errors: dict[str, Histogram] = {}
    try:
        result = program(*inputs)
    except CheckFailed as error:
        failure = CheckFailed(
            f"{what}: {error.message}", cure=error.cure, code=error.code, details=error.details
        )
    seconds = time.perf_counter() - start
    if result:
        golden = Golden(kernel, case.inputs)
        comparison = golden.compare(result)
        errors = golden.histograms(result)
        failure = _failure(comparison, what)
    return CaseReport(
        kernel=kernel.title,
        case=case.name,
        result=result,
        comparison=comparison,
        failure=failure,
        seconds=seconds,
        errors=errors,
    )


class Golden:
    """What a kernel's golden model gives for some inputs: runs on them are held against it.

    Args:
        kernel: The variant.
        inputs: Its input arrays, by argument name.
    """

    def __init__(self, kernel: Kernel, inputs: Mapping[str, Array]) -> None:
        self._kernel = kernel
        self._outputs, self._spreads = kernel.golden(inputs), kernel.spreads(inputs)

    def compare(self, result: Result) -> Comparison:
        """Hold a run against it; see :func:`kernels.compare.compare`."""
        return compare(
            result.outputs,
            self._outputs,
            self._kernel.args(),
            self._kernel.tolerance,
            poison=result.poison,
            written=result.written,
            spreads=self._spreads,
        )

    def histograms(self, result: Result) -> dict[str, Histogram]:
        """Count how far a run's elements are from it; see :func:`kernels.compare.histograms`."""
        kernel = self._kernel
        return histograms(
            result.outputs, self._outputs, kernel.args(), kernel.tolerance, self._spreads
        )


def _failure(comparison: Comparison, what: str) -> CheckFailed | None:
    try:
        comparison.require(what)
    except CheckFailed as failure:
        return failure
    return None
