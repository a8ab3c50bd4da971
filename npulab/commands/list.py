"""``npulab list``: the kernels and their variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from npulab.helping import ExampleCommand

if TYPE_CHECKING:
    from kernels.contract import Arg, Kernel
    from kernels.merged import Merged


@click.command(
    "list",
    cls=ExampleCommand,
    examples=(
        "npulab list",
        "npulab list --json | jq '.kernels[].name'",
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(as_json: bool) -> None:
    """List the kernels with their variants and arguments."""
    from kernels import registry
    from kernels.merged import designs
    from npulab.console import print_json

    variants = {name: registry.find(name) for name in registry.names()}
    merged = [designs.find(name) for name in designs.names()]
    if as_json:
        found = [_document(name, variants[name]) for name in variants]
        print_json({"kernels": found, "merged": [_merged_document(one) for one in merged]})
    else:
        _print(variants, merged)


def _print(variants: dict[str, list[Kernel]], merged: list[Merged]) -> None:
    from npulab import figures
    from npulab.console import print_wrapped, stdout

    console = stdout()
    for name, kernels in variants.items():
        smallest = kernels[0]
        console.print(name, style="bold")
        print_wrapped(console, smallest.summary(), indent=4)
        labels = ", ".join(kernel.label for kernel in kernels)
        print_wrapped(console, f"variants: {labels}", indent=4, style="dim")
        print_wrapped(console, f"{smallest.label}: {signature(smallest)}", indent=4, style="dim")
    for one in merged:
        console.print(one.title, style="bold")
        parts = ", ".join(part.title for part in one.parts)
        print_wrapped(console, f"in one hardware context: {parts}", indent=4)
    count = sum(map(len, variants.values()))
    total = (
        f"{figures.number(len(variants), 'kernel')}, {figures.number(count, 'variant')}, "
        f"{figures.number(len(merged), 'merged design')}"
    )
    console.print(f"\n{total}. More on one: npulab show KERNEL")


def signature(kernel: Kernel) -> str:
    """Return ``x int8[512], lut int8[256] -> y int8[512]``."""
    read, written = [], []
    for arg in kernel.args():
        text = f"{arg.name} {arg.dtype.name}[{','.join(map(str, arg.shape))}]"
        if arg.role.is_read:
            read.append(text)
        if arg.role.is_written:
            written.append(text)
    return f"{', '.join(read)} -> {', '.join(written)}"


def argument_document(arg: Arg) -> dict[str, Any]:
    """Return an argument as JSON."""
    return {
        "name": arg.name,
        "role": arg.role.value,
        "shape": list(arg.shape),
        "dtype": arg.dtype.name,
    }


def _merged_document(merged: Merged) -> dict[str, Any]:
    return {
        "name": merged.title,
        "sequences": {name: part.title for name, part in merged.sequences.items()},
    }


def _document(name: str, kernels: list[Kernel]) -> dict[str, Any]:
    return {
        "name": name,
        "summary": kernels[0].summary(),
        "variants": [
            {
                "label": kernel.label,
                "args": [argument_document(arg) for arg in kernel.args()],
            }
            for kernel in kernels
        ],
    }
