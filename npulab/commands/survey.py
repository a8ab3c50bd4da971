"""``npulab survey``: how many designs of a folder run, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from npulab.helping import ExampleCommand

if TYPE_CHECKING:
    from runtime.survey import Finding, Report

_STYLES = {"right": "green", "ran": "green", "wrong": "red", "refused": "yellow", "unparsed": "red"}


@click.command(
    "survey",
    cls=ExampleCommand,
    examples=("npulab survey ~/mlir-aie/test/npu-xrt", "npulab survey designs --json"),
)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--seconds", default=30.0, show_default=True, help="Give a run up after this long.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(folder: Path, seconds: float, as_json: bool) -> None:
    """Run every .mlir design below FOLDER on the simulated array.

    A design's expected results stand beside it in NAME.expect.toml; one without
    runs on zeros and is not judged. The file may also name the C or C++ sources
    of the kernels, which are compiled for this machine, or another form of the
    design, whose results must be the same bytes. Reasons that differ only in
    names and numbers count as one.
    """
    from npulab.console import print_json
    from runtime.survey import Report, survey, tally
    from simulator import Limits

    found = survey(folder, Limits(max_seconds=seconds))
    if as_json:
        print_json(tally(found))
    else:
        _print(Report(_shown(found)))


def _shown(findings: Iterable[Finding]) -> list[Finding]:
    from npulab.console import Column, Rows, stdout

    rows = Rows(stdout(), Column("outcome", 8), Column("design", 40), Column("why", 20))
    rows.header()
    kept = []
    for finding in findings:
        rows.row(
            finding.outcome.value,
            finding.file,
            f"{finding.code} {finding.reason}".strip(),
            styles=[_STYLES.get(finding.outcome.value, "")],
        )
        kept.append(finding)
    return kept


def _print(report: Report) -> None:
    from npulab.console import print_cut, stdout
    from runtime.survey import Outcome

    console = stdout()
    reasons = report.reasons()
    if reasons:
        console.print()
        console.print("Reasons", style="bold")
        for reason, found in reasons:
            print_cut(console, f"{len(found):4}  {reason}")
    console.print()
    total = len(report.findings)
    console.print(f"{report.parsed} of {total} designs parsed")
    for outcome in Outcome:
        count = report.count(outcome)
        if count:
            console.print(f"{count:4}  {outcome.meaning}")
    console.print(
        f"{report.count(Outcome.RIGHT)} of {report.judged} that need nothing from outside ran right"
    )
