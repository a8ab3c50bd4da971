"""Builds that are taken as they are: where artifacts come in to be run, and nothing is built."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from errors import LabError, UsageError
from toolchain.artifact import Build
from toolchain.session import BuildResult
from toolchain.unit import Unit

SETTING = "NPULAB_AS_BUILT"
"""Environment variable that, set to anything, asks for it."""


def asked_for() -> bool:
    """Whether this process is to take builds as they are."""
    return bool(os.environ.get(SETTING))


def take(units: Sequence[Unit], folder: Path) -> list[BuildResult]:
    """Return the builds of units in a target's folder; errors for those that are not there.

    Args:
        units: What was built.
        folder: Has a folder ``name/label`` for each; may be read-only.
    """
    return [_take(unit, folder / unit.name / unit.label) for unit in units]


def _take(unit: Unit, folder: Path) -> BuildResult:
    try:
        found = Build.open(folder)
        if found.design != unit.design:
            raise UsageError(
                f"the build in {folder} is of another design than {unit.title} has now",
                cure="build it again where the toolchain is",
                code="NPU062",
            )
    except LabError as error:
        return BuildResult(unit=unit, build=None, errors=(error,))
    return BuildResult(unit=unit, build=found)
