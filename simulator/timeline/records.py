"""A run as plain data: who did what from when to when, and what was how full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from simulator.array.config import BufferDescriptor, TileId
from simulator.array.recorder import Doing

MIXED = "several"
"""What a span is called that stands for more than one, see :attr:`Timeline.resolution`."""


class Role(StrEnum):
    """What kind of thing a track is the life of."""

    HOST = "host"
    CORE = "core"
    DMA = "dma"
    STREAM = "stream"


class Span(NamedTuple):
    """A stretch of cycles [start, end) in which a track does one thing.

    Attributes:
        doing: Its kind; of several, the one that takes most cycles.
        what: The same in words.
        line: The design line that asks for it, 0 where there is none.
        words: 32-bit words moved in it.
        pieces: Spans that it stands for.
        transfer: The BD, of a DMA channel.
    """

    start: int
    end: int
    doing: Doing
    what: str
    line: int = 0
    words: int = 0
    pieces: int = 1
    transfer: BufferDescriptor | None = None


@dataclass(frozen=True, kw_only=True)
class Track:
    """The life of one core, DMA channel, stream or host program. Its spans do not overlap.

    Attributes:
        tile: Where, None for the host.
        name: ``core``, ``MM2S:0``, ``host``, ``stream DMA:0``.
        who: The same with its place, as errors and other tracks name it.
        spans: What it did; gaps are idle.
        cycles: Cycles by kind, exact whatever the spans' resolution is.
        words: 32-bit words that it moved.
        waits: Cycles that it waited by the name of who ended the wait.
    """

    tile: TileId | None
    name: str
    who: str
    role: Role
    spans: tuple[Span, ...]
    cycles: Mapping[Doing, int]
    words: int
    waits: Mapping[str, int]

    @property
    def busy(self) -> int:
        """Cycles of work."""
        return self.cycles.get(Doing.WORK, 0)


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A value over time.

    Attributes:
        tile: Where.
        name: ``lock 1 of_x_cons_cons_lock_0``, ``FIFO of DMA:0``, ``objects of_x_cons``.
        unit: What it counts.
        points: (cycle, value) from which cycle on it has which value, in order.
    """

    tile: TileId
    name: str
    unit: str
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """One run, or several one after the other. All times are modelled, none is measured.

    Attributes:
        title: What ran.
        clock_hz: Cycles a second that the model assumes.
        start: First cycle.
        end: The cycle after the last.
        tracks: By place: the host, then tile by tile.
        counters: Likewise.
        resolution: Spans and points closer than so many cycles may have been merged, to keep
            the timeline of a long run small; 0 where every one is there.
    """

    title: str
    clock_hz: int
    start: int
    end: int
    tracks: tuple[Track, ...]
    counters: tuple[Counter, ...]
    resolution: int = 0

    @property
    def cycles(self) -> int:
        """Cycles from start to end."""
        return self.end - self.start


def place_name(tile: TileId | None) -> str:
    """Return a tile with its kind, ``tile(0,1) memory``, or ``host`` for None."""
    if tile is None:
        return "host"
    return f"{tile} {('shim', 'memory')[tile.row] if tile.row < 2 else 'core'}"
