"""``npulab diff``: what changed between two artifacts, in the terms of the hardware."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from npulab.console import print_folded
from npulab.helping import ExampleCommand


@click.command(
    "diff",
    cls=ExampleCommand,
    examples=("npulab diff old/design.xclbin build/aie2/gelu_int8/512/design.xclbin",),
)
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(ctx: click.Context, before: Path, after: Path, as_json: bool) -> None:
    """Say which BD, lock, route, instruction or symbol differs.

    Both files must be of one kind: xclbin, PDI, CDO, insts.bin or AIE2 ELF. Exits 1
    where they differ in effect, 0 where only uuids, times, versions and what a
    debugger reads do.
    """
    from toolchain.artifacts.diff import diff_files

    difference = diff_files(before, after)
    if as_json:
        sys.stdout.write(difference.json())
    else:
        print_folded(difference.text())
    ctx.exit(0 if difference.same else 1)
