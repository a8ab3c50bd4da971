"""A bootstrap that is ended leaves nothing: with a stand-in for mmdebstrap that waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from errors import CheckFailed, MissingEnvironment
from toolchain.docker import debian
from toolchain.docker.recipes import Recipe

pytestmark = pytest.mark.docker
SECONDS = 60.0

STAND_IN = """#!/bin/sh
mkdir "$TMPDIR/chroot" "$TMPDIR/mmdebstrap.gpghome.left"
{trap}
sleep 600 &
echo $$ $! >"{pids}.new"
mv "{pids}.new" "{pids}"
while :; do wait; done
"""
REMOVES = """trap 'rm -r "$TMPDIR/chroot"; exit 1' TERM"""
IGNORES = "trap '' TERM"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that puts a stand-in on the path, and gives the file of its processes."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("NPULAB_DEBIAN_MIRROR", "file:///none")

    def put(trap: str) -> Path:
        program, pids = tmp_path / "bin" / "mmdebstrap", tmp_path / "pids"
        program.write_text(STAND_IN.format(trap=trap, pids=pids))
        program.chmod(0o755)
        return pids

    return put


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def runs(process: int) -> bool:
    """Whether a process is there, and not only its exit code, which nobody may ask for."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] != "Z"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_command_that_is_told_to_end_ends_what_it_started(
    stand_in: Callable[[str], Path],
    tmp_path: Path,
    name: str,
) -> None:
    pids, cache = stand_in(REMOVES), tmp_path / "cache"
    process = subprocess.Popen(
        [sys.executable, "-m", "npulab", "images", "xrt", "--base", "bootstrap"],
        env=os.environ | {"NPULAB_CACHE": str(cache), "NPULAB_BUILD": str(tmp_path / "build")},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: pids.exists() or process.poll() is not None)
        process.send_signal(signal.Signals[name])
        _, stderr = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert (process.returncode, stderr) == (130, "interrupted; what was finished is kept\n")
    started = [int(one) for one in pids.read_text().split()]
    wait_until(lambda: not any(runs(one) for one in started))
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((cache / "work").iterdir()) == []


@pytest.mark.parametrize("trap", [REMOVES, IGNORES])
def test_one_that_takes_too_long_is_ended_and_named(
    own_recipes: dict[str, Recipe],
    stand_in: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trap: str,
) -> None:
    pids = stand_in(trap)
    monkeypatch.setattr(debian, "TIMEOUT", 2.0)
    monkeypatch.setattr(debian, "GRACE", 1.0)
    with pytest.raises(CheckFailed, match="does not bootstrap within 2 s") as caught:
        debian.bootstrap(own_recipes["xrt"], tmp_path / "layer.tar")
    assert caught.value.code == "NPU095"
    started = [int(one) for one in pids.read_text().split()] if pids.exists() else []
    wait_until(lambda: not any(runs(one) for one in started))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_machine_without_mmdebstrap_is_told_what_to_install(
    own_recipes: dict[str, Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingEnvironment, match="mmdebstrap, and it is not installed") as caught:
        debian.bootstrap(own_recipes["xrt"], tmp_path / "layer.tar")
    assert caught.value.code == "NPU094"
