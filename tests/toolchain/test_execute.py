"""One step: what its key depends on, and what makes its outputs stale."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import UsageError
from toolchain.storage.places import Places
from toolchain.storage.store import Blob, Store
from toolchain.work.execute import Executor
from toolchain.work.runner import LocalRunner, Runner
from toolchain.work.steps import FunctionStep, Step


class ReadingStep(FunctionStep):
    """A function step that reports files that it read besides its inputs."""

    headers: tuple[Path, ...] = ()

    def run(self, work: Path, runner: Runner) -> list[Path]:
        super().run(work, runner)
        return list(self.headers)


def reading(source: Path, headers: tuple[Path, ...], **changes: Any) -> ReadingStep:
    def copy(work: Path) -> None:
        (work / "out").write_bytes(b"".join(path.read_bytes() for path in (source, *headers)))

    settings = {"function": copy, "sources": (source,), "outputs": ("out",), **changes}
    step = ReadingStep(unit="u", name="read", pin="1", **settings)
    object.__setattr__(step, "headers", headers)
    return step


@pytest.fixture
def execute(store: Store) -> Callable[[Step], tuple[bytes, bool]]:
    """Return a function that gives a step's output, and whether it had to run."""

    def once(step: Step) -> tuple[bytes, bool]:
        executor = Executor(store, LocalRunner())
        found = executor.find(step, executor.key(step, {}))
        entry = found or executor.make(step, {})
        return store.read(entry.outputs["out"]), found is None

    return once


Execute = Callable[[Step], tuple[bytes, bool]]


def old(path: Path, text: str) -> Path:
    """Write a file that nobody would take for one that is being edited."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


BASE: dict[str, Any] = {
    "unit": "u",
    "name": "do",
    "pin": "1",
    "outputs": ("out",),
    "function": lambda _: None,
}


@pytest.mark.parametrize(
    "change",
    [
        {"pin": "2"},
        {"outputs": ("out", "log")},
        {"texts": {"a": "x"}},
        {"texts": {"a": "y"}},
        {"texts": {"b": "x"}},
        {"arguments": ["x"]},
        {"name": "do more"},
    ],
    ids=str,
)
def test_the_key_changes_with(store: Store, change: dict[str, Any]) -> None:
    executor = Executor(store, LocalRunner())
    base = FunctionStep(**BASE)
    assert executor.key(FunctionStep(**BASE), {}) == executor.key(base, {})
    assert executor.key(FunctionStep(**{**BASE, **change}), {}) != executor.key(base, {})


def test_the_key_does_not_change_with_what_decides_nothing(store: Store) -> None:
    executor = Executor(store, LocalRunner())
    base = FunctionStep(**BASE)
    for change in ({"unit": "other"}, {"after": (base,)}):
        assert executor.key(FunctionStep(**{**BASE, **change}), {}) == executor.key(base, {})


def test_the_key_changes_with_what_other_steps_give(store: Store) -> None:
    executor = Executor(store, LocalRunner())
    step = FunctionStep(**BASE)
    keys = {
        executor.key(step, needs)
        for needs in ({}, {"a": Blob("1", 1)}, {"a": Blob("2", 1)}, {"b": Blob("1", 1)})
    }
    assert len(keys) == 4


def test_two_checkouts_share_what_was_built(tmp_path: Path, execute: Execute) -> None:
    def step(checkout: Path) -> ReadingStep:
        source, header = old(checkout / "k.cc", "k"), old(checkout / "k.h", "h")
        return reading(source, (header,), places=Places({checkout: "kernel"}))

    assert execute(step(tmp_path / "one")) == (b"kh", True)
    assert execute(step(tmp_path / "two")) == (b"kh", False)


def test_a_changed_source_runs_again_and_the_old_one_is_remembered(
    tmp_path: Path, execute: Execute
) -> None:
    source = old(tmp_path / "k.cc", "1")
    assert execute(reading(source, ())) == (b"1", True)
    old(source, "2")
    assert execute(reading(source, ())) == (b"2", True)
    old(source, "1")
    assert execute(reading(source, ())) == (b"1", False)


def test_a_touched_source_does_not_run_again(tmp_path: Path, execute: Execute) -> None:
    source = old(tmp_path / "k.cc", "1")
    execute(reading(source, ()))
    source.touch()
    assert execute(reading(source, ())) == (b"1", False)


def test_a_changed_or_missing_header_runs_again(tmp_path: Path, execute: Execute) -> None:
    source, header = old(tmp_path / "k.cc", "1"), old(tmp_path / "k.h", "a")
    assert execute(reading(source, (header,))) == (b"1a", True)
    assert execute(reading(source, (header,))) == (b"1a", False)
    old(header, "b")
    assert execute(reading(source, (header,))) == (b"1b", True)
    old(header, "a")
    assert execute(reading(source, (header,))) == (b"1a", False)
    header.unlink()
    assert execute(reading(source, ())) == (b"1", True)


def test_a_header_that_would_now_be_found_first_runs_again(
    tmp_path: Path, execute: Execute
) -> None:
    source, header = old(tmp_path / "k.cc", "1"), old(tmp_path / "late" / "k.h", "a")
    search = (tmp_path / "early", tmp_path / "late")
    assert execute(reading(source, (header,), search=search)) == (b"1a", True)
    assert execute(reading(source, (header,), search=search)) == (b"1a", False)
    first = old(tmp_path / "early" / "k.h", "b")
    assert execute(reading(source, (first,), search=search)) == (b"1b", True)
    first.unlink()
    assert execute(reading(source, (header,), search=search)) == (b"1a", False)


def test_a_source_that_is_not_there_is_named(tmp_path: Path, execute: Execute) -> None:
    with pytest.raises(UsageError, match=r"no file .*k\.cc"):
        execute(reading(tmp_path / "k.cc", ()))


@pytest.mark.parametrize("kind", ["source", "header"])
def test_a_file_that_changes_once_under_a_step_is_read_again(
    tmp_path: Path, execute: Execute, kind: str
) -> None:
    source, header = old(tmp_path / "k.cc", "1"), old(tmp_path / "k.h", "a")
    edited = {"source": source, "header": header}[kind]

    def read_then_edited(work: Path) -> None:
        (work / "out").write_bytes(source.read_bytes() + header.read_bytes())
        edited.write_text("new")

    step = reading(source, (header,), function=read_then_edited)
    content, _ = execute(step)
    assert content == source.read_bytes() + header.read_bytes()
    assert content == {"source": b"newa", "header": b"1new"}[kind]


def test_a_file_that_always_changes_is_given_up(tmp_path: Path, execute: Execute) -> None:
    source = old(tmp_path / "k.cc", "1")

    def edit(work: Path) -> None:
        (work / "out").write_bytes(b"")
        source.write_text(source.read_text() + "1")

    with pytest.raises(UsageError, match="keeps changing") as caught:
        execute(reading(source, (), function=edit))
    assert caught.value.code == "NPU004"
