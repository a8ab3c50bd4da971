"""What a comparison found, for people (80 columns) and for programs (plain JSON types)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from textwrap import wrap
from typing import Any

from errors import CheckFailed

Number = int | float

WIDTH = 80


class Finding(StrEnum):
    """What is wrong with an output."""

    MISSING = "missing"
    UNEXPECTED = "unexpected"
    GOLDEN = "golden"
    SHAPE = "shape"
    DTYPE = "dtype"
    EMPTY = "empty"
    NEVER_WRITTEN = "never written"
    NAN = "NaN"
    VALUES = "values"

    @property
    def code(self) -> str:
        """Its entry in the failure catalogue."""
        return _CATALOGUE[self][0]

    @property
    def cure(self) -> str:
        """What to do about it."""
        return _CATALOGUE[self][1]


_CATALOGUE = {
    Finding.MISSING: (
        "NPU300",
        "return every argument that the contract marks as written, under its name",
    ),
    Finding.UNEXPECTED: ("NPU301", "return only what the contract marks as written"),
    Finding.GOLDEN: ("NPU302", "make golden() return the contract's shapes and dtypes"),
    Finding.SHAPE: ("NPU303", "make the design's transfer and the contract agree"),
    Finding.DTYPE: ("NPU304", "return the output in the contract's dtype, without a conversion"),
    Finding.EMPTY: ("NPU305", "declare an output with at least one element"),
    Finding.NEVER_WRITTEN: (
        "NPU306",
        "check that the core releases its output as often as it acquires it, and that the "
        "transfer covers the whole output",
    ),
    Finding.NAN: (
        "NPU307",
        "look for 0/0, inf - inf, and a buffer that is read before it is written",
    ),
    Finding.VALUES: ("NPU308", "look at the first wrong elements, and at where they lie"),
}


@dataclass(frozen=True, kw_only=True)
class Element:
    """One element of an output beside its golden value.

    Attributes:
        index: Its place, one number per dimension.
        actual: The output's value, as the shortest decimal that means it.
        expected: The golden value, likewise.
        steps: Their distance in representable values: integer steps, or ULP for floats.
        error: Their distance in the tolerance's unit.
    """

    index: tuple[int, ...]
    actual: Number
    expected: Number
    steps: float
    error: float

    @property
    def place(self) -> str:
        """The index in brackets, such as ``[3, 7]``."""
        return str(list(self.index))


@dataclass(frozen=True, kw_only=True)
class OutputResult:
    """The verdict on one output.

    Attributes:
        name: The argument's name.
        finding: What is wrong, None where the output is right.
        message: That in one line, without the name.
        total: Elements that the contract declares.
        compared: Elements whose value was compared; less than `total` only where something
            was wrong before values could be compared.
        bad: Elements that are wrong or were never written.
        unwritten: How many of `bad` were never written, as far as that is certain.
        nan: How many of `bad` are NaN where the golden model has a number.
        first: The first of `bad`, at most `kernels.compare.check.SHOWN`.
        worst: The element with the largest error, also of a right output; None where all
            are equal or nothing was compared.
        unit: What `steps` counts: ``steps`` or ``ULP``.
        tolerance: What was allowed and why.
        diagnosis: What the bad elements are or where they lie, where that is certain.
    """

    name: str
    finding: Finding | None
    message: str
    total: int
    compared: int = 0
    bad: int = 0
    unwritten: int = 0
    nan: int = 0
    first: tuple[Element, ...] = ()
    worst: Element | None = None
    unit: str = "steps"
    tolerance: str = ""
    diagnosis: str = ""

    @property
    def ok(self) -> bool:
        """Whether every element was compared and none is wrong."""
        return self.finding is None

    def __str__(self) -> str:
        code = f" [{self.finding.code}]" if self.finding else ""
        head = _wrapped(f"{self.name}: {self.message}{code}", "")
        return "\n".join((*head, *self.details()))

    def details(self) -> list[str]:
        """Return the lines below the message: elements, worst, what was allowed, pattern."""
        lines = self._table() if self.first else []
        if self.bad > len(self.first) > 0:
            lines.append(f"  ... and {self.bad - len(self.first):,} more")
        if not self.ok and self.worst:
            lines += _wrapped(f"worst: {self._described(self.worst)}")
        if not self.ok and self.tolerance:
            lines += _wrapped(f"allowed: {self.tolerance}")
        if self.diagnosis:
            lines += _wrapped(f"pattern: {self.diagnosis}")
        return lines

    def _described(self, element: Element) -> str:
        text = f"{element.place} is {element.actual} and should be {element.expected}"
        if math.isfinite(element.steps):
            unit = "step" if (element.steps, self.unit) == (1, "steps") else self.unit
            text += f", {_amount(element.steps)} {unit} away"
        if math.isfinite(element.error) and element.error != element.steps:
            text += f", an error of {element.error:.3g}"
        return text

    def _table(self) -> list[str]:
        rows = [("index", "actual", "expected", self.unit)]
        rows += [(e.place, str(e.actual), str(e.expected), _amount(e.steps)) for e in self.first]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return [
            f"  {place:<{widths[0]}}  {actual:>{widths[1]}}  {expected:>{widths[2]}}"
            f"  {steps:>{widths[3]}}"
            for place, actual, expected, steps in rows
        ]


@dataclass(frozen=True)
class Comparison:
    """The verdict on all outputs of one run."""

    outputs: tuple[OutputResult, ...]

    @property
    def ok(self) -> bool:
        """Whether there are outputs and every one is right."""
        return bool(self.outputs) and all(output.ok for output in self.outputs)

    @property
    def compared(self) -> int:
        """Elements whose value was compared, over all outputs."""
        return sum(output.compared for output in self.outputs)

    def require(self, what: str) -> None:
        """Raise unless the comparison is `ok`.

        Args:
            what: What ran, to begin the message with, such as ``gelu_int8/512 on zeros``.

        Raises:
            CheckFailed: With the first finding's message and code, and all of them below.
        """
        if self.ok:
            return
        wrong, *others = [output for output in self.outputs if output.finding]
        finding = wrong.finding or Finding.EMPTY
        below = [*wrong.details(), *(line for other in others for line in str(other).splitlines())]
        raise CheckFailed(
            f"{what}: {wrong.name}: {wrong.message}",
            cure=finding.cure,
            code=finding.code,
            details=tuple(below),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the verdict in types that JSON has; NaN and infinities become strings."""
        plain: dict[str, Any] = _plain(asdict(self))
        for record, output in zip(plain["outputs"], self.outputs, strict=True):
            record["code"] = output.finding.code if output.finding else None
        return {"ok": self.ok, "compared": self.compared, **plain}

    def __str__(self) -> str:
        return "\n".join(str(output) for output in self.outputs)


def _amount(steps: float) -> str:
    """Write a count of steps; what has no distance (NaN, infinity) is a dash."""
    if not math.isfinite(steps):
        return "-"
    return f"{steps:,.0f}" if steps < 1e12 else f"{steps:.2e}"


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent="    ") or [indent]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return str(value) if isinstance(value, StrEnum) else value
