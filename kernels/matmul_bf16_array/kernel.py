"""bfloat16 matrix product on the whole array: 16 cores, memory tiles, double-buffered."""

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
from kernels.contract.mlir import Callee
from kernels.tiles.array import COLS, ROWS, Calls, Dataflow, Product
from kernels.tiles.require import require_multiple, require_two_products
from kernels.tiles.shape import BF16, TileShape

MAX_COLUMN_BLOCKS = 64
"""Times that a shim BD's iteration can repeat: 6 bits (AIEX verifyStridesWraps)."""

MAX_INNER = 1024
"""Products of a sum for which the tolerance's figure is derived."""


@dataclass(frozen=True)
class MatmulBf16Array(Kernel):
    """C = A x B in bfloat16 on all 16 cores: fp32 sums, rounded once to bfloat16.

    NaN and infinities do what they do in IEEE arithmetic. The magnitudes of the products of one
    sum stay together within fp32's range, else the sum may be infinite or NaN on the way.

    Attributes:
        M: Rows of A and C, a multiple of 4 * m.
        K: Columns of A and rows of B, at least two times k, a multiple of it, at most 1,024.
        N: Columns of B and C, a multiple of 4 * n and at most 64 times that.
        m: Rows of one core's tile, a multiple of 16.
        k: Inner dimension of one core's tile, a multiple of 8.
        n: Columns of one core's tile, a multiple of 8.
        version: ``vector`` uses the matrix unit, ``scalar`` is the plain loop beside it.

    Raises:
        UsageError: A dimension is none of these multiples.
    """

    M: int = 512
    K: int = 512
    N: int = 512
    m: int = 64
    k: int = 32
    n: int = 64
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Relative(
        rtol=2.0**-7,
        floor=2.0**-1,
        reason="the sum and its golden value round to neighbours at most, a step of 2^-7; of "
        "numbers below 1/2 an absolute 2^-8, which is what an fp32 sum of 1,024 products in 128 "
        "steps of 9 roundings is off by at most while it is below 128 on its way",
    )

    def __post_init__(self) -> None:
        name = self.kernel_name()
        for size, step in zip("mkn", BF16.steps, strict=True):
            require_multiple(name, size, getattr(self, size), step)
        require_multiple(name, "M", self.M, ROWS * self.m)
        require_multiple(name, "K", self.K, self.k, limit=MAX_INNER)
        across = COLS * self.n
        require_multiple(name, "N", self.N, across, limit=MAX_COLUMN_BLOCKS * across)
        require_two_products(name, self.K, self.k)

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return a small product by either version, one whose dimensions differ, 512 cubed."""
        return (
            cls(64, 32, 64, 16, 16, 16),
            cls(64, 32, 64, 16, 16, 16, "scalar"),
            cls(256, 96, 512),
            cls(512, 512, 512),
        )

    @property
    def label(self) -> str:
        """``512x512x512``, with the tile where it is not 64x32x64, and the scalar twin's name."""
        tile = "" if (self.m, self.k, self.n) == (64, 32, 64) else f"-{self.m}x{self.k}x{self.n}"
        version = "" if self.version == "vector" else f"-{self.version}"
        return f"{self.M}x{self.K}x{self.N}{tile}{version}"

    def args(self) -> tuple[Arg, Arg, Arg]:
        """Return A, B and C, row-major."""
        return (
            arg_in("A", (self.M, self.K), bfloat16),
            arg_in("B", (self.K, self.N), bfloat16),
            arg_out("C", (self.M, self.N), bfloat16),
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
        """Return one core's tile and the version."""
        return {
            "MATMUL_M": self.m,
            "MATMUL_K": self.k,
            "MATMUL_N": self.n,
            "MATMUL_SCALAR": int(self.version == "scalar"),
        }

    def design(self) -> str:
        """Return the whole-array design."""
        return self._dataflow().text()

    @property
    def slow(self) -> bool:
        """Large products are."""
        return self.M * self.K * self.N > 1 << 26

    @property
    def _shape(self) -> TileShape:
        return TileShape(BF16, self.m, self.k, self.n)

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
                last=Callee("matmul_last", (*added, shape.c)),
            ),
        )

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Multiply in float64 and round once."""
        with np.errstate(invalid="ignore", over="ignore"):
            c = inputs["A"].astype(np.float64) @ inputs["B"].astype(np.float64)
            return {"C": c.astype(bfloat16)}

    def work(self) -> Work:
        """Count two operations per product, and what the shim tiles move.

        A goes out once per column block of C, B once per row block.
        """
        a, b, c = self.args()
        moved = a.nbytes * (self.N // (COLS * self.n)) + b.nbytes * (self.M // (ROWS * self.m))
        return Work(ops=2 * self.M * self.K * self.N, bytes=moved + c.nbytes)

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Replace the sums that leave fp32's range on the way to 0; add sums that cancel.

        Large products leave out what the small ones show.
        """
        standard = (case for case in super().cases(seed) if case.name != "alternating")
        sign = np.resize([1.0, -1.0], self.K)
        rng = np.random.default_rng([seed, self.K])
        paired = np.repeat(rng.standard_normal((self.K // 2, self.N)), 2, axis=0)
        corners = {
            "alternating": (np.tile(sign * 1e15, (self.M, 1)), np.full((self.K, self.N), 1e15)),
            "cancelling": (np.tile(sign, (self.M, 1)), paired),
            "identity": (np.eye(self.M, self.K), rng.standard_normal((self.K, self.N))),
        }
        mine = (
            Case(name, {"A": a.astype(bfloat16), "B": b.astype(bfloat16)})
            for name, (a, b) in corners.items()
        )
        few = ("zeros", "ramp", "tiny", "cancelling", "random-0")
        large = self.M * self.K * self.N > 1 << 20
        return (case for case in chain(standard, mine) if case.name in few or not large)


KERNEL = MatmulBf16Array
