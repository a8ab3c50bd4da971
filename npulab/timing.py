"""What `npulab bench` does: device in line, canary, then kernel by kernel."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from errors import LabError, MissingEnvironment
from kernels.contract import Kernel
from npulab import figures
from npulab.building import build_units, built, report_errors
from npulab.console import Column, Rows, print_wrapped, stderr, stdout
from runtime.bench.conditions import changes, conditions, objections, provenance
from runtime.bench.measure import measure
from runtime.bench.record import Record, append
from runtime.bench.sampling import Plan
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
    """

    device: str
    kernels: tuple[Kernel, ...]
    plan: Plan
    strict: bool
    store: Path


def run_bench(job: Job) -> tuple[list[Record], int]:
    """Time the kernels of a job, and return the records and the exit code.

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


def _timed(job: Job, device: Device, found: dict[str, str]) -> tuple[list[Record], int]:
    units = [Unit.from_kernel(kernel) for kernel in job.kernels]
    results = build_units(units, target=device.target)
    versions = provenance()
    rows = _rows()
    records: list[Record] = []
    errors: list[tuple[str, LabError]] = []
    for kernel, result in zip(job.kernels, results, strict=True):
        try:
            record = measure(
                kernel,
                device.load(built(result)),
                device,
                plan=job.plan,
                provenance=versions,
                conditions=found,
            )
        except LabError as error:
            errors.append((kernel.kernel_name(), error))
            continue
        append(job.store, [record])
        records.append(record)
        rows.row(*_row(record))
    _conclude(records, device, job.store)
    return records, report_errors(errors)


def _rows() -> Rows:
    rows = Rows(
        stdout(),
        Column("variant", 28),
        Column("median", 9, "right"),
        Column("+-", 6, "right"),
        Column("p99", 9, "right"),
        Column("in a list", 9, "right"),
        Column("GB/s", 7, "right"),
        Column("Gop/s", 7, "right"),
        Column("n", 6, "right"),
    )
    rows.header()
    return rows


def _row(record: Record) -> tuple[str, ...]:
    summary = record.summary
    return (
        record.kernel,
        figures.seconds(summary.median),
        f"{summary.spread:.1%}",
        figures.seconds(summary.p99),
        "" if record.amortised is None else figures.seconds(record.amortised),
        f"{record.bytes / summary.median / 1e9:.3f}",
        f"{record.ops / summary.median / 1e9:.2f}",
        f"{summary.count}{'' if record.tight else '*'}",
    )


def _conclude(records: Sequence[Record], device: Device, store: Path) -> None:
    console = stdout()
    bases = sorted({record.basis for record in records})
    if records:
        console.print(f"\n{' and '.join(bases)} on the {device.name}; records in {store}")
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
