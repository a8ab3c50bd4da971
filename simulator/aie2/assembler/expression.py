"""Numbers in a source: constants, symbols and sums of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from errors import UsageError
from simulator.aie2.assembler.source import Text

NAME = re.compile(r"[A-Za-z_.$][\w.$]*")
_TOKEN = re.compile(r"\s*(?:(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)|([A-Za-z_.$][\w.$]*)|([-+*()]))")
_CURE = "Write numbers, symbols and `.` (the address here) joined by +, - and *."

_MOST_SHOWN = 40
_MOST_NESTED = 8
"""Parentheses and signs within each other."""

Lookup = Callable[[str], int | None]
"""The value of a symbol, None where it has none."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A number that is known once every label has its address.

    Attributes:
        names: The symbols in it; ``.`` is the address of the line.
    """

    text: Text
    tokens: tuple[tuple[str, Text], ...] = field(repr=False)
    names: frozenset[str]

    @classmethod
    def parse(cls, text: Text) -> Expression:
        """Read an expression.

        Raises:
            UsageError: It is none (NPU530).
        """
        tokens: list[tuple[str, Text]] = []
        at = 0
        while at < len(text.text):
            found = _TOKEN.match(text.text, at)
            if found is None:
                raise _refusal(text)
            kind = ("number", "name", "sign")[(found.lastindex or 1) - 1]
            tokens.append((kind, text.part(at, found.end())))
            at = found.end()
        parsed = cls(text, tuple(tokens), frozenset(str(t) for k, t in tokens if k == "name"))
        _Evaluator(parsed, lambda _: 0).value()
        return parsed

    def value(self, lookup: Lookup) -> int:
        """Return the number.

        Raises:
            UsageError: A symbol in it is not defined (NPU534).
        """
        return _Evaluator(self, lookup).value()


class _Evaluator:
    """Walks the tokens of an expression once."""

    def __init__(self, expression: Expression, lookup: Lookup) -> None:
        self.expression = expression
        self.lookup = lookup
        self.at = 0
        self.depth = 0

    def value(self) -> int:
        result = self._sum()
        if self.at < len(self.expression.tokens):
            raise self._refusal()
        return result

    def _sum(self) -> int:
        result = self._product()
        while (sign := self._sign("+-")) is not None:
            term = self._product()
            result += term if sign == "+" else -term
        return result

    def _product(self) -> int:
        result = self._term()
        while self._sign("*") is not None:
            result *= self._term()
        return result

    def _term(self) -> int:
        self.depth += 1
        if self.depth > _MOST_NESTED:
            raise self._refusal()
        result = self._signed()
        self.depth -= 1
        return result

    def _signed(self) -> int:
        if (sign := self._sign("+-")) is not None:
            return self._term() if sign == "+" else -self._term()
        if self._sign("(") is not None:
            result = self._sum()
            if self._sign(")") is None:
                raise self._refusal()
            return result
        if self.at == len(self.expression.tokens):
            raise self._refusal()
        kind, text = self.expression.tokens[self.at]
        if kind == "sign":
            raise self._refusal()
        self.at += 1
        if kind == "number":
            return int(text.text, 0) if text.text[1:2].isalpha() else int(text.text)
        found = self.lookup(text.text)
        if found is None:
            raise text.error(
                f"{text.text} is not defined",
                "Define it as a label or with .set, in this source.",
                "NPU534",
            )
        return found

    def _sign(self, wanted: str) -> str | None:
        if self.at < len(self.expression.tokens):
            kind, text = self.expression.tokens[self.at]
            if kind == "sign" and text.text in wanted:
                self.at += 1
                return text.text
        return None

    def _refusal(self) -> UsageError:
        return _refusal(self.expression.text)


def _refusal(text: Text) -> UsageError:
    cut = text.text[:_MOST_SHOWN] + "..." * (len(text.text) > _MOST_SHOWN)
    return text.error(f"{cut!r} is no number", _CURE, "NPU530")
