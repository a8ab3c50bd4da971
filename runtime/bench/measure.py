"""Timing a variant: right before, right after, and in between the same run again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from statistics import median
from typing import Protocol, runtime_checkable

from kernels.contract import Array, Case, Kernel
from runtime.bench.limits import limits
from runtime.bench.record import Record
from runtime.bench.sampling import Plan, sample
from runtime.device import Basis, Device, Program
from runtime.verify import check

CHAIN = 16
"""Runs in a runlist that is timed."""
TRANSFERS = 5
"""Whole calls from which the time of transfers is taken."""


@runtime_checkable
class Rerunnable(Protocol):
    """A program that can run again on the data that is there, and as a runlist."""

    def rerun(self) -> float:
        """Run once, and return its seconds."""

    def chain(self, count: int) -> float:
        """Run `count` times as one command, and return the seconds of all."""


def measure(
    kernel: Kernel,
    program: Program,
    device: Device,
    *,
    plan: Plan,
    provenance: Mapping[str, str],
    conditions: Mapping[str, str],
) -> Record:
    """Time `program` on the kernel's real input.

    Raises:
        CheckFailed: The output was wrong, before the times or after them: there is no figure.
    """
    case = next(iter(kernel.demo()))
    compared = _right(kernel, program, case)
    inputs = [case.inputs[arg.name] for arg in program.args if arg.role.is_read]
    calls = [program(*inputs).timing for _ in range(TRANSFERS)]
    series = sample(_measure(program, inputs), plan)
    amortised = program.chain(CHAIN) / CHAIN if isinstance(program, Rerunnable) else None
    compared += _right(kernel, program, case)
    transfers = [call.transfer for call in calls if call.transfer is not None]
    work = kernel.work()
    basis = calls[0].basis
    least = limits(kernel, basis, conditions)
    return Record(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        kernel=kernel.title,
        device=device.name,
        basis=basis.value,
        samples=series.samples,
        warmup=series.warmup,
        stable=series.stable,
        tight=series.tight,
        transfer=median(transfers) if transfers and basis is Basis.MEASURED else None,
        amortised=amortised,
        compared=compared,
        ops=work.ops,
        bytes=work.bytes,
        provenance=dict(provenance),
        conditions=dict(conditions),
        chain=CHAIN,
        clock_hz=least.clock_hz,
        clock_from=least.clock_from,
        peak=least.peak,
        bound=least.bound,
        bound_by=least.bound_by,
    )


def _measure(program: Program, inputs: list[Array]) -> Callable[[], float]:
    if isinstance(program, Rerunnable):
        return program.rerun
    return lambda: program(*inputs).timing.run


def _right(kernel: Kernel, program: Program, case: Case) -> int:
    report = check(kernel, program, case)
    if report.failure:
        raise report.failure
    return report.compared
