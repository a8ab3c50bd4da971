"""One download: into a part file, resumed where it broke, until the pinned hash is there."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from errors import LabError, MissingEnvironment
from toolchain.fetch.connection import Connection, Passing, Patience, describe
from toolchain.fetch.verify import wrong_file
from toolchain.pins.lockfile import Wheel
from toolchain.stopped import Stopped
from toolchain.storage import digest, disk

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

CHUNK = 1 << 18

LEAST_GAIN = 1 << 16
"""Bytes that an attempt must bring to count as progress, unless it ends the download."""


@dataclass(frozen=True)
class Listener:
    """Takes the events of a download.

    Attributes:
        advanced: Takes the bytes that are there and, where known, those that there will be.
        retrying: Takes the line that tells of a failure and of the attempt to come.
    """

    advanced: Callable[[int, int | None], None]
    retrying: Callable[[str], None]


class Transfer:
    """Downloads wheels. Any number of threads may use one at once.

    Args:
        stopped: Set by somebody else, it ends all downloads; what they have stays.
    """

    def __init__(self, patience: Patience, stopped: threading.Event) -> None:
        self._patience = patience
        self._connection = Connection(patience)
        self._stopped = stopped

    def fetch(self, wheel: Wheel, part: Path, listener: Listener) -> None:
        """Bring a wheel into `part`, going on from what is there.

        Raises:
            MissingEnvironment: NPU026, the server has it not; NPU027, it does not come through
                after several attempts; NPU020 or NPU021, the disk refuses.
            CheckFailed: NPU028, the server has another file than the pinned one.
            Stopped: It was ended from outside; `part` can be resumed.
        """
        resumed = part.exists()
        self.download(wheel.url, part, listener)
        if digest.of_file(part) == wheel.sha256:
            return
        if resumed:
            # What was there may come from another file: once more, from the start.
            part.unlink()
            self.download(wheel.url, part, listener)
        if (found := digest.of_file(part)) != wheel.sha256:
            size = part.stat().st_size
            part.unlink()
            raise wrong_file(wheel, wheel.url, found, size)

    def download(self, url: str, part: Path, listener: Listener) -> None:
        """Bring whatever is at `url` into `part`, going on from what is there.

        It tries until the server says that there is no more, or nothing new comes. What came
        is not verified.

        Raises:
            MissingEnvironment: As :meth:`fetch`.
            Stopped: As :meth:`fetch`.
        """
        failures, known = 0, _size(part)
        while True:
            try:
                self._attempt(url, part, listener)
            except Passing as error:
                failures = 1 if _size(part) >= known + LEAST_GAIN else failures + 1
                known = max(known, _size(part))
                if failures >= self._patience.attempts:
                    raise _given_up(url, failures, error) from error
                pause = self._patience.before(failures, error.after)
                listener.retrying(self._patience.told(error, failures, pause))
                if self._stopped.wait(pause):
                    raise Stopped from error
            else:
                return

    def _attempt(self, url: str, part: Path, listener: Listener) -> None:
        have = _size(part)
        headers = {"Range": f"bytes={have}-"} if have else {}
        answer = self._connection.open(url, headers)
        try:
            start = _start(answer, have)
            if start is None:
                part.unlink()
                raise Passing("it does not know where to go on from")
            length = answer.headers.get("Content-Length", "")
            total = start + int(length) if length.isdigit() else None
            if answer.status != 416:
                self._receive(answer, part, start, lambda done: listener.advanced(done, total))
        finally:
            answer.close()

    def _receive(
        self, answer: BaseHTTPResponse, part: Path, start: int, advance: Callable[[int], None]
    ) -> None:
        from urllib3.exceptions import HTTPError

        done, mark, marked = start, time.monotonic(), start
        with disk.writing(part.parent), part.open("r+b" if start else "wb") as file:
            file.seek(start)
            while True:
                try:
                    chunk = answer.read1(CHUNK)
                except HTTPError as error:
                    raise Passing(f"the transfer broke off after {done} bytes") from error
                except OSError as error:
                    raise Passing(describe(error)) from error
                if not chunk:
                    return
                file.write(chunk)
                done += len(chunk)
                advance(done)
                if self._stopped.is_set():
                    raise Stopped
                if (passed := time.monotonic() - mark) >= self._patience.window:
                    if (done - marked) / passed < self._patience.least_speed:
                        raise Passing(f"only {done - marked} bytes came in {passed:.0f} s")
                    mark, marked = time.monotonic(), done


def _given_up(url: str, attempts: int, last: Passing) -> LabError:
    return MissingEnvironment(
        f"{url} does not come through: {last} ({attempts} attempts)",
        cure="run the command again, which goes on from what has come; or take the wheels "
        "from a mirror (NPULAB_MIRROR)",
        code="NPU027",
    )


def _size(part: Path) -> int:
    try:
        return os.stat(part).st_size  # noqa: PTH116
    except FileNotFoundError:
        return 0


def _start(answer: BaseHTTPResponse, have: int) -> int | None:
    """Return the byte that an answer begins with; None for what does not fit `have`."""
    if answer.status == 200:
        return 0
    unit, _, rest = answer.headers.get("Content-Range", "").partition(" ")
    if unit != "bytes":
        return None
    span, _, total = rest.partition("/")
    if answer.status == 416:
        return have if total == str(have) else None
    return have if span.split("-")[0] == str(have) else None
