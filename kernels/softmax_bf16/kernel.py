"""Softmax of bfloat16 rows."""

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
from kernels.contract.mlir import Callee, Fifo, core, device, memref, sequence


@dataclass(frozen=True)
class SoftmaxBf16(Kernel):
    """Softmax of every row of a bfloat16 matrix: exp(x - max) / sum(exp(x - max)).

    The exponentials are rounded to bfloat16 once, summed in fp32, and divided with one more
    rounding. An exponential below exp(-87.25), next to the smallest normal number, is 0.

    Special values are those of the formula in IEEE arithmetic: an element of -inf gives 0; a
    row with a NaN or with +inf, or of -inf alone, is NaN throughout. Rows do not mix.

    Attributes:
        rows: Rows per call; the core holds two at a time.
        cols: Elements of a row, even and at least 16.
        version: ``vector`` works on 16 elements at a time, ``scalar`` on one.
    """

    rows: int = 16
    cols: int = 1500
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Relative(
        rtol=3 * 2.0**-8,
        floor=2.0**-110,
        reason="three roundings to bfloat16 of at most 2^-8 each: the exponential, the quotient "
        "and the golden value itself; results below 2^-110 are near where exp is cut to 0",
    )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return one row, its scalar twin, 8 short rows of whole vectors, and 16 long ones."""
        return (cls(1), cls(1, version="scalar"), cls(8, 64), cls())

    @property
    def label(self) -> str:
        """``16x1500``, and ``16x1500-scalar`` for the scalar twin."""
        suffix = "" if self.version == "vector" else f"-{self.version}"
        return f"{self.rows}x{self.cols}{suffix}"

    def args(self) -> tuple[Arg, ...]:
        """Return the matrix and the result."""
        shape = (self.rows, self.cols)
        return (arg_in("x", shape, bfloat16), arg_out("y", shape, bfloat16))

    def functions(self) -> tuple[Function, ...]:
        """Return the version's entry point, called once a row."""
        if self.version == "scalar":
            return (
                Function(
                    symbol="softmax_bf16_scalar",
                    cycles=1200 * self.cols,
                    basis="about 24 software floating-point operations an element at about 50 "
                    "cycles each, for the core has no scalar floating-point unit",
                ),
            )
        vectors = -(-self.cols // 16)
        return (
            Function(
                symbol="softmax_bf16_vector",
                cycles=34 * vectors + 400,
                basis="per 16 elements 4 cycles for the maximum, 26 for the exponential (24 "
                "operations of the one floating-point unit, pipelined) and 4 to divide; about "
                "400 a row for two reductions, the reciprocal, the tail, and filling the loops",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the elements of a row."""
        return {"SOFTMAX_COLS": self.cols}

    def design(self) -> str:
        """Return the design: rows stream through one core, double-buffered."""
        x, y = self.args()
        row = memref((self.cols,), bfloat16)
        of_x, of_y = Fifo("of_x", row), Fifo("of_y", row)
        softmax = Callee(self.functions()[0].symbol, (row, row))
        return device(
            "npu1_1col",
            "%shim = aie.tile(0, 0)",
            "%core = aie.tile(0, 2)",
            "",
            "// One transfer each way carries all rows; the core takes them one by one.",
            of_x.create("%shim", "%core"),
            of_y.create("%core", "%shim"),
            "",
            softmax.declare(),
            core(
                "%core",
                of_x.acquire("Consume", "%x"),
                of_y.acquire("Produce", "%y"),
                softmax.call("%x", "%y"),
                of_x.release("Consume"),
                of_y.release("Produce"),
            ),
            sequence(
                self.args(),
                of_x.memcpy(x, bd=0),
                of_y.memcpy(y, bd=1, token=True),
                of_y.wait(),
            ),
        )

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Follow the formula in float64 and round once."""
        return {"y": real_softmax(inputs["x"]).astype(bfloat16)}

    def work(self) -> Work:
        """Count maximum, difference, exponential, sum and quotient, per element."""
        size = self.rows * self.cols
        return Work(ops=5 * size, bytes=sum(arg.nbytes for arg in self.args()))

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add attention-like rows, rows masked with -inf, and the whole range of exp."""
        shape = (self.rows, self.cols)
        rng = np.random.default_rng([seed, self.cols])
        scores = rng.normal(0, 4, shape)
        causal = np.where(rng.random(shape) < 0.7, -np.inf, scores)
        causal[:, self.cols // 2] = 1.0  # no row is masked throughout
        last = np.arange(self.cols) == self.cols - 1
        corners = {
            "scores": scores,
            "masked": causal,
            "all-masked": np.full(shape, -np.inf),
            "range-of-exp": np.broadcast_to(np.linspace(0, -100, self.cols), shape),
            "last-wins": np.broadcast_to(np.where(last, 300.0, 200.0), shape),
        }
        mine = (
            Case(name, {"x": data.astype(bfloat16, order="C")}) for name, data in corners.items()
        )
        return chain(super().cases(seed), mine)

    def demo(self) -> Iterator[Case]:
        """Yield attention scores: normal, of deviation 4."""
        scores = np.random.default_rng(2026).normal(0, 4, (self.rows, self.cols))
        yield Case("attention-scores", {"x": scores.astype(bfloat16)})


def real_softmax(x: Array) -> Array:
    """Return the softmax of each row of `x` in float64: exp(x - max) / sum, as IEEE has it."""
    with np.errstate(invalid="ignore", under="ignore"):
        wide = x.astype(np.float64)
        powers = np.exp(wide - wide.max(axis=-1, keepdims=True))
        quotients: Array = powers / powers.sum(axis=-1, keepdims=True)
    return quotients


KERNEL = SoftmaxBf16
