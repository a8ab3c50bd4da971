"""Instructions: the contents of one slot."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache, lru_cache

from errors import UsageError
from simulator.aie2.operands import TABLES, Kind, Operand, kind
from simulator.aie2.pattern import Pattern

_OPERAND = re.compile(r"\{(\w):([\w*]+)\}")


@dataclass(frozen=True, eq=False)
class Encoding:
    """One line of a slot's table.

    Attributes:
        mnemonic: Such as ``"lda.s8"``.
        layout: The text after the mnemonic, with a ``{letter}`` per operand.
        kinds: The kind of each operand by its letter, in alphabetic order.
    """

    slot: str
    pattern: Pattern
    mnemonic: str
    layout: str
    kinds: dict[str, Kind]

    @classmethod
    def parse(cls, slot: str, bits: str, line: str) -> Encoding:
        mnemonic, _, operands = line.partition(" ")
        kinds = {letter: kind(name) for letter, name in sorted(_OPERAND.findall(operands))}
        layout = _OPERAND.sub(r"{\1}", operands)
        return cls(slot, Pattern.parse(bits), mnemonic, layout, kinds)

    def decode(self, word: int) -> Instruction | None:
        """Return the instruction that `word` holds, or None if it is not of this encoding."""
        if not self.pattern.matches(word):
            return None
        operands = []
        for letter, operand_kind in self.kinds.items():
            operand = operand_kind.decode(self.pattern.extract(word, letter))
            if operand is None:
                return None
            operands.append(operand)
        return Instruction(self, tuple(operands), word & self.pattern.spare)


@dataclass(frozen=True, slots=True)
class Instruction:
    """What a slot does.

    Attributes:
        encoding: The line of the slot's table that it is of.
        operands: Registers by name, and numbers, by the letters of the encoding.
        spare: The bits of the word that mean nothing, kept to encode it as it was.
    """

    encoding: Encoding = field(repr=False)
    operands: tuple[Operand, ...]
    spare: int = field(default=0, repr=False)

    @property
    def slot(self) -> str:
        return self.encoding.slot

    @property
    def mnemonic(self) -> str:
        return self.encoding.mnemonic

    def __str__(self) -> str:
        """The text that llvm-objdump prints, numbers decimal."""
        shown = (f"#{o}" if isinstance(o, int) else o for o in self.operands)
        values = dict(zip(self.encoding.kinds, shown, strict=True))
        return f"{self.mnemonic}\t{self.encoding.layout.format(**values)}"

    def encode(self) -> int:
        """Return the bits of the slot.

        Raises:
            UsageError: An operand is not one that the encoding can hold (NPU503).
        """
        codes = {}
        kinds = self.encoding.kinds
        for (letter, operand_kind), operand in zip(kinds.items(), self.operands, strict=True):
            code = operand_kind.encode(operand)
            if code is None:
                raise UsageError(
                    f"{self.mnemonic} cannot take {operand} as operand {letter} of"
                    f" {self.encoding.layout}",
                    cure="Give a register or a number that the instruction can hold.",
                    code="NPU503",
                )
            codes[letter] = code
        return self.encoding.pattern.insert(codes, self.spare)


@cache
def encodings(slot: str) -> tuple[Encoding, ...]:
    """Return every encoding of a slot, in the order in which they are tried."""
    table = tomllib.loads((TABLES / f"{slot}.toml").read_text(encoding="utf-8"))
    return tuple(Encoding.parse(slot, bits, line) for bits, line in table.items())


@lru_cache(maxsize=1 << 16)
def decode_slot(slot: str, word: int) -> Instruction | None:
    """Return the instruction in a slot's bits, or None where no encoding allows them."""
    found = (encoding.decode(word) for encoding in encodings(slot))
    return next((instruction for instruction in found if instruction is not None), None)
