"""Reading back what the lab wrote as JSON, and may find damaged."""

from __future__ import annotations

from typing import TypeVar

import msgspec

RecordT = TypeVar("RecordT")


def decode(content: bytes | None, kind: type[RecordT]) -> RecordT | None:
    """Return the record that `content` holds, None if it holds none of that kind."""
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
