"""``npulab run``: one call of a kernel, or of a design from outside the lab, on given files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from npulab.helping import ExampleCommand
from npulab.subject import misuse, subject_options
from npulab.warning import warn_option

if TYPE_CHECKING:
    from kernels.contract import Kernel
    from npulab.calling import Call

UNCOUNTED = "; kernel functions count 0,\nfor no contract says how long they take"


@click.command(
    "run",
    cls=ExampleCommand,
    examples=(
        "npulab run gelu_int8/512 --in x.npy --out y.npy",
        "npulab run layernorm_int8/256 --in x.npy --in gamma=g.npy --out y.npy",
        "npulab run --design add.mlir --link add.cc \\",
        "           --in a.npy --in b.npy --out c.npy",
        "npulab run --xclbin final.xclbin --insts insts.bin \\",
        "           --in a.npy --out c.npy --dtype int32",
    ),
)
@subject_options()
@click.option("--dtype", "dtypes", multiple=True, help="Type of the xclbin's outputs, in order.")
@click.option("--in", "inputs", multiple=True, metavar="[ARG=]FILE", help="An .npy file to read.")
@click.option("--out", "outputs", multiple=True, metavar="[ARG=]FILE", help="One to write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@warn_option()
@click.pass_context
def command(
    ctx: click.Context,
    kernel: list[Kernel] | None,
    design: Path | None,
    links: tuple[Path, ...],
    xclbin: Path | None,
    insts: Path | None,
    dtypes: tuple[str, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run a kernel, any design, or a binary on arrays from .npy files.

    Files go to the arguments in order, or by name or number (ARG=FILE). A
    kernel's params default to its own data, and its outputs are checked against
    its golden model. A design's arguments are those of its runtime sequence:
    first the inputs, then the outputs, in the order given; one without a file is
    scratch, filled with zeros.

    An xclbin is executed as the NPU would, machine code included. Its arguments
    are buffers bo0, bo1, ...: which of them are inputs and outputs, and how many
    bytes of each, is what its instructions say. Outputs are bytes, or --dtype.
    """
    from npulab import calling
    from npulab.console import print_json

    if problem := misuse(kernel, design, links, xclbin, insts, dtype=dtypes):
        raise click.UsageError(problem, ctx)
    if design:
        call = calling.call_design(design, links, inputs, outputs)
    elif xclbin and insts:
        from npulab.binaries import call_binary

        call = call_binary(xclbin, insts, inputs, outputs, dtypes)
    else:
        call = calling.call_kernel(kernel or [], inputs, outputs)
    if as_json:
        print_json(_document(call))
    else:
        _print(call)
    if call.failure:
        raise call.failure


def _print(call: Call) -> None:
    from npulab import figures
    from npulab.console import stderr, stdout

    console = stdout()
    for name in call.scratch:
        stderr().print(f"note: argument {name} has no file: it is scratch, filled with zeros")
    for name, array in call.outputs.items():
        file = call.files.get(name)
        where = f"-> {file}" if file else "(not kept: give --out)"
        console.print(f"{name}  {array.dtype.name}{list(array.shape)}  {where}", soft_wrap=True)
    cycles = call.timing.cycles
    if cycles is not None:
        console.print(
            f"{figures.count(cycles)} cycles, {figures.seconds(call.timing.run)}:"
            f" {call.timing.basis}, not measured" + ("" if call.counted else UNCOUNTED)
        )
    if call.verdict:
        console.print(call.verdict, style="red" if call.failure else "green")


def _document(call: Call) -> dict[str, Any]:
    from npulab.building import error_document
    from npulab.warning import warning_documents

    return {
        "outputs": [
            {
                "name": name,
                "dtype": array.dtype.name,
                "shape": list(array.shape),
                "file": str(call.files[name]) if name in call.files else None,
            }
            for name, array in call.outputs.items()
        ],
        "scratch": list(call.scratch),
        "cycles": call.timing.cycles,
        "seconds": call.timing.run,
        "basis": call.timing.basis.value,
        "golden": None if call.verdict is None else call.failure is None,
        "errors": [error_document(call.failure)] if call.failure else [],
        "warnings": warning_documents(),
    }
