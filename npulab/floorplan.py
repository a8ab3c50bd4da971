"""What a design takes of the array, as people look at it: table, picture, streams."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from npulab.designs import Flow
from npulab.drawing import TileNote, ascii_only, bar, draw
from simulator import Resources
from simulator.array.config import TileId
from simulator.mlir.resources import TileUse


def print_floorplan(
    console: Console, taken: Resources, streams: Sequence[Flow], cycles: Mapping[str, int]
) -> None:
    """Print resources per tile, the array, and the streams between tiles.

    Args:
        console: Where to.
        taken: What the design takes.
        streams: Its streams.
        cycles: Cycles of one call of each function: the picture names a core's costliest.
    """
    console.print(f"\nresources ({taken.device})", style="bold")
    titles = ("tiles", "memory", "locks", "BDs", "MM2S", "S2MM")
    header = "  {:<14}  {:<20}  {:<10}  {:<10}  {:<4}  {}".format(*titles)
    _print(console, Text(header, "dim"))
    for alike in _alike(taken.tiles):
        _print(console, _row(alike))
    console.print("\narray", style="bold")
    _print(console, draw(_notes(taken, streams, cycles)))
    console.print("\nstreams, from tile:channel to tile:channel", style="bold")
    width = max((len(flow.name) for flow in streams), default=0)
    for flow in streams:
        for line in _stream(flow, width, console.width):
            _print(console, Text(line))


def _print(console: Console, text: Text) -> None:
    unicode = console.encoding.startswith("utf")
    console.print(text if unicode else ascii_only(text), soft_wrap=True)


def _alike(tiles: Sequence[TileUse]) -> list[list[TileUse]]:
    """Group the tiles that take the same of what they have."""
    groups: dict[tuple[object, ...], list[TileUse]] = {}
    for tile in tiles:
        key = (tile.kind, tile.memory, tile.locks, tile.bds, tile.mm2s, tile.s2mm)
        groups.setdefault(key, []).append(tile)
    return list(groups.values())


def _row(alike: Sequence[TileUse]) -> Text:
    """Return the line of tiles that are alike: bars against what each of them has."""
    tile = alike[0]
    times = f" x{len(alike)}" if len(alike) > 1 else ""
    memory = Text(" " * 20)
    if tile.memory_limit:
        amount = f" {tile.memory / 1024:>5.1f}/{tile.memory_limit // 1024} K"
        memory = Text.assemble(bar(tile.memory / tile.memory_limit, 8), f"{amount:<12}")
    return Text.assemble(
        f"  {f'{tile.kind:<4} ({tile.tile[0]},{tile.tile[1]}){times}':<14}  ",
        memory,
        "  ",
        _share(tile.locks, tile.locks_limit),
        "  ",
        _share(tile.bds, tile.bds_limit) if tile.kind != "shim" else Text("by host   "),
        f"  {tile.mm2s}/{tile.mm2s_limit}   {tile.s2mm}/{tile.s2mm_limit}",
    )


def _share(used: int, limit: int) -> Text:
    return Text.assemble(bar(used / limit, 4), f" {used:>2}/{limit:<2}")


def _notes(
    taken: Resources, streams: Sequence[Flow], cycles: Mapping[str, int]
) -> dict[TileId, TileNote]:
    leaving = Counter(flow.source.split(":")[0] for flow in streams)
    arriving = Counter(target.split(":")[0] for flow in streams for target in flow.targets)
    return {
        (place := TileId(*tile.tile)): TileNote(
            runs=sorted(tile.functions or (), key=lambda name: -cycles.get(name, 0)),
            share=tile.memory / tile.memory_limit if tile.memory_limit else None,
            arriving=arriving[str(place)],
            leaving=leaving[str(place)],
        )
        for tile in taken.tiles
    }


def _stream(flow: Flow, width: int, columns: int) -> list[str]:
    """Return a stream's line, with more lines below where its targets are many."""
    targets = " ".join(target.removeprefix("tile") for target in flow.targets)
    packet = f" packet {flow.packet}" if flow.packet is not None else ""
    head = f"  {flow.name:<{width}}  {flow.source.removeprefix('tile')} -> "
    tail = f"  {flow.objects}{packet}".rstrip()
    return textwrap.wrap(
        f"{head}{targets}{tail}",
        columns,
        subsequent_indent=" " * len(head),
        break_long_words=False,
    )
