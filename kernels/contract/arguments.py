"""What goes in and out of a kernel: named, typed, shaped arguments with a role."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
"""The AIE2 vector unit's floating-point type."""


class Role(StrEnum):
    """What an argument of the runtime sequence is for.

    ``in`` is fresh on every call; ``param`` is read too, but constant from call to call
    (weights, tables), so that its default data comes from the kernel (`Kernel.params`);
    ``out`` is written and must be written whole; ``inout`` is both.
    """

    IN = "in"
    OUT = "out"
    INOUT = "inout"
    PARAM = "param"

    @property
    def is_read(self) -> bool:
        """Whether the caller supplies the argument's content."""
        return self is not Role.OUT

    @property
    def is_written(self) -> bool:
        """Whether the kernel writes the argument."""
        return self in (Role.OUT, Role.INOUT)


@dataclass(frozen=True)
class Arg:
    """One argument of a kernel's runtime sequence: a dense row-major array on the host.

    Attributes:
        name: Its name in the golden model and in messages.
        role: What it is for.
        shape: Elements per dimension, outermost first.
        dtype: numpy dtype; `bfloat16` for AIE2's own.
    """

    name: str
    role: Role
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes on the host and in the device's buffer."""
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        dims = "x".join(map(str, self.shape))
        return f"{self.role.value} {self.name}: {dims} {self.dtype.name}"


def arg_in(name: str, shape: tuple[int, ...], dtype: Any) -> Arg:
    """Declare an input that changes from call to call."""
    return Arg(name, Role.IN, shape, np.dtype(dtype))


def arg_param(name: str, shape: tuple[int, ...], dtype: Any) -> Arg:
    """Declare an input that stays the same from call to call, such as weights."""
    return Arg(name, Role.PARAM, shape, np.dtype(dtype))


def arg_out(name: str, shape: tuple[int, ...], dtype: Any) -> Arg:
    """Declare an output, every element of which the kernel writes."""
    return Arg(name, Role.OUT, shape, np.dtype(dtype))


@dataclass(frozen=True, kw_only=True)
class Function:
    """A native entry point of kernel.cc that the design's cores call.

    Attributes:
        symbol: Its ``extern "C"`` name.
        cycles: Estimated core cycles of one call. The simulator's clock uses it, and every
            figure that depends on it is labelled an estimate.
        basis: Where the estimate comes from, in words.
    """

    symbol: str
    cycles: int
    basis: str


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one call of a kernel does, for throughput figures.

    Attributes:
        ops: Arithmetic operations that the algorithm needs; a multiply-accumulate counts 2.
        bytes: Bytes moved between host memory and the array, all arguments together.
    """

    ops: int
    bytes: int
