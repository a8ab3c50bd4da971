"""Who a container belongs to: a file that its lab keeps locked while it lives.

The kernel drops the lock with the process, so that the next lab can tell a container at work
from one that a crash left, without asking for process ids of other namespaces.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from toolchain.storage import disk
from toolchain.storage.store import default_root

FOLDER = "leases"
"""Of the cache, where the files are."""

_CONTENT = re.compile(rb"\d{1,10}")
_LONGEST = 10


@dataclass(frozen=True)
class Lease:
    """A locked file."""

    path: Path
    handle: int

    def release(self) -> None:
        """Remove the file and drop the lock; a second time does nothing."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            os.close(self.handle)


def take() -> Lease:
    """Return a new lease of this process."""
    folder = default_root() / FOLDER
    with disk.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.write(handle, str(os.getpid()).encode())  # for people: the kernel's lock is what counts
    return Lease(Path(name), handle)


def is_over(path: Path) -> bool:
    """Whether the lab that took the lease at `path` is gone. It only looks.

    Args:
        path: What a container's label says, which may be anything: what cannot be a lease is
            of no lab, and not over.
    """
    try:
        folder = path.parent.resolve()
        if not path.is_absolute() or folder.name != FOLDER:
            return False
        # Of a pipe or device that stands there, nothing is waited for.
        handle = os.open(folder / path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        # Where even the folder is unknown, the lease is of a machine that we do not see.
        return folder.is_dir()
    except (OSError, ValueError, RuntimeError):  # a loop of links, a zero in the path
        return False
    try:
        return _is_lease(handle) and _is_free(handle)
    except OSError:
        return False
    finally:
        os.close(handle)


def sweep() -> None:
    """Remove this lab's leases that are over: a killed process leaves its own behind."""
    for path in (default_root() / FOLDER).glob("*"):
        if is_over(path):
            path.unlink(missing_ok=True)


def _is_lease(handle: int) -> bool:
    """Whether an open file has a process id, and nothing else, in it."""
    regular = stat.S_ISREG(os.fstat(handle).st_mode)
    return regular and _CONTENT.fullmatch(os.read(handle, _LONGEST + 1)) is not None


def _is_free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
