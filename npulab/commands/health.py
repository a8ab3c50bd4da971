"""``npulab health``: whether this host is fit for the next job on its NPU."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from npulab.helping import ExampleCommand, FiniteRange

if TYPE_CHECKING:
    from runtime.health import Sign


@click.command(
    "health",
    cls=ExampleCommand,
    examples=(
        "npulab health",
        "npulab health --flag /var/lib/npulab-runner/out-of-rotation",
        "npulab health --json | jq '.signs[] | select(.ok | not)'",
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
@click.option(
    "--wait",
    type=FiniteRange(min=0),
    default=600,
    show_default=True,
    help="Seconds that another job may keep the NPU before the check fails.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(ctx: click.Context, device: str, flag: Path | None, wait: float, as_json: bool) -> None:
    """Check the NPU's host before or after a job.

    Looks at the device node, at processes that still hold the NPU, at the
    canary (in the XRT image where this Python has no pyxrt) and at containers
    left behind. Waits in line for the NPU, and says for whom. Exits 1 if
    anything is wrong, another job kept the NPU for too long, or the host was
    taken out of rotation before.
    """
    from npulab.arrays import check_writable
    from npulab.canary import run_canary
    from npulab.console import print_json
    from runtime.health import examine, out_of_rotation
    from runtime.xrt.stack import npu_node

    if flag and not flag.exists():
        check_writable(flag)
    signs = examine(lambda: run_canary(device, wait=wait), npu_node() if device == "xrt" else None)
    if not as_json:
        _print(signs)
    out = flag if flag and out_of_rotation(flag, signs) else None
    well = out is None and all(sign.ok for sign in signs)
    if as_json:
        found = [asdict(sign) for sign in signs]
        print_json({"well": well, "out_of_rotation": str(out) if out else None, "signs": found})
    elif out:
        _print_out(out)
    ctx.exit(0 if well else 1)


def _print(signs: list[Sign]) -> None:
    from npulab.console import stdout

    console = stdout()
    for sign in signs:
        word = "ok" if sign.ok else "WRONG"
        console.print(f"{sign.name:<12}{word:<7}{sign.found}", soft_wrap=True)


def _print_out(flag: Path) -> None:
    from npulab.console import print_wrapped, stdout

    print_wrapped(stdout(), f"out of rotation: {flag} says why; remove it when the host is mended")
