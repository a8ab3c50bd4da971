"""The scheduler with steps that are Python: order, parallelism, failures, cache."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import CheckFailed, LabError, MissingEnvironment
from toolchain.storage.store import CorruptBlob, Store
from toolchain.work import scheduler
from toolchain.work.diagnose import Diagnosis
from toolchain.work.execute import Executor
from toolchain.work.graph import Graph
from toolchain.work.progress import Quiet
from toolchain.work.runner import LocalRunner
from toolchain.work.scheduler import Outcome
from toolchain.work.steps import CommandStep, FunctionStep, Output, Step


class Record(Quiet):
    """Keeps the events in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def planned(self, steps: int) -> None:
        self.events.append(("planned", str(steps)))

    def started(self, step: Step) -> None:
        self.events.append(("started", step.name))

    def finished(self, step: Step, seconds: float, *, cached: bool) -> None:
        assert seconds >= 0
        self.events.append(("cached" if cached else "finished", step.name))

    def failed(self, step: Step, error: LabError) -> None:
        assert error.message
        self.events.append(("failed", step.name))

    def skipped(self, step: Step, because: Step) -> None:
        self.events.append(("skipped", f"{step.name} because of {because.name}"))


def nothing(work: Path) -> None:
    (work / "out").write_bytes(b"")


def failing(work: Path) -> None:
    raise CheckFailed(f"no: {bool(work)}")


def step(name: str, *needs: Step, function: Callable[[Path], None] = nothing) -> FunctionStep:
    return FunctionStep(
        unit="u",
        name=name,
        pin="1",
        outputs=("out",),
        function=function,
        needs={f"in{index}": Output(needed, "out") for index, needed in enumerate(needs)},
    )


def run(store: Store, *wanted: Step, jobs: int = 2, progress: Quiet | None = None) -> Outcome:
    executor = Executor(store, LocalRunner())
    return scheduler.run(Graph(wanted), executor, jobs=jobs, progress=progress or Quiet())


def names(steps: object) -> set[str]:
    return {step.name for step in steps}  # type: ignore[attr-defined]


def test_outputs_reach_the_steps_that_need_them(store: Store) -> None:
    def give(work: Path) -> None:
        (work / "out").write_text("one")

    def double(work: Path) -> None:
        (work / "out").write_text((work / "in0").read_text() * 2)

    first = step("first", function=give)
    second = step("second", first, function=double)
    done = run(store, second).done
    assert store.read(done[second].outputs["out"]) == b"oneone"


def test_a_second_run_takes_all_from_the_cache(store: Store) -> None:
    def chain() -> Step:
        return step("c", step("b", step("a")))

    first, again = Record(), Record()
    assert names(run(store, chain(), progress=first).ran) == {"a", "b", "c"}
    assert run(store, chain(), progress=again).ran == set()
    assert first.events == [
        ("planned", "3"),
        *(event for name in "abc" for event in (("started", name), ("finished", name))),
    ]
    assert again.events == [("planned", "3"), ("cached", "a"), ("cached", "b"), ("cached", "c")]


def command(name: str, script: str, *needs: Step) -> CommandStep:
    """Return a step that runs a shell script in a process of its own."""
    return CommandStep(
        unit="u",
        name=name,
        pin="1",
        outputs=("out",),
        command=("/bin/sh", "-c", script),
        failure=Diagnosis(message="no", cure="none", code="NPU011"),
        log="log",
        kept_log=Path("/nowhere"),
        needs={f"in{index}": Output(needed, "out") for index, needed in enumerate(needs)},
    )


def test_commands_run_at_the_same_time(store: Store, tmp_path: Path) -> None:
    """Each waits for the other, which must therefore be running."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    outcome = run(
        store,
        command("a", f"echo met > {pipe}; touch out"),
        command("b", f"cat {pipe} > out"),
        jobs=2,
    )
    assert names(outcome.done) == {"a", "b"}


def test_a_command_runs_beside_a_step_in_this_process(store: Store, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def meet(work: Path) -> None:
        (work / "out").write_text(pipe.read_text())

    outcome = run(
        store,
        step("a", function=meet),
        step("c", function=nothing),
        command("b", f"echo met > {pipe}; touch out"),
        jobs=2,
    )
    assert names(outcome.done) == {"a", "b", "c"}


def test_steps_in_this_process_run_one_at_a_time(store: Store) -> None:
    running: list[int] = []
    seen: list[int] = []

    def count(work: Path) -> None:
        running.append(1)
        seen.append(len(running))
        time.sleep(0.01)
        nothing(work)
        running.pop()

    run(store, *(step(f"s{index}", function=count) for index in range(8)), jobs=4)
    assert seen == [1] * 8


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_run_than_jobs(store: Store, jobs: int, tmp_path: Path) -> None:
    script = f"ls {tmp_path}/running | wc -l >> {tmp_path}/seen; sleep 0.02; touch out"
    (tmp_path / "running").mkdir()
    steps = []
    for index in range(8):
        mark = tmp_path / "running" / str(index)
        steps.append(command(f"s{index}", f"touch {mark}; {script}; rm {mark}"))
    assert len(run(store, *steps, jobs=jobs).done) == 8
    seen = [int(line) for line in (tmp_path / "seen").read_text().split()]
    assert len(seen) == 8
    assert max(seen) <= jobs


def test_the_same_work_is_done_once(store: Store, tmp_path: Path) -> None:
    """Also where all are ready at once: the others wait for the first without a job slot."""
    script = f"echo done >> {tmp_path}/log; sleep 0.05; touch out"
    same = [command("same", script) for _ in range(3)]
    outcome = run(store, *same, command("other", "touch out"), jobs=4)
    assert len(outcome.done) == 4
    assert len(outcome.ran) == 2
    assert (tmp_path / "log").read_text() == "done\n"


def test_the_same_failure_is_told_for_each(store: Store) -> None:
    outcome = run(store, *(step("same", function=failing) for _ in range(3)), jobs=2)
    assert len(outcome.failed) == 3


def test_a_failure_stops_what_needs_it_and_nothing_else(store: Store) -> None:
    record = Record()
    bad = step("bad", function=failing)
    outcome = run(store, step("lost", bad), step("good"), jobs=1, progress=record)
    assert names(outcome.failed) == {"bad"}
    assert names(outcome.skipped) == {"lost"}
    assert names(outcome.done) == {"good"}
    assert ("skipped", "lost because of bad") in record.events
    assert ("failed", "bad") in record.events


def test_all_failures_are_reported(store: Store) -> None:
    outcome = run(store, *(step(f"bad{index}", function=failing) for index in range(4)))
    assert len(outcome.failed) == 4


def test_a_failure_is_not_cached(store: Store) -> None:
    assert names(run(store, step("a", function=failing)).failed) == {"a"}
    assert names(run(store, step("a")).done) == {"a"}


def test_a_missing_environment_ends_the_whole_run(store: Store) -> None:
    def no_space(work: Path) -> None:
        raise OSError(28, "No space left on device", str(work))

    with pytest.raises(MissingEnvironment, match="no space left"):
        run(store, step("a", function=no_space), step("b"), jobs=1)


def test_a_bug_is_not_swallowed(store: Store) -> None:
    def bug(work: Path) -> None:
        raise ZeroDivisionError(work)

    with pytest.raises(ZeroDivisionError):
        run(store, step("a", function=bug))


def test_leaving_ends_running_commands_and_removes_their_folders(
    store: Store, tmp_path: Path
) -> None:
    class Leave(Quiet):
        def started(self, step: Step) -> None:
            while step.name == "b" and not (tmp_path / "asleep").exists():
                time.sleep(0.001)
            if step.name == "b":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(
            store,
            command("a", f"touch {tmp_path}/asleep; sleep 60; touch {tmp_path}/survived"),
            command("b", "touch out"),
            progress=Leave(),
        )
    assert not (tmp_path / "survived").exists()
    assert list((store.root / "work").iterdir()) == []


def test_a_damaged_input_is_removed_and_made_again(store: Store) -> None:
    first = step("first")
    entry = run(store, first).done[first]
    blob = entry.outputs["out"]
    path = store.root / "blobs" / blob.sha256[:2] / blob.sha256
    path.chmod(0o644)
    path.write_bytes(b"")
    assert run(store, first).ran == set(), "an empty blob that is rightly empty"

    def give(work: Path) -> None:
        (work / "out").write_bytes(b"abc")

    second = step("second", function=give)
    blob = run(store, second).done[second].outputs["out"]
    path = store.root / "blobs" / blob.sha256[:2] / blob.sha256
    path.chmod(0o644)
    path.write_bytes(b"abd")
    third = step("third", second)
    with pytest.raises(CorruptBlob):
        run(store, third)
    assert names(run(store, third).ran) == {"second", "third"}


@st.composite
def plans(draw: st.DrawFn) -> list[tuple[bool, list[int]]]:
    """Steps as (fails, indices of the steps that it needs)."""
    count = draw(st.integers(1, 7))
    return [
        (
            draw(st.integers(0, 4)) == 0,
            draw(st.lists(st.sampled_from(range(index)), unique=True)) if index else [],
        )
        for index in range(count)
    ]


@settings(deadline=None, max_examples=40)
@given(plan=plans(), jobs=st.integers(1, 4))
def test_every_step_has_the_outcome_that_its_needs_allow(
    tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[bool, list[int]]], jobs: int
) -> None:
    store = Store(tmp_path_factory.mktemp("cache"))
    steps: list[Step] = []
    for index, (fails, needs) in enumerate(plan):
        function = failing if fails else nothing
        steps.append(step(f"s{index}", *(steps[need] for need in needs), function=function))
    outcome = run(store, *steps, jobs=jobs)
    for made, (fails, needs) in zip(steps, plan, strict=True):
        blocked = any(steps[need] not in outcome.done for need in needs)
        kinds = [made in outcome.done, made in outcome.failed, made in outcome.skipped]
        assert kinds == [not blocked and not fails, not blocked and fails, blocked]
