"""int8 matrix product on the whole array: 16 cores, memory tiles, double-buffered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np

from errors import UsageError
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
from kernels.matmul_int8.layout import BLOCK_K, BLOCK_M, BLOCK_N
from kernels.matmul_int8_array.design import COLS, ROWS, Dataflow

MAX_COLUMN_BLOCKS = 64
"""Times that a shim BD's iteration can repeat: 6 bits (AIEX verifyStridesWraps)."""

MAX_INNER = 1 << 17
"""Products of two int8 that an int32 sum holds in the worst case: 2^31 / 2^14."""


@dataclass(frozen=True)
class MatmulInt8Array(Kernel):
    """C = A x B in int8 on all 16 cores, out as int32 sums or requantised to int8.

    Attributes:
        M: Rows of A and C, a multiple of 4 * m.
        K: Columns of A and rows of B, a multiple of k.
        N: Columns of B and C, a multiple of 4 * n and at most 64 times that.
        out: Type of C: ``i32``, or ``i8`` for sum / 2^shift, rounded to nearest with ties to
            even (the core's ``conv_even`` mode) and saturated.
        m: Rows of one core's tile, a multiple of 8.
        k: Inner dimension of one core's tile, a multiple of 8.
        n: Columns of one core's tile, a multiple of 16.
        shift: Used for ``i8`` only.

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

    tolerance: ClassVar[Tolerance] = Exact("integer arithmetic with one stated rounding")

    def __post_init__(self) -> None:
        _require_multiple("m", self.m, 2 * BLOCK_M)
        _require_multiple("k", self.k, BLOCK_K)
        _require_multiple("n", self.n, 2 * BLOCK_N)
        _require_multiple("M", self.M, ROWS * self.m)
        _require_multiple("K", self.K, self.k, limit=MAX_INNER)
        _require_multiple("N", self.N, COLS * self.n, limit=MAX_COLUMN_BLOCKS * COLS * self.n)

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return both output types, and shapes whose dimensions differ."""
        return (
            cls(256, 256, 256, "i32"),
            cls(256, 192, 512, "i8"),
            cls(768, 128, 256, "i32"),
            cls(512, 512, 512, "i32"),
            cls(512, 512, 512, "i8"),
        )

    @property
    def label(self) -> str:
        """``512x512x512-i32``, with the tile where it is not 64x64x64."""
        tile = "" if (self.m, self.k, self.n) == (64, 64, 64) else f"-{self.m}x{self.k}x{self.n}"
        return f"{self.M}x{self.K}x{self.N}-{self.out}{tile}"

    def args(self) -> tuple[Arg, Arg, Arg]:
        """Return A, B and C, row-major."""
        return (
            arg_in("A", (self.M, self.K), np.int8),
            arg_in("B", (self.K, self.N), np.int8),
            arg_out("C", (self.M, self.N), np.int32 if self.out == "i32" else np.int8),
        )

    def functions(self) -> tuple[Function, ...]:
        """Return what a core does with a tile of C: zero it, add to it, requantise it."""
        vectors = self.m * self.n // (BLOCK_M * BLOCK_N)
        quads = self.m // (2 * BLOCK_M) * (self.n // (2 * BLOCK_N))
        zero = Function(
            symbol="matmul_zero",
            cycles=4 * vectors + 10,
            basis="32 int32 a round, one 256-bit store a cycle",
        )
        mac = Function(
            symbol="matmul_mac",
            cycles=quads * (4 * self.k // BLOCK_K + 40),
            basis="256 int8 multiply-accumulates a cycle in the inner loop (4 block products, "
            "6 of 8 load slots), and about 40 cycles to load and store the 16 vectors of sums "
            "and to fill and drain the pipeline for every 2x2 blocks of C",
        )
        requantise = Function(
            symbol="matmul_requantise",
            cycles=4 * vectors + 20,
            basis="32 sums a round: 4 256-bit loads at two a cycle, two cycles of "
            "shift-round-saturate, one store",
        )
        return (zero, mac, requantise) if self.out == "i8" else (zero, mac)

    def defines(self) -> Mapping[str, int | str]:
        """Return one core's tile and the shift."""
        return {
            "MATMUL_M": self.m,
            "MATMUL_K": self.k,
            "MATMUL_N": self.n,
            "MATMUL_SHIFT": self.shift,
        }

    def design(self) -> str:
        """Return the whole-array design."""
        return Dataflow(args=self.args(), tile=(self.m, self.k, self.n)).text()

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


def _require_multiple(name: str, value: int, step: int, limit: int | None = None) -> None:
    if value > 0 and value % step == 0 and (limit is None or value <= limit):
        return
    nearest = max(step, (value + step // 2) // step * step)
    if limit is not None:
        nearest = min(nearest, limit // step * step)
    bound = "" if limit is None else f" of at most {limit}"
    raise UsageError(
        f"matmul_int8_array: {name} = {value} is not a positive multiple of {step}{bound}",
        cure=f"use {name} = {nearest}, the nearest that the array's tiles divide",
        code="NPU150",
    )


KERNEL = MatmulInt8Array
