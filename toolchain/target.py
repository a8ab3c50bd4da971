"""A target: what a unit is built into. `host/` and `aie2/` are the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from toolchain.storage.store import Store
from toolchain.unit import Unit
from toolchain.work.runner import Runner
from toolchain.work.steps import Output, Step


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a target makes of a unit.

    Attributes:
        files: What goes into the output folder, by file name. Empty logs stay out.
        checks: Steps that must succeed too.
        libraries: Per object of the design the file that holds its code.
    """

    files: Mapping[str, Output]
    checks: tuple[Step, ...] = ()
    libraries: Mapping[str, str]


class Target(Protocol):
    """Turns units into steps."""

    name: str

    @property
    def pins(self) -> dict[str, str]:
        """Name, version and hash of every tool, by what it is for."""

    def plan(self, unit: Unit, check: Step, folder: Path) -> Plan:
        """Return the steps that build `unit`.

        Args:
            unit: What is built.
            check: The step of the static checks, which must come before any tool runs.
            folder: Where the unit's files go, and the log of a step that fails.
        """


MakeTarget = Callable[[Store, Runner], Target]
