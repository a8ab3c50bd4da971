"""Help texts with examples, and options that are numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import click


class ExampleCommand(click.Command):
    """A command whose help ends with examples, printed as they are written.

    Args:
        examples: Lines, each short enough for 78 columns.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class FiniteRange(click.FloatRange):
    """A number of a range, and no NaN, which is neither below nor above any limit."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number
