"""Unpacking a wheel into a folder, and never anywhere else."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from errors import CheckFailed, LabError

MOST_FILES = 200_000
MOST_BYTES = 16 << 30
"""Bounds of what a wheel may unpack to; the toolchain's own stay far below."""

_ENCRYPTED = 0x1


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack a wheel. Executable files stay executable, nothing else of their mode is kept.

    Every name is checked before the first file is written.

    Raises:
        CheckFailed: NPU035, it is damaged, or has an entry that would leave the folder, is no
            plain file, or comes twice.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = list(_checked(wheel, archive))
            for entry, target in entries:
                _write(archive, entry, folder / target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise _refused(wheel, f"it is damaged ({error})") from error


def _checked(
    wheel: Path, archive: zipfile.ZipFile
) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    entries = archive.infolist()
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise _refused(wheel, f"it has {len(entries)} entries or too many bytes")
    seen: set[PurePosixPath] = set()
    for entry in entries:
        name = entry.orig_filename
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or ":" in name:
            raise _refused(wheel, f"the name {name!r} leads out of the folder")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(wheel, f"{name!r} is no plain file")
        if entry.flag_bits & _ENCRYPTED:
            raise _refused(wheel, f"{name!r} is encrypted")
        if entry.is_dir():
            continue
        if path in seen or not path.parts or any(parent in seen for parent in path.parents):
            raise _refused(wheel, f"{name!r} comes twice, or stands where a folder should")
        seen.add(path)
        yield entry, path


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    executable = (entry.external_attr >> 16) & 0o111
    target.chmod(0o755 if executable else 0o644)


def _refused(wheel: Path, why: str) -> LabError:
    return CheckFailed(
        f"{wheel.name} cannot be unpacked: {why}",
        cure="its hash is the pinned one, so upstream's file itself is bad: pin another version",
        code="NPU035",
    )
