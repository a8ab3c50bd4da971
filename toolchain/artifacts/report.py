"""What an inspection shows: text for people, JSON for scripts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from toolchain.artifacts.binary import UNNAMED, Span
from toolchain.artifacts.cdo import Cdo
from toolchain.artifacts.elf import Elf
from toolchain.artifacts.insts import Transaction
from toolchain.artifacts.pdi import Pdi
from toolchain.artifacts.xclbin import Xclbin

Content = Xclbin | Pdi | Cdo | Transaction | Elf

_SHORT = 64
"""Longest byte string that is shown whole."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """An inspected file.

    Attributes:
        path: As it was given.
        kind: ``"xclbin"``, ``"pdi"``, ``"cdo"``, ``"insts"`` or ``"elf"``.
        size: Bytes of the file.
        content: The records of its reader.
        lines: The content as text.
        problems: Writes to addresses without register, and bytes that nothing accounts for.
        spans: Names for every byte of the file, in order.
    """

    path: str
    kind: str
    size: int
    content: Content
    lines: tuple[str, ...]
    problems: tuple[str, ...]
    spans: tuple[Span, ...]

    def text(self, *, spans: bool = False) -> str:
        """Return the report as text; with `spans` also what every byte is."""
        lines = [f"{self.path}: {self.kind}, {self.size} bytes", *self.lines]
        if spans:
            lines += ["bytes", *(f"  {s.offset:#8x} {s.size:8} {s.name}" for s in self.spans)]
        if self.problems:
            lines += ["problems", *(f"  {problem}" for problem in self.problems)]
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """Return the report as JSON.

        Records carry their class's name under ``record``; byte strings are hexadecimal, long
        ones are given by their length and SHA-256.
        """
        document = {
            "path": self.path,
            "kind": self.kind,
            "size": self.size,
            "content": plain(self.content),
            "lines": list(self.lines),
            "problems": list(self.problems),
            "bytes": [span._asdict() for span in self.spans],
        }
        return json.dumps(document, indent=2) + "\n"


def unnamed(spans: tuple[Span, ...]) -> list[str]:
    """Return a problem for each range of bytes that no reader accounts for."""
    return [
        f"{span.size} bytes at {span.offset:#x} are not zero and not part of the format"
        for span in spans
        if span.name == UNNAMED
    ]


def date(seconds: int) -> str:
    """Return a time since 1970 as a date, or as it is where no calendar goes so far."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s since 1970"


def plain(value: Any) -> Any:
    """Return `value` as what JSON has; see :meth:`Report.json`."""
    if is_dataclass(value) and not isinstance(value, type):
        values = {item.name: plain(getattr(value, item.name)) for item in fields(value)}
        return {"record": type(value).__name__, **values}
    if isinstance(value, bytes):
        if len(value) <= _SHORT:
            return value.hex()
        return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value
