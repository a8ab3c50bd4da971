"""``npulab doctor``: what this machine has and lacks, each with its cure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from npulab.machine import Check


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check this machine, and say what each missing thing needs.

    Exits 3 if something that the lab cannot do without is missing, else 0.
    It starts no service and opens no network connection.
    """
    from npulab import machine, passthrough
    from npulab.console import print_json

    checks = [*machine.examine(), *passthrough.examine()]
    ready = all(check.ok for check in checks if check.needed)
    if as_json:
        print_json({"ready": ready, "checks": [asdict(check) for check in checks]})
    else:
        _print(checks, ready)
    ctx.exit(0 if ready else 3)


def _print(checks: list[Check], ready: bool) -> None:
    from npulab.console import print_hanging, print_wrapped, stdout

    console = stdout()
    for title, needed in (("The lab needs", True), ("The lab can use", False)):
        console.print(title, style="bold")
        for check in (check for check in checks if check.needed is needed):
            word, style = (
                ("ok", "green") if check.ok else ("missing", "red" if needed else "yellow")
            )
            console.print(f"  {check.name:<16}", end="")
            console.print(f"{word:<9}", style=style, end="")
            print_hanging(console, check.found, indent=27)
            if not check.ok:
                print_wrapped(console, f"-> {check.cure}", indent=27)
    console.print("\nThe network was not probed: after the install the lab does not need it.")
    if ready:
        console.print("Ready: npulab demo builds and checks every kernel.")
