"""What git knows of the lab's sources, where it is installed and they are a clone."""

from __future__ import annotations

import subprocess
from pathlib import Path

UNKNOWN = "unknown"
"""The revision of sources that git cannot name."""

SECONDS = 30.0
"""After which git's answer is not waited for."""


def ask(folder: Path, *arguments: str) -> str | None:
    """Return what git says in a folder; None where it fails, hangs or is not installed."""
    command = ("git", "-C", str(folder), "--no-optional-locks", *arguments)
    try:
        told = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if told.returncode else told.stdout.strip()
