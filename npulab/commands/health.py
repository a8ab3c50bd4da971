"""``npulab health``: whether this host is fit for the next job on its NPU."""

from __future__ import annotations

from pathlib import Path

import click

from npulab.helping import ExampleCommand


@click.command(
    "health",
    cls=ExampleCommand,
    examples=(
        "npulab health",
        "npulab health --flag /var/lib/npulab-runner/out-of-rotation",
    ),
)
@click.option(
    "--device",
    type=click.Choice(["xrt", "sim", "fake"]),
    default="xrt",
    show_default=True,
    help="What the canary runs on.",
)
@click.option(
    "--flag",
    type=click.Path(path_type=Path),
    help="Write the reason here if anything is wrong; while it is there, nothing is well.",
)
@click.pass_context
def command(ctx: click.Context, device: str, flag: Path | None) -> None:
    """Check the NPU's host before or after a job.

    Looks at the device node, at processes that still hold the NPU, at the
    canary (in the XRT image where this Python has no pyxrt) and at containers
    left behind. Exits 1 if anything is wrong or the
    host was taken out of rotation before.
    """
    from npulab.canary import run_canary
    from npulab.console import print_wrapped, stdout
    from runtime.health import examine, out_of_rotation
    from runtime.xrt.stack import NODE

    signs = examine(lambda: run_canary(device), NODE if device == "xrt" else None)
    console = stdout()
    for sign in signs:
        console.print(
            f"{sign.name:<12}{'ok' if sign.ok else 'WRONG':<7}{sign.found}", soft_wrap=True
        )
    well = all(sign.ok for sign in signs)
    if flag and out_of_rotation(flag, signs):
        print_wrapped(
            console, f"out of rotation: {flag} says why; remove it when the host is mended"
        )
        well = False
    ctx.exit(0 if well else 1)
