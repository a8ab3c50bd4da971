"""What the command line writes and where: results on stdout, progress and errors on stderr.

On a terminal there is colour and the terminal's width. Elsewhere there is neither: plain
text, 80 columns wide unless ``COLUMNS`` says otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal

from errors import LabError

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 80

HANGING = 4
"""Characters by which the rest of a line that was broken is further in."""


def stdout() -> Console:
    """Return the console for results."""
    return _console(sys.stdout)


def stderr() -> Console:
    """Return the console for progress, notes and errors."""
    return _console(sys.stderr)


def print_json(document: object) -> None:
    """Print `document` as the only thing on stdout; what JSON has no word for is a bug: NaN."""
    print(json.dumps(document, indent=2, allow_nan=False))


@dataclass(frozen=True)
class Column:
    """A column of `Rows`: its title, its width in characters and its alignment."""

    title: str
    width: int
    justify: Literal["left", "right"] = "left"


class Rows:
    """A table whose rows appear as they are known, in columns of a width set beforehand.

    The last column may be longer than its width. A first cell that is longer than its column has
    a line of its own, so that the columns after it stay where they are.
    """

    def __init__(self, console: Console, *columns: Column) -> None:
        self._console = console
        self._columns = columns

    def header(self) -> None:
        """Print the titles."""
        self.row(*(column.title for column in self._columns), styles=["bold"] * len(self._columns))

    def row(self, *cells: str, styles: Sequence[str] = ()) -> None:
        """Print one row; `styles` gives each cell's style, missing ones are plain."""
        from rich.text import Text

        cells, line = self._fitting(cells, styles), Text()
        for index, (cell, column) in enumerate(zip(cells, self._columns, strict=True)):
            width = max(column.width, len(column.title))
            filled = cell.rjust(width) if column.justify == "right" else cell.ljust(width)
            line.append(filled, styles[index] if index < len(styles) else "")
            line.append("  ")
        line.rstrip()
        self._console.print(line, soft_wrap=True)

    def _fitting(self, cells: tuple[str, ...], styles: Sequence[str]) -> tuple[str, ...]:
        """Print a first cell that is too long, and return the cells that are left."""
        from rich.text import Text

        first, *others = cells
        column = self._columns[0]
        if not others or len(first) <= max(column.width, len(column.title)):
            return cells
        self._console.print(Text(first, styles[0] if styles else ""), soft_wrap=True)
        return ("", *others)


def print_error(error: LabError, brief: bool = False) -> None:
    """Print an error on stderr: what and where; unless `brief`, details and cure below."""
    text = str(error)
    console = stderr()
    console.print("error: ", style="bold red", end="")
    console.print(text.partition("\n")[0] if brief else text, soft_wrap=True)


def print_note(text: str) -> None:
    """Print a line on stderr that says what will be done, dim on a terminal.

    It goes without rich, which a command that finds nothing to do would load for it alone.
    """
    terminal = sys.stderr.isatty()
    width = shutil.get_terminal_size().columns if terminal else _plain_width()
    filled = _filled(text, width, 0)
    dim = terminal and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    print(f"\x1b[2m{filled}\x1b[0m" if dim else filled, file=sys.stderr)


def print_folded(text: str) -> None:
    """Print the lines of `text`, those that are too long with the rest below, further in.

    A line is broken after a comma, else at a blank, never within a word. It goes without rich,
    which inspecting a file would load for this alone.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _plain_width()
    sys.stdout.writelines(f"{part}\n" for line in text.splitlines() for part in fold(line, width))


def fold(line: str, width: int) -> Iterator[str]:
    """Yield a line in parts of at most `width` characters, where it can be broken."""
    margin = " " * (len(line) - len(line.lstrip()) + HANGING)
    start = len(margin) - HANGING
    while len(line) > width:
        # The blank after a comma may itself be beyond the width.
        comma = line.rfind(", ", start, width + 1) + 1
        end = comma or line.rfind(" ", start, width + 1)
        if end <= start:
            end = line.find(" ", max(start, width))
        if end < 0:
            break
        yield line[:end].rstrip()
        line = margin + line[end:].lstrip()
        start = len(margin)
    yield line


def print_cut(console: Console, text: str, style: str = "") -> None:
    """Print `text` on one line, cut at the console's width."""
    console.print(text, style=style, no_wrap=True, overflow="ellipsis")


def print_wrapped(console: Console, text: str, indent: int = 0, style: str = "") -> None:
    """Print `text` broken at words to the console's width, every line `indent` further in."""
    console.print(_filled(text, console.width, indent), style=style, soft_wrap=True)


def print_hanging(console: Console, text: str, indent: int, style: str = "") -> None:
    """End a line whose first `indent` characters are printed with `text`, broken as above."""
    console.print(_filled(text, console.width, indent).lstrip(), style=style, soft_wrap=True)


def _filled(text: str, width: int, indent: int) -> str:
    # Not rich's own wrapping, which leaves a blank at the end of a line that is just full.
    margin = " " * indent
    return textwrap.fill(
        text, width, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
    )


def _plain_width() -> int:
    return int(os.environ.get("COLUMNS", PLAIN_WIDTH))


def _console(stream: IO[str]) -> Console:
    from rich.console import Console

    terminal = stream.isatty()
    return Console(
        file=stream,
        width=None if terminal else _plain_width(),
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=None if terminal else False,
    )
