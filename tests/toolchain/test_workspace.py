"""Work folders: removed at the end, and swept after a crash."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from toolchain.storage import workspace as module
from toolchain.storage.workspace import LOCK, sweep, workspace


def test_it_is_empty_and_goes_away(tmp_path: Path) -> None:
    with workspace(tmp_path / "work") as folder:
        assert list(folder.iterdir()) == []
        (folder / "inner").mkdir()
    assert list((tmp_path / "work").iterdir()) == []


def test_it_goes_away_with_an_exception(tmp_path: Path) -> None:
    def leave() -> None:
        with workspace(tmp_path) as folder:
            (folder / "file").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave()
    assert list(tmp_path.iterdir()) == []


def test_one_in_use_is_not_swept(tmp_path: Path) -> None:
    with workspace(tmp_path) as first:
        sweep(tmp_path)
        with workspace(tmp_path) as second:
            assert first.is_dir()
            assert second.is_dir()
            assert first != second


def test_one_of_a_killed_process_is_swept(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from toolchain.storage.workspace import *\n"
        "with workspace(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    assert len(list(tmp_path.glob("*/*/half"))) == 1
    with workspace(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder.parent]


def test_one_that_may_not_be_opened_keeps_nobody_from_making_another(tmp_path: Path) -> None:
    # Where root ran a step by hand: its folder has no lock, and another user makes none.
    (tmp_path / "foreign" / LOCK).mkdir(parents=True)
    with workspace(tmp_path) as folder:
        assert folder.is_dir()
    assert (tmp_path / "foreign").is_dir()


def test_many_at_once_never_lose_theirs(tmp_path: Path) -> None:
    lost: list[Path] = []

    def use() -> None:
        for _ in range(40):
            with workspace(tmp_path) as folder:
                (folder / "file").write_text("x")
                if not (folder / "file").exists():
                    lost.append(folder)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    assert list(tmp_path.iterdir()) == []


def replaced_under(monkeypatch: pytest.MonkeyPatch, parent: Path) -> list[int]:
    """Let two sweeps come before the next lock is had: one removes the file, one makes it anew.

    Returns:
        Takes the handle of the new file.
    """
    flock, new = fcntl.flock, list[int]()

    def late(handle: int, how: int) -> None:
        monkeypatch.setattr(module.fcntl, "flock", flock)
        (lock,) = parent.glob(f"*/{LOCK}")
        lock.unlink()
        new.append(os.open(lock, os.O_RDWR | os.O_CREAT))
        flock(handle, how)

    monkeypatch.setattr(module.fcntl, "flock", late)
    return new


def test_a_lock_that_is_no_longer_there_claims_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replaced_under(monkeypatch, tmp_path)
    with workspace(tmp_path) as folder:
        sweep(tmp_path)
        assert folder.is_dir()
    os.close(other[0])


def test_a_sweep_with_a_lock_that_is_no_longer_there_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "place" / "step").mkdir(parents=True)
    (tmp_path / "place" / LOCK).touch()
    owner = replaced_under(monkeypatch, tmp_path)
    sweep(tmp_path)
    assert (tmp_path / "place" / "step").is_dir()
    os.close(owner[0])
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [], "nobody holds it: it goes"
