"""``npulab show``: what a kernel promises, and what its design takes of the array."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from npulab.helping import ExampleCommand, FiniteRange
from npulab.selection import DesignSelector

if TYPE_CHECKING:
    from rich.console import Console

    from kernels.contract import Kernel
    from kernels.merged import Merged
    from npulab.designs import Flow
    from simulator import Resources


@click.command(
    "show",
    cls=ExampleCommand,
    examples=(
        "npulab show gelu_int8",
        "npulab show matmul_int8_array/512x512x512-i8 --design",
        "npulab show matmul_int8_array/512x512x512-i8 --model",
        "npulab show merged/rows_bf16",
    ),
)
@click.argument("kernel", type=DesignSelector())
@click.option("--design", "as_design", is_flag=True, help="Print the MLIR text of the design.")
@click.option("--model", "as_model", is_flag=True, help="Model a call's time and what binds it.")
@click.option(
    "--clock",
    type=FiniteRange(0.1, 3.0),
    metavar="GHZ",
    help="Clock of the array that --model assumes; 1.25 by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    kernel: list[Kernel] | list[Merged],
    as_design: bool,
    as_model: bool,
    clock: float | None,
    as_json: bool,
) -> None:
    """Show a kernel's contract and its place on the array.

    Of a kernel with several variants, the one that is named or the first; of a
    merged design (merged/NAME) the kernels that share the array. The bars show
    the share of what a tile has.

    With --model: how long a call takes by documented rates and the contract's
    estimates, what binds it, and its share of the array's peak. Nothing in it is
    measured.
    """
    if clock is not None and not as_model:
        raise click.UsageError("--clock goes with --model")
    if as_model and as_design:
        raise click.UsageError("--model and --design are two different answers: ask for one")
    from kernels.merged import Merged
    from npulab.console import print_json, stdout
    from npulab.designs import flows
    from npulab.floorplan import print_floorplan
    from simulator.mlir.lower import lower
    from simulator.mlir.resources import resources

    chosen, *others = kernel
    if as_model:
        if isinstance(chosen, Merged):
            parts = ", ".join(part.title for part in chosen.parts)
            raise click.UsageError(f"--model is of one call: ask for a part, {parts}")
        _print_model(chosen, clock, as_json)
        return
    if as_design:
        print(chosen.design(), end="")
        return
    lowered = lower(chosen.design(), f"the design of {chosen.title}")
    taken, streams = resources(lowered), list(flows(lowered))
    if as_json:
        about = _merged_document(chosen) if isinstance(chosen, Merged) else _document(chosen)
        print_json(about | _design_document(taken, streams))
        return
    console = stdout()
    if isinstance(chosen, Merged):
        _print_merged(console, chosen)
        functions = chosen.functions
    else:
        _print_contract(console, chosen)
        functions = tuple(chosen.functions())
    print_floorplan(console, taken, streams, {one.symbol: one.cycles for one in functions})
    if others:
        titles = ", ".join(other.title.partition("/")[2] for other in others)
        what = "merged designs" if isinstance(chosen, Merged) else "variants"
        console.print(f"\nother {what}: {titles}", style="dim", soft_wrap=True)


def _print_model(kernel: Kernel, clock: float | None, as_json: bool) -> None:
    from npulab.console import print_json, stdout
    from npulab.modelling import prediction_document, print_prediction
    from runtime.model import predict
    from simulator.clock import CLOCK_HZ

    one = predict(kernel, clock_hz=CLOCK_HZ if clock is None else clock * 1e9)
    if as_json:
        print_json(prediction_document(one))
    else:
        print_prediction(stdout(), one)


def _print_merged(console: Console, merged: Merged) -> None:
    from npulab.commands.list import signature
    from npulab.console import print_wrapped

    console.print(merged.title, style="bold")
    print_wrapped(console, "in one hardware context, a runtime sequence for each:", indent=2)
    for name, part in merged.sequences.items():
        console.print(f"\n{part.title}", style="bold")
        print_wrapped(console, part.summary(), indent=2)
        print_wrapped(console, f"from column {merged.columns[name]}: {signature(part)}", indent=2)


def _print_contract(console: Console, kernel: Kernel) -> None:
    from npulab.console import print_wrapped

    console.print(kernel.title, style="bold")
    print_wrapped(console, kernel.summary(), indent=2)
    console.print("\narguments", style="bold")
    for arg in kernel.args():
        shape = "x".join(map(str, arg.shape))
        console.print(f"  {arg.role.value:<6} {arg.name:<12} {shape:<14} {arg.dtype.name}")
    console.print("\nfunctions", style="bold")
    for function in kernel.functions():
        console.print(f"  {function.symbol}  {function.cycles:,} cycles a call, an estimate:")
        print_wrapped(console, function.basis, indent=4)
    console.print("\ntolerance", style="bold")
    print_wrapped(console, str(kernel.tolerance), indent=2)
    work = kernel.work()
    console.print("\nwork of a call", style="bold")
    console.print(f"  {work.ops:,} operations, {work.bytes:,} bytes to and from the host")
    console.print("\nsource", style="bold")
    defines = "".join(f" -D{name}={value}" for name, value in kernel.defines().items())
    print_wrapped(console, f"{kernel.source}{defines}", indent=2)


def _document(kernel: Kernel) -> dict[str, Any]:
    from npulab.commands.list import argument_document

    return {
        "kernel": kernel.kernel_name(),
        "variant": kernel.label,
        "summary": kernel.summary(),
        "args": [argument_document(arg) for arg in kernel.args()],
        "functions": [
            {"symbol": one.symbol, "cycles": one.cycles, "basis": one.basis}
            for one in kernel.functions()
        ],
        "tolerance": {
            "limit": kernel.tolerance.limit,
            "unit": kernel.tolerance.unit,
            "reason": kernel.tolerance.reason,
        },
        "work": {"ops": kernel.work().ops, "bytes": kernel.work().bytes},
        "source": str(kernel.source),
        "defines": dict(kernel.defines()),
        "cases": [case.name for case in kernel.cases()],
    }


def _merged_document(merged: Merged) -> dict[str, Any]:
    return {
        "merged": merged.title,
        "parts": [
            _document(part) | {"sequence": name, "column": merged.columns[name]}
            for name, part in merged.sequences.items()
        ],
    }


def _design_document(taken: Resources, streams: list[Flow]) -> dict[str, Any]:
    return {"resources": asdict(taken), "streams": [asdict(flow) for flow in streams]}
