"""A buffer descriptor as a DMA holds it: locks found, words found, iteration counted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from errors import UsageError
from simulator.array.checks import check_bounds, describe
from simulator.array.config import WORD, BufferDescriptor, Dim, TileId
from simulator.array.locks import Semaphore
from simulator.array.memory import HostBuffer, Memory
from simulator.array.packet import header
from simulator.array.pattern import Elements, Pattern, source_pattern, target_pattern
from simulator.array.races import Races, Region
from simulator.array.scheduler import Action


class LockUse(NamedTuple):
    """A BD's acquire or release with its lock found."""

    lock: Semaphore
    value: int
    equal: bool


class _MarkedTarget:
    """A pattern that notes in flags which words were written."""

    __slots__ = ("_flags", "_words", "length")

    def __init__(self, words: Pattern, *flags: Pattern) -> None:
        self._words = words
        self._flags = flags
        self.length = words.length

    def take(self, start: int, stop: int) -> Elements:
        return self._words.take(start, stop)

    def put(self, start: int, stop: int, data: Elements | np.bool_) -> None:
        self._words.put(start, stop, data)
        for flags in self._flags:
            flags.put(start, stop, np.True_)


class _CheckedSource:
    """A pattern that reports, once, that it takes words whose flag is not set."""

    __slots__ = ("_flags", "_report", "_words", "length")

    def __init__(self, words: Pattern, flags: Pattern, report: Action) -> None:
        self._words = words
        self._flags = flags
        self._report: Action | None = report
        self.length = words.length

    def take(self, start: int, stop: int) -> Elements:
        if self._report is not None and not self._flags.take(start, stop).all():
            self._report()
            self._report = None
        return self._words.take(start, stop)

    def put(self, start: int, stop: int, data: Elements | np.bool_) -> None:
        self._words.put(start, stop, data)


class Descriptor:
    """BD `index` of `tile`, ready to be executed.

    Attributes:
        tile: The tile whose DMA has it.
        index: Its number there.
        record: What was written.
        memory: What it addresses; None for a shim BD that is not bound to a host buffer yet.
        acquire: Lock to acquire before the transfer.
        release: Lock to release after it.
        header: Packet header word to send first.
        users: Names of the channels that have executed it.
    """

    __slots__ = (
        "_regions",
        "_report",
        "_sources",
        "_step",
        "_targets",
        "acquire",
        "header",
        "index",
        "memory",
        "record",
        "release",
        "tile",
        "users",
    )

    def __init__(
        self,
        tile: TileId,
        index: int,
        record: BufferDescriptor,
        memory: Memory | None,
        acquire: LockUse | None,
        release: LockUse | None,
        report: Callable[[Descriptor], None],
    ) -> None:
        """Make the descriptor; `report` is called if it sends words that nobody ever wrote."""
        self.tile = tile
        self.index = index
        self.record = record
        self.memory: Memory | HostBuffer | None = memory
        self.acquire = acquire
        self.release = release
        self.header = None if record.packet is None else header(record.packet, tile)
        self.users: set[str] = set()
        self._report = report
        self._step = 0 if record.iteration is None else record.iteration.current
        self._sources: dict[int, Pattern] = {}
        self._targets: dict[int, Pattern] = {}
        self._regions: dict[int, tuple[Memory | HostBuffer, Region]] = {}

    def __str__(self) -> str:
        return describe(self.tile, self.index, self.record)

    def bind(self, buffer: HostBuffer) -> None:
        """Let a shim BD address `buffer` from now on.

        Raises:
            CheckFailed: NPU205, the BD reaches past its end.
        """
        check_bounds(buffer.size, self.record, str(self))
        self.memory = buffer
        self._sources.clear()
        self._targets.clear()
        self._regions.clear()

    def source(self) -> Pattern:
        """Return the words that the next execution sends.

        Memory once written stays written, so only the first execution of a step checks it.
        """
        pattern = self._sources.get(self._step)
        if pattern is not None:
            return pattern
        memory, walk, pads = self._addressed(), self._walk(), self.record.pads
        pattern = self._sources[self._step] = source_pattern(memory.words, *walk, pads)
        if isinstance(memory, HostBuffer):
            return pattern
        flags = source_pattern(memory.claimed, *walk, pads, pad=1)
        return _CheckedSource(pattern, flags, partial(self._report, self))

    def target(self) -> Pattern:
        """Return the words that the next execution receives; the first one notes them."""
        pattern = self._targets.get(self._step)
        if pattern is not None:
            return pattern
        memory, walk = self._addressed(), self._walk()
        pattern = self._targets[self._step] = target_pattern(memory.words, *walk)
        flags = [target_pattern(memory.written, *walk)]
        if isinstance(memory, Memory):
            flags.append(target_pattern(memory.claimed, *walk))
        return _MarkedTarget(pattern, *flags)

    @property
    def in_array(self) -> bool:
        """Whether it addresses a tile's memory: the host's own reads are ordered by tokens only."""
        return self.record.memory is not None

    def region(self, races: Races) -> tuple[Memory | HostBuffer, Region]:
        """Return the memory and the bytes there that the next execution moves."""
        found = self._regions.get(self._step)
        if found is None:
            memory = self._addressed()
            found = memory, races.regions(memory).of(self._walk()[0], self.record)
            self._regions[self._step] = found
        return found

    def advance(self) -> None:
        """Note that an execution has ended: the iteration goes one step on."""
        if self.record.iteration is not None:
            self._step = (self._step + 1) % self.record.iteration.size

    def abort(self) -> None:
        """Note that an execution ended before its end: the next one notes again what it writes."""
        self._targets.clear()

    def _walk(self) -> tuple[int, tuple[Dim, ...], int]:
        """Return first word, dimensions and words of the next execution."""
        record = self.record
        first = record.address // WORD
        if record.iteration is not None:
            first += self._step * record.iteration.stride
        return first, record.dims, record.length // WORD

    def _addressed(self) -> Memory | HostBuffer:
        if self.memory is None:
            raise UsageError(
                f"{self} needs host argument {self.record.host_arg}, which this run does not have",
                cure="pass one array for each argument of the runtime sequence",
                code="NPU213",
            )
        return self.memory
