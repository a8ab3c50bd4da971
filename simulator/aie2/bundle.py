"""Bundles: the instructions that a core issues in one cycle.

The lowest bits of a bundle give its length, further fixed bits its format: which slots it
has and where.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from errors import UsageError
from simulator.aie2.instruction import Instruction, decode_slot
from simulator.aie2.operands import TABLES
from simulator.aie2.pattern import Pattern

LONGEST = 16
"""Bytes of the longest bundle."""


@dataclass(frozen=True, eq=False)
class Format:
    """Where the slots of a bundle lie: in `pattern`, slot i by the i-th letter."""

    pattern: Pattern
    slots: dict[str, str]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle: an instruction for each slot of its format.

    Attributes:
        size: Bytes that it takes.
        instructions: By slot, in the order in which they are printed.
    """

    format: Format = field(repr=False)
    instructions: dict[str, Instruction]

    @property
    def size(self) -> int:
        return self.format.pattern.width // 8

    def __str__(self) -> str:
        return ";\t\t".join(str(instruction) for instruction in self.instructions.values())


@cache
def formats() -> dict[int, tuple[Format, ...]]:
    """Return the formats of each length in bits."""
    tables = _tables()
    return {
        int(bits): tuple(_format(line, tables["slots"]) for line in lines)
        for bits, lines in tables["formats"].items()
    }


def length(first: int) -> int:
    """Return the bytes of the bundle whose first byte is `first`."""
    return _sizes()[first & 0xF]


def decode(data: bytes, address: int = 0) -> Bundle:
    """Decode the bundle at the start of `data`.

    Args:
        data: The bundle's bytes, and any that follow.
        address: Where the bundle lies in program memory, for messages.

    Raises:
        UsageError: `data` ends within the bundle (NPU500), no format has its fixed bits
            (NPU501), or a slot holds no known instruction (NPU502).
    """
    size = length(data[0]) if data else 1
    if len(data) < size:
        raise _refusal(data, address, f"ends within a bundle of {size} bytes", "NPU500")
    word = int.from_bytes(data[:size], "little")
    unknown = ""
    for candidate in formats()[size * 8]:
        if not candidate.pattern.matches(word):
            continue
        instructions = {}
        for letter, slot in candidate.slots.items():
            bits = candidate.pattern.extract(word, letter)
            instruction = decode_slot(slot, bits)
            if instruction is None:
                width = candidate.pattern.field_width(letter)
                unknown = f"holds {bits:0{width}b} in slot {slot}, which is no instruction"
                break
            instructions[slot] = instruction
        else:
            return Bundle(candidate, instructions)
    if unknown:
        raise _refusal(data[:size], address, unknown, "NPU502")
    raise _refusal(data[:size], address, f"is no bundle of {size} bytes", "NPU501")


def encode(bundle: Bundle) -> bytes:
    """Return the bytes of a bundle.

    Raises:
        UsageError: An operand is not one that its instruction can hold (NPU503).
    """
    codes = {
        letter: bundle.instructions[slot].encode() for letter, slot in bundle.format.slots.items()
    }
    return bundle.format.pattern.insert(codes).to_bytes(bundle.size, "little")


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((TABLES / "formats.toml").read_text(encoding="utf-8"))


@cache
def _sizes() -> tuple[int, ...]:
    """Bytes of a bundle by the lowest four bits of its first byte."""
    bits: dict[str, int] = _tables()["lengths"]
    return tuple(
        next(n // 8 for low, n in bits.items() if f"{first:04b}".endswith(low))
        for first in range(16)
    )


def _format(line: str, widths: dict[str, int]) -> Format:
    """Read a format such as ``"lda mv 01101"``, most significant part first."""
    bits = ""
    slots: dict[str, str] = {}
    for part in line.split():
        if part in widths:
            letter = chr(ord("a") + len(slots))
            slots[letter] = part
            bits += letter * widths[part]
        else:
            bits += part
    return Format(Pattern.parse(bits), slots)


def _refusal(data: bytes, address: int, what: str, code: str) -> UsageError:
    return UsageError(
        f"program memory at {address:#x} ({data.hex(' ') or 'no bytes'}) {what}",
        cure="Check that this is AIE2 code, and that the address is the start of a bundle.",
        code=code,
    )
