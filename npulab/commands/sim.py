"""``npulab sim``: a program that uses pyxrt, with the simulated array in the NPU's place."""

from __future__ import annotations

import click

from npulab.helping import ExampleCommand


@click.command(
    "sim",
    cls=ExampleCommand,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    examples=(
        "npulab sim -- python test.py -x build/final.xclbin -i build/insts.bin",
        "npulab sim -- pytest tests/test_my_kernel.py",
    ),
)
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
def command(program: tuple[str, ...]) -> None:
    """Run a pyxrt program on the simulated NPU.

    PROGRAM needs no change: `import pyxrt` gives it a fake one. Its xclbins
    configure a simulated Phoenix array, its instruction buffers are executed,
    and the cores run the machine code that the xclbin brings. Host and device
    have memories of their own: a forgotten sync() shows as stale data, as it
    does on the NPU.

    When the program ends, what was found wrong (a deadlock, a transfer past a
    buffer) is printed to stderr, with the instruction or the core that did it.
    Times are modelled, not measured. PROGRAM must run in a Python that has npulab.
    """
    from npulab.standin import run

    run(program)
