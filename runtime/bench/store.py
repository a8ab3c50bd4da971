"""The file that records of timings are appended to: a line of JSON each."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import msgspec

from errors import UsageError
from runtime.bench.record import FORMAT, Record


def check_store(path: Path) -> None:
    """Refuse a store that cannot be appended to before anything is timed for it.

    Raises:
        UsageError: NPU405: its folder cannot be made, or it may not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
        elif not os.access(path.parent, os.W_OK | os.X_OK):
            raise _unwritable(path, f"the folder {path.parent} may not be written")
    except OSError as error:
        raise _unwritable(path, str(error.strerror)) from error


def append(path: Path, records: list[Record]) -> None:
    """Add records to a store, whole lines or none; several jobs may do so at a time.

    Raises:
        UsageError: NPU405: it cannot be written, and is as it was.
    """
    append_lines(path, b"".join(msgspec.json.encode(record) + b"\n" for record in records))


def append_lines(path: Path, content: bytes) -> None:
    """Add what another store holds; see `append`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o664)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            _add(handle, content)
        finally:
            os.close(handle)
    except OSError as error:
        raise _unwritable(path, str(error.strerror)) from error


def _add(handle: int, content: bytes) -> None:
    before = os.fstat(handle).st_size
    if before and os.pread(handle, 1, before - 1) != b"\n":
        content = b"\n" + content  # a line that somebody else left unfinished stays its own
    rest = memoryview(content)
    try:
        while rest:
            rest = rest[os.write(handle, rest) :]  # a full disk takes a part of it first
    except OSError:
        os.ftruncate(handle, before)
        raise


def read(path: Path) -> list[Record]:
    """Return the records of a store, oldest first.

    Raises:
        UsageError: NPU445: it cannot be read, or a line is no record.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise _unreadable(f"{path}: {error.strerror}") from error
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = _decoded(line)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise _unreadable(f"{path}, line {number}: {error}") from error
        if not record.samples or min(record.samples) <= 0:
            raise _unreadable(f"{path}, line {number}: samples must be there and above 0")
        records.append(record)
    return records


def _decoded(line: bytes) -> Record:
    """Return a line's record, without the fields that only a newer lab knows."""
    try:
        return msgspec.json.decode(line, type=Record)
    except msgspec.ValidationError:
        fields = msgspec.json.decode(line)
        if not isinstance(fields, dict) or not _is_newer(fields.get("format")):
            raise
        known = {name: fields[name] for name in Record.__struct_fields__ if name in fields}
        return msgspec.convert(known, Record)


def _is_newer(version: object) -> bool:
    return isinstance(version, int) and version > FORMAT


def _unwritable(path: Path, problem: str) -> UsageError:
    return UsageError(
        f"cannot write the timings to {path}: {problem}",
        cure="free space or take another path",
        code="NPU405",
    )


def _unreadable(message: str) -> UsageError:
    return UsageError(
        message,
        cure="mend or remove the line; `npulab bench` appends one per variant",
        code="NPU445",
    )
