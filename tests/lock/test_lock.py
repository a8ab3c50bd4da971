"""The device lock, between real processes: one at a time, in order, released by any death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from errors import CheckFailed, MissingEnvironment
from runtime.lock import Waiting, device_lock

JOB = """
import sys, time
from pathlib import Path
from runtime.lock import device_lock
folder, name, log = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
def say(word):
    with log.open("a") as file:
        file.write(f"{word} {name}\\n")
said = False
def waits(place):
    global said
    if not said:
        said = True
        say("waits")
with device_lock(name, folder=folder, on_wait=waits):
    say("enters")
    if name == "stuck":
        time.sleep(60)
    time.sleep(0.02)
    say("leaves")
"""


def start(folder: Path, name: str, log: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", JOB, str(folder), name, str(log)])


def until(log: Path, line: str) -> None:
    for _ in range(600):
        if log.exists() and line in log.read_text().splitlines():
            return
        time.sleep(0.02)
    raise AssertionError(f"{line!r} never came: {log.read_text() if log.exists() else 'nothing'}")


def test_jobs_take_turns_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    folder, log = tmp_path / "queue", tmp_path / "log"
    jobs = []
    with device_lock("test", folder=folder):
        for name in ("first", "second", "third"):
            jobs.append(start(folder, name, log))
            until(log, f"waits {name}")
    assert [job.wait(20) for job in jobs] == [0, 0, 0]
    said = [line for line in log.read_text().splitlines() if not line.startswith("waits")]
    order = ("first", "second", "third")
    assert said == [f"{word} {name}" for name in order for word in ("enters", "leaves")]
    assert [path.name for path in folder.iterdir()] == ["counter"]


def test_the_crash_of_the_holder_releases_it(tmp_path: Path) -> None:
    folder, log = tmp_path / "queue", tmp_path / "log"
    holder = start(folder, "stuck", log)
    until(log, "enters stuck")
    following = start(folder, "next", log)
    until(log, "waits next")
    holder.send_signal(signal.SIGKILL)
    assert following.wait(20) == 0
    assert holder.wait(20) == -signal.SIGKILL
    assert "leaves stuck" not in log.read_text()
    assert "leaves next" in log.read_text()


def test_who_waits_too_long_is_told_who_holds_it(tmp_path: Path) -> None:
    told: list[Waiting] = []
    with device_lock("long job", folder=tmp_path):
        with (
            pytest.raises(CheckFailed, match="held by long job") as caught,
            device_lock("short", folder=tmp_path, timeout=0.15, on_wait=told.append),
        ):
            pass
        assert caught.value.code == "NPU443"
        assert str(told[0]).startswith("waiting for the NPU: 1 ahead, held by long job (process")
        assert len(told) == 1, "told once for each place, not for each look"
    with device_lock("after", folder=tmp_path, timeout=0):
        pass


def test_an_exception_releases_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), device_lock("a", folder=tmp_path):
        raise ZeroDivisionError
    with device_lock("b", folder=tmp_path, timeout=0):
        pass


@pytest.mark.parametrize("content", ["12x", "-"])
def test_a_damaged_queue_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "counter").write_text(content)
    with pytest.raises(MissingEnvironment) as caught, device_lock("a", folder=tmp_path):
        pass
    assert caught.value.code == "NPU444"


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(MissingEnvironment),
        device_lock("a", folder=tmp_path / "file" / os.devnull.strip("/")),
    ):
        pass
