"""Layer normalisation of bfloat16 rows."""

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
    arg_param,
    bfloat16,
)
from kernels.contract.mlir import Callee, Fifo, constant, core, device, loop, memref, sequence

FEATURES = 512

EPSILON = 1e-5
"""Added to the variance, as Whisper's layers and PyTorch's default have it."""

LARGEST_VARIANCE = 2.0**127 / FEATURES
"""From here on the sum of squares leaves fp32's range, and the row is NaN."""


@dataclass(frozen=True)
class LayernormBf16(Kernel):
    """Layer normalisation of bfloat16 rows: gamma * (x - mean) / sqrt(var + 1e-5) + beta.

    Mean and variance are those of each row of 512, summed in fp32; the result is rounded to
    bfloat16 once. A row with a NaN or an infinity, or with a variance of 2^118 or more, is NaN
    throughout. Gamma and beta are finite.

    Attributes:
        rows: Rows per call; they share gamma and beta.
        version: ``vector`` works on 16 features at a time, ``scalar`` on one.
    """

    rows: int = 64
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Relative(
        rtol=2.0**-7,
        floor=2.0**-4,
        reason="the kernel and the golden value round to bfloat16 once, at most 2^-8 each; where "
        "beta cancels gamma's product, 2^-15 of a product of up to 16 is left",
    )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return one row, its scalar twin, and 64 rows."""
        return (cls(1), cls(1, "scalar"), cls())

    @property
    def label(self) -> str:
        """``64x512``, and ``64x512-scalar`` for the scalar twin."""
        suffix = "" if self.version == "vector" else f"-{self.version}"
        return f"{self.rows}x{FEATURES}{suffix}"

    def args(self) -> tuple[Arg, ...]:
        """Return the rows, gamma, beta and the result."""
        return (
            arg_in("x", (self.rows, FEATURES), bfloat16),
            arg_param("gamma", (FEATURES,), bfloat16),
            arg_param("beta", (FEATURES,), bfloat16),
            arg_out("y", (self.rows, FEATURES), bfloat16),
        )

    def params(self) -> dict[str, Array]:
        """Return gamma 1 and beta 0: the plain normalisation."""
        return {"gamma": np.ones(FEATURES, bfloat16), "beta": np.zeros(FEATURES, bfloat16)}

    def functions(self) -> tuple[Function, ...]:
        """Return the version's entry point, called once a row."""
        if self.version == "scalar":
            return (
                Function(
                    symbol="layernorm_bf16_scalar",
                    cycles=550 * FEATURES,
                    basis="11 software floating-point operations a feature at about 50 cycles "
                    "each, for the core has no scalar floating-point unit",
                ),
            )
        return (
            Function(
                symbol="layernorm_bf16_vector",
                cycles=25 * FEATURES // 16 + 600,
                basis="per 16 features 2 cycles for the sum, 8 for the squares and 15 for the "
                "output, one floating-point operation a cycle; about 600 a row for two "
                "reductions, the inverse root in emulated fp32, 5 software floating-point "
                "operations, and filling the loops",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the number of features."""
        return {"LAYERNORM_FEATURES": FEATURES}

    def design(self) -> str:
        """Return the design: rows stream past gamma and beta, which come once a call."""
        x, gamma, beta, y = self.args()
        row, pair = memref((FEATURES,), bfloat16), memref((2 * FEATURES,), bfloat16)
        of_x, of_y = Fifo("of_x", row), Fifo("of_y", row)
        of_params = Fifo("of_params", pair, depth=1)
        layernorm = Callee(self.functions()[0].symbol, (row, pair, row))
        return device(
            "npu1_1col",
            "%shim = aie.tile(0, 0)",
            "%core = aie.tile(0, 2)",
            "",
            of_x.create("%shim", "%core"),
            "// Gammas, then betas, in one buffer: x has the shim tile's other channel.",
            of_params.create("%shim", "%core"),
            of_y.create("%core", "%shim"),
            "",
            layernorm.declare(),
            core(
                "%core",
                of_params.acquire("Consume", "%params"),
                constant("%rows", self.rows),
                loop(
                    "%row",
                    "%rows",
                    of_x.acquire("Consume", "%x"),
                    of_y.acquire("Produce", "%y"),
                    layernorm.call("%x", "%params", "%y"),
                    of_x.release("Consume"),
                    of_y.release("Produce"),
                ),
                of_params.release("Consume"),
            ),
            sequence(
                self.args(),
                of_params.memcpy(gamma, bd=0),
                of_params.memcpy(beta, bd=1),
                of_x.memcpy(x, bd=2),
                of_y.memcpy(y, bd=3, token=True),
                of_y.wait(),
            ),
        )

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Follow the formula in float64 and round once."""
        with np.errstate(invalid="ignore"):
            x = inputs["x"].astype(np.float64)
            deviation = x - x.mean(axis=-1, keepdims=True)
            variance = (deviation * deviation).mean(axis=-1, keepdims=True)
            variance[~(variance < LARGEST_VARIANCE)] = np.nan
            normalised = deviation / np.sqrt(variance + EPSILON)
            y = normalised * inputs["gamma"].astype(np.float64) + inputs["beta"].astype(np.float64)
        return {"y": y.astype(bfloat16)}

    def work(self) -> Work:
        """Count sum, two subtractions, square, add, and three to scale, per feature."""
        size = self.rows * FEATURES
        return Work(ops=8 * size, bytes=sum(arg.nbytes for arg in self.args()))

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add rows far from zero, of hardly any and of nearly too much variance."""
        shape = (self.rows, FEATURES)
        normal = np.random.default_rng([seed, FEATURES]).standard_normal(shape)
        bump = np.arange(FEATURES) == 100
        corners = {
            "far-from-zero": 1000 + 20 * normal,
            "least-variance": np.broadcast_to(np.where(bump, 129.0, 128.0), shape),
            "outlier": np.broadcast_to(np.where(bump, 1e4, -1.0), shape),
            "below-epsilon": 1e-4 * normal,
            "huge": 1e16 * normal,
        }
        mine = (
            Case(name, {"x": x.astype(bfloat16, order="C"), **self.params()})
            for name, x in corners.items()
        )
        return chain(super().cases(seed), mine)

    def demo(self) -> Iterator[Case]:
        """Yield rows as a trained layer has them: gamma near 1, beta near 0."""
        rng = np.random.default_rng(2026)
        layer = {
            "x": rng.normal(0.3, 2, (self.rows, FEATURES)),
            "gamma": rng.normal(1, 0.2, FEATURES),
            "beta": rng.normal(0, 0.2, FEATURES),
        }
        yield Case("trained-layer", {name: data.astype(bfloat16) for name, data in layer.items()})


KERNEL = LayernormBf16
