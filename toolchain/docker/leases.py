"""Who a container belongs to: a file that its lab keeps locked while it lives.

The kernel drops the lock with the process, so that the next lab can tell a container at work
from one that a crash left, without asking for process ids of other namespaces.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from toolchain.storage import disk
from toolchain.storage.store import default_root


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
    folder = default_root() / "leases"
    with disk.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.write(handle, str(os.getpid()).encode())  # for people: the kernel's lock is what counts
    return Lease(Path(name), handle)


def is_over(path: Path) -> bool:
    """Whether the lab that took the lease at `path` is gone."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        # Where even the folder is unknown, the lease is of a machine that we do not see.
        return path.parent.is_dir()
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(handle)
