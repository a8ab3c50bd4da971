"""One call of `build`: units to steps, steps to outputs, outputs to folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from errors import LabError, UsageError
from toolchain.artifact import Build
from toolchain.static import checks
from toolchain.storage import manifest, publish
from toolchain.storage.digest import Digests
from toolchain.storage.manifest import ArgRecord, FunctionRecord, Manifest, StepRecord
from toolchain.storage.store import Entry, Store
from toolchain.target import Plan, Target
from toolchain.unit import Unit
from toolchain.work import scheduler
from toolchain.work.execute import Executor
from toolchain.work.graph import Graph
from toolchain.work.progress import Progress
from toolchain.work.runner import Runner
from toolchain.work.steps import CommandStep, Output, Step


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """What became of one unit.

    Attributes:
        unit: The unit.
        build: Its build, None if anything failed.
        errors: What failed.
        ran: Number of steps that were not in the cache.
        written: Whether the output folder had to be changed.
    """

    unit: Unit
    build: Build | None
    errors: tuple[LabError, ...] = ()
    ran: int = 0
    written: bool = False


@dataclass(frozen=True, kw_only=True)
class Session:
    """What all units of one call share.

    Attributes:
        root: Folder of the target's outputs.
        jobs: Steps that run at the same time.
    """

    store: Store
    runner: Runner
    target: Target
    root: Path
    jobs: int
    progress: Progress

    def build(self, units: Sequence[Unit]) -> list[BuildResult]:
        """Build every unit; see :func:`toolchain.build.build`."""
        planned = [self._plan(unit) for unit in units]
        _refuse_shared_folders(planned)
        graph = Graph(step for one in planned for step in one.steps)
        executor = Executor(self.store, self.runner)
        outcome = scheduler.run(graph, executor, jobs=self.jobs, progress=self.progress)
        return [self._finish(one, executor, outcome) for one in planned]

    def _plan(self, unit: Unit) -> _Planned:
        folder = self.root / unit.name / unit.label
        check = checks.step(unit, folder)
        plan = self.target.plan(unit, check, folder)
        own = {name: Output(check, name) for name in check.outputs}
        return _Planned(unit, folder, plan, {**own, **plan.files})

    def _finish(self, one: _Planned, executor: Executor, outcome: scheduler.Outcome) -> BuildResult:
        steps = Graph(one.steps).steps
        ran = sum(step in outcome.ran for step in steps)
        errors = tuple(outcome.failed[step] for step in steps if step in outcome.failed)
        if errors:
            publish.withdraw(one.folder)
            return BuildResult(unit=one.unit, build=None, errors=errors, ran=ran)
        record = self._manifest(one, steps, executor, outcome.done)
        content = manifest.encode(record)
        written = publish.publish(one.folder, record.outputs, content, self.store)
        build = Build(one.folder, record)
        return BuildResult(unit=one.unit, build=build, ran=ran, written=written)

    def _manifest(
        self, one: _Planned, steps: list[Step], executor: Executor, done: Mapping[Step, Entry]
    ) -> Manifest:
        blobs = {name: done[out.step].outputs[out.name] for name, out in one.files.items()}
        unit = one.unit
        return Manifest(
            unit=unit.name,
            label=unit.label,
            target=self.target.name,
            tools=self.target.pins,
            steps=[_record(step, done[step], executor.digests) for step in steps],
            outputs={name: blob for name, blob in blobs.items() if blob.size},
            libraries=dict(one.plan.libraries),
            functions=[FunctionRecord(f.symbol, f.cycles, f.basis) for f in unit.functions],
            args=None
            if unit.args is None
            else [ArgRecord(a.name, a.role.value, a.shape, a.dtype.name) for a in unit.args],
            resources=msgspec.json.decode(self.store.read(blobs[checks.RESOURCES])),
        )


@dataclass(frozen=True)
class _Planned:
    unit: Unit
    folder: Path
    plan: Plan
    files: Mapping[str, Output]

    @property
    def steps(self) -> list[Step]:
        return [*(output.step for output in self.files.values()), *self.plan.checks]


def _refuse_shared_folders(planned: Iterable[_Planned]) -> None:
    owners: dict[Path, Unit] = {}
    for one in planned:
        if owners.setdefault(one.folder, one.unit) != one.unit:
            raise UsageError(
                f"two different units are called {one.unit.title}",
                cure="build them one after the other, or rename one",
                code="NPU032",
            )


def _record(step: Step, entry: Entry, digests: Digests) -> StepRecord:
    sources = {step.places.neutral(str(path)): digests.of(path) or "" for path in step.sources}
    return StepRecord(
        name=step.name,
        command=step.neutral_command() if isinstance(step, CommandStep) else None,
        inputs={**sources, **entry.headers},
        seconds=entry.seconds,
    )
