"""Which findings of the simulated array end a run, and which are only told.

The hardware survives a race, a read of what nobody has written and a shim task that is not
finished at the end, and sometimes the result is right all the same. All end a run as errors
do, unless they are switched to warnings: by `Simulation(warn=...)`, or for a whole process by
:func:`warn_of` (``npulab --warn``) or the variable ``NPULAB_WARN``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import StrEnum

from errors import LabError, UsageError, nearest

VARIABLE = "NPULAB_WARN"


class Kind(StrEnum):
    """Findings that can be warnings."""

    RACES = "races"
    UNINITIALISED = "uninitialised"
    STACK = "stack"
    HAZARDS = "hazards"
    UNFINISHED = "unfinished"


CODES = {
    "NPU219": Kind.UNINITIALISED,
    "NPU220": Kind.UNFINISHED,
    "NPU223": Kind.RACES,
    "NPU224": Kind.UNINITIALISED,
    "NPU515": Kind.UNINITIALISED,
    "NPU516": Kind.UNINITIALISED,
    "NPU517": Kind.HAZARDS,
    "NPU518": Kind.STACK,
}
"""The codes of each kind."""

ALWAYS_WARNED = frozenset({"NPU163"})
"""Codes of findings that never end a run: the device has nothing against them."""

_asked: list[frozenset[Kind]] = []
_told: dict[str, LabError] = {}


def kinds(names: str) -> frozenset[Kind]:
    """Return the kinds of a comma-separated list such as ``races,uninitialised``.

    Raises:
        UsageError: NPU162, a name is none of them.
    """
    known = [kind.value for kind in Kind]
    asked = [name.strip() for name in names.split(",") if name.strip()]
    for name in asked:
        if name not in known:
            raise UsageError(
                f"there are no findings called {name!r}{nearest(name, known)}",
                cure=f"choose among: {', '.join(known)}",
                code="NPU162",
            )
    return frozenset(map(Kind, asked))


def warn_of(chosen: Iterable[Kind]) -> None:
    """Let findings of these kinds be warnings in this process from now on."""
    _asked[:] = [frozenset(chosen)]


def warned_of() -> frozenset[Kind]:
    """Return the kinds that are warnings where a simulation does not say otherwise."""
    return _asked[0] if _asked else kinds(os.environ.get(VARIABLE, ""))


def told() -> list[LabError]:
    """Return all warnings of this process, each once."""
    return list(_told.values())


def sort_out(
    findings: Iterable[LabError], warn: frozenset[Kind]
) -> tuple[LabError | None, tuple[LabError, ...]]:
    """Return the first finding that is an error, and those that are warnings, which are noted."""
    errors: list[LabError] = []
    warnings: list[LabError] = []
    for finding in findings:
        kind = CODES.get(finding.code or "")
        warned = kind in warn or finding.code in ALWAYS_WARNED
        (warnings if warned else errors).append(finding)
    for finding in warnings:
        _told.setdefault(str(finding), finding)
    return errors[0] if errors else None, tuple(warnings)
