"""How far a build is: a moving bar on a terminal, a line per longer step elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from errors import LabError
from npulab.console import stderr
from toolchain.work.steps import Step

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


WORTH_A_LINE = 0.1
"""Seconds that a step must have taken to be told of where there is no terminal."""


class BuildProgress(AbstractContextManager["BuildProgress"]):
    """Shows a build's events on stderr; see `toolchain.work.progress.Progress`.

    Nothing appears before the first step really runs: a build that finds everything in the
    cache has no progress to show.
    """

    def __init__(self) -> None:
        self._total = 0
        self._ended = 0
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    @cached_property
    def _console(self) -> Console:
        return stderr()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def planned(self, steps: int) -> None:
        """See `toolchain.work.progress.Progress`."""
        self._total += steps

    def started(self, step: Step) -> None:
        """See `toolchain.work.progress.Progress`."""
        if self._console.is_terminal and not self._bar:
            self._start_bar()
        self._show(step.title)

    def finished(self, step: Step, seconds: float, *, cached: bool) -> None:
        """See `toolchain.work.progress.Progress`."""
        self._ended += 1
        if not (cached or self._console.is_terminal or seconds < WORTH_A_LINE):
            self._line(f"{step.title}  {seconds:.2f} s")
        self._show()

    def failed(self, step: Step, error: LabError) -> None:  # noqa: ARG002
        """See `toolchain.work.progress.Progress`; the error itself is told at the end."""
        self._ended += 1
        if not self._console.is_terminal:
            self._line(f"{step.title}  failed")
        self._show()

    def skipped(self, step: Step, because: Step) -> None:  # noqa: ARG002
        """See `toolchain.work.progress.Progress`."""
        self._ended += 1
        self._show()

    def _line(self, text: str) -> None:
        width = len(str(self._total))
        self._console.print(f"[{self._ended:>{width}}/{self._total}] {text}", soft_wrap=True)

    def _start_bar(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        one_line = Column(no_wrap=True, overflow="ellipsis")
        self._bar = Progress(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False, table_column=one_line),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=self._total)
        self._bar.start()

    def _show(self, title: str | None = None) -> None:
        if self._bar and self._task is not None:
            self._bar.update(
                self._task, completed=self._ended, total=self._total, description=title
            )
