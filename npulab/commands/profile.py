"""``npulab profile``: where the cores of a binary spend their cycles, bundle by bundle."""

from __future__ import annotations

from pathlib import Path

import click

from npulab.helping import ExampleCommand
from npulab.warning import warn_option

File = click.Path(path_type=Path)


@click.command(
    "profile",
    cls=ExampleCommand,
    examples=(
        "npulab profile build/gelu",
        "npulab profile --xclbin final.xclbin --insts insts.bin \\",
        "               --elf main_core_0_2.elf --in a.npy",
        "npulab profile --elf main_core_0_2.elf --call gelu_int8_512 \\",
        "               --in x.npy --in 512 --number 512",
    ),
)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--xclbin", type=File, help="The xclbin (or PDI) to run, where there is no FOLDER.")
@click.option("--insts", type=File, help="Its instructions.")
@click.option("--elf", "elfs", type=File, multiple=True, help="A core's ELF file, for names.")
@click.option("--call", "function", help="Call one function of the ELF file, without an array.")
@click.option("--number", "numbers", type=int, multiple=True, help="Its arguments r0, r1, ...")
@click.option("--in", "inputs", multiple=True, metavar="[ARG=]FILE", help="An .npy file to read.")
@click.option("--out", "outputs", multiple=True, metavar="[ARG=]FILE", help="One to write.")
@click.option("--loops", type=click.IntRange(0), default=3, show_default=True, help="To list.")
@click.option("--fast", is_flag=True, help="Count only, and look for nothing wrong.")
@click.option("--trace", type=File, help="Also write the timeline, for ui.perfetto.dev.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@warn_option()
@click.pass_context
def command(
    ctx: click.Context,
    folder: Path | None,
    xclbin: Path | None,
    insts: Path | None,
    elfs: tuple[Path, ...],
    function: str | None,
    numbers: tuple[int, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    loops: int,
    fast: bool,
    trace: Path | None,
    as_json: bool,
) -> None:
    """Show where machine code spends cycles.

    Runs an xclbin as `npulab run --xclbin` does, on the given files or on zeros,
    and watches every core: cycles of each function, what its instructions are,
    what it waited for, and its hot loops bundle by bundle. FOLDER holds one
    xclbin or PDI, its instructions (insts*.bin) and perhaps the ELF files of its
    cores, which give functions their names.

    With --call one function of an ELF file runs on its own: --in gives its
    buffers in order, each an .npy file or a number of bytes (zeros).

    Found wrong are reads of registers and memory that nobody has written, stacks
    that grow over buffers, races, and registers that are read before what was
    meant arrives; the last one only warns. All cycles are modelled.
    """
    from npulab import profiling
    from npulab.console import print_json

    if problem := _misuse(folder, xclbin, insts, function, numbers, elfs, outputs, trace):
        raise click.UsageError(problem, ctx)
    if function:
        shown = profiling.call_function(elfs[0], function, inputs, numbers, checked=not fast)
    else:
        files = profiling.files_of(folder, xclbin, insts, elfs)
        shown = profiling.run_binary(files, inputs, outputs, checked=not fast)
    written = profiling.write_trace(shown, trace) if trace else ""
    if as_json:
        print_json(profiling.document(shown))
    else:
        profiling.print_profile(shown, loops)
        if written:
            profiling.print_trace(written)
    if failure := profiling.failure_of(shown):
        raise failure


def _misuse(
    folder: Path | None,
    xclbin: Path | None,
    insts: Path | None,
    function: str | None,
    numbers: tuple[int, ...],
    elfs: tuple[Path, ...],
    outputs: tuple[str, ...],
    trace: Path | None,
) -> str:
    """Return what is wrong with the options together, or nothing."""
    if function:
        if len(elfs) != 1 or folder or xclbin or insts:
            return "--call takes one --elf, and neither a FOLDER nor an --xclbin"
        if outputs or trace:
            return "--out and --trace go with an xclbin, not with --call"
        return ""
    if numbers:
        return "--number goes with --call"
    if folder is not None and (xclbin or insts):
        return "give a FOLDER, or --xclbin and --insts"
    if folder is None and not (xclbin and insts):
        return "give a FOLDER, --xclbin with --insts, or --elf with --call"
    return ""
