"""How far the timing of a variant is: a moving line on a terminal, nothing elsewhere."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING

from npulab import figures
from npulab.console import stderr

if TYPE_CHECKING:
    from rich.status import Status

PERIOD = 0.5
"""Seconds between two changes of the line, and before it first appears."""


class RunCounter(AbstractContextManager["RunCounter"]):
    """Shows how many runs of a variant there were, on stderr.

    Args:
        title: The variant's.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._console = stderr()
        self._status: Status | None = None
        self._next = time.monotonic() + PERIOD

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()

    def ran(self, count: int) -> None:
        """Tell of the runs so far."""
        if not self._console.is_terminal or (now := time.monotonic()) < self._next:
            return
        self._next = now + PERIOD
        text = f"{self._title}: {figures.number(count, 'run')}"
        if self._status:
            self._status.update(text)
        else:
            self._status = self._console.status(text)
            self._status.start()
