"""Keeps the records of a run of ``npulab test`` or ``npulab demo`` while it goes on."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

import msgspec

from errors import MissingEnvironment
from kernels.compare import Histogram, OutputResult
from kernels.contract import Kernel
from npulab.checking import Checked
from npulab.report import records
from npulab.report.records import (
    CaseRecord,
    Data,
    ErrorRecord,
    OutputRecord,
    RunRecord,
    VariantRecord,
    error_record,
    now,
)
from runtime.sim import SimDevice
from runtime.verify import CaseReport
from simulator.clock import CLOCK_HZ
from simulator.findings import told
from toolchain.build import default_root
from toolchain.storage import disk, manifest

LIBRARIES = ("npulab", "numpy", "ml_dtypes", "xdsl", "ziglang")
"""What results may depend on."""


def versions() -> dict[str, str]:
    """Return the versions of Python, of the machine's kind and of `LIBRARIES`."""
    found = {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


class Recording:
    """Writes what a run finds as it finds it: hand it every case and every variant.

    A build folder that refuses to be written costs the records, not the run: `refused` says so.

    Args:
        data: The command.
        planned: The variants that it is to check.
        seed: Of random data.
        root: The build folder; see :func:`toolchain.build.default_root`.
    """

    def __init__(
        self, data: Data, planned: Sequence[Kernel], seed: int = 0, root: Path | None = None
    ) -> None:
        self.refused: MissingEnvironment | None = None
        self._root = root or default_root()
        self._seed = seed
        self._start = time.perf_counter()
        self._cases: list[CaseRecord] = []
        self._warned = len(told())
        self._run = RunRecord(
            data=data,
            began=now(),
            seconds=None,
            planned=tuple(kernel.title for kernel in planned),
            done=0,
            versions=versions(),
        )
        self._write_run()

    def case(self, kernel: Kernel, case: CaseReport) -> None:
        """Take a case that has just ended."""
        self._cases.append(_case(case))
        self._write_variant(kernel, (), done=False)

    def results(self, checked: Iterable[Checked]) -> Iterator[Checked]:
        """Yield what `checked` does, and take it; at its end the run has ended."""
        for one in checked:
            errors = tuple(error_record(error) for error in one.errors)
            self._write_variant(one.kernel, errors, done=True)
            self._cases, self._warned = [], len(told())
            self._run = msgspec.structs.replace(self._run, done=self._run.done + 1)
            self._write_run()
            yield one
        seconds = round(time.perf_counter() - self._start, 3)
        self._run = msgspec.structs.replace(self._run, seconds=seconds)
        self._write_run()

    def _write_run(self) -> None:
        self._write(records.run_path(self._root, self._run.data), self._run)

    def _write_variant(
        self, kernel: Kernel, errors: tuple[ErrorRecord, ...], *, done: bool
    ) -> None:
        path = records.variant_path(self._root, self._run.data, kernel.kernel_name(), kernel.label)
        record = VariantRecord(
            kernel=kernel.kernel_name(),
            variant=kernel.label,
            run=self._run.began,
            when=now(),
            seed=self._seed,
            done=done,
            build=self._build(kernel),
            device=SimDevice.name,
            clock_hz=CLOCK_HZ,
            tolerance=str(kernel.tolerance),
            limit=kernel.tolerance.limit,
            unit=kernel.tolerance.unit,
            cases=tuple(self._cases),
            errors=errors,
            warnings=tuple(error_record(one) for one in told()[self._warned :]),
        )
        self._write(path, record)

    def _build(self, kernel: Kernel) -> str | None:
        folder = self._root / SimDevice.target / kernel.kernel_name() / kernel.label
        content = disk.read_if_there(folder / manifest.NAME)
        record = manifest.decode(content) if content else None
        return records.digest(record) if record else None

    def _write(self, path: Path, record: RunRecord | VariantRecord) -> None:
        if self.refused is not None:
            return
        try:
            records.write(path, record)
        except MissingEnvironment as error:
            self.refused = error


def print_refusal(recording: Recording) -> None:
    """Say on stderr that there are no records of the run, and why, if that is so."""
    from npulab.console import print_wrapped, stderr

    if recording.refused is not None:
        text = f"warning: no record of this run is kept: {recording.refused.message}"
        print_wrapped(stderr(), text, style="yellow")


def _case(case: CaseReport) -> CaseRecord:
    outputs = case.comparison.outputs if case.comparison else ()
    return CaseRecord(
        name=case.case,
        ok=case.ok,
        seconds=round(case.seconds, 6),
        cycles=case.cycles,
        outputs=tuple(_output(output, case.errors.get(output.name)) for output in outputs),
        error=error_record(case.failure) if case.failure else None,
    )


def _output(output: OutputResult, errors: Histogram | None) -> OutputRecord:
    worst = output.worst.error if output.worst else 0.0
    return OutputRecord(
        name=output.name,
        finding=output.finding.value if output.finding else None,
        message=output.message,
        total=output.total,
        compared=output.compared,
        bad=output.bad,
        unwritten=output.unwritten,
        nan=output.nan,
        worst=worst if math.isfinite(worst) else None,
        diagnosis=output.diagnosis,
        unit=errors.unit if errors else output.unit,
        small=errors.small if errors else 0,
        steps=errors.steps if errors else (),
        shares=errors.shares if errors else None,
    )
