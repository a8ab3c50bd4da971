"""What a build tells while it works; the command line draws it."""

from __future__ import annotations

from typing import Protocol

from errors import LabError
from toolchain.work.steps import Step


class Progress(Protocol):
    """Takes the events of one build. All calls come from the thread that called `build`."""

    def planned(self, steps: int) -> None:
        """The build has this many steps."""

    def started(self, step: Step) -> None:
        """A step runs now; those found in the cache never start."""

    def finished(self, step: Step, seconds: float, *, cached: bool) -> None:
        """A step's outputs are there; `seconds` is what it took when it ran."""

    def failed(self, step: Step, error: LabError) -> None:
        """A step's answer was no. The others go on."""

    def skipped(self, step: Step, because: Step) -> None:
        """A step will not run, because the failed step `because` was needed for it."""


class Quiet:
    """Says nothing."""

    def planned(self, steps: int) -> None:
        """See :class:`Progress`."""

    def started(self, step: Step) -> None:
        """See :class:`Progress`."""

    def finished(self, step: Step, seconds: float, *, cached: bool) -> None:
        """See :class:`Progress`."""

    def failed(self, step: Step, error: LabError) -> None:
        """See :class:`Progress`."""

    def skipped(self, step: Step, because: Step) -> None:
        """See :class:`Progress`."""
