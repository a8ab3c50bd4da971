"""The lab's errors: one class and one exit code per kind of cause.

A user's mistake ends in one line that says what is wrong, where, and what to do. The
command line catches :class:`LabError` once, prints it and exits with its code; any
other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = ["CheckFailed", "LabError", "MissingEnvironment", "UsageError", "nearest"]


class LabError(Exception):
    """Base of every error that a user can cause or cure.

    Args:
        message: What is wrong and where, in one line.
        cure: What to do about it, as an imperative sentence.
        code: The failure's entry in the catalogue, such as ``"NPU101"``.
        details: Lines worth reading below the message (tool output, both sides of a
            contradiction), shown as they are.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        cure: str | None = None,
        code: str | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.code = code
        self.details = details

    def __str__(self) -> str:
        head = f"[{self.code}] {self.message}" if self.code else self.message
        lines = [head, *(f"    {line}" for line in self.details)]
        if self.cure:
            lines.append(f"  -> {self.cure}")
        return "\n".join(lines)


class CheckFailed(LabError):
    """A check did its work and the answer is no: wrong numbers, a design over its limits."""

    exit_code: ClassVar[int] = 1


class UsageError(LabError):
    """The input is wrong: an unknown name, a bad file, a contract that contradicts itself."""

    exit_code: ClassVar[int] = 2


class MissingEnvironment(LabError):
    """What the command needs is not on this machine: a device, an engine, a toolchain."""

    exit_code: ClassVar[int] = 3


def nearest(word: str, choices: list[str]) -> str:
    """Return ``"; did you mean X?"`` for the choice closest to `word`, else an empty string."""
    from difflib import get_close_matches

    found = get_close_matches(word, choices, n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""
