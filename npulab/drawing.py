"""The array as a picture in text: 4 columns of 6 tiles, what each runs, how full it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.text import Text

from simulator.array.config import TileId
from simulator.array.geometry import ROWS

COLUMNS = 4
"""A Phoenix NPU's, whether the design uses them all or not."""

_WIDTH = 18
_INNER = _WIDTH - 4
_ROW_KINDS = ("shim", "mem") + ("core",) * (ROWS - 2)
_TO_ASCII = str.maketrans("┌┐└┘─│█░·…", "++++-|#..~")


@dataclass(frozen=True, kw_only=True)
class TileNote:
    """What the picture says of a tile that the design uses.

    Attributes:
        runs: The functions that its core calls; empty for a tile that runs none.
        share: Share of its memory that is taken, 0 to 1; None for a tile without memory.
        arriving: Streams that end in it.
        leaving: Streams that start in it.
    """

    runs: Sequence[str] = ()
    share: float | None = None
    arriving: int = 0
    leaving: int = 0


def draw(notes: Mapping[TileId, TileNote]) -> Text:
    """Return the array, north up, 78 columns wide; a tile without a note is a dot."""
    lines = []
    for row in reversed(range(ROWS)):
        cells = [_cell(notes.get(TileId(col, row)), row) for col in range(COLUMNS)]
        height = max(map(len, cells))
        margin = ["", f"row {row}", _ROW_KINDS[row], "", ""] if height > 1 else [f"row {row}"]
        for part in range(height):
            padded = [cell if len(cell) == height else _centred(cell, height) for cell in cells]
            lines.append(Text.assemble((f"{margin[part]:<6}", "dim"), *(c[part] for c in padded)))
    columns = "".join(f"{f'column {col}':^{_WIDTH}}" for col in range(COLUMNS))
    lines.append(Text(f"      {columns}".rstrip(), "dim"))
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)


def bar(share: float, width: int) -> Text:
    """Return a bar of `width` characters, `share` of it full; a share above 0 always shows."""
    full = min(width, max(round(share * width), 1 if share > 0 else 0))
    style = "red" if share > 1 else "yellow" if share > 0.9 else "green"
    return Text.assemble(("█" * full, style), ("░" * (width - full), "dim"))


def ascii_only(text: Text) -> Text:
    """Return `text` for a terminal without Unicode, character for character."""
    return Text(text.plain.translate(_TO_ASCII), spans=text.spans)


def _cell(note: TileNote | None, row: int) -> list[Text]:
    """Return the lines of a tile: a box of five, or one with a dot."""
    if note is None:
        return [Text(f"{'·':^{_WIDTH}}", "dim")]
    inner = [
        Text(_headline(note, row), "bold cyan" if note.runs else ""),
        Text.assemble(bar(note.share, 8), f" {note.share:.0%}")
        if note.share is not None
        else Text(),
        Text(f"{note.arriving} in, {note.leaving} out", "dim"),
    ]
    for line in inner:
        line.truncate(_INNER, overflow="ellipsis", pad=True)
    edge = "─" * (_WIDTH - 2)
    boxed = [Text.assemble("│ ", line, " │") for line in inner]
    return [Text(f"┌{edge}┐"), *boxed, Text(f"└{edge}┘")]


def _centred(cell: list[Text], height: int) -> list[Text]:
    blank = Text(" " * _WIDTH)
    above = (height - 1) // 2
    return [blank] * above + cell + [blank] * (height - 1 - above)


def _headline(note: TileNote, row: int) -> str:
    if not note.runs:
        return "host memory" if row == 0 else "buffers"
    more = f" +{len(note.runs) - 1}" if len(note.runs) > 1 else ""
    first = note.runs[0]
    room = _INNER - len(more)
    return (first if len(first) <= room else first[: room - 1] + "…") + more
