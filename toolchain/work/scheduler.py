"""Runs a graph: what the cache has first, the rest in parallel, on past failures."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from errors import LabError, MissingEnvironment
from toolchain.storage.store import Blob, CorruptBlob, Entry
from toolchain.work.execute import Executor
from toolchain.work.graph import Graph
from toolchain.work.progress import Progress
from toolchain.work.steps import Step

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor


@dataclass(frozen=True)
class Outcome:
    """What became of the steps of a graph: each is in exactly one of the three.

    Attributes:
        done: What the step gave.
        ran: Steps of `done` that were not in the cache.
        failed: The step's error.
        skipped: The failed step that it needed.
    """

    done: dict[Step, Entry] = field(default_factory=dict)
    ran: set[Step] = field(default_factory=set)
    failed: dict[Step, LabError] = field(default_factory=dict)
    skipped: dict[Step, Step] = field(default_factory=dict)


def run(graph: Graph, executor: Executor, *, jobs: int, progress: Progress) -> Outcome:
    """Bring every step of `graph` to its end, at most `jobs` running at a time.

    Raises:
        MissingEnvironment: The machine lacks what any step would need (space on the disk);
            the running steps are ended first, as for KeyboardInterrupt.
        CorruptBlob: The cache was damaged; a second run finds the damage removed.
    """
    return _Run(graph, executor, jobs, progress).to_end()


class _Run:
    def __init__(self, graph: Graph, executor: Executor, jobs: int, progress: Progress) -> None:
        self.graph = graph
        self.executor = executor
        self.jobs = jobs
        self.progress = progress
        self.outcome = Outcome()
        self.ready = deque(graph.first())
        self.waiting: deque[tuple[str, Step]] = deque()
        self.running: dict[Future[Entry], tuple[str, Step]] = {}
        self.same: dict[str, list[Step]] = {}
        """Steps that will find in the cache what the running step with their key makes."""

    def to_end(self) -> Outcome:
        self.progress.planned(len(self.graph.steps))
        self._look_up()
        if not self.waiting:
            return self.outcome
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(self.jobs, thread_name_prefix="step")
        try:
            while self.waiting or self.running:
                self._start(pool)
                self._collect()
                self._look_up()
        except CorruptBlob:
            raise
        except BaseException:
            self.executor.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return self.outcome

    def _look_up(self) -> None:
        """Take every ready step from the cache, or queue it to run."""
        while self.ready:
            step = self.ready.popleft()
            try:
                key = self.executor.key(step, self._needs(step))
                entry = self.executor.find(step, key)
            except LabError as error:
                self._fail(step, error)
                continue
            if entry is None:
                self.waiting.append((key, step))
            else:
                self._succeed(step, entry, cached=True)

    def _start(self, pool: ThreadPoolExecutor) -> None:
        while len(self.running) < self.jobs and (found := self._next()):
            key, step = found
            if key in self.same:
                self.same[key].append(step)
                continue
            self.same[key] = []
            self.progress.started(step)
            future = pool.submit(self.executor.make, step, self._needs(step))
            self.running[future] = key, step

    def _next(self) -> tuple[str, Step] | None:
        """Take the first waiting step that may start beside those that run."""
        is_taken = any(step.alone for _, step in self.running.values())
        for index, (_, step) in enumerate(self.waiting):
            if not (step.alone and is_taken):
                found = self.waiting[index]
                del self.waiting[index]
                return found
        return None

    def _collect(self) -> None:
        from concurrent.futures import FIRST_COMPLETED, wait

        for future in wait(self.running, return_when=FIRST_COMPLETED).done:
            key, step = self.running.pop(future)
            self.ready.extend(self.same.pop(key))
            try:
                entry = future.result()
            except MissingEnvironment:
                raise
            except LabError as error:
                self._fail(step, error)
            else:
                self.outcome.ran.add(step)
                self._succeed(step, entry, cached=False)

    def _succeed(self, step: Step, entry: Entry, *, cached: bool) -> None:
        self.outcome.done[step] = entry
        self.progress.finished(step, entry.seconds, cached=cached)
        self.ready.extend(self.graph.release(step))

    def _fail(self, step: Step, error: LabError) -> None:
        self.outcome.failed[step] = error
        self.progress.failed(step, error)
        for lost in self.graph.behind(step):
            if lost not in self.outcome.skipped:
                self.outcome.skipped[lost] = step
                self.progress.skipped(lost, step)

    def _needs(self, step: Step) -> Mapping[str, Blob]:
        return {
            name: self.outcome.done[output.step].outputs[output.name]
            for name, output in step.needs.items()
        }
