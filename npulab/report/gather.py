"""Reads what there is to report: manifests, records, pictures of deadlocks, timings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from errors import LabError, UsageError
from kernels import registry
from kernels.contract import Kernel
from npulab.report import records
from npulab.report.records import ErrorRecord, FailedBuild, RunRecord, VariantRecord
from runtime.bench.record import Record
from runtime.bench.store import read as read_timings
from simulator import Resources
from toolchain.build import TARGETS
from toolchain.storage import disk, manifest
from toolchain.storage.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class BuildState:
    """What became of the last build of a variant for one target.

    Attributes:
        manifest: The build's; None where there is none.
        failed: Why the last build failed, if it did.
    """

    target: str
    manifest: Manifest | None
    failed: FailedBuild | None

    @property
    def word(self) -> str:
        """One word for it: ``built``, ``failed`` or ``none``."""
        if self.failed:
            return "failed"
        return "built" if self.manifest else "none"

    @property
    def seconds(self) -> float:
        """Time that its steps took when they ran."""
        return sum(step.seconds for step in self.manifest.steps) if self.manifest else 0.0


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A variant, and all that is known of it.

    Attributes:
        label: Its name among the kernel's variants.
        tolerance: What is allowed and why; empty for what has no contract.
        builds: By target, in the order of `TARGETS`.
        test: The last record of it by ``npulab test``.
        demo: Likewise by ``npulab demo``.
    """

    kernel: str
    label: str
    tolerance: str
    builds: dict[str, BuildState]
    test: VariantRecord | None
    demo: VariantRecord | None

    @property
    def title(self) -> str:
        """``kernel/variant``."""
        return f"{self.kernel}/{self.label}"

    @property
    def anchor(self) -> str:
        """Its place in the page."""
        return f"v-{self.kernel}-{self.label}"

    @property
    def found(self) -> tuple[VariantRecord, ...]:
        """The records of it, tests first."""
        return tuple(one for one in (self.test, self.demo) if one)

    @property
    def state(self) -> str:
        """``failed``, ``wrong``, ``partial``, ``untested`` or ``right``, the worst that is so."""
        if any(build.failed for build in self.builds.values()):
            return "failed"
        if any(one.done and not one.ok for one in self.found):
            return "wrong"
        if any(not case.ok for one in self.found for case in one.cases):
            return "wrong"
        if any(not one.done for one in self.found):
            return "partial"
        return "right" if self.test else "untested"

    @property
    def resources(self) -> Resources | None:
        """What its design takes of the array."""
        for build in self.builds.values():
            if build.manifest:
                return _resources(build.manifest)
        return None

    @property
    def cycles(self) -> int | None:
        """Modelled cycles of a run on real input, or of the first test that ended."""
        record = self.demo or self.test
        cycles = [case.cycles for case in record.cases if case.cycles is not None] if record else []
        return cycles[0] if cycles else None

    def outdated(self, record: VariantRecord) -> bool:
        """Return whether a record is of another build than the last one."""
        last = self.builds["host"].manifest
        return last is not None and record.build != records.digest(last)


@dataclass(frozen=True, kw_only=True)
class Deadlock:
    """A picture of a deadlock; `when` is when it was drawn, in UTC, ISO 8601."""

    name: str
    when: str
    svg: str


@dataclass(frozen=True, kw_only=True)
class Data:
    """All that a report is made of.

    Attributes:
        made: When it was gathered, in UTC, ISO 8601.
        kernels: The variants by kernel, in the lab's order; designs without a contract last.
        summaries: What each kernel computes, in one line.
        runs: The last runs, by command.
        timings: Of ``npulab bench``, oldest first.
        timings_error: Why there are none, where the store cannot be read.
        damaged: Files among the records that cannot be read.
    """

    made: str
    kernels: dict[str, tuple[Variant, ...]]
    summaries: dict[str, str]
    runs: dict[str, RunRecord]
    deadlocks: tuple[Deadlock, ...]
    timings: tuple[Record, ...]
    timings_error: str
    damaged: tuple[Path, ...]

    @property
    def variants(self) -> list[Variant]:
        """All of them."""
        return [variant for group in self.kernels.values() for variant in group]

    @property
    def targets(self) -> list[str]:
        """The targets that anything was built for."""
        used = {
            name
            for variant in self.variants
            for name, build in variant.builds.items()
            if build.word != "none"
        }
        return [name for name in TARGETS if name in used]


def gather(root: Path, store: Path | None = None) -> Data:
    """Read all that there is.

    Args:
        root: The build folder.
        store: The timings of ``npulab bench``; ``bench/timings.jsonl`` in `root` unless given.

    Raises:
        UsageError: NPU312: nothing was built and nothing was tested.
    """
    kernels: dict[str, tuple[Variant, ...]] = {}
    summaries = {}
    for name in registry.names():
        found = registry.find(name)
        kernels[name] = tuple(_variant(root, kernel) for kernel in found)
        summaries[name] = found[0].summary()
    kernels.update(_others(root, set(kernels)))
    runs = {data: records.read(records.run_path(root, data), RunRecord) for data in records.DATA}
    timings, refusal = _timings(store or root / "bench" / "timings.jsonl")
    data = Data(
        made=records.now(),
        kernels=kernels,
        summaries=summaries,
        runs={name: run for name, run in runs.items() if run},
        deadlocks=tuple(_deadlocks(root)),
        timings=timings,
        timings_error=refusal,
        damaged=tuple(records.damaged(root)),
    )
    if not data.targets and not any(variant.found for variant in data.variants):
        raise UsageError(
            f"there is nothing to report: {root} holds no build and no record of a test",
            cure="npulab test builds and checks all kernels; then make the report again",
            code="NPU312",
        )
    return data


def _variant(root: Path, kernel: Kernel) -> Variant:
    name, label = kernel.kernel_name(), kernel.label
    return Variant(
        kernel=name,
        label=label,
        tolerance=str(kernel.tolerance),
        builds=_builds(root, name, label),
        test=records.read(records.variant_path(root, "test", name, label), VariantRecord),
        demo=records.read(records.variant_path(root, "demo", name, label), VariantRecord),
    )


def _builds(root: Path, name: str, label: str) -> dict[str, BuildState]:
    return {target: _build(root, target, name, label) for target in TARGETS}


def _build(root: Path, target: str, name: str, label: str) -> BuildState:
    content = disk.read_if_there(root / target / name / label / manifest.NAME)
    return BuildState(
        target=target,
        manifest=manifest.decode(content) if content else None,
        failed=records.read(records.failed_path(root, target, name, label), FailedBuild),
    )


def _others(root: Path, known: set[str]) -> Iterator[tuple[str, tuple[Variant, ...]]]:
    """Yield what was built and is no kernel of the lab: designs of the user's, merged ones."""
    titles = {
        (path.parents[1].name, path.parent.name)
        for target in TARGETS
        for path in (root / target).glob(f"*/*/{manifest.NAME}")
    }
    titles |= {
        (path.parent.name, path.stem)
        for path in (root / records.FOLDER / "failed").glob("*/*/*.json")
    }
    for name in sorted({name for name, _ in titles} - known):
        labels = sorted(label for other, label in titles if other == name)
        yield (
            name,
            tuple(
                Variant(
                    kernel=name,
                    label=label,
                    tolerance="",
                    builds=_builds(root, name, label),
                    test=None,
                    demo=None,
                )
                for label in labels
            ),
        )


def _deadlocks(root: Path) -> Iterator[Deadlock]:
    for path in sorted((root / "deadlocks").glob("*.svg")):
        when = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
        yield Deadlock(name=path.stem, when=when, svg=path.read_text(encoding="utf-8"))


def _timings(store: Path) -> tuple[tuple[Record, ...], str]:
    if not store.is_file():
        return (), ""
    try:
        return tuple(read_timings(store)), ""
    except LabError as error:
        return (), error.message


def _resources(build: Manifest) -> Resources | None:
    try:
        return msgspec.convert(build.resources, Resources, strict=False)
    except msgspec.ValidationError:
        return None


def problems(variants: Sequence[Variant]) -> Iterator[tuple[Variant, str, str, ErrorRecord]]:
    """Yield every error: the variant, what failed, when, and the error."""
    for variant in variants:
        for build in variant.builds.values():
            if build.failed:
                for error in build.failed.errors:
                    yield variant, f"build for {build.target}", build.failed.when, error
        builds = [build.failed for build in variant.builds.values() if build.failed]
        known = {error for failed in builds for error in failed.errors}
        for record, what in ((variant.test, "npulab test"), (variant.demo, "npulab demo")):
            if record is None:
                continue
            told = {error.message for error in record.errors}
            for error in record.errors:
                if error not in known:
                    yield variant, what, record.when, error
            for case in record.cases:
                if case.error and case.error.message not in told:
                    yield variant, what, record.when, case.error
