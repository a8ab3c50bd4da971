"""The pipeline: bundles issue in order, one a cycle, and their results land when they land."""

from __future__ import annotations

from errors import CheckFailed
from simulator.aie2.machine import Observer, ProgramMemory, Symbols
from simulator.array.core import CoreContext, CoreRun


class Pipeline:
    """A core at work on machine code."""

    def __init__(
        self,
        core: CoreContext,
        code: ProgramMemory,
        entry: int,
        symbols: Symbols,
        observer: Observer | None,
    ) -> None:
        self._core = core
        self._where = symbols.describe(entry)

    def run(self) -> CoreRun:
        raise CheckFailed(
            f"the core of {self._core.tile} cannot execute {self._where}", code="NPU510"
        )
        yield
