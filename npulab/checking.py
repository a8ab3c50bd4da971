"""What `demo` and `test` share: build, load on the simulator, verify, tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from errors import CheckFailed, LabError
from kernels.contract import Case, Kernel
from npulab import figures
from npulab.building import build_units, built, error_document
from npulab.console import print_wrapped, stdout
from npulab.deadlocks import drawing_device
from npulab.running import Where
from runtime.device import Device
from runtime.sim import SimDevice
from runtime.verify import CaseReport, Report, verify
from simulator.clock import CLOCK_HZ
from toolchain.build import BuildResult
from toolchain.unit import Unit

CYCLES_NOTE = (
    "Cycles are modelled, not measured; the model's clock is "
    f"{CLOCK_HZ / 1e9:g} GHz, so 1,000 cycles are {1e12 / CLOCK_HZ / 1e3:g} us."
)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What became of one variant.

    Attributes:
        report: Its cases; None where it could not be built or loaded.
        errors: Everything that went wrong with it.
    """

    kernel: Kernel
    report: Report | None
    errors: tuple[LabError, ...]


Watcher = Callable[[Kernel, CaseReport], None]


def check_kernels(
    kernels: Sequence[Kernel],
    cases: Callable[[Kernel], Iterable[Case]],
    *,
    jobs: int | None,
    where: Where | None = None,
    on_case: Watcher | None = None,
) -> Iterator[Checked]:
    """Build all of `kernels`, then yield what became of each on the simulated array.

    Args:
        kernels: The variants.
        cases: Gives a variant's data.
        jobs: Build steps at a time.
        where: Where they run; see :func:`npulab.running.choose_runner`.
        on_case: Told of each case as it ends.
    """
    device: Device = drawing_device()
    units = [Unit.from_kernel(kernel) for kernel in kernels]
    results = build_units(units, jobs=jobs, where=where)
    for kernel, result in zip(kernels, results, strict=True):
        yield _check(kernel, result, device, cases(kernel), on_case)


def _check(
    kernel: Kernel,
    result: BuildResult,
    device: Device,
    cases: Iterable[Case],
    on_case: Watcher | None,
) -> Checked:
    def told(case: CaseReport) -> None:
        if on_case:
            on_case(kernel, case)

    if result.errors:
        return Checked(kernel=kernel, report=None, errors=result.errors)
    try:
        report = verify(kernel, device.load(built(result)), cases, told)
    except LabError as error:
        return Checked(kernel=kernel, report=None, errors=(error,))
    if not report.cases:
        nothing = CheckFailed(
            f"{kernel.title}: there was no case to run, so nothing was compared",
            cure="yield at least one case from cases() and from demo()",
        )
        return Checked(kernel=kernel, report=None, errors=(nothing,))
    failures = tuple(case.failure for case in report.cases if case.failure)
    return Checked(kernel=kernel, report=report, errors=failures)


def error_text(kernel: Kernel, worst: float) -> str:
    """Return an error beside what the kernel allows; see :func:`npulab.figures.error`."""
    return figures.error(worst, kernel.tolerance.limit, kernel.tolerance.unit)


def print_summary(checked: Sequence[Checked], seconds: float) -> None:
    """Print how much was compared where, with which result."""
    console = stdout()
    wrong = sum(bool(one.errors) for one in checked)
    cases = [case for one in checked if one.report for case in one.report.cases]
    console.print()
    print_wrapped(
        console,
        f"{figures.number(len(checked), 'variant')} on the {SimDevice.name}: "
        f"{figures.number(len(cases), 'case')}, "
        f"{sum(case.compared for case in cases):,} elements, {figures.seconds(seconds)}",
    )
    if wrong:
        console.print(
            f"{wrong} of {figures.number(len(checked), 'variant')} wrong", style="bold red"
        )
    else:
        console.print("all agree with their golden models", style="green")
    print_wrapped(console, CYCLES_NOTE, style="dim")


def all_errors(checked: Sequence[Checked]) -> list[tuple[str, LabError]]:
    """Return everything that went wrong, each with the kernel's name."""
    return [(one.kernel.kernel_name(), error) for one in checked for error in one.errors]


def document(checked: Sequence[Checked]) -> dict[str, Any]:
    """Return all that became of the variants as JSON."""
    from npulab.warning import warning_documents

    return {
        "device": SimDevice.name,
        "cycles": {"basis": "modelled", "clock_hz": CLOCK_HZ},
        "ok": all(not one.errors for one in checked),
        "warnings": warning_documents(),
        "variants": [_variant(one) for one in checked],
    }


def _variant(one: Checked) -> dict[str, Any]:
    cases = one.report.cases if one.report else ()
    return {
        "kernel": one.kernel.kernel_name(),
        "variant": one.kernel.label,
        "tolerance": str(one.kernel.tolerance),
        "ok": not one.errors,
        "errors": [error_document(error) for error in one.errors],
        "cases": [
            {
                "case": case.case,
                "ok": case.ok,
                "seconds": round(case.seconds, 6),
                "cycles": case.cycles,
                "comparison": case.comparison.to_json() if case.comparison else None,
            }
            for case in cases
        ],
    }
