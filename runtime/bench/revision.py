"""Which state of the lab's sources times are of."""

from __future__ import annotations

from pathlib import Path

from runtime.bench.record import CHANGED
from toolchain.git import UNKNOWN, ask

SOURCES = ("errors", "kernels", "npulab", "runtime", "simulator", "toolchain")
"""Folders whose files make a time what it is; what a job writes beside them does not."""
_LAB = Path(__file__).resolve().parents[2]


def revision(lab: Path = _LAB) -> str:
    """Return the lab's commit, with ``-dirty`` behind it where its sources differ from that.

    Files that git does not know count too, unless it is told to ignore them. ``unknown`` where
    the lab is no checkout, or git does not answer.
    """
    commit = ask(lab, "rev-parse", "HEAD")
    changed = ask(lab, "status", "--porcelain", "--", *SOURCES)
    if not commit or changed is None:
        return UNKNOWN
    return commit + (CHANGED if changed else "")
