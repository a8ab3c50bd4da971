"""Memory accesses of machine code, one by one: reads of what nobody has written, races, banks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from errors import CheckFailed
from simulator.aie2.execution.datamemory import neighbour
from simulator.aie2.execution.state import ADDRESS
from simulator.aie2.profile.effects import MemoryAccess
from simulator.array.config import WORD, Origin, TileId
from simulator.array.core import CoreContext

_REGIONS = (4, 5, 6, 7)
_RUNS = 64
"""Most runs of words of one stretch that are looked at for races; scattered ones are not."""

BANK_GROUP = 14
"""Bits of an address within 16 KB: two interleaved banks of 8 KB (AM020)."""

LINE = 4
"""Bits of an address within the 16 bytes of a bank's line."""


class Accesses:
    """Follows the memory accesses of one core.

    Between two requests to the array nobody else acts, so what a core touched is told to the
    array then, in runs.

    Args:
        core: Its context.
        scalars: Its scalar registers.
        conflicts: Counts the bundles whose accesses meet in a bank, by their address.

    Attributes:
        unwritten: The addresses of bundles that loaded what nobody had written, with the
            first data address that they loaded so.
    """

    def __init__(self, core: CoreContext, scalars: Sequence[int], conflicts: Counter[int]) -> None:
        self._core = core
        self._scalars = scalars
        self._written: dict[int, memoryview] = {}
        self._read: dict[int, set[int]] = {region: set() for region in _REGIONS}
        self._wrote: dict[int, set[int]] = {region: set() for region in _REGIONS}
        self.unwritten: dict[int, int] = {}
        self._conflicts = conflicts

    def issue(self, at: int, accesses: tuple[MemoryAccess, ...]) -> None:
        """Note the accesses of a bundle that is about to be issued."""
        scalars = self._scalars
        found: list[tuple[int, MemoryAccess]] = []
        for access in accesses:
            step = access.offset if access.index < 0 else scalars[access.index]
            address = scalars[access.base] + step & ADDRESS
            region = address >> 16
            if region not in self._read:
                continue  # the pipeline refuses it
            first = (address & 0xFFFF) >> 2
            words = range(first, first + max(1, access.size // WORD))
            if access.stores:
                self._store(region, words, access)
            else:
                self._load(at, region, words, address, access)
            found.append((address, access))
        if len(found) > 1 and self._meet(found):
            self._conflicts[at] += 1

    def _store(self, region: int, words: range, access: MemoryAccess) -> None:
        flags = self._flags(region)
        if flags is None:
            return
        for word in words:
            flags[word] = 1
        if not access.on_stack:
            self._wrote[region].update(words)

    def _load(self, at: int, region: int, words: range, address: int, access: MemoryAccess) -> None:
        flags = self._flags(region)
        if flags is None:
            return
        if any(flags[words.start : words.stop]):
            if not access.on_stack:
                self._read[region].update(word for word in words if flags[word])
        else:
            self.unwritten.setdefault(at, address)

    def _flags(self, region: int) -> memoryview | None:
        flags = self._written.get(region)
        if flags is None:
            tile = neighbour(self._core.tile, region)
            try:
                memory = self._core.bare(tile)
            except CheckFailed:
                return None  # the pipeline refuses the access itself
            flags = self._written[region] = memoryview(memory.written.view("uint8").data)
        return flags

    @staticmethod
    def _meet(found: Sequence[tuple[int, MemoryAccess]]) -> bool:
        """Tell whether two accesses of one cycle need different lines of one bank."""
        for number, (one, access) in enumerate(found):
            for other, with_ in found[:number]:
                if access.stage != with_.stage or one >> BANK_GROUP != other >> BANK_GROUP:
                    continue
                if one >> LINE == other >> LINE:
                    continue
                wide = max(access.size, with_.size) > 1 << LINE
                if wide or not (one ^ other) >> LINE & 1:
                    return True
        return False

    def tell(self, where: str) -> None:
        """Tell the array what was touched since the last time, at the place `where`."""
        origin = Origin(name=where)
        for region in _REGIONS:
            self._tell(region, self._read[region], origin, writes=False)
            self._tell(region, self._wrote[region], origin, writes=True)

    def _tell(self, region: int, words: set[int], origin: Origin, *, writes: bool) -> None:
        if not words:
            return
        tile: TileId = neighbour(self._core.tile, region)
        runs = list(_runs(words))
        words.clear()
        if len(runs) > _RUNS and not writes:
            return
        for start, stop in runs:
            self._core.touch(tile, start * WORD, stop * WORD, origin, writes=writes)


def _runs(words: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the runs of consecutive words, first and the one after the last."""
    start = end = -2
    for word in sorted(words):
        if word != end:
            if end >= 0:
                yield start, end
            start = word
        end = word + 1
    yield start, end
