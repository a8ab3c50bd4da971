"""``npulab bench``: times of every kernel, once its output is right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from npulab.helping import ExampleCommand, FiniteRange
from npulab.selection import Selector, select

if TYPE_CHECKING:
    from kernels.contract import Kernel


@click.command(
    "bench",
    cls=ExampleCommand,
    examples=(
        "npulab bench",
        "npulab bench gelu_int8 --store timings.jsonl --seconds 30",
        "npulab bench --device fake",
        "npulab bench gelu_int8 --history",
    ),
)
@click.argument("kernels", nargs=-1, type=Selector())
@click.option(
    "--device",
    type=click.Choice(["xrt", "sim", "fake"]),
    default="xrt",
    show_default=True,
    help="What to run on.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    default=Path("build/bench/timings.jsonl"),
    show_default=True,
    help="Append the records here.",
)
@click.option(
    "--seconds",
    type=FiniteRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Time that the samples of a variant may take.",
)
@click.option(
    "--samples",
    type=click.IntRange(20),
    default=400,
    show_default=True,
    help="Samples that a variant takes, unless the time is up first.",
)
@click.option("--strict", is_flag=True, help="Refuse to time under bad conditions.")
@click.option("--junit", type=click.Path(path_type=Path), help="Also write a JUnit XML file.")
@click.option(
    "--benchmark-action", type=click.Path(path_type=Path), help="Also write its JSON file."
)
@click.option(
    "--history", is_flag=True, help="Take no times; print the sessions that STORE has, and end."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    ctx: click.Context,
    kernels: tuple[list[Kernel], ...],
    device: str,
    store: Path,
    seconds: float,
    samples: int,
    strict: bool,
    junit: Path | None,
    benchmark_action: Path | None,
    history: bool,
    as_json: bool,
) -> None:
    """Time kernels on the NPU.

    The canary must be right first, and so must be every output of every run
    that is timed: a wrong kernel has no figure. Samples go on until the median
    is known to half a percent or the time is up. One job at a time has the NPU;
    the others wait in line. On `sim` and `fake` times are modelled, and a few
    samples suffice where all of them are the same.
    """
    if history:
        from npulab.timing_history import print_history

        wanted = {kernel.title for given in kernels for kernel in given}
        print_history(store, wanted, as_json=as_json)
        return
    from npulab.arrays import check_writable
    from npulab.building import report_errors
    from npulab.console import print_json
    from npulab.timing import Job, bench_document, run_bench
    from runtime.bench import export
    from runtime.bench.sampling import Plan
    from runtime.bench.store import check_store

    check_store(store)
    for path in (junit, benchmark_action):
        if path:
            check_writable(path)
    job = Job(
        device=device,
        kernels=tuple(select(kernels)),
        plan=Plan(seconds=seconds, least=samples, most=max(5000, samples)),
        strict=strict,
        store=store,
        quiet=as_json,
    )
    records, errors = run_bench(job)
    if as_json:
        print_json(bench_document(records, errors))
    if junit:
        export.write_junit(junit, records)
    if benchmark_action:
        benchmark_action.write_text(export.benchmark_action(records), encoding="utf-8")
    ctx.exit(report_errors(errors))
