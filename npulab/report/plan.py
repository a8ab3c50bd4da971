"""The array as a drawing: which tile holds how much, and which functions its core calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from simulator import Resources
from simulator.array.geometry import ROWS
from simulator.mlir.resources import TileUse
from simulator.timeline.picture import rectangle, svg, text

COLUMNS = 4
"""A Phoenix NPU's, whether the design uses them all or not."""

HUES = 6
"""Colours for cores that run different functions; after them they start again."""

_WIDTH = 336.0
_CELL = 80.0
_HEIGHT = 50.0
_GAP = 5.0
_FOOT = 18.0
_KINDS = {"shim": "shim", "mem": "memory tile"}


@dataclass(frozen=True)
class Plan:
    """A drawing of the array, and the functions that its letters stand for."""

    svg: str
    keys: tuple[tuple[str, tuple[str, ...]], ...]


def plan(title: str, taken: Resources) -> Plan:
    """Draw what a design takes of the array, north up.

    Args:
        title: What the design is.
        taken: What it takes.
    """
    programs = _programs(taken.tiles)
    used = {tile.tile: tile for tile in taken.tiles}
    body: list[str] = []
    for row in reversed(range(ROWS)):
        for column in range(COLUMNS):
            x, y = column * (_CELL + _GAP), (ROWS - 1 - row) * (_HEIGHT + _GAP)
            body += _cell(x + 0.75, y + 0.75, (column, row), used.get((column, row)), programs)
    foot = ROWS * (_HEIGHT + _GAP) + 11
    body += [
        text(column * (_CELL + _GAP) + _CELL / 2, foot, f"column {column}", "soft small", "middle")
        for column in range(COLUMNS)
    ]
    height = ROWS * (_HEIGHT + _GAP) + _FOOT
    words = f"The array with the tiles that {title} uses: {len(used)} of {COLUMNS * ROWS}"
    keys = tuple((_letter(index), names) for names, index in programs.items())
    return Plan(svg(_WIDTH, height, words, body, style=False), keys)


def _programs(tiles: Sequence[TileUse]) -> dict[tuple[str, ...], int]:
    """Return a number for each set of functions that a core calls, in order of the tiles."""
    found: dict[tuple[str, ...], int] = {}
    for tile in tiles:
        if tile.functions is not None:
            found.setdefault(tuple(sorted(set(tile.functions))), len(found))
    return found


def _letter(index: int) -> str:
    return ascii_uppercase[index] if index < len(ascii_uppercase) else str(index)


def _cell(
    x: float,
    y: float,
    place: tuple[int, int],
    tile: TileUse | None,
    programs: dict[tuple[str, ...], int],
) -> Iterator[str]:
    if tile is None:
        yield rectangle(x, y, _CELL - 1.5, _HEIGHT - 1.5, "free", rx=5)
        return
    runs = None if tile.functions is None else tuple(sorted(set(tile.functions)))
    index = None if runs is None else programs[runs]
    hue = "buffers" if index is None else f"hue{index % HUES}"
    yield rectangle(x, y, _CELL - 1.5, _HEIGHT - 1.5, f"tile {hue}", _tip(tile), rx=5)
    head = tile.kind if index is None else _letter(index)
    yield text(x + 6, y + 15, head, "small strong")
    yield text(x + _CELL - 7.5, y + 15, f"{place[0]},{place[1]}", "soft small", "end")
    if tile.memory_limit:
        share = tile.memory / tile.memory_limit
        yield rectangle(x + 6, y + 21, _CELL - 13.5, 5, "rail", rx=2.5)
        filled = (_CELL - 13.5) * min(1.0, share)
        yield rectangle(
            x + 6, y + 21, max(2.0, filled), 5, "fill hot" if share > 1 else "fill", rx=2
        )
    streams = f"{tile.s2mm} in {tile.mm2s} out"
    yield text(x + 6, y + 41, streams, "soft tiny")


def _tip(tile: TileUse) -> str:
    what = ", ".join(sorted(set(tile.functions))) if tile.functions else _KINDS.get(tile.kind, "")
    memory = f"; {tile.memory:,} of {tile.memory_limit:,} bytes" if tile.memory_limit else ""
    return f"tile({tile.tile[0]},{tile.tile[1]}): {what or 'core'}{memory}"
