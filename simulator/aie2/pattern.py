"""Bit patterns: fixed bits, don't-care bits and fields named by letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Piece:
    """Bits of a field that lie together: `width` bits from bit `low` of the word."""

    low: int
    width: int

    def extract(self, word: int) -> int:
        return word >> self.low & (1 << self.width) - 1


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the bits of a word must be, and where its fields lie.

    Attributes:
        width: Bits of the word.
        mask: The fixed bits.
        value: What the fixed bits are.
        spare: The bits that may be either and mean nothing.
        fields: The pieces of each field by its letter, most significant first.
    """

    width: int
    mask: int
    value: int
    spare: int
    fields: Mapping[str, tuple[Piece, ...]]

    @classmethod
    def parse(cls, bits: str) -> Pattern:
        """Read a pattern such as ``"bbaa.01"``, most significant bit first."""
        pieces: dict[str, list[Piece]] = {}
        low = len(bits)
        for letter, run in groupby(bits):
            width = len(list(run))
            low -= width
            if letter not in "01.":
                pieces.setdefault(letter, []).append(Piece(low, width))
        return cls(
            width=len(bits),
            mask=_bits(bits, "01"),
            value=_bits(bits, "1"),
            spare=_bits(bits, "."),
            fields={letter: tuple(pieces[letter]) for letter in sorted(pieces)},
        )

    def matches(self, word: int) -> bool:
        return word & self.mask == self.value

    def field_width(self, letter: str) -> int:
        return sum(piece.width for piece in self.fields[letter])

    def extract(self, word: int, letter: str) -> int:
        """Return the code in a field of `word`."""
        code = 0
        for piece in self.fields[letter]:
            code = code << piece.width | piece.extract(word)
        return code

    def insert(self, codes: Mapping[str, int], spare: int = 0) -> int:
        """Return the word with these codes in its fields and these spare bits."""
        word = self.value | spare & self.spare
        for letter, pieces in self.fields.items():
            code = codes[letter]
            for piece in reversed(pieces):
                word |= (code & (1 << piece.width) - 1) << piece.low
                code >>= piece.width
        return word


def _bits(bits: str, wanted: str) -> int:
    return int("".join("1" if bit in wanted else "0" for bit in bits), 2)
