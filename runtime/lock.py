"""The device lock: one job at a time on the NPU, the others wait in line.

A queue is a folder. Whoever comes takes a ticket: a file whose name is one more than the
last one's, locked with flock(2) for as long as its process lives. The lowest ticket that is
still locked holds the device. A process that dies, however it dies, loses its lock with it,
so that nothing is ever left behind that somebody has to clean up.

The last number stands in the file ``counter``, which may be lost: no ticket has a number below
one that is there. What one user makes, the others of the folder's group may write.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from errors import CheckFailed, MissingEnvironment

QUEUE = "NPULAB_QUEUE"
"""Environment variable that names the folder, the same for all users of the device."""
DEFAULT = Path("/var/lock/npulab")
PERIOD = 0.1
"""Seconds between two looks at the queue."""
_TICKET = re.compile(r"\d{12}$")


@dataclass(frozen=True)
class Waiting:
    """Where somebody stands in line.

    Attributes:
        ahead: How many are before, the holder included.
        holder: What the holder said of itself.
    """

    ahead: int
    holder: str

    def __str__(self) -> str:
        return f"waiting for the NPU: {self.ahead} ahead, held by {self.holder}"


def queue_folder() -> Path:
    """Return the folder of the queue."""
    return Path(os.environ.get(QUEUE) or DEFAULT)


@contextmanager
def device_lock(
    who: str,
    *,
    folder: Path | None = None,
    timeout: float | None = None,
    on_wait: Callable[[Waiting], None] | None = None,
) -> Iterator[None]:
    """Hold the device while the body runs.

    Args:
        who: What those in line are told, such as the job's name.
        folder: The queue; see :func:`queue_folder`.
        timeout: Seconds to wait at most; for ever unless given.
        on_wait: Told whenever the place in line changes.

    Raises:
        CheckFailed: NPU443: the turn did not come in time.
        MissingEnvironment: NPU444: the folder cannot be used.
    """
    folder = folder or queue_folder()
    path, handle = _take(folder, who)
    try:
        _await_turn(folder, path, timeout, on_wait)
        yield
    finally:
        _give_back(path, handle)


def _take(folder: Path, who: str) -> tuple[Path, int]:
    """Take a ticket, under a lock that makes numbers and their order one thing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _counter(folder) as counter:
            present = [int(path.name) for path in _tickets(folder)]
            number = max(int(os.pread(counter, 32, 0) or 0), *present, 0) + 1
            path, handle = _new_ticket(folder / f"{number:012}", who)
            try:
                # Over the last number, which is no longer than this one: there is no moment
                # at which a process that dies leaves none.
                os.pwrite(counter, str(number).encode(), 0)
            except OSError:
                _give_back(path, handle)
                raise
    except (OSError, ValueError) as error:
        raise MissingEnvironment(
            f"the queue of the device in {folder} cannot be used: {error}",
            cure=f"let all jobs' users write there, or point {QUEUE} to a folder that they may",
            code="NPU444",
        ) from error
    return path, handle


@contextmanager
def _counter(folder: Path) -> Iterator[int]:
    """Hold the lock of the counter, and yield its handle."""
    path = folder / "counter"
    while True:
        handle = _shared(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Who deleted the file while this one waited for its lock made a new one possible.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(handle)):
                yield handle
                return
        finally:
            os.close(handle)


def _new_ticket(path: Path, who: str) -> tuple[Path, int]:
    handle = _shared(path, os.O_EXCL)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.write(handle, json.dumps({"who": who, "pid": os.getpid()}).encode())
    except OSError:
        _give_back(path, handle)
        raise
    return path, handle


def _give_back(path: Path, handle: int) -> None:
    path.unlink(missing_ok=True)
    os.close(handle)


def _shared(path: Path, flags: int = 0) -> int:
    """Open a file that all users of the queue may write, whatever the umask of who makes it."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | flags, 0o664)
    with suppress(PermissionError):  # another user's, who has done it
        os.fchmod(handle, 0o664)
    return handle


def _await_turn(
    folder: Path,
    mine: Path,
    timeout: float | None,
    on_wait: Callable[[Waiting], None] | None,
) -> None:
    deadline = None if timeout is None else time.monotonic() + timeout
    told: Waiting | None = None
    while ahead := [path for path in _tickets(folder) if path.name < mine.name and _alive(path)]:
        place = Waiting(len(ahead), _who(ahead[0]))
        if on_wait and place != told:
            on_wait(place)
            told = place
        if deadline is not None and time.monotonic() >= deadline:
            raise CheckFailed(
                f"the NPU did not come free in {timeout:g} s: {len(ahead)} ahead, held by "
                f"{place.holder}",
                cure="wait longer, or end the job that holds it",
                code="NPU443",
            )
        time.sleep(PERIOD)


def _tickets(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _TICKET.match(path.name))


def _alive(path: Path) -> bool:
    """Tell whether a ticket's process lives; throw the ticket away if not."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        return True  # nobody can tell: better to wait than to be two
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return True
    else:
        with suppress(PermissionError):  # left to its user, in a folder that is so set up
            path.unlink(missing_ok=True)
        return False
    finally:
        os.close(handle)


def _who(path: Path) -> str:
    try:
        record = json.loads(path.read_text())
        return f"{record['who']} (process {record['pid']})"
    except (OSError, ValueError, KeyError):
        return "somebody unknown"
