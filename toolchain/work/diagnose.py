"""From what a tool printed to an entry of the failure catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A failure that a tool's output tells.

    Attributes:
        pattern: Where it is found, it is this failure. Named groups may fill `message`.
        message: What is wrong, a format string.
        cure: What to do about it.
        code: Its entry in the catalogue.
    """

    pattern: re.Pattern[str]
    message: str
    cure: str
    code: str


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A failure in words; see :class:`Cause`."""

    message: str
    cure: str
    code: str


def diagnose(log: str, causes: Iterable[Cause]) -> Diagnosis | None:
    """Return the first of `causes` that `log` tells of, None if it tells of none."""
    for cause in causes:
        if found := cause.pattern.search(log):
            message = cause.message.format(**found.groupdict())
            return Diagnosis(message=message, cure=cause.cure, code=cause.code)
    return None
