"""Operands: what the code in an instruction's field means, and back.

A kind of operand is a register file, a choice among files, or a number; `tables/README.md`
lists them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from simulator.aie2.pattern import Pattern

TABLES = Path(__file__).parent / "tables"
_NUMBER = re.compile(r"([usn])(\d+)(?:\*(\d+))?")

Operand = str | int
"""A register by its name, or a number."""


class Kind(Protocol):
    """A kind of operand; `decode` and `encode` answer None for what has no meaning."""

    def decode(self, code: int) -> Operand | None: ...

    def encode(self, operand: Operand) -> int | None: ...


@dataclass(frozen=True)
class Registers:
    """Registers by their code."""

    names: Mapping[int, str]
    codes: Mapping[str, int]

    @classmethod
    def of(cls, names: Mapping[int, str]) -> Registers:
        return cls(names, {name: code for code, name in names.items()})

    def decode(self, code: int) -> str | None:
        return self.names.get(code)

    def encode(self, operand: Operand) -> int | None:
        return self.codes.get(operand) if isinstance(operand, str) else None


@dataclass(frozen=True)
class Number:
    """A number in a field of `width` bits.

    Attributes:
        sign: ``"u"`` for none, ``"s"`` for two's complement, ``"n"`` for a number that is
            always negative: the sign bit is not stored.
        step: What a code counts.
    """

    sign: str
    width: int
    step: int

    def decode(self, code: int) -> int:
        return (code - self._bias(code)) * self.step

    def encode(self, operand: Operand) -> int | None:
        if not isinstance(operand, int) or operand % self.step:
            return None
        code = operand // self.step & (1 << self.width) - 1
        return code if self.decode(code) == operand else None

    def _bias(self, code: int) -> int:
        negative = self.sign == "n" or (self.sign == "s" and code >> self.width - 1)
        return 1 << self.width if negative else 0


@cache
def kind(name: str) -> Kind:
    """Return a kind of operand by its name in the tables."""
    if number := _NUMBER.fullmatch(name):
        return Number(number[1], int(number[2]), int(number[3] or 1))
    return _registers()[name]


@cache
def _registers() -> dict[str, Registers]:
    tables = tomllib.loads((TABLES / "registers.toml").read_text(encoding="utf-8"))
    files = {name: _file(names.split()) for name, names in tables["files"].items()}
    choices = {
        name: Registers.of(_choice(patterns, files)) for name, patterns in tables["choices"].items()
    }
    return {**{name: Registers.of(names) for name, names in files.items()}, **choices}


def _file(names: list[str]) -> dict[int, str]:
    return {code: name for code, name in enumerate(names) if name != "-"}


def _choice(patterns: Mapping[str, str], files: Mapping[str, dict[int, str]]) -> dict[int, str]:
    names: dict[int, str] = {}
    for bits, file in patterns.items():
        pattern = Pattern.parse(bits)
        for code, name in files[file].items():
            word = pattern.insert({"a": code})
            if not pattern.fields or pattern.extract(word, "a") == code:
                names[word] = name
    return names
