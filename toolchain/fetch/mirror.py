"""A mirror folder: the lab's own copies of the wheels, by their file names."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from errors import UsageError
from toolchain import config
from toolchain.fetch import verify
from toolchain.pins.lockfile import Wheel
from toolchain.storage import digest, disk


def chosen() -> Path | None:
    """Return ``$NPULAB_MIRROR``, or what the settings file names where that is not set.

    Returns:
        None where there is none; an empty variable says so too.

    Raises:
        UsageError: NPU034, it is no folder; NPU068, the settings file is wrong.
    """
    setting = os.environ.get("NPULAB_MIRROR")
    if setting is None:
        settings = config.load()
        folder, where = settings.mirror, f"mirror in {settings.path}"
    else:
        folder, where = Path(setting).expanduser().absolute() if setting else None, "NPULAB_MIRROR"
    if folder is not None and not folder.is_dir():
        raise UsageError(
            f"{where} is set to {folder}, and there is no such folder",
            cure=f"mount or make it (npulab fetch --mirror DIR fills it), or unset {where}",
            code="NPU034",
        )
    return folder


def find(folder: Path, wheel: Wheel) -> Path | None:
    """Return the mirror's copy of a wheel, None where it has none.

    Raises:
        CheckFailed: NPU028, the mirror has another file under this name.
    """
    path = folder / wheel.file_name
    if not path.is_file():
        return None
    verify.check(wheel, path)
    return path


def fill(folder: Path, files: Mapping[Wheel, Path]) -> list[Path]:
    """Copy wheels into a mirror, and return the copies that were not there before.

    Raises:
        MissingEnvironment: The disk refuses.
    """
    copied = []
    with disk.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for wheel, path in files.items():
            target = folder / wheel.file_name
            if digest.of_file(target) != wheel.sha256:
                copy(path, target)
                copied.append(target)
    return copied


def copy(path: Path, target: Path) -> None:
    """Copy a file so that `target` is never half there."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        shutil.copyfile(path, name)
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
