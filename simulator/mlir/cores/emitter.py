"""Python source under construction: lines, names, and what SSA values have become."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator
from contextlib import contextmanager

from xdsl.dialects.builtin import IndexType, IntegerType
from xdsl.ir import Attribute, Operation, SSAValue

from simulator.mlir.cores.values import Index, MemRefValue
from simulator.mlir.failure import unsupported
from simulator.mlir.layouts import Element, element
from simulator.mlir.parse import line_of

Value = Index | float | MemRefValue


def python_name(like: str, taken: set[str]) -> str:
    """Return a name like one of the design that neither Python nor `taken` has, and take it.

    The same name with an underscore, for a typed view of the memory behind it, is taken too.
    """
    base = re.sub(r"\W", "_", like)
    if base[0].isdigit() or keyword.iskeyword(base) or base in dir(builtins):
        base = f"v{base}" if base[0].isdigit() else f"{base}0"
    name, number = base, 1
    while name in taken or f"{name}_" in taken:
        number += 1
        name = f"{base}{number}"
    taken |= {name, f"{name}_"}
    return name


class Emitter:
    """Collects the lines of one Python function.

    Attributes:
        taken: Names that mean something else in the source.
    """

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self._lines: list[str] = []
        self._depth = 1
        self._values: dict[SSAValue, Value] = {}

    @property
    def source(self) -> str:
        """The lines of the function's body."""
        return "\n".join(self._lines or ["    pass"])

    def line(self, text: str) -> None:
        """Add a line at the current depth."""
        self._lines.append("    " * self._depth + text)

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """Add a compound statement; its body is what is added inside."""
        self.line(header)
        self._depth += 1
        start = len(self._lines)
        yield
        if len(self._lines) == start:
            self.line("pass")
        self._depth -= 1

    def name(self, value: SSAValue | None, default: str) -> str:
        """Return a new variable, called like the design's value where it has a name."""
        hint = value.name_hint if value is not None else None
        return python_name(hint or default, self.taken)

    def knows(self, value: SSAValue) -> bool:
        """Tell whether it is said already what a value is."""
        return value in self._values

    def set(self, value: SSAValue, what: Value) -> None:
        """Say what an SSA value is in the source."""
        self._values[value] = what

    def assign(self, value: SSAValue, expression: str) -> str:
        """Add ``name = expression`` for an SSA value and return the name."""
        name = self.name(value, "v")
        self.line(f"{name} = {expression}")
        self._values[value] = name
        return name

    def define(self, value: SSAValue, expression: str) -> None:
        """Let a pure expression stand for a value: inline if it is used once and at hand."""
        uses = list(value.uses)
        owner = value.owner
        here = owner.parent if isinstance(owner, Operation) else None
        if len(uses) == 1 and uses[0].operation.parent is here and len(expression) < 60:
            self._values[value] = f"({expression})"
        elif uses:
            self.assign(value, expression)

    def scalar(self, value: SSAValue, user: Operation) -> str:
        """Return the expression of a number."""
        what = self._values.get(value)
        if what is None or isinstance(what, MemRefValue):
            raise unsupported(user, f"{user.name} of {value.type}")
        return f"({what})" if isinstance(what, int | float) and what < 0 else str(what)

    def index(self, value: SSAValue, user: Operation) -> Index:
        """Return a number used as an index: known now, or an expression."""
        what = self._values.get(value)
        return what if isinstance(what, int) else self.scalar(value, user)

    def memref(self, value: SSAValue, user: Operation) -> MemRefValue:
        """Return the memref that a value is."""
        what = self._values.get(value)
        if not isinstance(what, MemRefValue):
            raise unsupported(user, f"{user.name} of {value.type}")
        return what

    def anything(self, value: SSAValue, user: Operation) -> str:
        """Return what stands for a value where it is passed on as a whole."""
        what = self._values.get(value)
        if isinstance(what, MemRefValue):
            if not what.is_dense:
                raise unsupported(user, f"{user.name} of a memref with gaps")
            return what.name if what.offset == 0 else f"{what.name}.part({what.offset})"
        return self.scalar(value, user)

    def line_number(self, operation: Operation) -> int:
        """Return the design line of an operation."""
        return line_of(operation)


def width_of(type_: Attribute) -> int | None:
    """Return the bits of an integer type; None for index, whose arithmetic does not wrap."""
    return type_.width.data if isinstance(type_, IntegerType) else None


def is_number(type_: Attribute) -> bool:
    """Tell whether a type is a scalar that the source can compute with."""
    return isinstance(type_, IndexType) or element(type_) is not None


def rounding(type_: Attribute) -> str:
    """Return the function that rounds a result to a float type, "" for double precision."""
    what: Element | None = element(type_)
    return {"f32": "f32", "bf16": "bf16"}.get(what.name if what else "", "")
