"""Which state of the lab's sources times are of."""

from __future__ import annotations

import subprocess
from pathlib import Path

from runtime.bench.record import CHANGED

UNKNOWN = "unknown"
SOURCES = ("errors", "kernels", "npulab", "runtime", "simulator", "toolchain")
"""Folders whose files make a time what it is; what a job writes beside them does not."""
SECONDS = 30.0
"""After which git's answer is not waited for."""
_LAB = Path(__file__).resolve().parents[2]


def revision(lab: Path = _LAB) -> str:
    """Return the lab's commit, with ``-dirty`` behind it where its sources differ from that.

    Files that git does not know count too, unless it is told to ignore them. ``unknown`` where
    the lab is no checkout, or git does not answer.
    """
    commit = _git(lab, "rev-parse", "HEAD")
    changed = _git(lab, "status", "--porcelain", "--", *SOURCES)
    if not commit or changed is None:
        return UNKNOWN
    return commit + (CHANGED if changed else "")


def _git(lab: Path, *arguments: str) -> str | None:
    """Return what git prints; None where it is missing or fails."""
    command = ("git", "-C", str(lab), *arguments)
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout.strip() if ended.returncode == 0 else None
