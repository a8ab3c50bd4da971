"""The commit of a record tells what was timed, or that it does not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runtime.bench.revision import revision


def git(lab: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(lab), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "kernel.cc").write_text("// as committed\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def test_a_clean_checkout_is_its_commit(lab: Path) -> None:
    assert revision(lab) == git(lab, "rev-parse", "HEAD")
    (lab / "hwtests.xml").write_text("what a job writes is no source")
    assert revision(lab) == git(lab, "rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["kernel.cc", "new.cc"])
def test_changed_sources_are_told(name: str, lab: Path) -> None:
    (lab / "kernels" / name).write_text("// changed\n")
    assert revision(lab) == git(lab, "rev-parse", "HEAD") + "-dirty"


def test_no_checkout_and_no_git_are_unknown(
    tmp_path: Path, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nothing"))
    assert revision(lab) == "unknown"
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert revision(lab) == "unknown"
