"""bfloat16 matrix product on one core, as the matrix unit wants it."""

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
    Function,
    Kernel,
    Relative,
    Tolerance,
    Work,
    arg_in,
    arg_out,
    bfloat16,
)
from kernels.contract.mlir import Callee, Fifo, core, device, link, memref, sequence
from kernels.matmul_int8.layout import STACK, to_blocks, to_rows

BLOCK_M, BLOCK_K, BLOCK_N = 4, 8, 4
"""One product of the matrix unit on bfloat16: 4 x 8 times 8 x 4 (``mmul<4, 8, 4>``)."""


@dataclass(frozen=True)
class MatmulBf16(Kernel):
    """C = A x B for one bfloat16 tile: fp32 sums, rounded once to bfloat16.

    NaN and infinities do what they do in IEEE arithmetic. The magnitudes of the products of one
    sum stay together within fp32's range, else the sum may be infinite or NaN on the way.

    Attributes:
        m: Rows of A and C, a multiple of 8.
        k: Columns of A and rows of B, a multiple of 8.
        n: Columns of B and C, a multiple of 8.
        version: ``vector`` uses the matrix unit, ``scalar`` is the plain loop beside it.
    """

    m: int = 64
    k: int = 64
    n: int = 64
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Relative(
        rtol=2.0**-7,
        floor=2.0**-5,
        reason="the sum and the golden value are rounded to bfloat16, at most 2^-8 each; where "
        "products of 1 cancel, the fp32 sum of 64 is off by 2^-12 at most (8 steps of 9 roundings)",
    )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return a tile of 64 cubed, and one of 16 x 32 x 24 by either version."""
        return (cls(16, 32, 24), cls(16, 32, 24, "scalar"), cls())

    @property
    def label(self) -> str:
        """``64x64x64``, and ``16x32x24-scalar`` for the scalar twin."""
        suffix = "" if self.version == "vector" else f"-{self.version}"
        return f"{self.m}x{self.k}x{self.n}{suffix}"

    def args(self) -> tuple[Arg, ...]:
        """Return A, B and C, row-major."""
        return (
            arg_in("A", (self.m, self.k), bfloat16),
            arg_in("B", (self.k, self.n), bfloat16),
            arg_out("C", (self.m, self.n), bfloat16),
        )

    def functions(self) -> tuple[Function, ...]:
        """Return the version's entry point."""
        macs = self.m * self.k * self.n
        if self.version == "scalar":
            return (
                Function(
                    symbol="matmul_bf16_scalar",
                    cycles=120 * macs,
                    basis="about 120 cycles per multiply-accumulate in software: the core has no "
                    "scalar floating-point unit",
                ),
            )
        quads = self.m // (2 * BLOCK_M) * (self.n // (2 * BLOCK_N))
        return (
            Function(
                symbol="matmul_bf16_vector",
                cycles=quads * (4 * self.k // BLOCK_K + 24),
                basis="128 bfloat16 multiply-accumulates a cycle in the inner loop (4 block "
                "products, all 8 load slots), and about 24 cycles to fill and drain the "
                "pipeline and round for every 2x2 blocks of C",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the tile's shape."""
        return {
            "MATMUL_M": self.m,
            "MATMUL_K": self.k,
            "MATMUL_N": self.n,
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
        """Multiply in float64 and round once."""
        with np.errstate(invalid="ignore", over="ignore"):
            c = inputs["A"].astype(np.float64) @ inputs["B"].astype(np.float64)
            return {"C": c.astype(bfloat16)}

    def work(self) -> Work:
        """Count two operations per product."""
        return Work(ops=2 * self.m * self.k * self.n, bytes=sum(arg.nbytes for arg in self.args()))

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Replace the sums that leave fp32's range on the way to 0; add sums that cancel."""
        standard = (case for case in super().cases(seed) if case.name != "alternating")
        sign = np.resize([1.0, -1.0], self.k)
        rng = np.random.default_rng([seed, self.k])
        paired = np.repeat(rng.standard_normal((self.k // 2, self.n)), 2, axis=0)
        corners = {
            "alternating": (np.tile(sign * 1e15, (self.m, 1)), np.full((self.k, self.n), 1e15)),
            "cancelling": (np.tile(sign, (self.m, 1)), paired),
            "identity": (np.eye(self.m, self.k), rng.standard_normal((self.k, self.n))),
        }
        mine = (
            Case(name, {"A": a.astype(bfloat16), "B": b.astype(bfloat16)})
            for name, (a, b) in corners.items()
        )
        return chain(standard, mine)


KERNEL = MatmulBf16
