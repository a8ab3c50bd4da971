"""``npulab demo``: every kernel on real input, checked."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from npulab.helping import ExampleCommand
from npulab.running import choose_runner, runner_options
from npulab.selection import DesignSelector, select
from npulab.warning import warn_option

if TYPE_CHECKING:
    from kernels.contract import Kernel
    from kernels.merged import Merged
    from npulab.checking import Checked


@click.command(
    "demo",
    cls=ExampleCommand,
    examples=(
        "npulab demo",
        "npulab demo mel_int16 matmul_int8/32x32x32",
        "npulab demo --runner docker --python 3.13",
    ),
)
@click.argument("kernels", nargs=-1, type=DesignSelector())
@runner_options
@click.option("-j", "--jobs", type=click.IntRange(1), help="Steps at a time.  [default: all cores]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@warn_option()
@click.pass_context
def command(
    ctx: click.Context,
    kernels: tuple[list[Kernel | Merged], ...],
    runner: str,
    python: str | None,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Build kernels, run them on real input, and check.

    Runs all kernels, unless some are named, on the simulated array, and holds
    every output against the golden model. Cycles are modelled, never measured.
    Exits 1 if any output is wrong. Merged designs run where they are named:
    merged/NAME, or merged for all.
    """
    from npulab.building import report_errors
    from npulab.checking import all_errors, document, print_summary
    from npulab.console import print_json
    from npulab.verifying import check_and_record

    start = time.perf_counter()
    chosen = select(kernels)
    where = choose_runner(runner, python)
    results = check_and_record("demo", chosen, lambda kernel: kernel.demo(), where=where, jobs=jobs)
    if as_json:
        checked = list(results)
        print_json(document(checked))
    else:
        checked = _print(results)
        print_summary(checked, time.perf_counter() - start)
    ctx.exit(report_errors(all_errors(checked)))


def _print(results: Iterable[Checked]) -> list[Checked]:
    """Print a row per variant as it is known, under a line per kernel."""
    from npulab.console import Column, Rows, print_cut, stdout

    console = stdout()
    rows = Rows(
        console,
        Column(" variant", 16),
        Column("data", 18),
        Column("elements", 9, "right"),
        Column("worst error", 11),
        Column("cycles", 9, "right"),
        Column("wall", 7, "right"),
    )
    done: list[Checked] = []
    for one in results:
        if not done:
            rows.header()
        if not done or done[-1].design != one.design:
            what = "in one hardware context" if one.merged else one.kernel.summary()
            print_cut(console, f"{one.design}: {what}", "bold")
        rows.row(*_cells(one), styles=["", "", "", "red" if one.errors else "green"])
        done.append(one)
    return done


def _cells(one: Checked) -> list[str]:
    from npulab import figures
    from npulab.checking import error_text

    variant = f" {one.kernel.title if one.merged else one.kernel.label}"
    if one.report is None:
        return [variant, "", "", "NOT RUN" if one.built else "NOT BUILT", "", ""]
    cases = one.report.cases
    error = error_text(one.kernel, max(case.worst for case in cases))
    return [
        variant,
        _name([case.case for case in cases]),
        figures.count(sum(case.compared for case in cases)),
        "WRONG" if one.errors else error,
        figures.count(sum(case.cycles or 0 for case in cases)),
        figures.seconds(sum(case.seconds for case in cases)),
    ]


def _name(cases: list[str]) -> str:
    """Return one name for several cases: their common first word, and how many they are."""
    if len(cases) == 1:
        return cases[0]
    words = {case.partition("-")[0] for case in cases}
    return f"{words.pop() if len(words) == 1 else 'cases'} x {len(cases)}"
