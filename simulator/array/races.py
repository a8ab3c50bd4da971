"""Races: two accesses to the same bytes, one of them a write, with nothing that orders them.

Every agent (core, DMA channel, control unit, the host) has a vector clock. A lock release
hands the agent's clock to the lock, an acquire takes it from there; words on a stream hand
it from sender to receiver, a pushed task from the host to the channel, a token back. Of two
conflicting accesses the later one must know of the earlier one, or the design left their
order to chance. Accesses are whole buffer descriptors, and stretches of a core's program
between two places where it may wait: a word is never looked at alone.

A semaphore hands on the clocks of all who released it before, and words hand on all that
their sender knew: what is reported is a race in this run, and an order that only this run's
timing brought about is not reported as one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from errors import CheckFailed
from simulator.array.config import WORD, BufferDescriptor, Origin
from simulator.array.memory import Flags, HostBuffer, Memory
from simulator.array.pattern import Box, cut, view, walk

_AGENTS = 192
"""Room for every core, DMA channel and control unit of an array, and the host."""

_CURE = (
    "let the first release a lock that the second acquires (or a task's token, where the host "
    "takes part); a buffer in two halves needs a lock for each"
)

_maximum = np.maximum
"""Bound once: it runs twice for each lock operation."""

_ALL: Flags = np.ones(1, np.bool_)

Times: TypeAlias = npt.NDArray[np.int64]


class Clock:
    """What one agent knows of the others' time.

    Attributes:
        name: The agent, for messages.
        index: Its place in every clock.
        time: Its own time: how often it has handed on what it knows, from 1.
        known: The time of each agent that it knows of.
    """

    __slots__ = ("index", "known", "name", "time")

    def __init__(self, name: str, index: int) -> None:
        self.name = name
        self.index = index
        self.time = 1
        self.known: Times = np.zeros(_AGENTS, np.int64)
        self.known[index] = 1

    def hear(self, known: Times) -> None:
        """Know from now on what `known` says."""
        _maximum(self.known, known, out=self.known)

    def tell(self, known: Times) -> None:
        """Hand on to `known` all that is known here; what happens from now on is news."""
        _maximum(known, self.known, out=known)
        self.time += 1
        self.known[self.index] = self.time


def unheard() -> Times:
    """Return what a lock knows that nobody has released."""
    return np.zeros(_AGENTS, np.int64)


class Region:
    """Bytes of one memory that are accessed together.

    Attributes:
        start: First byte.
        stop: Byte after the last.
        words: A flag for each word of [start, stop), where not all belong to it.
        overlaps: Regions that share a byte with it, itself among them.
        writer: Who wrote it last, when, and at which place of the design.
        readers: Who has read it since, when and where.
    """

    __slots__ = ("overlaps", "readers", "start", "stop", "words", "writer")

    def __init__(self, start: int, stop: int, words: Flags | None = None) -> None:
        self.start = start
        self.stop = stop
        self.words = words
        self.overlaps: list[Region] = [self]
        self.writer: tuple[Clock, int, Origin] | None = None
        self.readers: dict[Clock, tuple[int, Origin]] = {}

    def shared(self, other: Region) -> tuple[int, int] | None:
        """Return the first and last byte that both have, None if they share none."""
        start, stop = max(self.start, other.start), min(self.stop, other.stop)
        if start >= stop:
            return None
        if self.words is None and other.words is None:
            return start, stop - 1
        first, last = start // WORD, -(-stop // WORD)
        common = self._flags(first, last) & other._flags(first, last)
        if not common.any():
            return None
        places = np.flatnonzero(common)
        return (first + int(places[0])) * WORD, (first + int(places[-1])) * WORD + WORD - 1

    def _flags(self, first: int, last: int) -> Flags:
        """Return which of the words [first, last), all in its bounds, belong to it."""
        if self.words is None:
            return _ALL
        own = self.start // WORD
        return self.words[first - own : last - own]


class Regions:
    """The regions of one memory."""

    def __init__(self) -> None:
        self._known: dict[object, Region] = {}
        self._all: list[Region] = []
        self._bounds = np.zeros((64, 2), np.int64)

    def range(self, start: int, stop: int) -> Region:
        """Return the region of bytes [start, stop)."""
        return self._known.get((start, stop)) or self._add((start, stop), Region(start, stop))

    def of(self, first: int, record: BufferDescriptor) -> Region:
        """Return the region that a descriptor moves from word `first` on, padding apart."""
        length = record.length // WORD
        padded = any(pad.before or pad.after for pad in record.pads)
        if padded:
            sizes, strides = zip(*record.dims, strict=True)
            boxes = [Box(first, sizes, strides)]
        else:
            dims = walk(record.dims, length)
            if len(dims) == 1 and dims[0].stride == 1:
                return self.range(first * WORD, (first + length) * WORD)
            boxes = cut(first, dims, 0, length)
        key = tuple(boxes)
        found = self._known.get(key)
        if found is not None:
            return found
        start, stop = min(box.first for box in boxes), max(box.last for box in boxes) + 1
        words = np.zeros(stop - start, np.bool_)
        for box in boxes:
            view(words, box._replace(first=box.first - start))[...] = True
        if words.all():
            region = self._known[key] = self.range(start * WORD, stop * WORD)
            return region
        return self._add(key, Region(start * WORD, stop * WORD, words))

    def _add(self, key: object, region: Region) -> Region:
        count = len(self._all)
        if count == len(self._bounds):
            self._bounds = np.concatenate((self._bounds, np.zeros_like(self._bounds)))
        starts, stops = self._bounds[:count].T
        for number in np.flatnonzero((starts < region.stop) & (stops > region.start)):
            other = self._all[number]
            if region.shared(other) is not None:
                region.overlaps.append(other)
                other.overlaps.append(region)
        self._bounds[count] = region.start, region.stop
        self._all.append(region)
        self._known[key] = region
        return region


Name: TypeAlias = Callable[[Memory | HostBuffer, int], str]
"""Gives the words for byte `n` of a memory: `` (buffer a)``, or nothing."""


class Races:
    """All clocks of an array, and who accessed what.

    Attributes:
        host: The host's clock.
        current: Who acts where no agent is named: the host, or a control unit at its behest.
    """

    def __init__(self, report: Callable[[CheckFailed], None], name: Name) -> None:
        self._report = report
        self._name = name
        self._clocks: dict[str, Clock] = {}
        self._regions: dict[int, tuple[Memory | HostBuffer, Regions]] = {}
        self._reported: set[tuple[str, str, int]] = set()
        self.host = self.current = self.clock("the host")

    def clock(self, name: str) -> Clock:
        """Return the clock of the agent of that name."""
        if name not in self._clocks:
            self._clocks[name] = Clock(name, len(self._clocks))
        return self._clocks[name]

    def regions(self, memory: Memory | HostBuffer) -> Regions:
        """Return the regions of a memory."""
        found = self._regions.get(id(memory))
        if found is None:
            found = self._regions[id(memory)] = memory, Regions()
        return found[1]

    def forget(self, buffers: Sequence[HostBuffer]) -> None:
        """Drop what is known of host buffers that no run has any more."""
        for buffer in buffers:
            self._regions.pop(id(buffer), None)

    def access(
        self,
        clock: Clock,
        memory: Memory | HostBuffer,
        region: Region,
        origin: Origin,
        *,
        writes: bool,
    ) -> None:
        """Note an access, and report each earlier one that conflicts and is not known of."""
        known = clock.known
        for other in region.overlaps:
            writer = other.writer
            if writer is not None and known[writer[0].index] < writer[1]:
                self._race(memory, region, other, (clock, origin, writes), (*writer[::2], True))
            if writes:
                for reader, (time, place) in other.readers.items():
                    if known[reader.index] < time:
                        early = reader, place, False
                        self._race(memory, region, other, (clock, origin, True), early)
        if writes:
            region.writer = clock, clock.time, origin
            region.readers.clear()
        else:
            region.readers[clock] = clock.time, origin

    def _race(
        self,
        memory: Memory | HostBuffer,
        region: Region,
        other: Region,
        late: tuple[Clock, Origin, bool],
        early: tuple[Clock, Origin, bool],
    ) -> None:
        """Report a race once for each pair of agents and memory."""
        left, right = sorted((early[0].name, late[0].name))
        key = left, right, id(memory)
        shared = region.shared(other)
        if key in self._reported or shared is None:
            return
        self._reported.add(key)
        first, second = (
            f"{clock.name}{origin.bracketed} {'writes' if writes else 'reads'}"
            for clock, origin, writes in (early, late)
        )
        self._report(
            CheckFailed(
                f"race for bytes {shared[0]}..{shared[1]} of {memory}"
                f"{self._name(memory, shared[0])}: {first} them, and {second} them, and no lock "
                "orders the two",
                cure=_CURE,
                code="NPU223",
            )
        )
