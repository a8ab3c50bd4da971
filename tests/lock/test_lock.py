"""The device lock, between real processes: one at a time, in order, released by any death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from errors import CheckFailed, MissingEnvironment
from runtime import lock
from runtime.lock import Waiting, device_lock

OTHER = 65534
"""Another user, and its group."""
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


@pytest.mark.parametrize("lost", ["emptied", "deleted", "low"])
def test_a_lost_counter_lets_nobody_in(tmp_path: Path, lost: str) -> None:
    """A process that is killed, or a full disk, may leave any of these."""
    counter = tmp_path / "counter"
    with device_lock("before", folder=tmp_path):
        pass
    with device_lock("holder", folder=tmp_path):
        if lost == "deleted":
            counter.unlink()
        else:
            counter.write_text("" if lost == "emptied" else "1")
        with (
            pytest.raises(CheckFailed, match="held by holder"),
            device_lock("second", folder=tmp_path, timeout=0),
        ):
            pass
    with device_lock("after", folder=tmp_path, timeout=0):
        assert counter.read_text() == "4"


def test_the_counter_is_never_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is killed while the number is written leaves the old one or the new one."""
    with device_lock("before", folder=tmp_path):
        pass

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    for name in ("pwrite", "write"):
        with monkeypatch.context() as patched:
            patched.setattr(lock.os, name, full)
            with (
                pytest.raises(MissingEnvironment, match="No space") as caught,
                device_lock("a", folder=tmp_path),
            ):
                pass
        assert caught.value.code == "NPU444"
        assert (tmp_path / "counter").read_text() == "1"
        assert [path.name for path in tmp_path.iterdir()] == ["counter"], "no ticket is left"
    with device_lock("after", folder=tmp_path, timeout=0):
        pass


@pytest.fixture
def shared() -> Iterator[Path]:
    """A queue as the runner kit makes it, where another user can get to."""
    if os.geteuid():
        pytest.skip("to be two users takes root")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        os.chown(path, 0, OTHER)
        path.chmod(0o2775)
        yield path


@contextmanager
def other_user() -> Iterator[None]:
    """Be another user while the body runs."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(OTHER)
    os.seteuid(OTHER)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
def test_users_of_a_group_share_the_queue(shared: Path) -> None:
    with device_lock("root's", folder=shared):
        pass
    with other_user(), device_lock("another's", folder=shared, timeout=0):
        pass
    with (
        device_lock("root's", folder=shared, timeout=0),
        other_user(),
        pytest.raises(CheckFailed, match="held by root's"),
        device_lock("another's", folder=shared, timeout=0),
    ):
        pass
    with other_user(), device_lock("another's", folder=shared, timeout=0):
        pass


@pytest.mark.usefixtures("usual_umask")
def test_a_ticket_that_may_not_be_read_is_waited_for(shared: Path) -> None:
    with device_lock("secret", folder=shared):
        (shared / f"{1:012}").chmod(0o600)
        with (
            other_user(),
            pytest.raises(CheckFailed, match="held by somebody unknown"),
            device_lock("another's", folder=shared, timeout=0),
        ):
            pass


@pytest.mark.usefixtures("usual_umask")
def test_a_dead_ticket_that_may_not_be_removed_holds_nothing(shared: Path) -> None:
    shared.chmod(0o3775)
    (shared / f"{1:012}").write_text("")
    with other_user(), device_lock("another's", folder=shared, timeout=0):
        pass
    assert (shared / f"{1:012}").exists()
