"""Layer normalisation, softmax and GELU of bfloat16 rows, chained over three cores."""

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
from kernels.gelu_bf16.kernel import real_gelu
from kernels.layernorm_bf16.kernel import EPSILON
from kernels.softmax_bf16.kernel import real_softmax

FEATURES = 1024
"""Elements of a row: 2 KB, as the chain of the first lab has them."""

LARGEST_VARIANCE = 2.0**127 / FEATURES
"""From here on the sum of squares leaves fp32's range, and the row is NaN."""


@dataclass(frozen=True)
class LnSoftmaxGelu(Kernel):
    """GELU of the softmax of normalised bfloat16 rows: three stages on three cores.

    Layer normalisation has gamma, beta and an epsilon of 1e-5, softmax follows it, and exact
    GELU that; each is the kernel of its name, and rounds to bfloat16 for the next. A row with
    a NaN or an infinity, or with a variance of 2^117 or more, is NaN throughout. Gamma and
    beta are finite.

    Attributes:
        rows: Rows of 1,024 per call; while one is in a stage the next is in the stage before.
        version: ``vector`` works on 16 elements at a time, ``scalar`` on one.
    """

    rows: int = 16
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Relative(
        rtol=2.0**-4,
        floor=2.0**-12,
        reason="a normalised value of up to 16 is rounded to bfloat16 by up to 2^-5, by which "
        "share its exponential changes, and as much the sum of them; what is below a quarter of "
        "an even share of the row, 2^-10, counts absolutely",
    )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return one row, its scalar twin, and 16 rows."""
        return (cls(1), cls(1, "scalar"), cls())

    @property
    def label(self) -> str:
        """``16x1024``, and ``1x1024-scalar`` for the scalar twin."""
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
        """Return the three stages, each called once a row, with the estimates of their kernels."""
        if self.version == "scalar":
            cycles = {
                "layernorm": 550 * FEATURES,
                "softmax": 1200 * FEATURES,
                "gelu": 1800 * FEATURES,
            }
            basis = (
                "11, 24 and 36 software floating-point operations an element in the three stages "
                "at about 50 cycles each, for the core has no scalar floating-point unit"
            )
        else:
            vectors = FEATURES // 16
            cycles = {
                "layernorm": 25 * vectors + 600,
                "softmax": 34 * vectors + 400,
                "gelu": 54 * vectors + 150,
            }
            basis = (
                "25, 34 and 54 operations of the one floating-point unit per 16 elements in the "
                "three stages, pipelined, and what a row costs besides"
            )
        return tuple(
            Function(symbol=f"chain_{stage}_{self.version}", cycles=count, basis=basis)
            for stage, count in cycles.items()
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the elements of a row."""
        return {"CHAIN_FEATURES": FEATURES}

    def design(self) -> str:
        """Return the design: cores one above the other, each reading the one below's memory."""
        x, gamma, beta, y = self.args()
        row, pair = memref((FEATURES,), bfloat16), memref((2 * FEATURES,), bfloat16)
        of_x, of_y = Fifo("of_x", row), Fifo("of_y", row)
        of_params = Fifo("of_params", pair, depth=1)
        of_normalised, of_shares = Fifo("of_normalised", row), Fifo("of_shares", row)
        symbols = [function.symbol for function in self.functions()]
        layernorm = Callee(symbols[0], (row, pair, row))
        softmax, gelu = Callee(symbols[1], (row, row)), Callee(symbols[2], (row, row))
        return device(
            "npu1_1col",
            "%shim = aie.tile(0, 0)",
            "%first = aie.tile(0, 2)",
            "%second = aie.tile(0, 3)",
            "%third = aie.tile(0, 4)",
            "",
            of_x.create("%shim", "%first"),
            "// Gammas, then betas, in one buffer: x has the shim tile's other channel.",
            of_params.create("%shim", "%first"),
            "// Neighbours share memory: these two need no DMA.",
            of_normalised.create("%first", "%second"),
            of_shares.create("%second", "%third"),
            of_y.create("%third", "%shim"),
            "",
            *(stage.declare() for stage in (layernorm, softmax, gelu)),
            core(
                "%first",
                of_params.acquire("Consume", "%params"),
                constant("%rows", self.rows),
                loop(
                    "%row",
                    "%rows",
                    of_x.acquire("Consume", "%x"),
                    of_normalised.acquire("Produce", "%normalised"),
                    layernorm.call("%x", "%params", "%normalised"),
                    of_x.release("Consume"),
                    of_normalised.release("Produce"),
                ),
                of_params.release("Consume"),
            ),
            _stage("%second", of_normalised, softmax, of_shares),
            _stage("%third", of_shares, gelu, of_y),
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
        """Follow the three formulas in float64 and round once, at the end."""
        y = real_chain(inputs["x"], inputs["gamma"], inputs["beta"])
        return {"y": y.astype(bfloat16)}

    def work(self) -> Work:
        """Count what the three kernels count for each element: 8, 5 and 2 operations."""
        size = self.rows * FEATURES
        return Work(ops=15 * size, bytes=sum(arg.nbytes for arg in self.args()))

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add a row that one element wins, rows far from zero, and a spoilt row among others."""
        shape = (self.rows, FEATURES)
        normal = np.random.default_rng([seed, FEATURES]).standard_normal(shape)
        bump = np.arange(FEATURES) == 100
        spoilt = normal.copy()
        spoilt[self.rows // 2, 700] = np.inf
        corners = {
            "outlier": np.broadcast_to(np.where(bump, 1e4, -1.0), shape),
            "far-from-zero": 1000 + 20 * normal,
            "huge": 1e16 * normal,
            "one-row-spoilt": spoilt,
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


def _stage(tile: str, source: Fifo, stage: Callee, target: Fifo) -> str:
    """Return the program of a core that takes a row, does its stage, and hands the row on."""
    return core(
        tile,
        source.acquire("Consume", "%in"),
        target.acquire("Produce", "%out"),
        stage.call("%in", "%out"),
        source.release("Consume"),
        target.release("Produce"),
    )


def real_chain(x: Array, gamma: Array, beta: Array) -> Array:
    """Return GELU(softmax(layernorm(x))) of each row in float64."""
    with np.errstate(invalid="ignore"):
        wide = x.astype(np.float64)
        deviation = wide - wide.mean(axis=-1, keepdims=True)
        variance = (deviation * deviation).mean(axis=-1, keepdims=True)
        variance[~(variance < LARGEST_VARIANCE)] = np.nan
        normalised = deviation / np.sqrt(variance + EPSILON)
        shares = real_softmax(normalised * gamma.astype(np.float64) + beta.astype(np.float64))
    y: Array = np.array([real_gelu(share) for share in shares.ravel().tolist()])
    return y.reshape(x.shape)


KERNEL = LnSoftmaxGelu
