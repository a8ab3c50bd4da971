"""``npulab inspect``: what is in an artifact of a build."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from npulab.console import print_folded
from npulab.helping import ExampleCommand


@click.command(
    "inspect",
    cls=ExampleCommand,
    examples=(
        "npulab inspect build/aie2/gelu_int8/512/design.xclbin",
        "npulab inspect --bytes insts.bin",
        "npulab inspect --disassemble core.elf",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--bytes", "spans", is_flag=True, help="Also name every byte of the file.")
@click.option("--disassemble", is_flag=True, help="Also print the code of an AIE2 ELF.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(ctx: click.Context, file: Path, spans: bool, disassemble: bool, as_json: bool) -> None:
    """Print what an artifact of a build says, by names.

    FILE is an xclbin, PDI, CDO, insts.bin or AIE2 ELF. Exits 1 where
    the file has something that nothing accounts for.
    """
    from toolchain.artifacts.elf import Elf
    from toolchain.artifacts.inspect import inspect_file

    if disassemble and as_json:
        raise click.UsageError("--disassemble prints text: leave out --json", ctx)
    report = inspect_file(file)
    if disassemble and not isinstance(report.content, Elf):
        raise click.UsageError(f"--disassemble reads ELF files, and {file} is none", ctx)
    if as_json:
        sys.stdout.write(report.json())
    else:
        print_folded(report.text(spans=spans))
    if disassemble and isinstance(report.content, Elf):
        from toolchain.artifacts.code import code_lines

        sys.stdout.writelines(code_lines(report.content, str(file)))
    ctx.exit(1 if report.problems else 0)
