"""Where Python packages are, without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def find(name: str) -> Path | None:
    """Return the folder of a package of this environment, None if it has none of that name."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def folder(name: str) -> Path:
    """Return the folder of a package.

    Raises:
        ModuleNotFoundError: The environment lacks it, as for an import.
    """
    found = find(name)
    if found is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return found
