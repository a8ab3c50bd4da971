"""Records of timings, and the file that they are appended to: a line of JSON each."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from errors import UsageError
from runtime.bench.statistics import Summary, summarize


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found of one variant on one device.

    Attributes:
        format: Version of this layout.
        time: When, in UTC, ISO 8601.
        kernel: The variant's title.
        device: What it ran on.
        basis: ``measured`` or ``modelled``; nothing from a simulator is ever the former.
        samples: Seconds of each run from submission to completion, in order, none left out.
        warmup: Runs before the first sample.
        stable: Whether the times had settled by then.
        tight: Whether the median's interval became as narrow as planned.
        transfer: Median seconds of bringing arrays to the device and back.
        amortised: Seconds per run in a runlist; None where the device has none.
        compared: Elements compared with the golden model, all of them right.
        ops: Arithmetic operations of a call.
        bytes: Bytes moved in a call.
        chain: Runs in that runlist.
        clock_hz: The array clock that `peak` and `bound` are for; None in records without them.
        clock_from: Who says so: ``simulator``, ``driver``, ``assumed``.
        peak: Seconds of the operations at the array's peak, modelled; None where it has none.
        bound: Seconds that the busiest part of the design works, modelled; None likewise.
        bound_by: What that part is.
        provenance: Versions of all layers.
        conditions: Power mode, temperature and the like.
    """

    format: int = 1
    time: str
    kernel: str
    device: str
    basis: str
    samples: tuple[float, ...]
    warmup: int
    stable: bool
    tight: bool
    transfer: float | None
    amortised: float | None
    compared: int
    ops: int
    bytes: int
    provenance: dict[str, str]
    conditions: dict[str, str]
    chain: int = 16
    clock_hz: float | None = None
    clock_from: str = ""
    peak: float | None = None
    bound: float | None = None
    bound_by: str = ""

    @property
    def summary(self) -> Summary:
        """What the samples say."""
        return summarize(self.samples)

    @property
    def dispatch(self) -> float | None:
        """Seconds that each submission takes, apart from its runs; None where not known.

        A call takes d + a, and n of them in one list (d + n a) / n each.
        """
        if self.amortised is None or self.chain < 2:
            return None
        return (self.summary.median - self.amortised) * self.chain / (self.chain - 1)

    @property
    def array(self) -> float | None:
        """Seconds of a call on the array, its dispatch apart; None where noise hides it."""
        if self.dispatch is None:
            return self.summary.median
        left = self.summary.median - self.dispatch
        return left if left > 0 else None

    @property
    def of_peak(self) -> float | None:
        """Share of the array's peak while a call is on it, 0 to 1; None where there is none."""
        return self.peak / self.array if self.peak and self.array else None

    @property
    def of_bound(self) -> float | None:
        """Share of a call's time on the array that the busiest part works, by the model."""
        return self.bound / self.array if self.bound and self.array else None

    @property
    def commit(self) -> str:
        """The lab's commit, ``unknown`` where that is not known."""
        return self.provenance.get("commit", "unknown")

    @property
    def series(self) -> tuple[str, str, str, str, str]:
        """What must be the same for two records to be compared at all."""
        return (
            self.kernel,
            self.device,
            self.basis,
            self.provenance.get("host", ""),
            self.conditions.get("power_mode", ""),
        )


def append(path: Path, records: list[Record]) -> None:
    """Add records to a store, whole lines only, so that several jobs may write to it."""
    content = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o664)
        try:
            os.write(handle, content)
        finally:
            os.close(handle)
    except OSError as error:
        raise UsageError(
            f"cannot write the timings to {path}: {error.strerror}",
            cure="take another path",
            code="NPU405",
        ) from error


def read(path: Path) -> list[Record]:
    """Return the records of a store, oldest first.

    Raises:
        UsageError: NPU445: it cannot be read, or a line is no record.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise _unreadable(f"{path}: {error.strerror}") from error
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = msgspec.json.decode(line, type=Record)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise _unreadable(f"{path}, line {number}: {error}") from error
        if not record.samples or min(record.samples) <= 0:
            raise _unreadable(f"{path}, line {number}: samples must be there and above 0")
        records.append(record)
    return records


def _unreadable(message: str) -> UsageError:
    return UsageError(
        message,
        cure="mend or remove the line; `npulab bench` appends one per variant",
        code="NPU445",
    )
