"""``npulab report``: one page of the last builds and tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from npulab.helping import ExampleCommand
from npulab.selection import Selector

if TYPE_CHECKING:
    from kernels.contract import Kernel
    from npulab.report.gather import Data

File = click.Path(path_type=Path)


@click.command(
    "report",
    cls=ExampleCommand,
    examples=(
        "npulab report",
        "npulab report --out report.html --timeline matmul_int8_array",
        "npulab report --quick --store timings.jsonl",
    ),
)
@click.option("--out", type=File, help="The page.  [default: report.html in the build folder]")
@click.option(
    "--timeline",
    "chosen",
    type=Selector(),
    multiple=True,
    help="Draw timelines of these only.  [default: the smallest variant of each kernel]",
)
@click.option("--quick", is_flag=True, help="Neither timelines nor the model: only records.")
@click.option(
    "--store",
    type=File,
    help="Timings of npulab bench.  [default: bench/timings.jsonl in the build folder]",
)
@click.option("--strict", is_flag=True, help="Exit 1 where a build failed or an output is wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    ctx: click.Context,
    out: Path | None,
    chosen: tuple[list[Kernel], ...],
    quick: bool,
    store: Path | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Write a page about the last builds and tests.

    One HTML file that loads nothing: which variant is built and right on which
    target, what failed and how to cure it, how far outputs are from the golden
    models, what each design takes of the array, modelled cycles and timelines,
    a roofline, and the timings of npulab bench.

    Reads what `npulab build`, `npulab test` and `npulab demo` left in the build
    folder. Only timelines and the model are computed for it, once for each
    build. Exits 2 where there is nothing to tell.
    """
    from npulab.arrays import check_writable
    from npulab.console import print_json
    from npulab.deadlocks import shortened
    from npulab.report.drawn import draw_timelines, model
    from npulab.report.gather import gather
    from npulab.report.page import render
    from npulab.report.sections import Report
    from toolchain.build import default_root
    from toolchain.storage.disk import replace_file

    if out:
        check_writable(out)
    root = default_root()
    data = gather(root, store)
    report = Report(data=data)
    if not quick:
        timelines = draw_timelines(root, data, chosen)
        report = Report(data=data, timelines=timelines, predictions=model(root, data))
    page = render(report).encode()
    path = (out or root / "report.html").absolute()
    replace_file(path, page)
    if as_json:
        print_json({"page": str(path), "bytes": len(page), **_document(data)})
    else:
        _print(data, shortened(path), len(page))
    if strict and {"wrong", "failed"} & {variant.state for variant in data.variants}:
        ctx.exit(1)


def _document(data: Data) -> dict[str, object]:
    return {
        "made": data.made,
        "targets": data.targets,
        "runs": {
            name: {"began": run.began, "planned": len(run.planned), "done": run.done}
            | {"ended": run.seconds is not None}
            for name, run in data.runs.items()
        },
        "variants": [
            {
                "kernel": variant.kernel,
                "variant": variant.label,
                "state": variant.state,
                "builds": {name: build.word for name, build in variant.builds.items()},
            }
            for variant in data.variants
        ],
    }


def _print(data: Data, path: Path, size: int) -> None:
    from collections import Counter

    from npulab import figures
    from npulab.console import print_wrapped, stdout
    from npulab.report.page import WORDS

    console = stdout()
    console.print(f"{path}: {figures.size(size)}", soft_wrap=True)
    counts = Counter(variant.state for variant in data.variants)
    told = ", ".join(f"{counts[state]} {word}" for state, word in WORDS.items() if counts[state])
    print_wrapped(console, f"{figures.number(len(data.variants), 'variant')}: {told}")
    for name, run in data.runs.items():
        if run.seconds is None:
            print_wrapped(
                console,
                f"the last npulab {name} did not end: {run.done} of "
                f"{figures.number(len(run.planned), 'variant')} were checked",
                style="yellow",
            )
    if "test" not in data.runs:
        print_wrapped(console, "there is no record of a test: npulab test makes one")
