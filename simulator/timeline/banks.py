"""Where accesses to one memory bank may meet. Modelled, and in no cycle count.

A core tile's 64 KB are 8 banks of 8 KB, interleaved by twos, so that a program sees 4 of
16 KB; a memory tile's 512 KB are 16 banks of 32 KB. A bank is 128 bits wide and serves one
access a cycle, and so wide are the DMA's interfaces to it (AMD AM020, AIE-ML tile
architecture and memory tile memory). The model spreads a transfer's accesses evenly over its
time and its banks: one for four consecutive words, one a word where the innermost stride is
not 1. What a kernel function accesses when is not known: of a core only the most that DMAs
can hold it up is given, one cycle for each access to its tile's memory while it computes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from simulator.array.config import WORD, BufferDescriptor, TileId
from simulator.array.recorder import Doing
from simulator.timeline.records import Role, Timeline, Track

CORE_BANK = 16 * 1024
"""Bytes of a core tile's bank as programs see it: two of the hardware's 8 KB, interleaved."""

MEM_BANK = 32 * 1024
"""Bytes of a memory tile's bank."""

WIDTH = 4
"""32-bit words of a bank's line, and of a DMA access: 128 bits."""


@dataclass(frozen=True, kw_only=True)
class Meetings:
    """What may meet in one tile's memory.

    Attributes:
        tile: Whose memory.
        accesses: Lines that DMAs read or wrote.
        shared: Cycles, summed over banks, in which several channels worked in one bank.
        most: Accesses that had to wait a cycle at most, for they may have met another channel's.
        least: Accesses that had to wait in any case: a bank was asked for more than one a cycle.
        core: Cycles at most that the tile's core was held up.
    """

    tile: TileId
    accesses: int
    shared: int
    most: int
    least: int
    core: int


class _Use(NamedTuple):
    start: int
    end: int
    rate: float


def meetings(timeline: Timeline) -> tuple[Meetings, ...]:
    """Return what may meet, tile by tile; nothing where spans were merged (`resolution`)."""
    uses: dict[TileId, dict[int, list[_Use]]] = defaultdict(lambda: defaultdict(list))
    accesses: dict[TileId, list[_Use]] = defaultdict(list)
    for track in timeline.tracks:
        if track.role is Role.DMA:
            for tile, use, banks in _transfers(track):
                accesses[tile].append(use)
                for bank in banks:
                    uses[tile][bank].append(use._replace(rate=use.rate / len(banks)))
    cores = {track.tile: track for track in timeline.tracks if track.role is Role.CORE}
    return tuple(
        _met(tile, uses[tile], accesses[tile], cores.get(tile)) for tile in sorted(accesses)
    )


def _met(
    tile: TileId, banks: dict[int, list[_Use]], accesses: list[_Use], core: Track | None
) -> Meetings:
    shared, most, least = 0, 0.0, 0.0
    for uses in banks.values():
        for cycles, rates in _together(uses):
            shared += cycles
            most += cycles * (sum(rates) - max(rates))
            least += cycles * max(0.0, sum(rates) - 1)
    return Meetings(
        tile=tile,
        accesses=round(sum(use.rate * (use.end - use.start) for use in accesses)),
        shared=shared,
        most=round(most),
        least=round(least),
        core=0 if core is None else round(_during(core, accesses)),
    )


def _transfers(track: Track) -> Iterator[tuple[TileId, _Use, range]]:
    """Yield the memory, the accesses and the banks of each stretch in which words moved."""
    for span in track.spans:
        record = span.transfer
        if record is None or record.memory is None or span.doing is not Doing.WORK:
            continue
        scattered = bool(record.dims) and record.dims[-1].stride != 1
        lines = span.words if scattered else -(-span.words // WIDTH)
        size = MEM_BANK if record.memory.row == 1 else CORE_BANK
        first, last = record.address // size, (record.address + _extent(record) - 1) // size
        use = _Use(span.start, span.end, lines / (span.end - span.start))
        yield record.memory, use, range(first, last + 1)


def _extent(record: BufferDescriptor) -> int:
    """Return the bytes from the first to the last that a BD moves, its iteration apart."""
    if not record.dims:
        return record.length
    return WORD * (1 + sum((dim.size - 1) * dim.stride for dim in record.dims))


def _together(uses: list[_Use]) -> Iterator[tuple[int, list[float]]]:
    """Yield stretches in which at least two go on: their cycles and the rates."""
    edges = sorted({edge for use in uses for edge in (use.start, use.end)})
    order = sorted(uses)
    active: list[_Use] = []
    index = 0
    for start, stop in pairwise(edges):
        active = [use for use in active if use.end > start]
        while index < len(order) and order[index].start <= start:
            active.append(order[index])
            index += 1
        if len(active) > 1:
            yield stop - start, [use.rate for use in active]


def _during(core: Track, accesses: list[_Use]) -> float:
    """Return the accesses that fall into the core's computing, at most one a cycle counts."""
    order = sorted(accesses)
    total, index = 0.0, 0
    active: list[_Use] = []
    for span in core.spans:
        if span.doing is not Doing.WORK:
            continue
        active = [use for use in active if use.end > span.start]
        while index < len(order) and order[index].start < span.end:
            active.append(order[index])
            index += 1
        meeting = sum(
            use.rate * max(0, min(use.end, span.end) - max(use.start, span.start)) for use in active
        )
        total += min(meeting, span.end - span.start)
    return total
