"""What `npulab bench --history` prints: the sessions of a store, series by series."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from errors import UsageError
from npulab import figures
from npulab.console import Column, Rows, print_json, print_wrapped, stdout
from runtime.bench.compare import HISTORY, short, sparkline
from runtime.bench.documents import history_document
from runtime.bench.history import History, Point, history
from runtime.bench.store import read


def print_history(store: Path, kernels: Collection[str], *, as_json: bool = False) -> None:
    """Print the newest sessions of each series.

    Args:
        store: The records.
        kernels: Titles of the variants that are wanted; all where there are none.
        as_json: Whether as one JSON document.

    Raises:
        UsageError: NPU445 the store cannot be read; NPU447 it has nothing of what is wanted.
    """
    records = [one for one in read(store) if not kernels or one.kernel in kernels]
    if not records:
        raise UsageError(
            f"{store} has no timings of {', '.join(sorted(kernels)) or 'anything'}",
            cure="take some: npulab bench",
            code="NPU447",
        )
    found = history(records, last=HISTORY)
    if as_json:
        print_json(history_document(found))
        return
    for number, series in enumerate(found):
        if number:
            stdout().print()
        _print_series(series)


def _print_series(series: History) -> None:
    console = stdout()
    console.print(series.kernel, style="bold")
    about = f"{series.basis} on the {series.device}, host {series.host}"
    print_wrapped(console, f"{about}, power mode {series.power_mode}", indent=2)
    medians = [point.median for point in series.points]
    console.print(f"  {sparkline(medians)}", soft_wrap=True)
    rows = Rows(
        console,
        Column("  when (UTC)", 18),
        Column("commit", 14),
        Column("median", 8, "right"),
        Column("+-", 5, "right"),
        Column("change", 7, "right"),
        Column("n", 5, "right"),
        Column("gate", 11),
    )
    rows.header()
    for point in series.points:
        rows.row(*_cells(point))


def _cells(point: Point) -> tuple[str, ...]:
    return (
        "  " + point.time[:16].replace("T", " "),
        short(point.commit),
        figures.seconds(point.median),
        f"{point.spread:.1%}",
        "" if point.change is None else f"{point.change:+.1%}",
        f"{point.samples:,}",
        "" if point.gate is None else point.gate.verdict.value,
    )
