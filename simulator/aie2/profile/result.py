"""A profile as plain data: cycles by function and class, why cores waited, hot loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simulator.aie2.profile.classes import Class, class_of
from simulator.aie2.profile.inspector import Inspector
from simulator.array.config import TileId

LEAST_LOOP = 0.02
"""Share of a core's cycles from which on a loop is hot."""


@dataclass(frozen=True, kw_only=True)
class FunctionShare:
    """What one function of a core took.

    Attributes:
        address: Of its first bundle.
        calls: How often it was entered.
        cycles: Of its own bundles, its callees' and its waits left out.
        stalls: Cycles that its bundles waited.
        conflicts: Bundles of it whose memory accesses met in a bank.
    """

    name: str
    address: int
    calls: int
    cycles: int
    stalls: int
    conflicts: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """A bundle in a listing: how often it was issued, what it waited, what it is."""

    address: int
    count: int
    stalls: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A stretch of code that goes back to its start.

    Attributes:
        function: Where it lies.
        turns: How often it went back.
        cycles: Of its bundles, what they call and wait for left out.
        lines: Its bundles in order.
    """

    function: str
    start: int
    end: int
    turns: int
    cycles: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class CoreProfile:
    """What one core did.

    Attributes:
        cycles: Cycles of work: bundles issued.
        functions: Those that ran, the longest first.
        classes: Instructions by class, nops left out.
        idle: Bundles that hold nothing but nops.
        stalls: Cycles by what was waited for.
        conflicts: Bundles whose memory accesses met in a bank; in no cycle count.
        stack: The most bytes of stack.
        loops: The hot loops, the longest first.
    """

    tile: TileId
    cycles: int
    functions: tuple[FunctionShare, ...]
    classes: Mapping[Class, int]
    idle: int
    stalls: Mapping[str, int]
    conflicts: int
    stack: int
    loops: tuple[Loop, ...]

    @property
    def stalled(self) -> int:
        """Cycles of waiting."""
        return sum(self.stalls.values())


def profile_of(core: Inspector) -> CoreProfile:
    """Return what an inspector saw."""
    counts = core.counts
    stalls: Counter[str] = Counter()
    for stall, cycles in counts.stalls.items():
        stalls[stall.reason] += cycles
    classes, idle = _classes(core)
    return CoreProfile(
        tile=core.tile,
        cycles=counts.cycles,
        functions=tuple(sorted(_functions(core), key=lambda one: -one.cycles - one.stalls)),
        classes=dict(classes.most_common()),
        idle=idle,
        stalls=dict(stalls.most_common()),
        conflicts=counts.conflicts.total(),
        stack=core.stack,
        loops=tuple(_loops(core)),
    )


def _functions(core: Inspector) -> Iterator[FunctionShare]:
    cycles: Counter[str] = Counter()
    stalls: Counter[str] = Counter()
    conflicts: Counter[str] = Counter()
    for address, count in core.counts.issued.items():
        cycles[core.functions.at(address)] += count
    for stall, count in core.counts.stalls.items():
        stalls[core.functions.at(stall.address)] += count
    for address, count in core.counts.conflicts.items():
        conflicts[core.functions.at(address)] += count
    for name in cycles:
        address = core.functions.entry(name)
        again = sum(n for (_, to), n in core.counts.back.items() if to == address)
        yield FunctionShare(
            name=name,
            address=address,
            calls=core.counts.issued[address] - _turns(core, name, address, again),
            cycles=cycles[name],
            stalls=stalls[name],
            conflicts=conflicts[name],
        )


def _turns(core: Inspector, name: str, entry: int, again: int) -> int:
    """Return how often a loop of the function itself led back to its first bundle."""
    if not again:
        return 0
    return sum(
        count
        for (last, to), count in core.counts.back.items()
        if to == entry and core.functions.at(last) == name
    )


def _classes(core: Inspector) -> tuple[Counter[Class], int]:
    found: Counter[Class] = Counter()
    idle = 0
    for address, count in core.counts.issued.items():
        kinds = [class_of(i.encoding) for i in core.bundle(address).instructions.values()]
        work = [each for each in kinds if each is not Class.NOP]
        idle += count * (not work)
        for each in work:
            found[each] += count
    return found, idle


def _loops(core: Inspector) -> Iterator[Loop]:
    """Yield the innermost hot loops: those that hold no other."""
    spans: dict[tuple[int, int], int] = {}
    for (end, start), turns in core.counts.back.items():
        if core.functions.at(end) == core.functions.at(start):
            spans[start, end] = spans.get((start, end), 0) + turns
    inner = [
        span
        for span in spans
        if not any(s != span and span[0] <= s[0] and s[1] <= span[1] for s in spans)
    ]
    total = core.counts.cycles or 1
    found = [_loop(core, start, end, spans[start, end]) for start, end in inner]
    hot = (loop for loop in found if loop.cycles >= LEAST_LOOP * total)
    yield from sorted(hot, key=lambda loop: -loop.cycles)


def _loop(core: Inspector, start: int, end: int, turns: int) -> Loop:
    counts = core.counts
    stalls: Counter[int] = Counter()
    for stall, cycles in counts.stalls.items():
        stalls[stall.address] += cycles
    lines = tuple(
        Line(
            address=address,
            count=counts.issued[address],
            stalls=stalls[address],
            text=core.text(address),
        )
        for address in sorted(a for a in counts.issued if start <= a <= end)
    )
    return Loop(
        function=core.functions.at(start),
        start=start,
        end=end,
        turns=turns,
        cycles=sum(line.count for line in lines),
        lines=lines,
    )
