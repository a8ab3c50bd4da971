"""Locks: counting semaphores of 6 bits that cores, DMA channels and the host share."""

from __future__ import annotations

from typing import NamedTuple

from errors import CheckFailed
from simulator.array.config import NOWHERE, Origin, TileId
from simulator.array.geometry import LOCK_MAX
from simulator.array.races import Clock, Times, unheard
from simulator.array.scheduler import Action, Scheduler
from simulator.array.timing import LOCK_LATENCY


class _Waiter(NamedTuple):
    """Somebody who waits: for which value, and what to run once it was subtracted."""

    value: int
    equal: bool
    granted: Action
    clock: Clock | None


class Semaphore:
    """One lock of a tile.

    Attributes:
        tile: The tile that owns it.
        index: Its number there.
        value: 0..63.
        origin: The user's name for it and where the design declares it.
        releasers: Names of those who have released it so far.
        heard: What those who have released it knew, see :mod:`simulator.array.races`.
    """

    __slots__ = (
        "_scheduler",
        "_waiters",
        "heard",
        "index",
        "origin",
        "releasers",
        "tile",
        "value",
    )

    def __init__(self, scheduler: Scheduler, tile: TileId, index: int) -> None:
        self._scheduler = scheduler
        self._waiters: list[_Waiter] = []
        self.tile = tile
        self.index = index
        self.value = 0
        self.origin = NOWHERE
        self.releasers: set[str] = set()
        self.heard: Times | None = None

    def __str__(self) -> str:
        return f"lock {self.index} of {self.tile}{self.origin.bracketed}"

    def lack(self, value: int, equal: bool) -> str:
        """Return in words what an acquire lacks: ``lock 1 of tile(0,2) >= 1, its value is 0``."""
        return f"{self} {'==' if equal else '>='} {value}, its value is {self.value}"

    def cancel(self, granted: Action) -> None:
        """Let whoever waits with `granted` wait no more."""
        self._waiters = [waiter for waiter in self._waiters if waiter.granted != granted]

    def acquire(self, value: int, equal: bool, granted: Action, clock: Clock | None = None) -> bool:
        """Subtract `value` if the lock is ``>= value`` (``== value`` where `equal`) now.

        Who acquires is told, through `clock`, what those who released knew.

        Returns:
            Whether it was. If not, `granted` runs once it is and `value` was subtracted;
            who came first is served first, among those whose condition holds.
        """
        if self.value == value if equal else self.value >= value:
            self.value -= value
            if clock is not None and self.heard is not None:
                clock.hear(self.heard)
            if self._waiters:  # somebody may wait for exactly what is left
                self._serve()
            return True
        self._waiters.append(_Waiter(value, equal, granted, clock))
        return False

    def release(
        self, value: int, by: str, origin: Origin = NOWHERE, clock: Clock | None = None
    ) -> None:
        """Add `value`; `by` and `origin` say who does and where the design says so.

        Raises:
            CheckFailed: NPU204, the lock would leave 0..63.
        """
        self.releasers.add(by)
        new = self.value + value
        if not 0 <= new <= LOCK_MAX:
            raise CheckFailed(
                f"{by}{origin.bracketed} releases {self} by {value}: its value "
                f"{self.value} would become {new}, outside 0..{LOCK_MAX}",
                cure="release only what was acquired before; count the releases of one round",
                code="NPU204",
            )
        self.set(new, clock)

    def set(self, value: int, clock: Clock | None = None) -> None:
        """Give the lock a value (0..63) and serve those who wait for it."""
        self.value = value
        if clock is not None:
            if self.heard is None:
                self.heard = unheard()
            clock.tell(self.heard)
        if self._waiters:
            self._serve()

    def _serve(self) -> None:
        waiters = self._waiters
        index = 0
        while index < len(waiters):
            value, equal, granted, clock = waiters[index]
            if self.value == value if equal else self.value >= value:
                del waiters[index]
                self.value -= value
                if clock is not None and self.heard is not None:
                    clock.hear(self.heard)
                self._scheduler.at(self._scheduler.now + LOCK_LATENCY, granted)
                index = 0  # what is left may suit one that came earlier
            else:
                index += 1
