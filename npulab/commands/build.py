"""``npulab build``: kernels to artifacts."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from npulab.helping import ExampleCommand
from npulab.running import Where, choose_runner, runner_options
from npulab.selection import DesignSelector, select
from npulab.target import TARGETS, Choice, choose

if TYPE_CHECKING:
    from kernels.contract import Kernel
    from kernels.merged import Merged
    from toolchain.build import BuildResult

# A build multiplies no matrices: numpy's linear algebra need not start a thread per core, which
# spins for as long as a build takes that has nothing to do.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@click.command(
    "build",
    cls=ExampleCommand,
    examples=(
        "npulab build",
        "npulab build gelu_int8 matmul_int8/32-32-32",
        "npulab build --runner docker --python 3.13",
    ),
)
@click.argument("kernels", nargs=-1, type=DesignSelector())
@click.option(
    "--target",
    type=click.Choice(TARGETS),
    default="auto",
    show_default=True,
    help="host: for the simulated array. aie2: for the NPU. auto: the best this machine can.",
)
@runner_options
@click.option("-j", "--jobs", type=click.IntRange(1), help="Steps at a time.  [default: all cores]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    ctx: click.Context,
    kernels: tuple[list[Kernel | Merged], ...],
    target: str,
    runner: str,
    python: str | None,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Build kernels: all of them, or those named.

    Each variant gets a folder build/TARGET/KERNEL/VARIANT with the design, the
    compiled kernel and a manifest of what it was made from. What is current is
    left alone; a failure does not keep the others from being built. Merged
    designs are built where they are named: merged/NAME, or merged for all.
    """
    from npulab.building import build_units, report_errors
    from npulab.console import print_json, print_note
    from toolchain.unit import Unit

    start = time.perf_counter()
    choice = choose(target, python)
    where = choose_runner(runner, python)
    if not as_json:
        print_note(f"target {choice.target} ({choice.reason})")
        print_note(f"runner {where.name} ({where.reason})")
    units = [Unit.of(one) for one in select(kernels)]
    results = build_units(units, target=choice.target, jobs=jobs, where=where)
    seconds = time.perf_counter() - start
    errors = [(result.unit.name, error) for result in results for error in result.errors]
    if as_json:
        print_json(_document(choice, where, results, seconds))
    else:
        _print(results, seconds)
    ctx.exit(report_errors(errors))


def state(result: BuildResult) -> str:
    """Return what became of a unit in one word."""
    if result.build is None:
        return "FAILED"
    return "built" if result.ran or result.written else "current"


def _print(results: list[BuildResult], seconds: float) -> None:
    from npulab import figures
    from toolchain.build import default_root

    changed = [result for result in results if state(result) != "current"]
    if changed:
        from npulab.console import Column, Rows, stdout

        width = max(len(result.unit.title) for result in changed)
        rows = Rows(stdout(), Column("kernel", width), Column("state", 7), Column("folder", 20))
        rows.header()
        for result in changed:
            style = "red" if result.build is None else "green"
            folder = str(short(result.build.folder)) if result.build else ""
            rows.row(result.unit.title, state(result), folder, styles=["", style])
    counts = {
        word: sum(state(result) == word for result in results)
        for word in ("built", "current", "FAILED")
    }
    told = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    where = f"{figures.number(len(results), 'variant')} in {short(default_root())}"
    print(f"{where}: {told}  ({figures.seconds(seconds)})")


def short(path: Path) -> Path:
    """Return `path` as seen from the current folder, if it is below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _document(
    choice: Choice, where: Where, results: list[BuildResult], seconds: float
) -> dict[str, Any]:
    from npulab.building import error_document

    return {
        "target": choice.target,
        "reason": choice.reason,
        "runner": where.name,
        "image": where.image.tag if where.image else None,
        "seconds": round(seconds, 3),
        "units": [
            {
                "kernel": result.unit.name,
                "variant": result.unit.label,
                "state": state(result).lower(),
                "folder": str(result.build.folder) if result.build else None,
                "errors": [error_document(error) for error in result.errors],
            }
            for result in results
        ],
    }
