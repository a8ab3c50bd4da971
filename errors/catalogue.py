"""Loader of the failure catalogue: what each code means, why it happens, what to do.

``python -m errors.catalogue docs/troubleshooting.md`` writes the page that people read.
"""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "catalogue"


@dataclass(frozen=True)
class Section:
    """The failures of one part of the lab: a file of the catalogue and its range of codes."""

    file: str
    codes: range
    title: str


SECTIONS = (
    Section("build.toml", range(1, 80), "Building"),
    Section("containers.toml", range(80, 100), "Images and containers"),
    Section("design.toml", range(100, 200), "Designs, before they run"),
    Section("simulation.toml", range(200, 300), "Designs, while they run on the simulated array"),
    Section("result.toml", range(300, 400), "Results"),
    Section("device.toml", range(400, 500), "The device and its driver"),
    Section("machine.toml", range(500, 550), "Machine code"),
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One failure.

    Attributes:
        title: Its name, a few words.
        cause: Why it happens.
        cure: What to do about it.
    """

    title: str
    cause: str
    cure: str


def load(folder: Path = FOLDER) -> dict[str, Entry]:
    """Return every entry by its code, in order.

    Raises:
        ValueError: A code is not of its file's range, or an entry lacks a field or has an
            unknown or empty one.
    """
    entries: dict[str, Entry] = {}
    for section in SECTIONS:
        entries.update(load_section(section, folder))
    return entries


def load_section(section: Section, folder: Path = FOLDER) -> dict[str, Entry]:
    """Return the entries of one file; see :func:`load`."""
    path = folder / section.file
    if not path.is_file():
        return {}
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {code: _entry(section, code, tables[code]) for code in sorted(tables)}


def _entry(section: Section, code: str, table: object) -> Entry:
    if code not in {f"NPU{number:03}" for number in section.codes}:
        raise ValueError(f"{section.file}: {code} is not in the range of this file")
    fields = {"title", "cause", "cure"}
    if not isinstance(table, dict) or set(table) != fields:
        raise ValueError(f"{section.file}: {code} must have title, cause and cure, nothing else")
    empty = [name for name in fields if not (isinstance(table[name], str) and table[name].strip())]
    if empty:
        raise ValueError(f"{section.file}: {code} has an empty {' and '.join(sorted(empty))}")
    return Entry(**table)


def markdown(folder: Path = FOLDER) -> str:
    """Return the catalogue as a page for people."""
    parts = [
        "# Troubleshooting",
        "",
        "Every failure that the lab names carries a code. This page explains each; it is made",
        "from `errors/catalogue/` by `python -m errors.catalogue docs/troubleshooting.md`.",
        "[failures.md](failures.md) has the failures that the lab grew out of.",
    ]
    for section in SECTIONS:
        entries = load_section(section, folder)
        if entries:
            parts += ["", f"## {section.title}"]
        for code, entry in entries.items():
            parts += ["", f"### {code}: {entry.title}", "", entry.cause.strip(), ""]
            parts += [f"**What to do:** {entry.cure.strip()}"]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(markdown(), encoding="utf-8")
