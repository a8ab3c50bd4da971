"""``npulab new``: a kernel to start from."""

from __future__ import annotations

from pathlib import Path

import click

from npulab.helping import ExampleCommand


@click.command(
    "new",
    cls=ExampleCommand,
    examples=(
        "npulab new relu_int8",
        "npulab test relu_int8",
    ),
)
@click.argument("name")
def command(name: str) -> None:
    """Start a new kernel that builds and passes.

    Writes kernels/NAME/ with a source and a contract for max(x, 0) on int8;
    change it from there.
    """
    import kernels
    from npulab import scaffold
    from npulab.console import stdout

    folder = scaffold.create(name, Path(kernels.__file__).parent)
    console = stdout()
    console.print(f"wrote {_short(folder / 'kernel.cc')}   the C++ source, for AIE2 and the host")
    console.print(f"      {_short(folder / 'kernel.py')}   arguments, design, golden model")
    console.print(f"next  npulab test {name}")


def _short(path: Path) -> Path:
    """Return `path` as seen from here, if it is below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
