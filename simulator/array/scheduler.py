"""The clock and what happens when: a heap of actions by cycle."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from time import monotonic

Action = Callable[[], object]


class OutOfCyclesError(Exception):
    """The next action lies past the last cycle allowed."""


class OutOfTimeError(Exception):
    """The wall clock passed the deadline."""


class Scheduler:
    """Runs actions in the order of their cycle; those of one cycle in the order they came.

    Attributes:
        now: The current cycle.
        executed: Actions run so far.
    """

    __slots__ = ("_count", "_heap", "_stopped", "executed", "now")

    def __init__(self) -> None:
        self.now = 0
        self.executed = 0
        self._count = 0
        self._heap: list[tuple[int, int, Action]] = []
        self._stopped = False

    def at(self, cycle: int, action: Action) -> None:
        """Run `action` at `cycle`, which must not lie in the past."""
        self._count += 1
        heappush(self._heap, (cycle, self._count, action))

    def cancel(self, action: Action) -> None:
        """Drop `action` wherever it waits to be run."""
        self._heap[:] = [entry for entry in self._heap if entry[2] != action]
        heapify(self._heap)

    @property
    def idle(self) -> bool:
        """Whether no action waits to be run."""
        return not self._heap

    def clear(self) -> None:
        """Drop every action that has not run."""
        self._heap.clear()

    def stop(self) -> None:
        """Make :meth:`run` return after the current action."""
        self._stopped = True

    def run(self, last_cycle: int, deadline: float) -> bool:
        """Run actions until :meth:`stop` is called (True) or none is left (False).

        Args:
            last_cycle: Actions after this cycle are not run.
            deadline: Value of ``time.monotonic()`` to give up at.

        Raises:
            OutOfCyclesError: The next action lies after `last_cycle`.
            OutOfTimeError: The deadline has passed.
        """
        heap = self._heap
        self._stopped = False
        while heap:
            if heap[0][0] > last_cycle:
                raise OutOfCyclesError
            if monotonic() > deadline:
                raise OutOfTimeError
            self.now, _, action = heappop(heap)
            self.executed += 1
            action()
            if self._stopped:
                return True
        return False
