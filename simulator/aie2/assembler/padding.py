"""Alignment in code: bundles are made longer until the next one lies where it must.

A longer bundle has more nop slots and takes no more cycles, which an added bundle would; in
the delay slots of a branch none may be added.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.aie2.assembler.bundling import Slots, sizes
from simulator.aie2.bundle import LONGEST, Format


def lengthened(bundles: Sequence[Slots], start: int, boundary: int) -> list[Format] | None:
    """Return formats with which bundles end at a multiple of `boundary` in the fewest bytes.

    Args:
        bundles: The slots of each.
        start: The address of the first.
        boundary: In bytes.

    Returns:
        None where no choice of formats ends there.
    """
    best: dict[int, tuple[int, list[Format]]] = {start % boundary: (0, [])}
    for slots in bundles:
        after: dict[int, tuple[int, list[Format]]] = {}
        for rest, (total, chosen) in best.items():
            for size, form in sizes(slots).items():
                place = (rest + size) % boundary
                if place not in after or total + size < after[place][0]:
                    after[place] = (total + size, [*chosen, form])
        best = after
    return best[0][1] if 0 in best else None


def filling(size: int) -> list[Format]:
    """Return formats of bundles of nops that take `size` bytes, an even number."""
    counts = [LONGEST] * (size // LONGEST) + ([size % LONGEST] if size % LONGEST else [])
    empty: Slots = frozenset({"nop"})
    return [sizes(empty)[count] for count in counts]
