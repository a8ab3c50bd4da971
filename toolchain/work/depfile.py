"""Dependency files: the make rule in which a compiler lists what it read (``-MD -MF``)."""

from __future__ import annotations

import re

_NEWLINE = re.compile(r"\\\r?\n")
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_ESCAPE = re.compile(r"\\([\s#\\:])")


def parse(text: str) -> list[str]:
    """Return the prerequisites of the rule in `text`, in order, unescaped.

    Only the first rule counts: ``-MP`` adds empty ones, one per header, below it.
    """
    rule = _NEWLINE.sub(" ", text).split("\n", 1)[0]
    _, _, prerequisites = rule.partition(": ")
    words: list[str] = _WORD.findall(prerequisites)
    return [_ESCAPE.sub(r"\1", word).replace("$$", "$") for word in words]
