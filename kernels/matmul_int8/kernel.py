"""int8 matrix product on one core, as the matrix unit wants it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Literal, Self

import numpy as np

from kernels.contract import (
    Arg,
    Array,
    Case,
    Exact,
    Function,
    Kernel,
    Tolerance,
    Work,
    arg_in,
    arg_out,
)
from kernels.contract.mlir import (
    Callee,
    Fifo,
    core,
    device,
    link,
    memref,
    sequence,
)
from kernels.matmul_int8.layout import BLOCK_K, BLOCK_M, BLOCK_N, STACK, to_blocks, to_rows


@dataclass(frozen=True)
class MatmulInt8(Kernel):
    """C = requantise(A x B) for one int8 tile: int32 sums, shifted to int8.

    Attributes:
        m: Rows of A and C, a multiple of 8.
        k: Columns of A and rows of B, a multiple of 8.
        n: Columns of B and C, a multiple of 16.
        version: ``vector`` uses the matrix unit, ``scalar`` is the plain loop beside it.
        shift: C is the sum divided by 2^shift, rounded to nearest with ties to even (the
            core's ``conv_even`` mode) and saturated.
    """

    m: int = 64
    k: int = 64
    n: int = 64
    version: Literal["vector", "scalar"] = "vector"
    shift: int = 10

    tolerance: ClassVar[Tolerance] = Exact("integer arithmetic with one stated rounding")

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return three square tiles, each by the matrix unit and by the scalar loop."""
        return tuple(
            cls(size, size, size, version)
            for size in (16, 32, 64)
            for version in ("vector", "scalar")
        )

    @property
    def label(self) -> str:
        """``64x64x64``, and ``64x64x64-scalar`` for the scalar twin."""
        suffix = "" if self.version == "vector" else f"-{self.version}"
        return f"{self.m}x{self.k}x{self.n}{suffix}"

    def args(self) -> tuple[Arg, ...]:
        """Return A, B and C, row-major."""
        return (
            arg_in("A", (self.m, self.k), np.int8),
            arg_in("B", (self.k, self.n), np.int8),
            arg_out("C", (self.m, self.n), np.int8),
        )

    def functions(self) -> tuple[Function, ...]:
        """Return the version's entry point."""
        macs = self.m * self.k * self.n
        if self.version == "scalar":
            return (
                Function(
                    symbol="matmul_int8_scalar",
                    cycles=8 * macs,
                    basis="about 8 cycles per multiply-accumulate: two byte loads, a product "
                    "and an addition in a loop that hides part of the 7-cycle load latency",
                ),
            )
        quads = self.m // (2 * BLOCK_M) * (self.n // (2 * BLOCK_N))
        return (
            Function(
                symbol="matmul_int8_vector",
                cycles=quads * (4 * self.k // BLOCK_K + 24),
                basis="256 int8 multiply-accumulates a cycle in the inner loop (4 block "
                "products, 6 of 8 load slots), and about 24 cycles to fill and drain the "
                "pipeline and requantise for every 2x2 blocks of C",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the tile's shape and the shift."""
        return {
            "MATMUL_M": self.m,
            "MATMUL_K": self.k,
            "MATMUL_N": self.n,
            "MATMUL_SHIFT": self.shift,
        }

    def design(self) -> str:
        """Return the design: through the memory tile, which reorders rows into blocks."""
        m, k, n = self.m, self.k, self.n
        a, b, c = self.args()
        a_type, b_type, c_type = (memref(arg.shape, arg.dtype) for arg in (a, b, c))
        a_l3l2, a_l2l1 = Fifo("A_L3L2", a_type), Fifo("A_L2L1", a_type)
        b_l3l2, b_l2l1 = Fifo("B_L3L2", b_type), Fifo("B_L2L1", b_type)
        c_l1l2, c_l2l3 = Fifo("C_L1L2", c_type), Fifo("C_L2L3", c_type)
        matmul = Callee(self.functions()[0].symbol, (a_type, b_type, c_type))
        return device(
            "npu1_1col",
            "%shim = aie.tile(0, 0)",
            "%mem = aie.tile(0, 1)",
            "%core = aie.tile(0, 2)",
            "",
            f"// A and B arrive row by row; the core gets blocks of {BLOCK_M}x{BLOCK_K} and "
            f"{BLOCK_K}x{BLOCK_N}.",
            a_l3l2.create("%shim", "%mem"),
            a_l2l1.create("%mem", "%core", to_stream=to_blocks(m, k, BLOCK_M, BLOCK_K)),
            link([a_l3l2], [a_l2l1]),
            b_l3l2.create("%shim", "%mem"),
            b_l2l1.create("%mem", "%core", to_stream=to_blocks(k, n, BLOCK_K, BLOCK_N)),
            link([b_l3l2], [b_l2l1]),
            "",
            f"// C leaves the core in blocks of {BLOCK_M}x{BLOCK_N} and the array row by row.",
            c_l1l2.create("%core", "%mem"),
            c_l2l3.create("%mem", "%shim", to_stream=to_rows(m, n, BLOCK_M, BLOCK_N)),
            link([c_l1l2], [c_l2l3]),
            "",
            matmul.declare(),
            core(
                "%core",
                a_l2l1.acquire("Consume", "%a"),
                b_l2l1.acquire("Consume", "%b"),
                c_l1l2.acquire("Produce", "%c"),
                matmul.call("%a", "%b", "%c"),
                a_l2l1.release("Consume"),
                b_l2l1.release("Consume"),
                c_l1l2.release("Produce"),
                stack_size=STACK,
            ),
            sequence(
                self.args(),
                a_l3l2.memcpy(a, bd=0),
                b_l3l2.memcpy(b, bd=1),
                c_l2l3.memcpy(c, bd=2, token=True),
                c_l2l3.wait(),
            ),
        )

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Multiply in float64, which is exact here, and round half to even as numpy does."""
        sums = inputs["A"].astype(np.float64) @ inputs["B"].astype(np.float64)
        scaled = np.rint(sums / 2.0**self.shift)
        return {"C": np.clip(scaled, -128, 127).astype(np.int8)}

    def work(self) -> Work:
        """Count two operations per product."""
        return Work(ops=2 * self.m * self.k * self.n, bytes=sum(arg.nbytes for arg in self.args()))

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add sums that lie exactly between two outputs, where roundings differ."""
        return chain(super().cases(seed), [Case("ties", self._ties())])

    def _ties(self) -> dict[str, Array]:
        """Inputs with every sum an odd multiple of half an output step, of either sign."""
        a = np.zeros((self.m, self.k), np.int8)
        b = np.zeros((self.k, self.n), np.int8)
        a[:, :8] = (2 * (np.arange(self.m) - self.m // 2) + 1)[:, np.newaxis]
        b[:8] = 1 << (self.shift - 4)
        return {"A": a, "B": b}


KERNEL = MatmulInt8
