"""Layer normalisation of int8 features in integer arithmetic."""

from __future__ import annotations

import math
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
    arg_param,
)
from kernels.contract.mlir import Callee, Fifo, core, device, memref, sequence

FEATURES = 256

GAMMA_SCALE = 1 / 64
"""One int8 step of gamma: it spans [-2, 1.98], and 64 is 1."""

OUTPUT_SCALE = 1 / 32
"""One int8 step of beta and of the output: they span [-4, 3.97] standard deviations."""


@dataclass(frozen=True)
class LayernormInt8(Kernel):
    """Layer normalisation of 256 int8 features, with gamma and beta.

    The features may have any scale, for normalising removes it. One step of gamma is 1/64,
    one of beta and of the output 1/32. There is no epsilon: where all features are equal the
    normalised ones are 0, and everywhere else the variance is at least 255 / 2^16 steps^2.

    The output is defined to the bit, in integers, with N = 256 and round(v / 2^s) to nearest
    with ties up:

    1. S = sum(x), D = N * sum(x^2) - S^2: N^2 times the variance, exact, below 2^30.
    2. k is the least integer with D * 4^k >= 2^28. With m = D * 4^k, r = floor(sqrt(m)) and
       R = min(2^15 - 1, floor(2^29 / r)): the reciprocal of the standard deviation in 15 bits.
       Where D = 0, k and R are 0.
    3. u = round((N * x - S) * 2^k / 2^4) and z = round(u * R / 2^14): the normalised feature
       with 11 fraction bits. Both fit int16, for no feature of 256 is further than
       sqrt(255) standard deviations from the mean.
    4. y = round((z * gamma + beta * 2^12) / 2^12), saturated to [-128, 127].

    That is within one step of the formula in real numbers; `real_layernorm` is the formula.

    Attributes:
        version: ``vector`` works on 32 features at a time, ``scalar`` on one.
    """

    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Exact("the output is defined in integers, to the bit")

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return the vector version and its scalar twin."""
        return (cls(), cls("scalar"))

    @property
    def label(self) -> str:
        """``256``, and ``256-scalar`` for the scalar twin."""
        return f"{FEATURES}" if self.version == "vector" else f"{FEATURES}-{self.version}"

    def args(self) -> tuple[Arg, ...]:
        """Return the features, gamma, beta and the result."""
        return (
            arg_in("x", (FEATURES,), np.int8),
            arg_param("gamma", (FEATURES,), np.int8),
            arg_param("beta", (FEATURES,), np.int8),
            arg_out("y", (FEATURES,), np.int8),
        )

    def params(self) -> dict[str, Array]:
        """Return gamma 1 and beta 0: the plain normalisation."""
        return {
            "gamma": np.full(FEATURES, 1 / GAMMA_SCALE, np.int8),
            "beta": np.zeros(FEATURES, np.int8),
        }

    def functions(self) -> tuple[Function, ...]:
        """Return the version's entry point."""
        if self.version == "scalar":
            return (
                Function(
                    symbol="layernorm_int8_scalar",
                    cycles=31 * FEATURES,
                    basis="31 cycles a feature, as a scalar layer norm of two loops took in "
                    "compiled AIE2 code (7,951 cycles for 256)",
                ),
            )
        return (
            Function(
                symbol="layernorm_int8_vector",
                cycles=500,
                basis="8 rounds of 4 cycles for the sums and of 8 for the output, two "
                "reductions of 5 steps, 42 rounds of about 6 cycles for scale, root and "
                "reciprocal, and about 100 to call, fill and drain the loops",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the number of features."""
        return {"LAYERNORM_FEATURES": FEATURES}

    def design(self) -> str:
        """Return the design: three arguments follow each other into the core's one buffer."""
        x, gamma, beta, y = self.args()
        packed, row = memref((3 * FEATURES,), np.int8), memref((FEATURES,), np.int8)
        of_in, of_out = Fifo("of_in", packed), Fifo("of_out", row)
        layernorm = Callee(self.functions()[0].symbol, (packed, row))
        return device(
            "npu1_1col",
            "%shim = aie.tile(0, 0)",
            "%core = aie.tile(0, 2)",
            "",
            "// Features, gammas, betas: a shim tile has only two channels to the array, so the",
            "// three share one, and each fills a third of the core's buffer.",
            of_in.create("%shim", "%core"),
            of_out.create("%core", "%shim"),
            "",
            layernorm.declare(),
            core(
                "%core",
                of_in.acquire("Consume", "%packed"),
                of_out.acquire("Produce", "%out"),
                layernorm.call("%packed", "%out"),
                of_in.release("Consume"),
                of_out.release("Produce"),
            ),
            sequence(
                self.args(),
                of_in.memcpy(x, bd=0),
                of_in.memcpy(gamma, bd=1),
                of_in.memcpy(beta, bd=2),
                of_out.memcpy(y, bd=3, token=True),
                of_out.wait(),
            ),
        )

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Follow the definition with integers of any size."""
        x, gamma, beta = (inputs[name].astype(np.int64) for name in ("x", "gamma", "beta"))
        total = int(x.sum())
        spread = FEATURES * int((x * x).sum()) - total**2
        k, reciprocal = _scale(spread)
        u = _rounded((FEATURES * x - total) << k, 4)
        z = _rounded(u * reciprocal, 14)
        y = _rounded(z * gamma + (beta << 12), 12)
        return {"y": np.clip(y, -128, 127).astype(np.int8)}

    def work(self) -> Work:
        """Count sum, square, add, subtract and four operations to scale, per feature."""
        return Work(ops=8 * FEATURES, bytes=sum(arg.nbytes for arg in self.args()))

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add rows at the ends of the variance's range, and one whose output saturates."""
        flat = np.full(FEATURES, 5, np.int8)
        outlier = np.where(np.arange(FEATURES) == 100, -128, 127).astype(np.int8)
        steep = {name: np.full(FEATURES, 127, np.int8) for name in ("gamma", "beta")}
        least = flat + (np.arange(FEATURES) == 17).astype(np.int8)
        corners = [
            Case("flat-row", {"x": flat, **self.params()}),
            Case("least-variance", {"x": least, **self.params()}),
            Case("outlier", {"x": outlier, **self.params()}),
            Case("saturating", {"x": outlier, **steep}),
        ]
        return chain(super().cases(seed), corners)

    def demo(self) -> Iterator[Case]:
        """Yield a row as a trained layer has it: normal features, gamma near 1, beta near 0."""
        rng = np.random.default_rng(2026)
        normal = {
            "x": rng.normal(3, 30, FEATURES),
            "gamma": rng.normal(1, 0.2, FEATURES) / GAMMA_SCALE,
            "beta": rng.normal(0, 0.2, FEATURES) / OUTPUT_SCALE,
        }
        row = {name: np.clip(np.rint(data), -128, 127) for name, data in normal.items()}
        yield Case("trained-layer", {name: data.astype(np.int8) for name, data in row.items()})


def real_layernorm(x: Array, gamma: Array, beta: Array) -> Array:
    """Return gamma * (x - mean) / deviation + beta in float64, in steps of the output.

    The definition of Ba, Kiros and Hinton (2016) without epsilon; 0 / 0 counts as 0. Inputs are
    int8 with the kernel's scales; the result is neither rounded nor saturated.
    """
    wide = x.astype(np.float64)
    deviation = wide.std()
    normalised = (wide - wide.mean()) / deviation if deviation else np.zeros(FEATURES)
    real: Array = (
        normalised * (gamma.astype(np.float64) * GAMMA_SCALE) / OUTPUT_SCALE
    ) + beta.astype(np.float64)
    return real


def _scale(spread: int) -> tuple[int, int]:
    """Return k and R of the definition's step 2."""
    if spread == 0:
        return 0, 0
    k = next(k for k in range(15) if spread * 4**k >= 2**28)
    return k, min(2**15 - 1, 2**29 // math.isqrt(spread * 4**k))


def _rounded(values: Array, shift: int) -> Array:
    """Return values / 2^shift, rounded to nearest with ties up."""
    rounded: Array = (values + 2 ** (shift - 1)) // 2**shift
    return rounded


KERNEL = LayernormInt8
