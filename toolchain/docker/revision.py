"""The commit that an image names: the last one that changed its recipe."""

from __future__ import annotations

import subprocess
from pathlib import Path

from toolchain.docker.recipes import Recipe

UNKNOWN = "unknown"
"""The revision of a recipe whose commit git cannot name."""


def of(recipe: Recipe) -> str:
    """Return the last commit that changed a recipe; other commits leave images as they are.

    It is `UNKNOWN` outside of a clone, for a recipe that is not committed, and in a shallow
    clone that ends before that commit.
    """
    containers = recipe.lock.parent
    files = [str(path) for path in (containers / "images.toml", recipe.lock, *recipe.requirements)]
    said = _git(containers, "log", "-1", "--format=%H %P", "--", *files)
    changed = _git(containers, "--no-optional-locks", "status", "--porcelain", "--", *files)
    if not said or changed != "":
        return UNKNOWN
    commit, _, parents = said.partition(" ")
    if not parents and _git(containers, "rev-parse", "--is-shallow-repository") != "false":
        return UNKNOWN  # all that a shallow clone begins with looks as if its first commit made it
    return commit


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says in a folder; None where it fails or is not installed."""
    try:
        told = subprocess.run(
            ["git", *arguments],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return None if told.returncode else told.stdout.strip()
