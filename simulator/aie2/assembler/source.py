"""The text of an assembly source, cut into pieces that know where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from errors import UsageError

# What a listing has before the text of a bundle, `     3c0: 99 0c c0 14<tab>`, and how it
# writes a label, `00000020 <main>:`.
_LISTED = re.compile(r"\s*[0-9a-f]+:(?: [0-9a-f]{2})+\t")
_LISTED_LABEL = re.compile(r"[0-9a-f]{8} <(.+)>:$")


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of a line, with its file, line and column (both counted from 1)."""

    text: str
    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return self.text

    def part(self, start: int, end: int | None = None) -> Text:
        """Return the characters from `start` to `end`, without the blanks around them."""
        piece = self.text[start:end]
        blanks = len(piece) - len(piece.lstrip())
        return Text(piece.strip(), self.file, self.line, self.column + start + blanks)

    def split(self, separator: str) -> list[Text]:
        """Return the pieces between the separators that stand outside of quotes."""
        pieces, start = [], 0
        for found in re.finditer(rf'"(?:\\.|[^"\\])*"|{re.escape(separator)}', self.text):
            if found.group() == separator:
                pieces.append(self.part(start, found.start()))
                start = found.end()
        return [*pieces, self.part(start)]

    def error(
        self, what: str, cure: str, code: str, *, allowed: tuple[str, ...] = ()
    ) -> UsageError:
        """Return the error of this piece: ``file:line:column: what``."""
        return UsageError(
            f"{self.file}:{self.line}:{self.column}: {what}",
            cure=cure,
            code=code,
            details=allowed,
        )


def lines(source: str, file: str) -> Iterator[Text]:
    """Yield the lines that hold something, without comments and what a listing prepends."""
    for number, line in enumerate(source.splitlines(), start=1):
        listed = _LISTED.match(line)
        start = listed.end() if listed else 0
        text = Text(line, file, number, 1).part(start, _end(line, start))
        if label := _LISTED_LABEL.fullmatch(text.text):
            text = Text(f"{label[1]}:", file, number, text.column)
        if text.text:
            yield text


def _end(line: str, start: int) -> int:
    """Return where a line's comment begins, or its end."""
    for found in re.compile(r'"(?:\\.|[^"\\])*"|//').finditer(line, start):
        if found.group() == "//":
            return found.start()
    return len(line)
