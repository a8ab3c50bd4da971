"""Bounded reading of binary files in which every byte must be accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import Any, NamedTuple

from errors import UsageError


class Span(NamedTuple):
    """A named range of a file's bytes."""

    offset: int
    size: int
    name: str

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass
class Ledger:
    """Which bytes of a file have been read, and as what."""

    spans: list[Span] = field(default_factory=list)

    def close(self, data: bytes) -> tuple[Span, ...]:
        """Return spans that cover `data` without gap, in file order.

        A gap whose bytes are all zero is ``padding``; any other gap is ``UNNAMED``. Bytes
        that were read more than once keep the name of the first span.
        """
        whole: list[Span] = []
        at = 0
        for span in sorted(self.spans):
            if span.offset > at:
                whole.append(_gap(data, at, span.offset))
            start = max(span.offset, at)
            if span.end > start:
                whole.append(Span(start, span.end - start, span.name))
                at = span.end
        if at < len(data):
            whole.append(_gap(data, at, len(data)))
        return tuple(whole)


UNNAMED = "unnamed bytes"


def _gap(data: bytes, start: int, end: int) -> Span:
    blank = data.count(0, start, end) == end - start
    return Span(start, end - start, "padding" if blank else UNNAMED)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A part of a file, read at offsets that are checked first.

    Attributes:
        data: The part's bytes.
        what: What the part is, as messages name it.
        code: Failure code of a part that contradicts its format.
        base: Offset of the part in the file.
        ledger: Where what is read is noted, by its place in the file.
    """

    data: bytes
    what: str
    code: str
    base: int = 0
    ledger: Ledger = field(default_factory=Ledger)

    def __len__(self) -> int:
        return len(self.data)

    def error(self, offset: int, problem: str) -> UsageError:
        """Return the error that says where in the file `problem` is."""
        return UsageError(
            f"{self.what}: {problem} (byte {self.base + offset:#x} of the file)",
            cure="the file is damaged, cut, or of another format: build or copy it again",
            code=self.code,
        )

    def claim(self, offset: int, size: int, name: str) -> None:
        """Note bytes as read."""
        if size:
            self.ledger.spans.append(Span(self.base + offset, size, name))

    def take(self, offset: int, size: int, name: str) -> bytes:
        """Return `size` bytes.

        Raises:
            UsageError: They reach beyond the part.
        """
        if not 0 <= offset <= offset + size <= len(self.data):
            raise self.error(
                offset, f"{name} needs {size} bytes and {max(len(self.data) - offset, 0)} are left"
            )
        self.claim(offset, size, name)
        return self.data[offset : offset + size]

    def unpack(self, layout: Struct, offset: int, name: str) -> tuple[Any, ...]:
        """Return the values of `layout` at `offset`.

        Raises:
            UsageError: They reach beyond the part.
        """
        return layout.unpack(self.take(offset, layout.size, name))

    def text(self, offset: int, name: str, limit: int = 4096) -> str:
        """Return the NUL-terminated string at `offset`.

        Raises:
            UsageError: No NUL follows within `limit` bytes, or the text is not UTF-8.
        """
        end = self.data.find(0, offset, offset + limit) if 0 <= offset < len(self.data) else -1
        if end < 0:
            raise self.error(offset, f"{name} is not a NUL-terminated string")
        self.claim(offset, end + 1 - offset, name)
        return self.decode(self.data[offset:end], offset, name)

    def decode(self, raw: bytes, offset: int, name: str) -> str:
        """Return `raw` up to its first NUL as text.

        Raises:
            UsageError: It is not UTF-8.
        """
        try:
            return raw.split(b"\0", 1)[0].decode()
        except UnicodeDecodeError:
            raise self.error(offset, f"{name} is not text") from None

    def part(self, offset: int, size: int, what: str, code: str | None = None) -> Reader:
        """Return the reader of a part of this part, with the same ledger.

        Raises:
            UsageError: It reaches beyond this part.
        """
        if not 0 <= offset <= offset + size <= len(self.data):
            raise self.error(
                offset,
                f"{what} needs {size} bytes and {max(len(self.data) - offset, 0)} are left",
            )
        return Reader(
            data=self.data[offset : offset + size],
            what=what,
            code=code or self.code,
            base=self.base + offset,
            ledger=self.ledger,
        )


def checksum(words: tuple[int, ...]) -> int:
    """Return the inverted sum of 32-bit words that CDO and PDI headers end in."""
    return ~sum(words) & 0xFFFFFFFF
