"""What tests and failed builds leave behind: JSON beneath ``records/`` of the build folder.

``records/test.json`` and ``records/demo.json`` tell of the last run of the command of that name,
``records/test/KERNEL/VARIANT.json`` of the last time that it checked that variant, and
``records/failed/TARGET/NAME/LABEL.json`` of a build that failed and has not succeeded since.
Every file is replaced as a whole while a run goes on, so that a run that is killed leaves what
it had found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from errors import LabError
from toolchain.storage import disk, records
from toolchain.storage.manifest import Manifest

SCHEMA = 1
FOLDER = "records"

Data = Literal["test", "demo"]
"""Which command ran: it says which data, edges and random or real input."""

DATA: tuple[Data, ...] = ("test", "demo")


class ErrorRecord(msgspec.Struct, frozen=True):
    """An error or a warning, as `errors.LabError` tells it."""

    code: str | None
    message: str
    cure: str | None
    details: tuple[str, ...] = ()


class OutputRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An output of a case beside its golden model: see `kernels.compare.OutputResult`.

    Attributes:
        finding: What is wrong, None where the output is right.
        worst: Largest error in the tolerance's unit; None where it is infinite.
        unit: What `steps` counts.
        small: Elements whose error counts absolutely only, which `steps` leaves out; 0 in records
            from before there was such a number, whose `steps` have all.
        steps: The others by distance, in the bins of `kernels.compare.histogram.STEPS`; empty
            where no values could be compared.
        shares: All elements by share of the tolerance, in the bins of `SHARES`; None where the
            tolerance allows nothing.
    """

    name: str
    finding: str | None
    message: str
    total: int
    compared: int
    bad: int
    unwritten: int
    nan: int
    worst: float | None
    diagnosis: str
    unit: str
    steps: tuple[int, ...]
    shares: tuple[int, ...] | None
    small: int = 0


class CaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A case: see `runtime.verify.CaseReport`.

    Attributes:
        seconds: Wall time of the run.
        cycles: Cycles of the run, modelled; None where it did not end.
        outputs: Empty where the run did not end.
        error: Why it is not right.
    """

    name: str
    ok: bool
    seconds: float
    cycles: int | None
    outputs: tuple[OutputRecord, ...]
    error: ErrorRecord | None

    @property
    def compared(self) -> int:
        """Elements whose value was compared."""
        return sum(output.compared for output in self.outputs)


class VariantRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found of one variant.

    Attributes:
        run: When the run began that this is of: `RunRecord.began`.
        when: When its last case ended, in UTC, ISO 8601.
        done: Whether all of its cases were run.
        build: Digest of the build that was run; None where there is none.
        tolerance: What is allowed and why.
        limit: The largest error that is right, in `unit`.
        clock_hz: Cycles a second that the model assumes.
        errors: All that went wrong, the cases' own included.
        warnings: Findings that were told and did not fail.
    """

    schema: int = SCHEMA
    kernel: str
    variant: str
    run: str
    when: str
    seed: int
    done: bool
    build: str | None
    device: str
    clock_hz: int
    tolerance: str
    limit: float
    unit: str
    cases: tuple[CaseRecord, ...]
    errors: tuple[ErrorRecord, ...]
    warnings: tuple[ErrorRecord, ...]

    @property
    def ok(self) -> bool:
        """Whether all cases were run and are right; a record without cases never is."""
        return self.done and bool(self.cases) and not self.errors and all(c.ok for c in self.cases)


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A run of ``npulab test`` or ``npulab demo``.

    Attributes:
        began: When, in UTC, ISO 8601.
        seconds: How long it took; None while it goes on, or where it was interrupted.
        planned: Titles of the variants that it was to check.
        done: How many of them it has checked.
        versions: Of the lab, of Python, of the libraries that results may depend on.
    """

    schema: int = SCHEMA
    data: Data
    began: str
    seconds: float | None
    planned: tuple[str, ...]
    done: int
    versions: dict[str, str]


class FailedBuild(msgspec.Struct, frozen=True, kw_only=True):
    """A build that failed.

    Attributes:
        when: In UTC, ISO 8601.
    """

    schema: int = SCHEMA
    name: str
    label: str
    target: str
    when: str
    errors: tuple[ErrorRecord, ...]


RecordT = TypeVar("RecordT", VariantRecord, RunRecord, FailedBuild)


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def run_path(root: Path, data: Data) -> Path:
    """Return where the record of the last run of a command is."""
    return root / FOLDER / f"{data}.json"


def variant_path(root: Path, data: Data, kernel: str, variant: str) -> Path:
    """Return where the last record of a variant is."""
    return root / FOLDER / data / kernel / f"{variant}.json"


def failed_path(root: Path, target: str, name: str, label: str) -> Path:
    """Return where the record of a failed build is."""
    return root / FOLDER / "failed" / target / name / f"{label}.json"


def write(path: Path, record: VariantRecord | RunRecord | FailedBuild) -> None:
    """Write a record, whole or not at all.

    Raises:
        MissingEnvironment: The disk refuses.
    """
    disk.replace_file(path, msgspec.json.encode(record) + b"\n")


def read(path: Path, kind: type[RecordT]) -> RecordT | None:
    """Return a record; None where there is none, or it is damaged or of another schema."""
    found = records.decode(disk.read_if_there(path), kind)
    return found if found is not None and found.schema == SCHEMA else None


def damaged(root: Path) -> Iterator[Path]:
    """Yield the files among the records that hold none, for people to be told of."""
    for data in DATA:
        yield from (path for path in [run_path(root, data)] if _unreadable(path, RunRecord))
        for path in sorted((root / FOLDER / data).glob("*/*.json")):
            if _unreadable(path, VariantRecord):
                yield path
    for path in sorted((root / FOLDER / "failed").glob("*/*/*.json")):
        if _unreadable(path, FailedBuild):
            yield path


def _unreadable(path: Path, kind: type[RecordT]) -> bool:
    return path.is_file() and read(path, kind) is None


def error_record(error: LabError) -> ErrorRecord:
    """Return an error as plain data."""
    return ErrorRecord(error.code, error.message, error.cure, error.details)


def digest(manifest: Manifest) -> str:
    """Return what tells one build of a variant from another: a hash of all its files'."""
    files = sorted((name, blob.sha256) for name, blob in manifest.outputs.items())
    estimates = [(function.symbol, function.cycles) for function in manifest.functions]
    return hashlib.sha256(repr((files, estimates)).encode()).hexdigest()
