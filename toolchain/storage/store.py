"""The cache: outputs by content, and what each step once gave by the step's key.

Layout, under ``$NPULAB_CACHE`` or the user's cache folder::

    blobs/ab/<sha256>     content, read-only, verified whenever it is read
    steps/ab/<key>        what the step with this key gave: a JSON list of entries
    locks/<key>           held by the process that runs the step
    work/<random>/        where a step runs; removed with it

Files appear by rename only, so that a build that is killed leaves at most a work folder,
which the next one sweeps away.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from toolchain.stopped import Stopped
from toolchain.storage import digest, disk, records

ENTRIES_PER_KEY = 8
"""Entries kept for one key: one per set of headers that its inputs were built with."""

TOUCH_SECONDS = 3600.0
"""How stale the time of last use of a file may be; spares a write per file and build."""

STOP_SECONDS = 0.2
"""How often a wait for a lock looks whether it should end."""


class Blob(msgspec.Struct, frozen=True):
    """Some content: its sha256 in hex and its length in bytes."""

    sha256: str
    size: int


class Entry(msgspec.Struct, frozen=True):
    """What a step gave.

    Attributes:
        outputs: By file name.
        seconds: Time that it took.
        headers: Hash of every file that it read besides its inputs, by neutral path.
        absent: Neutral paths at which a header would have been taken instead.
    """

    outputs: dict[str, Blob]
    seconds: float
    headers: dict[str, str]
    absent: list[str]


class CorruptBlob(Exception):
    """A blob is gone or is not what its name says. It has been removed: build again."""


def default_root() -> Path:
    """Return ``$NPULAB_CACHE``, or the lab's folder in the user's cache folder."""
    if chosen := os.environ.get("NPULAB_CACHE"):
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("npulab", appauthor=False))


class Store:
    """A cache folder, which any number of processes may use at once."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_root()

    def find(self, key: str, is_current: Callable[[Entry], bool]) -> Entry | None:
        """Return an entry of `key` that is current and whose outputs are all here."""
        for entry in self._read(key):
            if is_current(entry) and all(self._has(blob) for blob in entry.outputs.values()):
                return entry
        return None

    def save(self, key: str, entry: Entry, outputs: Path) -> None:
        """Take the entry's outputs from a folder, then record it. Hold the key's lock."""
        with disk.writing(self.root):
            for name, blob in entry.outputs.items():
                self._take(outputs / name, blob)
            others = [old for old in self._read(key) if old.headers != entry.headers]
            kept = [entry, *others][:ENTRIES_PER_KEY]
            disk.replace_file(Path(self._step(key)), msgspec.json.encode(kept))

    def read(self, blob: Blob) -> bytes:
        """Return a blob's content.

        Raises:
            CorruptBlob: It is not there, or not what it was.
        """
        path = Path(self._blob(blob))
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise CorruptBlob(blob.sha256) from error
        if digest.of_bytes(content) != blob.sha256:
            with suppress(FileNotFoundError):
                path.unlink()
            raise CorruptBlob(blob.sha256)
        return content

    def verify(self) -> None:
        """Remove every blob that is not what its name says."""
        for path in (self.root / "blobs").glob("*/*"):
            if digest.of_file(path) != path.name:
                path.unlink(missing_ok=True)

    @contextmanager
    def lock(self, key: str, stopped: threading.Event | None = None) -> Iterator[None]:
        """Hold off other threads and processes that want to run the step with this key.

        Raises:
            Stopped: `stopped` was set while another held the lock.
        """
        from filelock import FileLock, Timeout

        path = self.root / "locks" / key
        with disk.writing(self.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path, thread_local=False)
            while not lock.is_locked:
                with suppress(Timeout):
                    lock.acquire(timeout=STOP_SECONDS)
                if stopped is not None and stopped.is_set():
                    lock.release()
                    raise Stopped
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def work(self) -> Iterator[Path]:
        """Yield an empty folder that is removed at the end, however the end comes."""
        from toolchain.storage.workspace import workspace

        with ExitStack() as stack:
            with disk.writing(self.root):
                folder = stack.enter_context(workspace(self.root / "work"))
            yield folder

    def usage(self) -> tuple[int, int]:
        """Return how many files the cache keeps, and their bytes."""
        sizes = [status.st_size for _, status in self._files()]
        return len(sizes), sum(sizes)

    def clean(self, max_bytes: int = 0) -> int:
        """Remove what was not used for longest until `max_bytes` are left, and return the sum.

        A build that runs meanwhile builds again what it misses.
        """
        with disk.writing(self.root):
            self._sweep()
            freed = 0
            files = sorted(self._files(), key=lambda file: file[1].st_mtime)
            left = sum(status.st_size for _, status in files)
            for path, status in files:
                if left <= max_bytes:
                    break
                path.unlink(missing_ok=True)
                left -= status.st_size
                freed += status.st_size
        return freed

    def _sweep(self) -> None:
        """Remove abandoned work folders, and the locks that nobody holds."""
        from filelock import FileLock, Timeout

        from toolchain.storage.workspace import sweep

        sweep(self.root / "work")
        for path in (self.root / "locks").glob("*"):
            with suppress(Timeout), FileLock(path, blocking=False):
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder in ("blobs", "steps", "tools"):
            for path in (self.root / folder).rglob("*"):
                with suppress(FileNotFoundError):
                    status = path.stat()
                    if stat.S_ISREG(status.st_mode):
                        yield path, status

    def _read(self, key: str) -> list[Entry]:
        path = self._step(key)
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123
                found, content = os.fstat(file.fileno()), file.readall()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return []
        entries = records.decode(content, list[Entry])
        if entries is None:
            return []
        self._touch(path, found)
        return entries

    def _has(self, blob: Blob) -> bool:
        path = self._blob(blob)
        try:
            found = os.stat(path)  # noqa: PTH116
        except OSError:
            return False
        self._touch(path, found)
        return stat.S_ISREG(found.st_mode) and found.st_size == blob.size

    def _take(self, path: Path, blob: Blob) -> None:
        target = Path(self._blob(blob))
        if self._has(blob) and digest.of_file(target) == blob.sha256:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        path.chmod(0o444)
        path.replace(target)

    # Paths as text: a build that has nothing to do looks at a thousand files, and would spend
    # more time on making `Path`s of them than on the looking.

    def _blob(self, blob: Blob) -> str:
        return f"{self.root}/blobs/{blob.sha256[:2]}/{blob.sha256}"

    def _step(self, key: str) -> str:
        return f"{self.root}/steps/{key[:2]}/{key}"

    @staticmethod
    def _touch(path: str, found: os.stat_result) -> None:
        """Note that a file was used, for `clean`; a cache that may only be read stays as it is."""
        if time.time() - found.st_mtime > TOUCH_SECONDS:
            with suppress(OSError):
                os.utime(path)
