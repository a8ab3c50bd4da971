"""The graph of a build: every step that the wanted outputs need, in an order that works."""

from __future__ import annotations

from collections.abc import Iterable

from toolchain.work.steps import Step


class Graph:
    """Steps and what they wait for.

    Attributes:
        steps: Every step, each behind those that it needs.
    """

    def __init__(self, wanted: Iterable[Step]) -> None:
        """Collect `wanted` and all that they need."""
        self.steps: list[Step] = []
        self._dependents: dict[Step, list[Step]] = {}
        self._waits: dict[Step, set[Step]] = {}
        for step in wanted:
            self._add(step)

    def _add(self, step: Step) -> None:
        if step in self._waits:
            return
        before = set(step.before())
        for earlier in step.before():
            self._add(earlier)
        self._waits[step] = before
        for earlier in before:
            self._dependents.setdefault(earlier, []).append(step)
        self.steps.append(step)

    def first(self) -> list[Step]:
        """Return the steps that wait for nothing."""
        return [step for step in self.steps if not self._waits[step]]

    def release(self, done: Step) -> list[Step]:
        """Return the steps that waited for `done` alone, now that it has succeeded."""
        free = []
        for step in self._dependents.get(done, ()):
            self._waits[step].discard(done)
            if not self._waits[step]:
                free.append(step)
        return free

    def behind(self, failed: Step) -> list[Step]:
        """Return all steps that can no longer run, because `failed` failed."""
        lost: dict[Step, None] = {}
        frontier = [failed]
        while frontier:
            for step in self._dependents.get(frontier.pop(), ()):
                if step not in lost:
                    lost[step] = None
                    frontier.append(step)
        return list(lost)
