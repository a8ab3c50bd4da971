"""Work folders: removed at the end, and swept after a crash."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from toolchain.workspace import sweep, workspace


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
        "import os, signal, sys; from pathlib import Path; from toolchain.workspace import *\n"
        "with workspace(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').write_text('x'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    assert len(list(tmp_path.glob("*/*/half"))) == 1
    with workspace(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder.parent]


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
