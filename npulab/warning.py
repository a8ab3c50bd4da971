"""``--warn``: findings of the simulated array that are told and do not fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.decorators import FC


def warn_option() -> Callable[[FC], FC]:
    """Return the option for commands that run designs; it also reads NPULAB_WARN."""
    return click.option(
        "--warn",
        metavar="KINDS",
        expose_value=False,
        callback=_choose,
        help="Findings that only warn: races, uninitialised, stack, hazards, unfinished."
        "  [env: NPULAB_WARN]",
    )


def warning_documents() -> list[dict[str, object]]:
    """Return the warnings so far as JSON, each once."""
    from npulab.building import error_document
    from simulator.findings import told

    return [error_document(warning) for warning in told()]


def _choose(ctx: click.Context, _option: click.Parameter, value: str | None) -> None:
    if ctx.resilient_parsing:
        return
    ctx.call_on_close(_print)
    if value is not None:
        from simulator.findings import kinds, warn_of

        warn_of(kinds(value))


def _print() -> None:
    """Print each warning once, on stderr."""
    import sys

    if "simulator.findings" not in sys.modules:
        return
    from npulab.console import print_wrapped, stderr
    from simulator.findings import told

    for warning in told():
        first, *rest = str(warning).splitlines()
        print_wrapped(stderr(), f"warning: {first}", style="yellow")
        for line in rest:
            print_wrapped(stderr(), line.strip(), indent=4)
