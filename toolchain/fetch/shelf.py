"""Where verified wheels stand in the cache, and how they get there.

Layout, in the cache folder: ``wheels/<sha256>/<file name>``, and beside it the part of a
download that is not finished. A name appears only when its content is the pinned one.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

from errors import LabError, MissingEnvironment
from toolchain.fetch import mirror
from toolchain.fetch.connection import Patience
from toolchain.fetch.transfer import Listener, Transfer
from toolchain.pins.lockfile import Wheel
from toolchain.storage import digest, disk
from toolchain.storage.store import Store

AT_ONCE = 4
"""Downloads at the same time."""


class Progress(Protocol):
    """Takes the events of a fetch, from any thread."""

    def advanced(self, wheel: Wheel, done: int, total: int | None) -> None:
        """So many bytes of a download are there, of `total` where the server told it."""

    def arrived(self, wheel: Wheel, source: str) -> None:
        """A wheel is on the shelf; `source` is ``cache``, ``mirror`` or ``network``."""

    def retrying(self, wheel: Wheel, why: str) -> None:
        """A download failed and is tried again; `why` is the line that tells of both."""


class Quiet:
    """Takes the events and tells nobody."""

    def advanced(self, wheel: Wheel, done: int, total: int | None) -> None:
        """See :class:`Progress`."""

    def arrived(self, wheel: Wheel, source: str) -> None:
        """See :class:`Progress`."""

    def retrying(self, wheel: Wheel, why: str) -> None:
        """See :class:`Progress`."""


class Shelf:
    """The wheels of a cache.

    Args:
        mirror_folder: Tried before the network.
        offline: Never use the network.
    """

    def __init__(
        self,
        store: Store,
        *,
        mirror_folder: Path | None = None,
        offline: bool = False,
        patience: Patience | None = None,
    ) -> None:
        self._store = store
        self._mirror = mirror_folder
        self._offline = offline
        self._stopped = threading.Event()
        self._transfer = Transfer(patience or Patience(), self._stopped)

    def path(self, wheel: Wheel) -> Path:
        """Return where a wheel stands once it is here."""
        return self._store.root / "wheels" / wheel.sha256 / wheel.file_name

    def fetch(self, wheels: Sequence[Wheel], progress: Progress | None = None) -> dict[Wheel, Path]:
        """Bring wheels to the shelf, several at a time, and return where they stand.

        A failure of one lets the others come through; then it is raised.

        Raises:
            LabError: As :meth:`toolchain.fetch.transfer.Transfer.fetch`, or NPU029: a wheel
                is neither here nor in the mirror, and the network is not to be used.
        """
        listener = progress or Quiet()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            tasks = [pool.submit(self._bring, wheel, listener) for wheel in wheels]
            try:
                errors = [task.exception() for task in tasks]
            except BaseException:
                self._stopped.set()
                raise
        failed = [error for error in errors if error is not None]
        if failed:
            raise failed[0]
        return {wheel: self.path(wheel) for wheel in wheels}

    def _bring(self, wheel: Wheel, progress: Progress) -> None:
        path = self.path(wheel)
        with self._store.lock(f"wheel-{wheel.sha256}", self._stopped):
            if digest.of_file(path) == wheel.sha256:
                progress.arrived(wheel, "cache")
                return
            with disk.writing(path.parent):
                path.unlink(missing_ok=True)
                path.parent.mkdir(parents=True, exist_ok=True)
                copy = self._mirror and mirror.find(self._mirror, wheel)
                if copy:
                    mirror.copy(copy, path)
                    progress.arrived(wheel, "mirror")
                    return
            if self._offline:
                raise self._not_here(wheel)
            self._download(wheel, path, progress)

    def _download(self, wheel: Wheel, path: Path, progress: Progress) -> None:
        part = path.with_name(f"{path.name}.part")
        listener = Listener(partial(progress.advanced, wheel), partial(progress.retrying, wheel))
        self._transfer.fetch(wheel, part, listener)
        with disk.writing(path.parent):
            part.replace(path)
        progress.arrived(wheel, "network")

    def _not_here(self, wheel: Wheel) -> LabError:
        lacking = (
            f"is neither in the cache nor in the mirror {self._mirror}"
            if self._mirror
            else "is not in the cache, no mirror is set"
        )
        return MissingEnvironment(
            f"{wheel.file_name} {lacking}, and the network is not to be used",
            cure="set NPULAB_MIRROR to a folder that has it (npulab fetch --mirror DIR fills one), "
            "or leave out --offline",
            code="NPU029",
        )
