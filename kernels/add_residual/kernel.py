"""Residual addition of bfloat16 hidden states."""

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

FEATURES = 512
"""Width of Whisper base's hidden states."""

CHUNK = 4 * FEATURES
"""Elements that the core adds at a time."""


@dataclass(frozen=True)
class AddResidual(Kernel):
    """Sum of two bfloat16 matrices: a block's output added to its residual stream.

    bfloat16, not int8 with saturation: a residual stream grows from block to block, and one
    int8 scale would either saturate the last block or lose the first.

    The sum is rounded to nearest even. A sum out of range is infinite, infinities of opposite
    sign give NaN, as does NaN. A sum below the smallest normal number may become 0.

    Attributes:
        rows: Rows of 512 per call, a multiple of 4.
        version: ``vector`` adds 16 elements at a time, ``scalar`` one.
    """

    rows: int = 64
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Relative(
        rtol=2.0**-24,
        floor=2.0**-102,
        reason="exact: where the smaller number reaches down to half a step of the sum, fp32 holds "
        "the sum, so that there is one rounding; only below 2^-126 the vector unit gives 0",
    )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return 4 rows, their scalar twin, and 64 rows."""
        return (cls(4), cls(4, "scalar"), cls())

    @property
    def label(self) -> str:
        """``64x512``, and ``4x512-scalar`` for the scalar twin."""
        suffix = "" if self.version == "vector" else f"-{self.version}"
        return f"{self.rows}x{FEATURES}{suffix}"

    def args(self) -> tuple[Arg, ...]:
        """Return the block's output, the residual and the sum."""
        shape = (self.rows, FEATURES)
        return (
            arg_in("x", shape, bfloat16),
            arg_in("residual", shape, bfloat16),
            arg_out("y", shape, bfloat16),
        )

    def functions(self) -> tuple[Function, ...]:
        """Return the version's entry point, called once per 4 rows."""
        if self.version == "scalar":
            return (
                Function(
                    symbol="add_residual_scalar",
                    cycles=80 * CHUNK,
                    basis="80 cycles an element for a software addition and rounding: the core "
                    "has no scalar floating-point unit",
                ),
            )
        return (
            Function(
                symbol="add_residual_vector",
                cycles=2 * CHUNK // 16 + 40,
                basis="2 cycles per 16 elements, for the sum is one operation but conversions "
                "in and out take two slots of the load and store units, and about 40 to call, "
                "fill and drain the loop",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the elements per call of the function."""
        return {"ADD_ELEMENTS": CHUNK}

    def design(self) -> str:
        """Return the design: both matrices stream in, each on a channel of its own."""
        x, residual, y = self.args()
        chunk = memref((CHUNK,), bfloat16)
        of_x, of_residual, of_y = (Fifo(f"of_{arg.name}", chunk) for arg in self.args())
        add = Callee(self.functions()[0].symbol, (chunk, chunk, chunk))
        return device(
            "npu1_1col",
            "%shim = aie.tile(0, 0)",
            "%core = aie.tile(0, 2)",
            "",
            of_x.create("%shim", "%core"),
            of_residual.create("%shim", "%core"),
            of_y.create("%core", "%shim"),
            "",
            add.declare(),
            core(
                "%core",
                of_x.acquire("Consume", "%x"),
                of_residual.acquire("Consume", "%residual"),
                of_y.acquire("Produce", "%y"),
                add.call("%x", "%residual", "%y"),
                of_x.release("Consume"),
                of_residual.release("Consume"),
                of_y.release("Produce"),
            ),
            sequence(
                self.args(),
                of_x.memcpy(x, bd=0),
                of_residual.memcpy(residual, bd=1),
                of_y.memcpy(y, bd=2, token=True),
                of_y.wait(),
            ),
        )

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Add in float64, which rounds nothing that bfloat16 could show, and round once."""
        with np.errstate(invalid="ignore", over="ignore"):
            total = inputs["x"].astype(np.float64) + inputs["residual"].astype(np.float64)
            return {"y": total.astype(bfloat16)}

    def work(self) -> Work:
        """Count one addition per element."""
        return Work(ops=self.rows * FEATURES, bytes=sum(arg.nbytes for arg in self.args()))

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add sums that cancel, that lie between two results, and that leave the range."""
        shape = (self.rows, FEATURES)
        normal = np.random.default_rng([seed, FEATURES]).standard_normal(shape)
        sign = np.resize([1.0, -1.0], shape)
        corners = {
            "cancelling": (normal, -normal),
            "ties": (128 + np.resize(np.arange(64.0), shape), 0.5 * sign),
            "nearly-ties": (np.full(shape, 1.0), sign * 2.0**-8 * (1 + 2.0**-7)),
            "out-of-range": (sign * 3.3e38, sign * 1e38),
            "opposite-infinities": (sign * np.inf, np.full(shape, np.inf)),
        }
        mine = (
            Case(name, {"x": x.astype(bfloat16), "residual": residual.astype(bfloat16)})
            for name, (x, residual) in corners.items()
        )
        return chain(super().cases(seed), mine)


KERNEL = AddResidual
