"""How far a fetch is: a moving bar per wheel on a terminal, a line per wheel elsewhere."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING

from npulab import figures
from npulab.console import stderr

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from toolchain.pins.lockfile import Wheel


class FetchProgress(AbstractContextManager["FetchProgress"]):
    """Shows a fetch's events on stderr; see `toolchain.fetch.shelf.Progress`."""

    def __init__(self) -> None:
        self._console = stderr()
        self._lock = threading.Lock()
        self._bar: Progress | None = None
        self._tasks: dict[Wheel, TaskID] = {}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def advanced(self, wheel: Wheel, done: int, total: int | None) -> None:
        """See `toolchain.fetch.shelf.Progress`."""
        if not self._console.is_terminal:
            return
        with self._lock:
            if self._bar is None:
                self._bar = _start_bar(self._console)
            if wheel not in self._tasks:
                self._tasks[wheel] = self._bar.add_task(wheel.name, total=total)
            self._bar.update(self._tasks[wheel], completed=done, total=total)

    def arrived(self, wheel: Wheel, source: str) -> None:
        """See `toolchain.fetch.shelf.Progress`."""
        size = f", {figures.size(wheel.size)}" if wheel.size else ""
        self.tell(f"{wheel.name} {wheel.version}  from the {source}{size}, sha256 as pinned")

    def retrying(self, wheel: Wheel, why: str) -> None:
        """See `toolchain.fetch.shelf.Progress`."""
        self.tell(f"{wheel.name} {wheel.version}: {why}")

    def tell(self, line: str) -> None:
        """Print a line above the bars."""
        with self._lock:
            self._console.print(line, soft_wrap=True)


def _start_bar(console: Console) -> Progress:
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as RichProgress

    bar = RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
    )
    bar.start()
    return bar
