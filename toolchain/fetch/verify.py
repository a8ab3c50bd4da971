"""Whether a file is the pinned one, and the error for one that is not."""

from __future__ import annotations

from pathlib import Path

from errors import CheckFailed, LabError
from toolchain.pins.lockfile import Wheel
from toolchain.storage import digest


def check(wheel: Wheel, path: Path) -> None:
    """Check that a file is the pinned wheel.

    Raises:
        CheckFailed: NPU028, it is another file.
    """
    found = digest.of_file(path)
    if found != wheel.sha256:
        raise wrong_file(wheel, str(path), found, path.stat().st_size)


def wrong_file(wheel: Wheel, where: str, found: str | None, size: int) -> LabError:
    """Return the error for a file at `where` that has another hash than the pinned one."""
    return CheckFailed(
        f"{where} is not the {wheel.name} {wheel.version} that is pinned",
        cure="if it is a file of a mirror, replace it; if upstream changed it, compare with "
        "npulab lock --check before you trust it",
        code="NPU028",
        details=(f"pinned: sha256 {wheel.sha256}", f"found:  sha256 {found}, {size} bytes"),
    )
