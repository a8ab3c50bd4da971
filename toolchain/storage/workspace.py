"""Folders that steps run in, which no crash leaves behind for good.

Each stands beside a file that its owner keeps locked. The kernel drops the lock with the
process, so that whoever makes the next folder knows an abandoned one and removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = "lock"
FOLDER = "step"


@contextmanager
def workspace(parent: Path) -> Iterator[Path]:
    """Yield an empty folder below `parent`, and remove it with all that is in it."""
    parent.mkdir(parents=True, exist_ok=True)
    sweep(parent)
    place, handle = _claim(parent)
    try:
        (place / FOLDER).mkdir()
        yield place / FOLDER
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(handle)


def sweep(parent: Path) -> None:
    """Remove the folders below `parent` whose owners are gone."""
    for place in parent.glob("*"):
        try:
            handle = _open(place)
        except OSError:  # of another user: it is not ours to remove
            continue
        if handle is None:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_its_lock(place, handle):
                shutil.rmtree(place, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(handle)


def _claim(parent: Path) -> tuple[Path, int]:
    """Make a place and lock it; another if a sweep came between the two."""
    while True:
        place = Path(tempfile.mkdtemp(dir=parent))
        handle = _open(place)
        if handle is None:
            continue
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_its_lock(place, handle):
            return place, handle
        os.close(handle)


def _is_its_lock(place: Path, handle: int) -> bool:
    """Whether a locked file still is a place's lock: sweeps remove and make some in between."""
    try:
        return os.path.samestat(os.fstat(handle), (place / LOCK).stat())
    except OSError:
        return False


def _open(place: Path) -> int | None:
    """Open a place's lock for writing, as NFS wants it; None if the place is gone."""
    try:
        return os.open(place / LOCK, os.O_RDWR | os.O_CREAT)
    except (FileNotFoundError, NotADirectoryError):
        return None
