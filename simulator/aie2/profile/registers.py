"""Registers that are read too early, or that nobody has written.

Nothing makes a core wait for a result: until it lands, a register holds its old value, and
compiled code uses that. What no compiler means is told apart by two signs: the old value is
read in another function than the one that the result was on its way in, or nobody ever reads
the new value, in the whole run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

from simulator.aie2.execution.state import SCALARS
from simulator.aie2.operands import kind
from simulator.aie2.profile.effects import PLACES, Effects

Site = tuple[int, int]
"""Address of a bundle that writes, and the place that it writes."""

_SET_AT_RESET = ("cr", "sr", "special")


@dataclass(frozen=True, slots=True)
class Early:
    """A read of the old value while a new one is on its way.

    Attributes:
        writer: Address of the bundle whose result is on its way.
        reader: Address of the bundle that reads.
        ahead: Cycles by which it reads too early.
        latency: Cycles that the result takes.
        across: Control has passed to another function in between.
    """

    writer: int
    reader: int
    register: str
    place: int
    ahead: int
    latency: int
    across: bool


@dataclass(slots=True)
class _Flight:
    land: int
    site: Site
    epoch: int
    issued: int
    bypass: str


@cache
def _given() -> bytes:
    """Return a flag for each place: 1 where a reset sets it."""
    found = bytearray(PLACES)
    for file in _SET_AT_RESET:
        for name in getattr(kind(file), "names").values():  # noqa: B009 - a Registers kind
            found[SCALARS[name].index] = 1
    return bytes(found)


class Registers:
    """Follows the registers of one core through one run of its program.

    Attributes:
        epoch: Counts calls and returns.
        early: How often each early read happened.
        used: Writes whose value somebody read.
        unwritten: Registers that were read and never written, with the reader's address.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.early: Counter[Early] = Counter()
        self.used: set[Site] = set()
        self.unwritten: dict[tuple[int, str], None] = {}
        self._written = bytearray(_given())
        self._current: dict[int, Site] = {}
        self._flights: dict[int, list[_Flight]] = {}

    def give(self, places: tuple[int, ...]) -> None:
        """Count places as written: arguments of a call."""
        for place in places:
            self._written[place] = 1

    def issue(self, address: int, cycle: int, effects: Effects) -> None:
        """Note what a bundle does that is issued in `cycle`."""
        for read in effects.reads:
            some = read.saved or read.late or not read.places
            for place in read.places:
                some = some or bool(self._written[place])
                if place in self._flights:
                    self._in_flight(place, address, cycle, read.register, read.late, read.bypass)
                elif place in self._current:
                    self.used.add(self._current[place])
            if not some:
                self.unwritten.setdefault((address, read.register))
        for write in effects.writes:
            for place in write.places:
                self._written[place] = 1
                self._write(place, address, cycle, write.cycles, write.bypass)

    def _write(self, place: int, address: int, cycle: int, cycles: int, bypass: str) -> None:
        site = address, place
        if cycles == 1:
            flights = self._flights.get(place)
            if flights is not None:
                self._settle(place, flights, cycle)
            self._current[place] = site
            return
        flight = _Flight(cycle + cycles, site, self.epoch, cycle, bypass)
        flights = self._flights.setdefault(place, [])
        flights.append(flight)
        flights.sort(key=lambda one: one.land)

    def _settle(self, place: int, flights: list[_Flight], cycle: int) -> list[_Flight]:
        """Land what a reader of `cycle` sees, and return what is still on its way."""
        while flights and flights[0].land <= cycle:
            self._current[place] = flights.pop(0).site
        if not flights:
            self._flights.pop(place, None)
        return flights

    def _in_flight(
        self, place: int, address: int, cycle: int, register: str, late: bool, bypass: str
    ) -> None:
        flights = self._settle(place, self._flights[place], cycle)
        ahead = [one for one in flights if not (bypass and one.bypass == bypass)]
        if late or len(ahead) < len(flights):
            # A later stage, or a bypass: it may well read what is on its way.
            self.used.update(one.site for one in flights)
        if place in self._current:
            self.used.add(self._current[place])
        if late:
            return
        for one in ahead:
            self.early[
                Early(
                    writer=one.site[0],
                    reader=address,
                    register=register,
                    place=place,
                    ahead=one.land - cycle,
                    latency=one.land - one.issued,
                    across=one.epoch != self.epoch,
                )
            ] += 1

    def suspicious(self) -> list[Early]:
        """Return the early reads that nobody can have meant, one for each pair of bundles."""
        found: dict[tuple[int, int, str], Early] = {}
        for early in self.early:
            if early.across or (early.writer, early.place) not in self.used:
                found.setdefault((early.writer, early.reader, early.register), early)
        return list(found.values())
