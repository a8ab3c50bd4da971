"""Leases of containers: over with their process, and never another file than a lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from toolchain.docker import leases

KILLED = """
import os, signal
from toolchain.docker import leases
print(leases.take().path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NPULAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def of_a_killed_process() -> Path:
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return Path(done.stdout.strip())


def test_a_lease_is_over_with_its_process_and_a_look_leaves_it() -> None:
    held, left = leases.take(), of_a_killed_process()
    assert not leases.is_over(held.path)
    assert leases.is_over(left)
    assert left.read_text().isdecimal()
    held.release()
    assert leases.is_over(held.path)


def test_a_sweep_removes_those_that_are_over_and_no_others(cache: Path) -> None:
    held, left = leases.take(), of_a_killed_process()
    (cache / "leases" / "notes").write_text("not a lease")
    leases.sweep()
    assert not left.exists()
    assert {path.name for path in (cache / "leases").iterdir()} == {held.path.name, "notes"}
    held.release()


def test_one_of_a_machine_that_is_not_seen_is_not_over(tmp_path: Path) -> None:
    assert not leases.is_over(tmp_path / "nowhere" / "leases" / "a")


@pytest.mark.parametrize(
    "name",
    [
        *("1", "aside/1", "leases/text", "leases/long", "leases/empty", "leases/link"),
        *("leases/folder", "leases/pipe", "leases/..", "leases/zero\0"),
    ],
)
def test_what_is_no_lease_is_never_over(tmp_path: Path, name: str) -> None:
    (tmp_path / "1").write_text("1")
    folder = tmp_path / "leases"
    folder.mkdir()
    (folder / "text").write_text("precious")
    (folder / "long").write_text("1" * 40)
    (folder / "empty").touch()
    (folder / "link").symlink_to(tmp_path / "1")
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    (tmp_path / "true" / "home").mkdir(parents=True)
    (tmp_path / "true" / "home" / "1").write_text("1")
    (tmp_path / "aside").symlink_to(tmp_path / "true" / "home")
    assert not leases.is_over(tmp_path / name)


def test_a_path_from_nowhere_is_never_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leases").mkdir()
    (tmp_path / "leases" / "1").write_text("1")
    monkeypatch.chdir(tmp_path)
    assert leases.is_over(tmp_path / "leases" / "1")
    assert not leases.is_over(Path("leases/1"))
    assert not leases.is_over(Path())
