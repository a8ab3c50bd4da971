"""``npulab asm``: assemble a core's program."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from npulab.helping import ExampleCommand


@click.command(
    "asm",
    cls=ExampleCommand,
    examples=("npulab asm core.s", "npulab asm core.s -o build/core.elf --list"),
)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the ELF file goes; FILE with the suffix .elf by default.",
)
@click.option("--list", "show", is_flag=True, help="Print addresses, bytes and bundles.")
def command(file: Path, output: Path | None, show: bool) -> None:
    """Assemble the whole program of an AIE2 core.

    FILE is in the syntax that `npulab inspect --disassemble` prints, with
    labels, data and comments: docs/assembler.md. The output is an ELF file
    like those that Peano links: program memory from 0, data from 0x70000.
    """
    from errors import UsageError
    from simulator.aie2.assembler import assemble, write_elf
    from simulator.aie2.listing import listing
    from toolchain.storage.disk import replace_file

    output = output or file.with_suffix(".elf")
    try:
        source = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file}: byte {error.start} is no UTF-8",
            cure="save the source as UTF-8",
            code="NPU530",
        ) from None
    program = assemble(source, str(file))
    replace_file(output, write_elf(program))
    if show:
        names: dict[int, list[str]] = {}
        for symbol in program.symbols:
            if symbol.section == ".text":
                names.setdefault(symbol.value, []).append(symbol.name)
        sys.stdout.writelines(listing(program.code, names=names))
    else:
        data = sum(block.size for block in program.blocks if not block.is_code)
        print(f"{output}: {len(program.code)} bytes of program, {data} of data")
