"""What a pool of buffers lets through: overlap by double buffering, or the lack of it.

An object of an objectFifo is held by whoever fills it, and then by whoever uses it. A pool of c
objects can be held c times the length of a call altogether (Little's law), so with one object
filling and using add up, and with two they overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.model.balance import Actor, Balance
from runtime.model.core_work import Place, Stretch
from runtime.model.traffic import bd_cycles
from simulator.array.config import Configuration, TileId
from simulator.mlir.cores.program import CoreProgram


@dataclass
class Pool:
    """A lock of free objects, and a lock of filled ones.

    Attributes:
        objects: Units that there are of both together.
        held: Unit-cycles of a call in which somebody holds one.
        users: Who does.
    """

    objects: int
    held: float = 0.0
    users: tuple[Actor, ...] = ()

    @property
    def cycles(self) -> float:
        """Cycles that a call takes at least because of it."""
        return self.held / self.objects


def pools(
    configuration: Configuration, programs: list[CoreProgram], balance: Balance
) -> dict[frozenset[Place], Pool]:
    """Return the pools of a design, with how long their objects are held in a call."""
    initial = {(lock.tile, lock.index): lock.initial for lock in configuration.locks}
    found: dict[frozenset[Place], Pool] = {}

    def pool(first: Place, second: Place) -> Pool | None:
        objects = initial.get(first, 0) + initial.get(second, 0)
        if first == second or objects == 0:
            return None
        return found.setdefault(frozenset((first, second)), Pool(objects))

    for channel, chains in balance.chains.items():
        for chain in chains:
            times = balance.rounds.get(channel, 0.0) if chain.endless else chain.times
            for bd in chain.bds:
                if bd.acquire is None or bd.release is None:
                    continue
                one = pool((bd.acquire.tile, bd.acquire.lock), (bd.release.tile, bd.release.lock))
                if one is not None:
                    one.held += bd_cycles(bd) * bd.acquire.value * times
                    one.users = (*one.users, channel)
    for program in programs:
        for port in program.unit.ends.values():
            if port.acquire is not None and port.release is not None:
                pool(
                    (port.acquire.tile, port.acquire.index or 0),
                    (port.release.tile, port.release.index or 0),
                )
    for tile in balance.cores:
        _core_holds(found, balance, tile)
    return found


def _core_holds(found: dict[frozenset[Place], Pool], balance: Balance, tile: TileId) -> None:
    work = balance.cores[tile]
    stretch = work.round if work.round is not None else work.once
    times = balance.rounds.get(tile, 0.0) if work.round is not None else 1.0
    for pair, pool in found.items():
        held = sum(_held(stretch, first, second) for first, second in _both(pair))
        if held > 0:
            pool.held += held * times
            pool.users = (*pool.users, tile)


def _both(pair: frozenset[Place]) -> tuple[tuple[Place, Place], tuple[Place, Place]]:
    first, second = sorted(pair)
    return (first, second), (second, first)


def _held(stretch: Stretch, taken: Place, given: Place) -> float:
    """Return the unit-cycles between a stretch's acquires of one lock and releases of another."""
    acquires, releases = stretch.acquires.get(taken), stretch.releases.get(given)
    if acquires is None or releases is None or acquires.units != releases.units:
        return 0.0
    return max(0.0, releases.total - acquires.total)
