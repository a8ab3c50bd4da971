"""Numbers of locks and buffer descriptors, given out as mlir-aie does it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from xdsl.ir import Operation

from errors import CheckFailed
from simulator.array.config import TileId
from simulator.array.geometry import Geometry, TileKind
from simulator.mlir.failure import refuse
from simulator.mlir.plan import Plan, PlannedLock

_BANK = 24
"""Descriptors of a memory tile that its even, and as many that its odd channels execute."""


def number_locks(geometry: Geometry, plan: Plan) -> None:
    """Give every lock the lowest free number of its tile, unless the design has fixed one.

    Raises:
        CheckFailed: NPU123, a tile has too few locks; NPU124, two locks have one number.
    """
    by_tile: dict[TileId, list[PlannedLock]] = defaultdict(list)
    for lock in plan.locks:
        by_tile[lock.tile].append(lock)
    for tile, locks in by_tile.items():
        count = geometry.limits(tile).locks
        if len(locks) > count:
            raise refuse(
                locks[count].operation,
                f"{tile} has {count} locks, and the design uses {len(locks)} there",
                code="NPU123",
                cure="use fewer objectFifos on this tile, or let a memory tile join them",
                details=_names(locks),
            )
        taken: dict[int, PlannedLock] = {}
        for lock in locks:
            if lock.index is not None:
                if lock.index in taken:
                    raise _clash(lock.operation, f"lock {lock.index} of {tile}")
                taken[lock.index] = lock
        free = (number for number in range(count) if number not in taken)
        for lock in locks:
            if lock.index is None:
                lock.index = next(free)


def number_bds(geometry: Geometry, plan: Plan) -> dict[TileId, set[int]]:
    """Give every descriptor the lowest free number that its channel can execute.

    Returns:
        The numbers in use, by tile.

    Raises:
        CheckFailed: NPU121, a tile has too few descriptors; NPU124, two have one number.
    """
    taken: dict[TileId, set[int]] = defaultdict(set)
    distinct = {id(bd): (channel.id, bd) for channel in plan.channels for bd in channel.bds}
    for (tile, *_), bd in distinct.values():
        if bd.index is not None:
            if bd.index in taken[tile]:
                raise _clash(bd.operation, f"buffer descriptor {bd.index} of {tile}")
            taken[tile].add(bd.index)
    for (tile, _, channel), bd in distinct.values():
        if bd.index is None:
            numbers = usable_bds(geometry, tile, channel)
            bd.index = next((n for n in numbers if n not in taken[tile]), None)
            if bd.index is None:
                raise too_few_bds(geometry, tile, channel, bd.operation)
            taken[tile].add(bd.index)
    return taken


def usable_bds(geometry: Geometry, tile: TileId, channel: int) -> Iterator[int]:
    """Yield the descriptors that a channel can execute, lowest first."""
    count = geometry.limits(tile).bds
    if geometry.kind(tile) is not TileKind.MEM:
        return iter(range(count))
    return iter(range(_BANK, count) if channel % 2 else range(_BANK))


def too_few_bds(
    geometry: Geometry, tile: TileId, channel: int, operation: Operation
) -> CheckFailed:
    """Return the error for a descriptor that finds no number."""
    usable = sum(1 for _ in usable_bds(geometry, tile, channel))
    parity = f" for its {'odd' if channel % 2 else 'even'} channels"
    which = parity if geometry.kind(tile) is TileKind.MEM else ""
    return refuse(
        operation,
        f"{tile} has {usable} buffer descriptors{which}, and the design needs more",
        code="NPU121",
        cure="use less depth or repetition, fewer parts of a join, or free runtime tasks "
        "before the next",
    )


def _clash(operation: Operation, what: str) -> CheckFailed:
    return refuse(
        operation,
        f"{what} is given out twice",
        code="NPU124",
        cure="give each its own number, or leave the numbers to the compiler",
    )


def _names(locks: list[PlannedLock]) -> tuple[str, ...]:
    return tuple(lock.name or f"line of {lock.operation.name}" for lock in locks)
