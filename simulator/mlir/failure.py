"""Errors that name a line of the design."""

from __future__ import annotations

from typing import Any

from xdsl.dialects.builtin import FileLineColLoc
from xdsl.ir import Operation

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


def origin(operation: Operation, name: str = "") -> Origin:
    """Return where an object of the array comes from."""
    return Origin(name, line_of(operation))
