"""int8 matrix product on the whole array: 16 cores, memory tiles, double-buffered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np

from kernels.contract import (
    Arg,
    Array,
    Exact,
    Function,
    Kernel,
    Tolerance,
    Work,
    arg_in,
    arg_out,
)
from kernels.contract.mlir import Callee
from kernels.tiles.array import COLS, ROWS, Calls, Dataflow, Product
from kernels.tiles.require import require_multiple, require_two_products
from kernels.tiles.shape import INT8, TileShape

MAX_COLUMN_BLOCKS = 64
"""Times that a shim BD's iteration can repeat: 6 bits (AIEX verifyStridesWraps)."""

MAX_INNER = 1 << 17
"""Products of two int8 that an int32 sum holds in the worst case: 2^31 / 2^14."""


@dataclass(frozen=True)
class MatmulInt8Array(Kernel):
    """C = A x B in int8 on all 16 cores, out as int32 sums or requantised to int8.

    Attributes:
        M: Rows of A and C, a multiple of 4 * m.
        K: Columns of A and rows of B, a multiple of k, for ``i8`` at least twice k.
        N: Columns of B and C, a multiple of 4 * n and at most 64 times that.
        out: Type of C: ``i32``, or ``i8`` for sum / 2^shift, rounded to nearest with ties to
            even (the core's ``conv_even`` mode) and saturated.
        m: Rows of one core's tile, a multiple of 8.
        k: Inner dimension of one core's tile, a multiple of 8; 128 is best for ``i8``.
        n: Columns of one core's tile, a multiple of 16.
        shift: Used for ``i8`` only.
        version: ``vector`` uses the matrix unit, ``scalar`` is the plain loop beside it.

    Raises:
        UsageError: A dimension is none of these multiples.
    """

    M: int = 512
    K: int = 512
    N: int = 512
    out: Literal["i32", "i8"] = "i32"
    m: int = 64
    k: int = 64
    n: int = 64
    shift: int = 12
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Exact("integer arithmetic with one stated rounding")

    def __post_init__(self) -> None:
        multiples = dict(zip("mkn", INT8.steps, strict=True))
        for name, step in multiples.items():
            require_multiple(self.kernel_name(), name, getattr(self, name), step)
        require_multiple(self.kernel_name(), "M", self.M, ROWS * self.m)
        require_multiple(self.kernel_name(), "K", self.K, self.k, limit=MAX_INNER)
        across = COLS * self.n
        require_multiple(self.kernel_name(), "N", self.N, across, limit=MAX_COLUMN_BLOCKS * across)
        if self.out == "i8":
            require_two_products(self.kernel_name(), self.K, self.k)

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return both output types, shapes whose dimensions differ, and the scalar twin."""
        return (
            cls(64, 48, 128, "i8", 16, 16, 16),
            cls(64, 48, 128, "i8", 16, 16, 16, version="scalar"),
            cls(256, 256, 256, "i32"),
            cls(256, 384, 512, "i8", k=128),
            cls(768, 128, 256, "i32"),
            cls(512, 512, 512, "i32"),
            cls(512, 512, 512, "i8", k=128),
        )

    @property
    def label(self) -> str:
        """``512x512x512-i32``, with the tile where it is not the one that suits `out` best.

        That is 64x64x64 for ``i32`` and 64x128x64 for ``i8``, whose smaller tiles of C leave
        room for it.
        """
        best = (64, 64 if self.out == "i32" else 128, 64)
        tile = "" if (self.m, self.k, self.n) == best else f"-{self.m}x{self.k}x{self.n}"
        version = "" if self.version == "vector" else f"-{self.version}"
        return f"{self.M}x{self.K}x{self.N}-{self.out}{tile}{version}"

    def args(self) -> tuple[Arg, Arg, Arg]:
        """Return A, B and C, row-major."""
        return (
            arg_in("A", (self.M, self.K), np.int8),
            arg_in("B", (self.K, self.N), np.int8),
            arg_out("C", (self.M, self.N), np.int32 if self.out == "i32" else np.int8),
        )

    def functions(self) -> tuple[Function, ...]:
        """Return what a core does with a product: start the sums, add to them, finish."""
        scalar = self.version == "scalar"
        cycles, basis = self._shape.cycles(scalar), self._shape.basis(scalar)
        return tuple(
            Function(symbol=callee.symbol, cycles=cycles, basis=basis)
            for callee in self._dataflow().used()
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return one core's tile, the shift and the version."""
        return {
            "MATMUL_M": self.m,
            "MATMUL_K": self.k,
            "MATMUL_N": self.n,
            "MATMUL_SHIFT": self.shift,
            "MATMUL_SCALAR": int(self.version == "scalar"),
        }

    def design(self) -> str:
        """Return the whole-array design."""
        return self._dataflow().text()

    @property
    def _shape(self) -> TileShape:
        return TileShape(INT8, self.m, self.k, self.n)

    def _dataflow(self) -> Dataflow:
        shape, (a, b, c) = self._shape, self.args()
        added = (shape.a, shape.b, shape.sums)
        return Dataflow(
            args=(a, b, c),
            shape=shape,
            products=(
                Product(a=a, b=b, c=c, rows=self.M, inner=self.K, width=self.N, a_stride=self.K),
            ),
            calls=Calls(
                first=Callee("matmul_first", added),
                mac=Callee("matmul_mac", added),
                last=Callee("matmul_last", (*added, shape.c)) if self.out == "i8" else None,
            ),
        )

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Multiply in float64, which is exact here, and round half to even as numpy does."""
        sums = inputs["A"].astype(np.float64) @ inputs["B"].astype(np.float64)
        if self.out == "i32":
            return {"C": sums.astype(np.int32)}
        return {"C": np.clip(np.rint(sums / 2.0**self.shift), -128, 127).astype(np.int8)}

    def work(self) -> Work:
        """Count two operations per product, and what the shim tiles move.

        A goes out once per column block of C, B once per row block.
        """
        a, b, c = self.args()
        moved = a.nbytes * (self.N // (COLS * self.n)) + b.nbytes * (self.M // (ROWS * self.m))
        return Work(ops=2 * self.M * self.K * self.N, bytes=moved + c.nbytes)


KERNEL = MatmulInt8Array
