"""``npulab trace``: one run as a timeline for Perfetto, and where its time went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from npulab.helping import ExampleCommand
from npulab.subject import File, misuse, subject_options

if TYPE_CHECKING:
    from kernels.contract import Kernel
    from npulab.tracing import Traced


@click.command(
    "trace",
    cls=ExampleCommand,
    examples=(
        "npulab trace gelu_int8/512",
        "npulab trace matmul_int8_array/256x256x256-i32 --out matmul.json",
        "npulab trace --design add.mlir --link add.cc --in a.npy --svg add.svg",
        "npulab trace --xclbin final.xclbin --insts insts.bin --elf main_core_0_2.elf",
    ),
)
@subject_options()
@click.option("--elf", "elfs", type=File, multiple=True, help="A core's ELF file, for names.")
@click.option("--in", "inputs", multiple=True, metavar="[ARG=]FILE", help="An .npy file to read.")
@click.option(
    "--out", type=File, help="Where the trace goes.  [default: traces/ in the build folder]"
)
@click.option("--svg", type=File, help="Also draw the timeline.")
@click.option(
    "--spans",
    type=click.IntRange(100),
    default=50_000,
    show_default=True,
    help="Spans, and points of counters, to keep at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    ctx: click.Context,
    kernel: list[Kernel] | None,
    design: Path | None,
    links: tuple[Path, ...],
    xclbin: Path | None,
    insts: Path | None,
    elfs: tuple[Path, ...],
    inputs: tuple[str, ...],
    out: Path | None,
    svg: Path | None,
    spans: int,
    as_json: bool,
) -> None:
    """Show where the time of one run goes.

    Runs a kernel on the simulated array, on the data of `npulab demo` unless
    files are given, or any design, or an xclbin with its machine code, whose
    functions the ELF files of its cores name. Writes what cores, DMA channels, streams,
    locks and the host did as Chrome-trace JSON, for ui.perfetto.dev, and prints
    what share of the run each worked or waited, and what bounds the run. All
    times are modelled, none is measured.

    Of a run with more than --spans spans those closest together are merged. A
    run that fails is traced up to there.
    """
    from npulab import tracing
    from npulab.arrays import check_writable
    from npulab.console import print_json

    if problem := misuse(kernel, design, links, xclbin, insts, elf=elfs):
        raise click.UsageError(problem, ctx)
    for path in filter(None, (out, svg)):
        check_writable(path)
    if design:
        traced = tracing.trace_design(design, links, inputs, spans)
    elif xclbin and insts:
        from npulab.profiling import Files

        traced = tracing.trace_binary(Files(xclbin, insts, elfs), inputs, spans)
    else:
        traced = tracing.trace_kernel(kernel or [], inputs, spans)
    files = _write(traced, out, svg)
    if as_json:
        print_json(tracing.document(traced, files))
    else:
        tracing.print_summary(traced)
        _print_files(traced, files)
    if traced.failure:
        raise traced.failure


def _write(traced: Traced, out: Path | None, svg: Path | None) -> dict[str, str]:
    """Write the files, each whole or not at all; return their names by kind."""
    from npulab.deadlocks import file_name, results_folder, shortened
    from simulator.timeline import chrome, drawing
    from toolchain.storage.disk import replace_file

    name = file_name(traced.timeline.title.split(" on ")[0])
    path = out or results_folder("traces") / f"{name}.json"
    replace_file(path, chrome.dumps(traced.timeline).encode())
    files = {"trace": str(shortened(path))}
    if svg:
        replace_file(svg, drawing.draw(traced.timeline).encode())
        files["svg"] = str(shortened(svg))
    return files


def _print_files(traced: Traced, files: dict[str, str]) -> None:
    from npulab import figures
    from npulab.console import stdout

    console = stdout()
    spans = sum(len(track.spans) for track in traced.timeline.tracks)
    console.print(
        f"\n{files['trace']}: {figures.number(spans, 'span')}; open it in ui.perfetto.dev",
        soft_wrap=True,
    )
    if "svg" in files:
        console.print(files["svg"], soft_wrap=True)
