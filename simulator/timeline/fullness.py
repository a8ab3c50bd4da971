"""Counters of a timeline: locks, FIFOs, task queues, and the objects that lock pairs guard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.array.config import TileId
from simulator.timeline.records import Counter

_PAIR = re.compile(r"(?P<name>.+)_(?P<side>prod|cons)_lock_(?P<number>\d+)")
_UNITS = {"lock": "value", "FIFO": "words", "tasks": "tasks"}

Points = list[tuple[int, int]]


@dataclass
class Level:
    """A counter in the making: the design's name for it, its value before the run, its points."""

    tile: TileId
    counter: str
    name: str = ""
    initial: int = 0
    points: Points = field(default_factory=list)


class Levels:
    """All counters of a run; of more than `limit` points those closest together are merged.

    Attributes:
        all: By place and counter.
        resolution: Cycles within which only the last point was kept, 0 where all were.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self.resolution = 0
        self.all: dict[tuple[TileId, str], Level] = {}

    def add(self, cycle: int, tile: TileId, counter: str, value: int, name: str) -> None:
        """Note a value from `cycle` on; only changes count, and of one cycle only the last."""
        level = self.all.get((tile, counter))
        if level is None:
            level = self.all[tile, counter] = Level(tile, counter)
        level.name = name or level.name
        points = level.points
        if points and points[-1][1] == value:
            return
        self._count += _append(points, (cycle, value), self.resolution)
        while self._count > max(self._limit, 2 * len(self.all)):
            self._coarsen()

    def begin(self) -> None:
        """Take the values as they are as those that the run begins with."""
        for level in self.all.values():
            level.initial = level.points[-1][1]

    def _coarsen(self) -> None:
        self.resolution = max(16, self.resolution * 2)
        self._count = 0
        for level in self.all.values():
            points, level.points = level.points, []
            self._count += sum(_append(level.points, point, self.resolution) for point in points)


def _append(points: Points, point: tuple[int, int], resolution: int) -> int:
    """Append a point, in place of the last if that is in the same window; return the growth.

    The first point stays: it tells what there was at the start.
    """
    last = points[-1][0] if points else -1
    window = resolution or 1
    replaced = last == point[0] or (len(points) > 1 and last // window == point[0] // window)
    if replaced:
        points.pop()
    if points and points[-1][1] == point[1]:  # there and back within the window
        return -replaced
    points.append(point)
    return 1 - replaced


def counters(levels: Levels) -> tuple[Counter, ...]:
    """Return the counters that ever change, tile by tile."""
    found = [*_plain(levels), *_objects(levels)]
    return tuple(sorted(found, key=lambda counter: (counter.tile, counter.name)))


def _plain(levels: Levels) -> Iterator[Counter]:
    for level in levels.all.values():
        if len(level.points) > 1:
            yield Counter(
                tile=level.tile,
                name=f"{level.counter} {level.name}".rstrip(),
                unit=_UNITS[level.counter.partition(" ")[0]],
                points=tuple(level.points),
            )


def _objects(levels: Levels) -> Iterator[Counter]:
    """Yield how many objects of an objectFifo are not free, from the lock that counts free ones.

    A pair of locks counts free and filled objects; what neither counts somebody works on.
    """
    sides: dict[tuple[TileId, str, str], dict[str, Level]] = {}
    for level in levels.all.values():
        match = _PAIR.fullmatch(level.name)
        if match and level.points:
            key = level.tile, match["name"], match["number"]
            sides.setdefault(key, {})[match["side"]] = level
    for (tile, name, number), pair in sides.items():
        if len(pair) != 2 or len(pair["prod"].points) < 2:
            continue
        total = pair["prod"].initial + pair["cons"].initial
        yield Counter(
            tile=tile,
            name=f"objects {name}" + (f" {number}" if number != "0" else ""),
            unit="objects in use",
            points=tuple((cycle, max(0, total - free)) for cycle, free in pair["prod"].points),
        )
