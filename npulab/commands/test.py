"""``npulab test``: every kernel on edge and random data, checked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from npulab.helping import ExampleCommand
from npulab.running import choose_runner, runner_options
from npulab.selection import DesignSelector, select
from npulab.warning import warn_option

if TYPE_CHECKING:
    from kernels.contract import Case, Kernel
    from kernels.merged import Merged
    from runtime.verify import CaseReport


@click.command(
    "test",
    cls=ExampleCommand,
    examples=(
        "npulab test gelu_int8",
        "npulab test --seed 7 --junit report.xml",
        "npulab test merged/rows_bf16",
    ),
)
@click.argument("kernels", nargs=-1, type=DesignSelector())
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of random data."
)
@runner_options
@click.option("-j", "--jobs", type=click.IntRange(1), help="Steps at a time.  [default: all cores]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--junit", type=click.Path(path_type=Path), help="Also write a JUnit XML file.")
@warn_option()
@click.pass_context
def command(
    ctx: click.Context,
    kernels: tuple[list[Kernel | Merged], ...],
    seed: int,
    runner: str,
    python: str | None,
    jobs: int | None,
    as_json: bool,
    junit: Path | None,
) -> None:
    """Check kernels on edge and random data.

    Builds them, runs them on the simulated array, and holds every output
    against the golden model. Exits 1 if any output
    is wrong, and tells which elements are, how far off and where. What it
    finds of kernels is kept for `npulab report`.

    Runs all variants unless some are named. Of a merged design, merged/NAME
    (merged: all of them), the parts take turns on one array.
    """
    from npulab.arrays import check_writable
    from npulab.building import report_errors
    from npulab.checking import all_errors, document, print_summary
    from npulab.console import print_json
    from npulab.junit import write_junit
    from npulab.verifying import check_and_record

    if junit:
        check_writable(junit)

    def cases(kernel: Kernel) -> Iterator[Case]:
        return kernel.cases(seed)

    start = time.perf_counter()
    where = choose_runner(runner, python)
    table = None if as_json else _Table()
    chosen = select(kernels)
    checked = list(
        check_and_record("test", chosen, cases, where=where, seed=seed, jobs=jobs, on_case=table)
    )
    if as_json:
        print_json(document(checked))
    else:
        print_summary(checked, time.perf_counter() - start)
    if junit:
        write_junit(junit, checked)
    ctx.exit(report_errors(all_errors(checked)))


class _Table:
    """Prints a row per case, under a line per variant."""

    def __init__(self) -> None:
        from npulab.console import Column, Rows, stdout

        self._console = stdout()
        self._title = ""
        self._rows = Rows(
            self._console,
            Column("  case", 18),
            Column("elements", 9, "right"),
            Column("", 5),
            Column("worst error", 20),
            Column("cycles", 10, "right"),
        )

    def __call__(self, title: str, kernel: Kernel, case: CaseReport) -> None:
        from npulab import figures
        from npulab.checking import error_text
        from npulab.console import print_cut

        if not self._title:
            self._rows.header()
        if title != self._title:
            print_cut(self._console, f"{title}: {kernel.tolerance}", "bold")
            self._title = title
        self._rows.row(
            f"  {case.case}",
            figures.count(case.compared),
            "ok" if case.ok else "WRONG",
            error_text(kernel, case.worst) if case.comparison else "",
            figures.count(case.cycles) if case.cycles is not None else "",
            styles=["", "", "green" if case.ok else "red"],
        )
