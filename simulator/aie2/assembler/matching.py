"""From the text of an instruction to its encoding and operands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from errors import nearest
from simulator.aie2.assembler.expression import Expression, Lookup
from simulator.aie2.assembler.source import Text
from simulator.aie2.instruction import Encoding, Instruction, encodings
from simulator.aie2.operands import Kind, Number, Operand, Registers

SLOTS = ("lda", "ldb", "alu", "mv", "st", "vec", "lng", "nop")
_WORD = 32
_MOST_SHOWN = 8


@dataclass(frozen=True)
class Form:
    """How an encoding's operands are written."""

    encoding: Encoding
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, encoding: Encoding) -> Form:
        seen: set[str] = set()
        pattern = ""
        for piece in re.split(r"(\{\w\})", encoding.layout):
            if not re.fullmatch(r"\{\w\}", piece):
                words = (re.escape(word) for word in re.findall(r"[\w:]+|\S", piece))
                pattern += r"\s*" + r"\s*".join(words) + r"\s*"
            elif piece[1] in seen:
                pattern += f"(?P={piece[1]})"
            else:
                seen.add(piece[1])
                pattern += rf"(?P<{piece[1]}>[^\s,\[\]](?:[^,\[\]]*[^\s,\[\]])?)"
        return cls(encoding, re.compile(pattern))

    def __str__(self) -> str:
        """The form as messages show it: ``add r0-r31, r0-r31, #-64..63``."""
        kinds = {letter: shown(kind) for letter, kind in self.encoding.kinds.items()}
        return f"{self.encoding.mnemonic} {self.encoding.layout.format(**kinds)}".strip()


@dataclass(frozen=True)
class Parsed:
    """An instruction whose numbers may wait for addresses."""

    text: Text
    encoding: Encoding
    operands: tuple[str | Expression, ...]

    @property
    def slot(self) -> str:
        return self.encoding.slot

    @property
    def mnemonic(self) -> str:
        return self.encoding.mnemonic

    def resolve(self, lookup: Lookup) -> Instruction:
        """Return the instruction with its numbers.

        Raises:
            UsageError: A symbol is not defined (NPU534) or a number does not fit (NPU535).
        """
        values: list[Operand] = []
        for kind, operand in zip(self.encoding.kinds.values(), self.operands, strict=True):
            if isinstance(operand, Expression):
                values.append(_fitting(self.mnemonic, kind, operand, operand.value(lookup)))
            else:
                values.append(operand)
        return Instruction(self.encoding, tuple(values))


def shown(kind: Kind) -> str:
    """Return what an operand of a kind may be, as messages show it."""
    if isinstance(kind, Number):
        low, high = kind.decode(0), kind.decode((1 << kind.width) - 1)
        if kind.sign == "s":
            low, high = kind.decode(1 << kind.width - 1), kind.decode((1 << kind.width - 1) - 1)
        return f"#{low}..{high}" + (f" by {kind.step}" if kind.step > 1 else "")
    names = list(kind.codes) if isinstance(kind, Registers) else []
    stems = {re.sub(r"\d+$", "", name): name for name in names}
    if len(names) == 1:
        return names[0]
    if len(stems) == 1:
        return f"{names[0]}-{names[-1]}"
    words = names if len(names) <= _MOST_SHOWN else list(stems)
    return "(" + " ".join([*words[:_MOST_SHOWN], *["..."] * (len(words) > _MOST_SHOWN)]) + ")"


def _fitting(mnemonic: str, kind: Kind, operand: Expression, value: int) -> int:
    if isinstance(kind, Number) and kind.width == _WORD and value >> _WORD - 1 == 1:
        value -= 1 << _WORD
    if kind.encode(value) is None:
        raise operand.text.error(
            f"{mnemonic} cannot take #{value}",
            f"Use a number of {shown(kind)}.",
            "NPU535",
        )
    return value


@cache
def forms() -> dict[str, tuple[Form, ...]]:
    """Return the forms of every mnemonic."""
    found: dict[str, list[Form]] = {}
    for slot in SLOTS:
        for encoding in encodings(slot):
            found.setdefault(encoding.mnemonic, []).append(Form.of(encoding))
    return {mnemonic: tuple(entries) for mnemonic, entries in found.items()}


def parse(text: Text) -> Parsed:
    """Read an instruction.

    Raises:
        UsageError: There is no such mnemonic (NPU531), it does not take such operands
            (NPU532), or a number cannot be read (NPU530).
    """
    mnemonic = text.text.split(maxsplit=1)[0] if text.text else ""
    if mnemonic not in forms():
        raise text.error(
            f"there is no instruction {mnemonic!r}{nearest(mnemonic, list(forms()))}",
            "Name an instruction as llvm-objdump does; between two of them goes a ;",
            "NPU531",
        )
    operands = text.part(len(mnemonic))
    for form in forms()[mnemonic]:
        match = form.pattern.fullmatch(operands.text)
        values = _operands(form.encoding, operands, match) if match else None
        if values is not None:
            return Parsed(text, form.encoding, values)
    raise operands.error(
        f"{mnemonic} cannot take {operands.text!r}" if operands.text else f"{mnemonic} needs more",
        "Write it in one of these forms.",
        "NPU532",
        allowed=tuple(str(form) for form in forms()[mnemonic]),
    )


def _operands(
    encoding: Encoding, text: Text, match: re.Match[str]
) -> tuple[str | Expression, ...] | None:
    values: list[str | Expression] = []
    for letter, kind in encoding.kinds.items():
        written = match[letter]
        if isinstance(kind, Number):
            if not written.startswith("#"):
                return None
            values.append(Expression.parse(text.part(match.start(letter) + 1, match.end(letter))))
        elif kind.encode(written) is None:
            return None
        else:
            values.append(written)
    return tuple(values)
