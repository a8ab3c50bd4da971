"""Brings a build's files into its output folder, and takes out what does not belong there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from toolchain.storage import digest, disk, manifest
from toolchain.storage.store import Blob, Store


def publish(folder: Path, files: Mapping[str, Blob], record: bytes, store: Store) -> bool:
    """Make `folder` hold exactly `files` and the manifest `record`.

    The manifest goes first and comes last: a folder that has one is whole. Nothing is written
    where everything is right already.

    Returns:
        Whether anything was written.

    Raises:
        MissingEnvironment: The disk refuses.
        CorruptBlob: A file is damaged in the cache.
    """
    if is_current(folder, files, record):
        return False
    with _lock(folder.parents[1]):
        if is_current(folder, files, record):
            return False
        withdraw(folder)
        with disk.writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _clear(folder, keep=files)
        for name, blob in files.items():
            if digest.of_file(folder / name) != blob.sha256:
                disk.replace_file(folder / name, store.read(blob))
        disk.replace_file(folder / manifest.NAME, record)
    return True


@contextmanager
def _lock(root: Path) -> Iterator[None]:
    """Let one process at a time write below `root`, whichever cache it uses."""
    from filelock import FileLock

    with disk.writing(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".lock")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def withdraw(folder: Path) -> None:
    """Mark what is in `folder` as no build: it is not that of the sources any more."""
    with disk.writing(folder), suppress(FileNotFoundError, NotADirectoryError):
        (folder / manifest.NAME).unlink()


def is_current(folder: Path, files: Mapping[str, Blob], record: bytes) -> bool:
    """Whether `folder` holds exactly `files` and `record`, by content."""
    if disk.read_if_there(folder / manifest.NAME) != record:
        return False
    return set(os.listdir(folder)) == {*files, manifest.NAME} and all(  # noqa: PTH208
        digest.of_file(f"{folder}/{name}") == blob.sha256 for name, blob in files.items()
    )


def _clear(folder: Path, keep: Mapping[str, Blob]) -> None:
    import shutil

    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name not in keep:
            path.unlink()
