"""What `demo` and `test` share: build, load on the simulator, verify, tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from errors import CheckFailed, LabError
from kernels.contract import Case, Kernel
from kernels.merged import Merged
from npulab import figures
from npulab.building import build_units, built, error_document
from npulab.console import print_wrapped, stdout
from npulab.deadlocks import drawing_device
from npulab.running import Where
from runtime.device import Device
from runtime.sim import SimDevice
from runtime.verify import CaseReport, Report, check, verify
from simulator.clock import CLOCK_HZ
from toolchain.build import BuildResult
from toolchain.unit import Unit

CYCLES_NOTE = (
    "Cycles are modelled, not measured; the model's clock is "
    f"{CLOCK_HZ / 1e9:g} GHz, so 1,000 cycles are {1e12 / CLOCK_HZ / 1e3:g} us."
)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What became of one variant, by itself or as a part of a merged design.

    Attributes:
        report: Its cases; None where it could not be built or loaded.
        errors: Everything that went wrong with it.
        built: Whether it could be built.
        merged: The merged design that it is a part of.
    """

    kernel: Kernel
    report: Report | None
    errors: tuple[LabError, ...]
    built: bool = True
    merged: Merged | None = None

    @property
    def title(self) -> str:
        """The variant's title, behind that of its merged design."""
        return f"{self.merged.title}, {self.kernel.title}" if self.merged else self.kernel.title

    @property
    def design(self) -> str:
        """The kernel's name, or the title of the merged design."""
        return self.merged.title if self.merged else self.kernel.kernel_name()


Watcher = Callable[[Kernel, CaseReport], None]

PartWatcher = Callable[[str, Kernel, CaseReport], None]
"""Told of the title of what is checked too; see `Checked.title`."""


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
        return Checked(kernel=kernel, report=None, errors=result.errors, built=False)
    try:
        report = verify(kernel, device.load(built(result)), cases, told)
    except LabError as error:
        return Checked(kernel=kernel, report=None, errors=(error,))
    return _judged(report)


def _judged(report: Report, merged: Merged | None = None) -> Checked:
    if not report.cases:
        nothing = CheckFailed(
            f"{report.kernel.title}: there was no case to run, so nothing was compared",
            cure="yield at least one case from cases() and from demo()",
        )
        return Checked(kernel=report.kernel, report=None, errors=(nothing,), merged=merged)
    failures = tuple(case.failure for case in report.cases if case.failure)
    if merged:
        failures = tuple(_of_merged(error, merged) for error in failures)
    return Checked(kernel=report.kernel, report=report, errors=failures, merged=merged)


def _of_merged(error: CheckFailed, merged: Merged) -> CheckFailed:
    return CheckFailed(
        f"{merged.title}: {error.message}",
        cure=error.cure,
        code=error.code,
        details=error.details,
    )


def check_merged(
    merged: Sequence[Merged],
    cases: Callable[[Kernel], Iterable[Case]],
    *,
    jobs: int | None,
    where: Where | None = None,
    on_case: PartWatcher | None = None,
) -> Iterator[Checked]:
    """Build merged designs, then yield what became of each part, called by its own sequence.

    The parts take turns, case by case, so that none leaves the array in a state that harms
    another. `on_case` is told of a part's cases when all parts have ended.

    Args:
        merged: The designs.
        cases: Gives a variant's data.
        jobs: Build steps at a time.
        where: Where they run; see :func:`npulab.running.choose_runner`.
        on_case: Told of each case.
    """
    device = drawing_device()
    results = build_units([Unit.from_merged(one) for one in merged], jobs=jobs, where=where)
    for one, result in zip(merged, results, strict=True):
        for checked in _check_parts(one, result, device, cases):
            for case in checked.report.cases if checked.report else ():
                if on_case:
                    on_case(checked.title, checked.kernel, case)
            yield checked


def _check_parts(
    merged: Merged,
    result: BuildResult,
    device: SimDevice,
    cases: Callable[[Kernel], Iterable[Case]],
) -> list[Checked]:
    parts = merged.sequences
    if result.errors:
        return [
            Checked(kernel=part, report=None, errors=result.errors, built=False, merged=merged)
            for part in merged.parts
        ]
    try:
        args = {name: part.args() for name, part in parts.items()}
        programs = device.load_merged(built(result), args)
        reports: dict[str, list[CaseReport]] = {name: [] for name in parts}
        ahead = {name: iter(cases(part)) for name, part in parts.items()}
        while ahead:
            for name in tuple(ahead):
                case = next(ahead[name], None)
                if case is None:
                    del ahead[name]
                else:
                    reports[name].append(check(parts[name], programs[name], case))
    except LabError as error:
        return [
            Checked(kernel=part, report=None, errors=(error,), merged=merged)
            for part in merged.parts
        ]
    return [_judged(Report(parts[name], tuple(found)), merged) for name, found in reports.items()]


def error_text(kernel: Kernel, worst: float) -> str:
    """Return an error beside what the kernel allows; see :func:`npulab.figures.error`."""
    return figures.error(worst, kernel.tolerance.limit, kernel.tolerance.unit)


def print_summary(checked: Sequence[Checked], seconds: float) -> None:
    """Print how much was compared where, with which result."""
    console = stdout()
    ran = [one.report for one in checked if one.report]
    cases = [case for report in ran for case in report.cases]
    console.print()
    print_wrapped(
        console,
        f"{figures.number(len(ran), 'variant')} on the {SimDevice.name}: "
        f"{figures.number(len(cases), 'case')}, "
        f"{sum(case.compared for case in cases):,} elements, {figures.seconds(seconds)}",
    )
    failed = {
        "not built": sum(not one.built for one in checked),
        "not run": sum(one.built and one.report is None for one in checked),
        "wrong": sum(one.report is not None and bool(one.errors) for one in checked),
    }
    for what, count in failed.items():
        if count:
            text = f"{count} of {figures.number(len(checked), 'variant')} {what}"
            console.print(text, style="bold red")
    if not any(failed.values()):
        console.print("all agree with their golden models", style="green")
    if any(case.cycles is not None for case in cases):
        print_wrapped(console, CYCLES_NOTE, style="dim")


def all_errors(checked: Sequence[Checked]) -> list[tuple[str, LabError]]:
    """Return everything that went wrong, each once, with the name of the kernel or design."""
    return list(dict.fromkeys((one.design, error) for one in checked for error in one.errors))


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
        "merged": one.merged.title if one.merged else None,
        "built": one.built,
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
