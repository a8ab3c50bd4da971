"""Writing files so that none is ever half there, and saying so when the disk refuses."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from errors import LabError, MissingEnvironment

_FULL = {
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file size limit is reached",
}
_FORBIDDEN = {
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.EEXIST: "a file stands where a folder should be",
}
_PROBE_BYTES = 64 * 1024


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn a refusal of the disk into one line that names `folder` and the cure.

    Raises:
        MissingEnvironment: The disk is full, or the folder may not be written to.
    """
    try:
        yield
    except OSError as error:
        refusal = _explain(error, folder)
        if refusal is None:
            raise
        raise refusal from error


def _explain(error: OSError, folder: Path) -> LabError | None:
    if error.errno in _FULL:
        return MissingEnvironment(
            f"cannot write to {folder}: {_FULL[error.errno]}",
            cure="free some space (npulab clean empties the cache), then build again",
            code="NPU020",
        )
    if error.errno in _FORBIDDEN:
        return MissingEnvironment(
            f"cannot write to {folder}: {_FORBIDDEN[error.errno]}",
            cure="make it writable, or set NPULAB_BUILD and NPULAB_CACHE to folders that are",
            code="NPU021",
        )
    return None


def refuse_full(folder: Path) -> None:
    """Raise if `folder` takes no more data: a tool's failure then is not the user's fault."""
    import tempfile

    with writing(folder), tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(bytes(_PROBE_BYTES))
        probe.flush()


def read_if_there(path: Path) -> bytes | None:
    """Return a file's content, or None where there is no such file."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader sees its old content or the new, never a part."""
    import tempfile

    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise
