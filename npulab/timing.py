"""What `npulab bench` does: device in line, canary, then kernel by kernel."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from errors import LabError, MissingEnvironment
from kernels.contract import Kernel
from npulab import figures
from npulab.building import build_units, built, error_document
from npulab.console import Column, Rows, print_wrapped, stderr, stdout
from npulab.timing_progress import RunCounter
from runtime.bench.conditions import changes, conditions, objections, provenance
from runtime.bench.documents import record_document
from runtime.bench.measure import measure
from runtime.bench.record import Record
from runtime.bench.sampling import Plan
from runtime.bench.store import append
from runtime.canary import check_canary
from runtime.device import Device
from runtime.devices import open_device
from runtime.lock import device_lock
from toolchain.unit import Unit


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to be timed.

    Attributes:
        device: Its name on the command line.
        strict: Whether bad conditions end it.
        store: Where records go; those of finished variants stay, whatever follows.
        quiet: Whether nothing is to be printed on stdout.
    """

    device: str
    kernels: tuple[Kernel, ...]
    plan: Plan
    strict: bool
    store: Path
    quiet: bool = False


Errors = list[tuple[str, LabError]]
"""What went wrong, each with its kernel."""


def run_bench(job: Job) -> tuple[list[Record], Errors]:
    """Time the kernels of a job, and return the records and what went wrong.

    Raises:
        LabError: No device, a dead canary, no turn in the queue.
    """
    real = job.device == "xrt"
    device = open_device(job.device)
    with device_lock("npulab bench", on_wait=_tell) if real else nullcontext():
        found = conditions()
        if real:
            _preflight(found, strict=job.strict)
        check_canary(device)
        ended = _timed(job, device, found)
        for line in changes(found, conditions()) if real else ():
            print_wrapped(stderr(), f"bench: {line}: times from before and after differ")
        return ended


def _timed(job: Job, device: Device, found: dict[str, str]) -> tuple[list[Record], Errors]:
    units = [Unit.from_kernel(kernel) for kernel in job.kernels]
    results = build_units(units, target=device.target)
    versions, session = provenance(), secrets.token_hex(6)
    rows = None if job.quiet else _rows()
    records: list[Record] = []
    errors: Errors = []
    for kernel, result in zip(job.kernels, results, strict=True):
        try:
            with RunCounter(kernel.title) as counter:
                record = measure(
                    kernel,
                    device.load(built(result)),
                    device,
                    plan=job.plan,
                    provenance=versions,
                    conditions=found,
                    session=session,
                    on_run=counter.ran,
                )
        except LabError as error:
            errors.append((kernel.kernel_name(), error))
            continue
        append(job.store, [record])
        records.append(record)
        if rows:
            _print_record(rows, record)
    if rows:
        _conclude(records, device, job.store)
    return records, errors


def bench_document(records: Sequence[Record], errors: Errors) -> dict[str, object]:
    """Return what `--json` prints."""
    return {
        "records": [record_document(record) for record in records],
        "errors": [{"kernel": kernel, **error_document(error)} for kernel, error in errors],
    }


def _rows() -> Rows:
    rows = Rows(
        stdout(),
        Column("variant", 24),
        Column("median", 8, "right"),
        Column("+-", 5, "right"),
        Column("MAD", 5, "right"),
        Column("p95", 8, "right"),
        Column("p99", 8, "right"),
        Column("n", 6, "right"),
    )
    rows.header()
    return rows


def _print_record(rows: Rows, record: Record) -> None:
    """Print a record: its times in a row, below it what they are made of and amount to."""
    summary = record.summary
    rows.row(
        record.kernel,
        figures.seconds(summary.median),
        f"{summary.spread:.1%}",
        f"{summary.mad / summary.median:.1%}",
        figures.seconds(summary.p95),
        figures.seconds(summary.p99),
        f"{summary.count}{'' if record.tight else '*'}",
    )
    print_wrapped(stdout(), ", ".join(_parts(record)) + ";", indent=2)
    print_wrapped(stdout(), ", ".join(_rates(record)), indent=2)


def _parts(record: Record) -> Iterator[str]:
    """Yield what a call's time is made of."""
    if record.array is not None:
        yield f"array {_known(record.array, record.array_error)}"
    if record.dispatch is not None:
        yield f"dispatch {figures.seconds(record.dispatch)}"
    if record.amortised is not None:
        listed = _known(record.amortised, record.amortised_error)
        yield f"in a list of {record.chain} {listed} each"
    if record.transfer is not None:
        yield f"transfer {figures.seconds(record.transfer)}"
    yield figures.number(record.summary.outliers, "outlier")


def _known(value: float, error: float | None) -> str:
    """Return a time with half of its 95% interval, where that is known."""
    return figures.seconds(value) + ("" if error is None else f" +-{error / value:.1%}")


def _rates(record: Record) -> Iterator[str]:
    """Yield rates over the whole call, and shares of what the array could do in its part."""
    median = record.summary.median
    yield f"{record.bytes / median / 1e9:.3f} GB/s"
    if record.ops:
        yield f"{record.ops / 2 / median / 1e9:.3f} GMAC/s"
    if record.of_peak is not None:
        yield f"array at {record.of_peak:.1%} of its peak"
    if record.of_bound is not None:
        yield f"at {record.of_bound:.0%} of the model's bound ({record.bound_by})"


def _conclude(records: Sequence[Record], device: Device, store: Path) -> None:
    console = stdout()
    bases = sorted({record.basis for record in records})
    if records:
        console.print(f"\n{' and '.join(bases)} on the {device.name}; records in {store}")
    for clock in sorted({(one.clock_hz, one.clock_from) for one in records if one.clock_hz}):
        hertz, source = clock
        print_wrapped(
            console,
            f"peak and bound are modelled, for an array clock of {(hertz or 0) / 1e9:g} GHz "
            f"({source})",
        )
    if any(not record.tight for record in records):
        console.print("* the time was up before the median was known to half a percent")


def _preflight(found: dict[str, str], *, strict: bool) -> None:
    """Print under what conditions times are taken, and what speaks against it.

    Raises:
        MissingEnvironment: NPU446, something does, and that is not to be.
    """
    console = stderr()
    told = [found[name] for name in ("power_supply", "temperature")]
    told = [f"power mode {found['power_mode']}", f"array clock {found['clock']}", *told]
    print_wrapped(console, f"bench: {', '.join(told)}, {found['other_users']} other users")
    says = [str(one) for one in objections(found)]
    for line in says:
        print_wrapped(console, f"bench: {line}")
    if says and strict:
        raise MissingEnvironment(
            "conditions are not fit for timing",
            cure="mend what is listed above, or leave --strict away",
            code="NPU446",
            details=tuple(says),
        )


def _tell(place: object) -> None:
    click.echo(str(place), err=True)
