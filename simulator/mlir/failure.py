"""Errors that name a line of the design."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xdsl.dialects.builtin import FileLineColLoc
from xdsl.ir import Operation, SSAValue

from errors import CheckFailed
from simulator.array.config import Origin
from simulator.mlir.parse import line_of


def where(operation: Operation) -> str:
    """Return ``design.mlir:12`` for an operation."""
    location = operation.location
    if isinstance(location, FileLineColLoc):
        return f"{location.filename.data}:{location.line.data}"
    return operation.name


def refuse(operation: Operation, message: str, *, code: str, cure: str, **more: Any) -> CheckFailed:
    """Return the error that refuses a design because of one operation."""
    return CheckFailed(f"{where(operation)}: {message}", code=code, cure=cure, **more)


def unsupported(operation: Operation, what: str | None = None) -> CheckFailed:
    """Return the error for something correct that the simulator cannot do yet (NPU130)."""
    return refuse(
        operation,
        f"{what or operation.name} is not supported by the simulator yet",
        code="NPU130",
        cure="express it with what docs/architecture.md lists as simulated",
    )


def no_pad_value(operation: Operation) -> CheckFailed:
    """Return the error for padding that is not zero: only later devices have a value for it."""
    return refuse(
        operation,
        "padding has another value than 0, and the memory tiles of a Phoenix have no register "
        "for one",
        code="NPU109",
        cure="pad with zeros, or let a core fill in the value",
    )


def next_operand(values: Iterator[SSAValue], operation: Operation) -> SSAValue:
    """Return the operand for a number that the text leaves to one.

    Raises:
        CheckFailed: NPU109, there is none: the text has a number of the same bits.
    """
    value = next(values, None)
    if value is None:
        raise refuse(
            operation,
            f"{operation.name} has a number that does not fit into 63 bits",
            code="NPU109",
            cure="give it a number that the array can hold",
        )
    return value


def origin(operation: Operation, name: str = "") -> Origin:
    """Return where an object of the array comes from."""
    return Origin(name, line_of(operation))
