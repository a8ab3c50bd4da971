"""What a command runs: a kernel of the lab, a design from outside it, or a binary."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import click

from npulab.selection import Selector

if TYPE_CHECKING:
    from click.decorators import FC

    from kernels.contract import Kernel

File = click.Path(path_type=Path)

_DECORATORS = (
    click.argument("kernel", required=False, type=Selector()),
    click.option(
        "--design", type=File, help="MLIR text of a design outside the lab, not a KERNEL."
    ),
    click.option(
        "--link", "links", type=File, multiple=True, help="C++ source the design links with."
    ),
    click.option("--xclbin", type=File, help="An xclbin (or PDI) to run, not a KERNEL."),
    click.option("--insts", type=File, help="The instructions of the xclbin."),
)


def subject_options() -> Callable[[FC], FC]:
    """Return the options that choose one: kernel, design and links, xclbin and insts."""
    return lambda command: reduce(lambda made, add: add(made), reversed(_DECORATORS), command)


def misuse(
    kernel: list[Kernel] | None,
    design: Path | None,
    links: tuple[Path, ...],
    xclbin: Path | None,
    insts: Path | None,
    **binary: object,
) -> str:
    """Return what is wrong with the options together, or nothing.

    Args:
        kernel: The lab's kernel.
        design: The design text from outside.
        links: The sources that the design links with.
        xclbin: The binary.
        insts: Its instructions.
        **binary: The command's one further option that goes with an xclbin only, by its name.
    """
    if [kernel, design, xclbin].count(None) != 2:
        return "give a KERNEL, a --design or an --xclbin, one of the three"
    if (xclbin is None) != (insts is None) or (any(binary.values()) and not xclbin):
        return f"--xclbin and --insts go together, and --{next(iter(binary))} with them"
    if links and not design:
        return "--link goes with --design; a kernel brings its own source"
    return ""
