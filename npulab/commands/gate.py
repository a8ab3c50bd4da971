"""``npulab gate``: whether the newest timings are slower than those before them."""

from __future__ import annotations

from pathlib import Path

import click

from npulab.helping import ExampleCommand


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
@click.pass_context
def command(ctx: click.Context, store: Path, baseline: Path | None, summary: Path | None) -> None:
    """Compare timings with those before them.

    Compares the newest record of each variant with up to five older ones of
    the same device, host and power mode.

    Exits 1 if a variant is slower, 4 if that cannot be told of one (too few
    samples, or nothing to compare with), else 0.
    """
    from npulab.console import stdout
    from runtime.bench.compare import compare_stores, exit_code, markdown
    from runtime.bench.record import read

    older = read(baseline) if baseline else None
    findings = compare_stores(read(store), older)
    console = stdout()
    for finding in findings:
        console.print(f"{finding.kernel:<28}{finding.says}", highlight=False, soft_wrap=True)
    if summary:
        with summary.open("a", encoding="utf-8") as file:
            file.write(markdown(findings))
    ctx.exit(exit_code(findings))
