"""The product's way through the array: 4 columns by 4 rows of cores, one output tile each.

Core (row, col) computes tile (4 * i + row, 4 * j + col) of C for every i and j. Tiles of A come
in through column `row` and go along a row of cores, tiles of B come in through column `col` and
up that column, and the four tiles of C that a column of cores has finished are joined in its
memory tile. Every fifo is double-buffered. (The dataflow of mlir-aie's whole-array example,
programming_examples/basic/matrix_multiplication.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.contract.arguments import Arg
from kernels.contract.mlir import (
    Callee,
    Fifo,
    constant,
    core,
    device,
    link,
    loop,
    memref,
    sequence,
)
from kernels.matmul_int8.layout import BLOCK_K, BLOCK_M, BLOCK_N, STACK, to_blocks, to_rows

ROWS = COLS = 4
"""Rows and columns of cores on Phoenix."""

IN_FLIGHT = 2
"""Row blocks of C that the host has queued at once: one is computed while the next waits."""


@dataclass(frozen=True)
class Dataflow:
    """The design of one product.

    Attributes:
        args: A (M x K), B (K x N) and C (M x N), row-major.
        tile: Rows, inner dimension and columns (m, k, n) of one core's product.
    """

    args: tuple[Arg, Arg, Arg]
    tile: tuple[int, int, int]

    def text(self) -> str:
        """Return the design as MLIR text."""
        return device(
            "npu1",
            *self._tiles(),
            *self._a(),
            *self._b(),
            *self._c(),
            *self._functions(),
            "",
            "// Cores: set a tile of C to zero, add its products, hand it on.",
            *(line for row in range(ROWS) for col in range(COLS) for line in self._core(row, col)),
            "",
            sequence(self.args, *self._sequence()),
        )

    @property
    def _requantised(self) -> bool:
        return self.args[2].dtype == np.int8

    @property
    def _types(self) -> tuple[str, str, str]:
        """Types of one tile of A, B and C."""
        m, k, n = self.tile
        a, b, c = (arg.dtype for arg in self.args)
        return memref((m, k), a), memref((k, n), b), memref((m, n), c)

    @property
    def _sums_type(self) -> str:
        m, _, n = self.tile
        return memref((m, n), np.int32)

    def _fifo(self, kind: str, *place: int) -> Fifo:
        """Return fifo `kind` (A_L3L2, ...) of a row, a column or a core; L3 is host memory,
        L2 a memory tile, L1 a core's memory.
        """
        m, _, n = self.tile
        types = dict(zip("ABC", self._types, strict=True))
        joined = memref((ROWS * m, n), self.args[2].dtype)
        name = "_".join((kind, *map(str, place)))
        return Fifo(name, joined if kind == "C_L2L3" else types[kind[0]])

    def _tiles(self) -> list[str]:
        names = ["shim", "mem", *(f"core{row}" for row in range(ROWS))]
        return [
            f"%{name}_{col} = aie.tile({col}, {row})"
            for row, name in enumerate(names)
            for col in range(COLS)
        ]

    def _a(self) -> list[str]:
        m, k, _ = self.tile
        lines = ["", "// A: column i brings in the tiles of row i and sends them along that row."]
        for row in range(ROWS):
            l3l2, l2l1 = self._fifo("A_L3L2", row), self._fifo("A_L2L1", row)
            cores = [f"%core{row}_{col}" for col in range(COLS)]
            order = to_blocks(m, k, BLOCK_M, BLOCK_K)
            lines += [
                l3l2.create(f"%shim_{row}", f"%mem_{row}"),
                l2l1.create(f"%mem_{row}", *cores, to_stream=order),
                link([l3l2], [l2l1]),
            ]
        return lines

    def _b(self) -> list[str]:
        _, k, n = self.tile
        lines = ["", "// B: column j brings in its own tiles and sends them to all its cores."]
        for col in range(COLS):
            l3l2, l2l1 = self._fifo("B_L3L2", col), self._fifo("B_L2L1", col)
            cores = [f"%core{row}_{col}" for row in range(ROWS)]
            order = to_blocks(k, n, BLOCK_K, BLOCK_N)
            lines += [
                l3l2.create(f"%shim_{col}", f"%mem_{col}"),
                l2l1.create(f"%mem_{col}", *cores, to_stream=order),
                link([l3l2], [l2l1]),
            ]
        return lines

    def _c(self) -> list[str]:
        m, _, n = self.tile
        lines = ["", "// C: the memory tile joins a column's four tiles and sends them row by row."]
        for col in range(COLS):
            parts = [self._fifo("C_L1L2", row, col) for row in range(ROWS)]
            joined = self._fifo("C_L2L3", col)
            order = to_rows(m, n, BLOCK_M, BLOCK_N)
            lines += [
                *(
                    part.create(f"%core{row}_{col}", f"%mem_{col}")
                    for row, part in enumerate(parts)
                ),
                joined.create(f"%mem_{col}", f"%shim_{col}", to_stream=order),
                link(parts, [joined], join=[row * m * n for row in range(ROWS)]),
            ]
        return lines

    @property
    def _zero(self) -> Callee:
        return Callee("matmul_zero", (self._sums_type,))

    @property
    def _mac(self) -> Callee:
        return Callee("matmul_mac", (*self._types[:2], self._sums_type))

    @property
    def _requantise(self) -> Callee:
        return Callee("matmul_requantise", (self._sums_type, self._types[2]))

    def _functions(self) -> list[str]:
        used = [self._zero, self._mac, *([self._requantise] if self._requantised else [])]
        return ["", *(function.declare() for function in used)]

    def _core(self, row: int, col: int) -> list[str]:
        """Return one core's program: an output tile per round, summed over the inner tiles.

        int32 sums grow in the output fifo's own buffer; for int8 they need one of their own.
        """
        a, b = self._fifo("A_L2L1", row), self._fifo("B_L2L1", col)
        c = self._fifo("C_L1L2", row, col)
        sums = f"%sums{row}_{col}" if self._requantised else "%c"
        k_tiles = self.args[0].shape[1] // self.tile[1]
        step = (
            a.acquire("Consume", "%a"),
            b.acquire("Consume", "%b"),
            self._mac.call("%a", "%b", sums),
            a.release("Consume"),
            b.release("Consume"),
        )
        summed = (
            self._zero.call(sums),
            constant("%k_tiles", k_tiles),
            loop("%k", "%k_tiles", *step),
        )
        tile = f"%core{row}_{col}"
        acquire, release = c.acquire("Produce", "%c"), c.release("Produce")
        if not self._requantised:
            return [core(tile, acquire, *summed, release, stack_size=STACK)]
        requantise = self._requantise.call(sums, "%c")
        return [
            f'{sums} = aie.buffer({tile}) {{sym_name = "sums{row}_{col}"}} : {self._sums_type}',
            core(tile, *summed, acquire, requantise, release, stack_size=STACK),
        ]

    def _sequence(self) -> list[str]:
        """Return the host's transfers, one row block of C after the other.

        A row block takes three of each shim tile's 16 buffer descriptors, used again when its
        C has arrived: then its A and B have been sent as well.
        """
        row_blocks = self.args[2].shape[0] // (ROWS * self.tile[0])
        lines = []
        for block in range(row_blocks):
            if block >= IN_FLIGHT:
                lines += self._wait(block - IN_FLIGHT)
            lines += self._transfers(block)
        for block in range(max(0, row_blocks - IN_FLIGHT), row_blocks):
            lines += self._wait(block)
        return lines

    def _wait(self, block: int) -> list[str]:
        waits = [self._fifo("C_L2L3", col).wait() for col in range(COLS)]
        return [f"// Wait for row block {block}.", *waits]

    def _transfers(self, block: int) -> list[str]:
        """Return the transfers of row block `block`: 4 * m rows of A and C, and all of B.

        Each column's A goes out once per column block of C, each column's B is its tiles of
        every column block.
        """
        (m, k, n), (a, b, c) = self.tile, self.args
        inner, width = b.shape
        col_blocks, k_tiles = width // (COLS * n), inner // k
        first_row = block * ROWS * m
        bd = 3 * (block % IN_FLIGHT)
        lines = [
            f"// Row block {block}: rows {first_row} to {first_row + ROWS * m - 1} of A and C."
        ]
        for col in range(COLS):
            lines += [
                self._fifo("C_L2L3", col).memcpy(
                    c,
                    bd=bd,
                    offset=first_row * width + col * n,
                    dims=[(col_blocks, COLS * n), (ROWS * m, width), (n, 1)],
                    token=True,
                ),
                self._fifo("A_L3L2", col).memcpy(
                    a,
                    bd=bd + 1,
                    offset=(first_row + col * m) * inner,
                    dims=[(col_blocks, 0), (k_tiles, k), (m, inner), (k, 1)],
                ),
                self._fifo("B_L3L2", col).memcpy(
                    b,
                    bd=bd + 2,
                    offset=col * n,
                    dims=[(col_blocks, COLS * n), (k_tiles, k * width), (k, width), (n, 1)],
                ),
            ]
        return lines
