"""Content hashes: what keys, blobs and manifests are made of."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

_AT_ONCE = 1 << 20
"""Bytes of a file that is read as a whole."""


def of_bytes(content: bytes) -> str:
    """Return the sha256 of `content` in hex."""
    return hashlib.sha256(content).hexdigest()


def of_text(text: str) -> str:
    """Return the sha256 of `text` in UTF-8."""
    return of_bytes(text.encode())


def of_json(value: Any) -> str:
    """Return the sha256 of a JSON value, whatever the order of its objects' members."""
    return of_text(json.dumps(value, sort_keys=True, separators=(",", ":")))


def of_file(path: Path | str) -> str | None:
    """Return the sha256 of a file's content, or None where there is no such file."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            if os.fstat(file.fileno()).st_size <= _AT_ONCE:
                # `file_digest` clears a buffer of 256 KB for each file, however small.
                return of_bytes(file.readall())
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


class Digests:
    """Hashes of files, each read once.

    One object serves one build. A file that changes meanwhile is noticed by asking
    :meth:`again` after it was used.
    """

    def __init__(self) -> None:
        self._known: dict[Path, str | None] = {}

    def of(self, path: Path) -> str | None:
        """Return the file's hash as first seen, None where there is no such file."""
        if path not in self._known:
            self._known[path] = of_file(path)
        return self._known[path]

    def known(self, path: Path) -> str | None:
        """Return the hash as last seen, None if the file was never asked for or not there."""
        return self._known.get(path)

    def again(self, path: Path) -> str | None:
        """Read the file anew and return its hash."""
        self._known[path] = of_file(path)
        return self._known[path]
