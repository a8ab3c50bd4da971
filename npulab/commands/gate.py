"""``npulab gate``: whether the newest timings are slower than those before them."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import click

from npulab.helping import ExampleCommand

if TYPE_CHECKING:
    from runtime.bench.compare import Session


@click.command(
    "gate",
    cls=ExampleCommand,
    examples=(
        "npulab gate timings.jsonl",
        "npulab gate new.jsonl --baseline main.jsonl --summary $GITHUB_STEP_SUMMARY",
    ),
)
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="Timings to compare with.  [default: the older ones of STORE]",
)
@click.option("--summary", type=click.Path(path_type=Path), help="Append a markdown table here.")
@click.option(
    "--allow-unclear", is_flag=True, help="Warn, and do not fail, where it cannot be told."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    ctx: click.Context,
    store: Path,
    baseline: Path | None,
    summary: Path | None,
    allow_unclear: bool,
    as_json: bool,
) -> None:
    """Compare timings with those before them.

    Compares each variant of the newest session in STORE, one run of npulab
    bench, with up to ten older sessions of the same device, host and power mode.
    It is this host's newest session, where STORE has one. Variants that are
    missing from it are listed.

    Exits 1 if a variant is slower, 4 if that cannot be told of one (too few
    samples, or too little to compare with), else 0.
    """
    from npulab.arrays import check_writable
    from npulab.console import print_json
    from runtime.bench.compare import UNCLEAR, exit_code, judge_newest
    from runtime.bench.documents import session_document
    from runtime.bench.store import read

    if summary:
        check_writable(summary)
    older = read(baseline) if baseline else None
    session = judge_newest(read(store), older, host=platform.node())
    if as_json:
        print_json(session_document(session))
    else:
        _print(session)
    if summary:
        _append(summary, session)
    code = exit_code(session)
    if code == UNCLEAR and allow_unclear:
        _warn(session)
        code = 0
    ctx.exit(code)


def _print(session: Session) -> None:
    from npulab.console import Column, Rows, print_wrapped, stdout

    console = stdout()
    print_wrapped(console, session.title, style="bold")
    rows = Rows(console, Column("", 26), Column("", 50))
    for finding in session.findings:
        rows.row(finding.kernel, finding.says)
    if session.missing:
        names = ", ".join(session.missing)
        print_wrapped(console, f"in sessions before, and not in this one: {names}")
    console.print(f"\n{session.tally}")


def _append(summary: Path, session: Session) -> None:
    from errors import UsageError
    from runtime.bench.compare import markdown

    try:
        with summary.open("a", encoding="utf-8") as file:
            file.write(markdown(session))
    except OSError as error:
        raise UsageError(
            f"cannot write {summary}: {error.strerror}", cure="take another path", code="NPU405"
        ) from error


def _warn(session: Session) -> None:
    """Say that it could not be told, so that GitHub shows it with the job where it runs one."""
    text = f"the gate cannot tell of every variant ({session.tally})"
    click.echo(
        f"::warning::{text}" if os.environ.get("GITHUB_ACTIONS") else f"warning: {text}", err=True
    )
