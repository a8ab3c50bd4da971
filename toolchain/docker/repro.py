"""Building the same twice, and saying what differs: the proof that builds are reproducible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import CheckFailed, LabError
from toolchain.artifact import Build
from toolchain.artifacts.diff import diff_files

SHOWN = 20
"""Lines of a semantic difference that are shown of one file."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two builds of one unit, file by file.

    Attributes:
        title: The unit's.
        same: Number of files that are byte for byte the same.
        different: What differs, per file.
    """

    title: str
    same: int
    different: dict[str, tuple[str, ...]]


def compare(first: Build, second: Build) -> Comparison:
    """Compare the outputs of two builds of one unit by hash."""
    old, new = first.manifest.outputs, second.manifest.outputs
    different: dict[str, tuple[str, ...]] = {}
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            different[name] = ("only one of the builds has it",)
        elif old[name].sha256 != new[name].sha256:
            different[name] = _changes(first.folder / name, second.folder / name)
    same = len(old.keys() | new.keys()) - len(different)
    return Comparison(title=first.title, same=same, different=different)


def refuse_differences(comparisons: Sequence[Comparison], what: str) -> None:
    """Raise if any file of any build differs.

    Args:
        comparisons: Of all units.
        what: What was compared, such as "two fresh containers".

    Raises:
        CheckFailed: One does; the details say what.
    """
    lines = [
        line
        for one in comparisons
        for name, changes in one.different.items()
        for line in (f"{one.title}/{name}", *(f"  {change}" for change in changes))
    ]
    if lines:
        count = sum(len(one.different) for one in comparisons)
        raise CheckFailed(
            f"{count} files differ between {what}",
            cure="look for a time, a path, an order or a random number in what differs",
            code="NPU099",
            details=tuple(lines),
        )


def _changes(first: Path, second: Path) -> tuple[str, ...]:
    """Return what differs in the terms of the file's format, or where its bytes differ."""
    try:
        found = diff_files(first, second)
    except LabError:
        pass
    else:
        lines = found.text().splitlines()[1:]
        if any(change for change in (*found.changes, *found.identity)):
            return tuple(lines[:SHOWN])
    old, new = first.read_bytes(), second.read_bytes()
    at = next((i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None)
    where = (
        f"first difference at byte {at:#x}" if at is not None else "one is the other's beginning"
    )
    return (f"{len(old)} and {len(new)} bytes differ, {where}",)
