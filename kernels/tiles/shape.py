"""The shape of one core's tiles, how DMAs bring matrices into it, and what a product costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kernels.contract.arguments import bfloat16
from kernels.contract.mlir import Dims, memref

STACK = 0xD00
"""Bytes of stack: room for spilled 1,024-bit accumulators, as mlir-aie's matmul designs give."""

LOAD_LATENCY = 7
"""Cycles from a load to its use (llvm-aie's AIE2Schedule)."""

CALL = 20
"""Cycles to call a function, set its modes and fill its loop. Assumed."""

SCALAR_MAC = {np.dtype(np.int8): 8, bfloat16: 120}
"""Cycles of a multiply-accumulate in a plain loop: two loads, a product and an addition that
hide part of the load latency; in software for bfloat16, with no scalar floating-point unit."""


@dataclass(frozen=True)
class MatrixUnit:
    """One product of the matrix unit, and how many of them the kernels keep going.

    Attributes:
        element: Type of A's and B's elements.
        m: Rows of a block of A.
        k: Columns of a block of A.
        n: Columns of a block of B.
        rows: Blocks of rows that are computed at once.
        cols: Blocks of columns that are computed at once.
        sums: Type of a sum.
    """

    element: np.dtype[Any]
    m: int
    k: int
    n: int
    rows: int
    cols: int
    sums: np.dtype[Any]

    @property
    def steps(self) -> tuple[int, int, int]:
        """Of what a tile's m, k and n are multiples."""
        return self.rows * self.m, self.k, self.cols * self.n


INT8 = MatrixUnit(np.dtype(np.int8), 4, 8, 8, 2, 2, np.dtype(np.int32))
"""256 int8 multiply-accumulates a cycle: ``mmul<4, 8, 8>``."""

BF16 = MatrixUnit(bfloat16, 4, 8, 4, 4, 2, np.dtype(np.float32))
"""128 bfloat16 multiply-accumulates a cycle: ``mmul<4, 8, 4>``."""


@dataclass(frozen=True)
class TileShape:
    """One core's product: m x k times k x n, in the layout of ``int8.hpp`` and ``bf16.hpp``."""

    unit: MatrixUnit
    m: int
    k: int
    n: int

    @property
    def a(self) -> str:
        """Type of a tile of A."""
        return memref((self.m, self.k), self.unit.element)

    @property
    def b(self) -> str:
        """Type of a tile of B."""
        return memref((self.k, self.n), self.unit.element)

    @property
    def sums(self) -> str:
        """Type of a tile of sums."""
        return memref((self.m, self.n), self.unit.sums)

    @property
    def c(self) -> str:
        """Type of a tile of C that went back to the elements' type."""
        return memref((self.m, self.n), self.unit.element)

    def a_blocks(self, width: int | None = None) -> Dims:
        """Return the order that reads m rows of a row-major matrix as tiles of A.

        Args:
            width: Columns of the matrix, the k of one tile by default.
        """
        columns = width or self.k
        return [(columns // self.unit.k, self.unit.k), (self.m, columns), (self.unit.k, 1)]

    def b_blocks(self) -> Dims:
        """Return the order that reads a row-major tile of B as blocks."""
        unit = self.unit
        return [
            (self.k // unit.k, unit.k * self.n),
            (self.n // unit.n, unit.n),
            (unit.k, self.n),
            (unit.n, 1),
        ]

    def c_rows(self) -> Dims:
        """Return the order that reads a tile of C, stored as blocks, row by row."""
        unit = self.unit
        return [(self.m, unit.n), (self.n // unit.n, self.m * unit.n), (unit.n, 1)]

    def cycles(self, scalar: bool = False) -> int:
        """Return estimated cycles of a product; see `basis`."""
        unit = self.unit
        if scalar:
            return SCALAR_MAC[unit.element] * self.m * self.k * self.n
        turns = self.m // (unit.rows * unit.m) * (self.n // (unit.cols * unit.n))
        inner = self.k // unit.k
        blocks = unit.rows * unit.cols
        size = unit.element.itemsize
        operands = (unit.rows * unit.m + unit.cols * unit.n) * unit.k * size // 32
        moved = blocks * unit.m * unit.n * unit.sums.itemsize // 32
        loads = (operands * inner + moved + 1) // 2
        return turns * (max(blocks * inner, loads, moved) + LOAD_LATENCY + 1) + CALL

    def basis(self, scalar: bool = False) -> str:
        """Return where `cycles` comes from."""
        unit = self.unit
        if scalar:
            each = SCALAR_MAC[unit.element]
            return f"about {each} cycles per multiply-accumulate in a plain loop, assumed"
        return (
            f"one block product of {unit.m}x{unit.k}x{unit.n} a cycle, or the loads of operands "
            "and sums at two a cycle, or the stores of sums at one, whatever is more, for every "
            f"{unit.rows}x{unit.cols} blocks of C with the inner loop unrolled and stores under "
            f"the next blocks' products; {LOAD_LATENCY + 1} cycles until the first operands are "
            f"there; {CALL} a call; no memory bank conflicts"
        )
