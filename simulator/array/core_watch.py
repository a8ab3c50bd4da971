"""What a core does with memory: noted for races, and for reads of what nobody has written.

A compiled core body says itself which bytes it reads and writes (:meth:`CoreWatch.touch`).
Native code does not, so its calls are watched from outside. What it changed it has written;
whatever it was handed it may have read. Where it was handed words that nobody had written
the call is made a second time with other bytes in them, from the same arguments and the same
state of its library: if anything comes out differently, the call depends on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from errors import CheckFailed
from simulator.array.config import WORD, Origin, TileId
from simulator.array.memory import POWER_UP, Flags, Memory, Words
from simulator.array.races import Clock, Races

_REPEATED_CALLS = 16
"""Calls of one function that are made twice, on each core; afterwards what it is handed counts
as written. A buffer that a function fills step by step would double all calls."""

_POISON = np.uint32(POWER_UP * 0x01010101)


class LibraryState(Protocol):
    """The writable globals of a library."""

    def save(self) -> Sequence[bytes]:
        """Return their content."""

    def restore(self, content: Sequence[bytes]) -> None:
        """Give them back what they held."""


class Span(NamedTuple):
    """Bytes that a kernel function is handed: its argument, native address and size."""

    argument: int
    address: int
    size: int


class _Stretch(NamedTuple):
    """The part of a span that lies in one tile's memory."""

    argument: int
    memory: Memory
    start: int
    stop: int

    @property
    def words(self) -> slice:
        """The words that it touches."""
        return slice(self.start // WORD, -(-self.stop // WORD))

    @property
    def content(self) -> Words:
        return self.memory.words[self.words]

    @property
    def written(self) -> Flags:
        return self.memory.written[self.words]


Call = Callable[[], Any]
"""The native call, with its arguments bound."""


class CoreWatch:
    """Watches the memory accesses of one core.

    Args:
        name: Of the core, for messages.
        memories: Those that the core reaches.
        races: Knows who accessed what.
        report: Takes a finding.
        describe: Words for a byte of a memory.
        buffers: Gives first byte and end of each declared buffer that has a byte of a memory.
    """

    def __init__(
        self,
        name: str,
        memories: Mapping[TileId, Memory],
        races: Races,
        report: Callable[[CheckFailed], None],
        describe: Callable[[Memory, int], str],
        buffers: Callable[[TileId, int], Iterable[tuple[int, int]]],
    ) -> None:
        self.clock: Clock = races.clock(name)
        self._memories = memories
        self._races = races
        self._report = report
        self._describe = describe
        self._buffers = buffers
        self._claimed: set[tuple[TileId, int, int]] = set()
        self._repeated: dict[str, int] = {}
        self._reported: set[tuple[TileId, int, int]] = set()

    def report(self, finding: CheckFailed) -> None:
        """Note a finding of whoever knows what the core executes."""
        self._report(finding)

    def touch(self, tile: TileId, start: int, stop: int, origin: Origin, *, writes: bool) -> None:
        """Note that the core reads or writes bytes [start, stop) of a tile's memory.

        A read of words of which nobody has written a single one is reported: an access
        pattern with gaps is known by its bounds only.
        """
        memory = self._memories[tile]
        regions = self._races.regions(memory)
        self._races.access(self.clock, memory, regions.range(start, stop), origin, writes=writes)
        words = memory.written[start // WORD : -(-stop // WORD)]
        if writes:
            words[:] = True
            self._claim(memory, start, stop)
        elif not words.any():
            what = f"{self.clock.name}{origin.bracketed} reads"
            self._uninitialised(memory, start, stop, what, any_written=False)

    def call(
        self, name: str, run: Call, spans: Sequence[Span], state: LibraryState | None, line: int
    ) -> Any:
        """Make a native call and note what it did.

        Args:
            name: The function's name for messages.
            run: Makes the call.
            spans: What it is handed.
            state: Of its library; without one it is not called twice.
            line: Design line of the call.
        """
        stretches = [each for span in spans if (each := self._locate(span)) is not None]
        before = [each.memory.data[each.start : each.stop].tobytes() for each in stretches]
        fresh = [each for each in stretches if not each.written.all()]
        if fresh and state is not None and self._repeated.get(name, 0) < _REPEATED_CALLS:
            self._repeated[name] = self._repeated.get(name, 0) + 1
            result = self._call_twice(name, run, stretches, state, line)
        else:
            result = run()
            for each in fresh:
                each.memory.hand_out(each.start, each.stop - each.start)
        origin = Origin(name, line)
        for each, content in zip(stretches, before, strict=True):
            regions = self._races.regions(each.memory)
            region = regions.range(each.start, each.stop)
            changed = each.memory.data[each.start : each.stop].tobytes() != content
            if changed:
                self._claim(each.memory, each.start, each.stop)
            self._races.access(self.clock, each.memory, region, origin, writes=changed)
        return result

    def _claim(self, memory: Memory, start: int, stop: int) -> None:
        """Let a DMA send what the core fills, and the rest of the buffers that it is part of."""
        if (memory.tile, start, stop) in self._claimed:
            return
        self._claimed.add((memory.tile, start, stop))
        memory.claim(start, stop)
        for first, end in self._buffers(memory.tile, start):
            memory.claim(first, end)

    def _locate(self, span: Span) -> _Stretch | None:
        for memory in self._memories.values():
            start = span.address - memory.base
            if 0 <= start < memory.size:
                stop = min(start + span.size, memory.size)
                return _Stretch(span.argument, memory, start, stop)
        return None

    def _call_twice(
        self, name: str, run: Call, stretches: Sequence[_Stretch], state: LibraryState, line: int
    ) -> Any:
        """Call with each unwritten argument in another poison, then once in earnest."""
        start, globals_ = _contents(stretches), state.save()
        trials = []
        for each in stretches:
            poisoned = ~each.written & (each.content == _POISON)
            if not poisoned.any():
                continue
            each.content[poisoned] = ~_POISON
            partly = bool(each.written.any())
            trials.append((each, partly, poisoned, run(), _contents(stretches)))
            for stretch, content in zip(stretches, start, strict=True):
                stretch.content[:] = content
            state.restore(globals_)
        result, contents = run(), _contents(stretches)
        for each, partly, poisoned, other_result, others in trials:
            same = _same(result, other_result)
            for stretch, one, other in zip(stretches, contents, others, strict=True):
                same &= _agree(stretch, one, other, poisoned if stretch is each else None)
            if not same:
                who = f"{name}, called by {self.clock.name}{Origin(line=line).bracketed}"
                what = f"the result of {who}, depends on argument {each.argument},"
                self._uninitialised(each.memory, each.start, each.stop, what, any_written=partly)
        return result

    def _uninitialised(
        self, memory: Memory, start: int, stop: int, what: str, *, any_written: bool
    ) -> None:
        """Report a read, once for each place."""
        key = memory.tile, start, stop
        if key in self._reported:
            return
        self._reported.add(key)
        self._report(
            CheckFailed(
                f"{what} bytes {start}..{stop - 1} of {memory.tile}'s memory"
                f"{self._describe(memory, start)}, of which nobody had written "
                f"{'all' if any_written else 'any'}",
                cure="give the buffer an initial value, let the core write it first, or acquire "
                "the lock of what a DMA brings",
                code="NPU224",
            )
        )


def _contents(stretches: Sequence[_Stretch]) -> list[Words]:
    return [each.content.copy() for each in stretches]


def _agree(stretch: _Stretch, one: Words, other: Words, poisoned: Flags | None) -> bool:
    """Compare a stretch after two calls, poison left alone apart; note what was written."""
    if poisoned is None:
        return np.array_equal(one, other)
    differs, left = one != other, poisoned & (one == _POISON) & (other == ~_POISON)
    changed = poisoned & ~left
    stretch.written[changed] = True
    stretch.memory.claimed[stretch.words][changed] = True
    differs &= ~left
    if not differs.any():
        return True
    # A store of less than a word leaves poison in the rest of it.
    here, there = one[differs].view(np.uint8), other[differs].view(np.uint8)
    return bool(((here == there) | ((here == POWER_UP) & (there == 0xFF - POWER_UP))).all())


def _same(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))
