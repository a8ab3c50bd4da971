"""GELU of bfloat16 activations."""

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
class GeluBf16(Kernel):
    """GELU of bfloat16 activations: x * Phi(x), exact and not its tanh approximation.

    NaN gives NaN. Infinities give the limits: +inf itself, -inf 0. Below -5.625, where GELU is
    closer to 0 than 2^-24, the result is 0.

    Attributes:
        n: Elements per call, a multiple of 16.
        version: ``vector`` works on 16 elements at a time, ``scalar`` on one.
    """

    n: int = 2048
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Relative(
        rtol=2.0**-7,
        floor=2.0**-17,
        reason="the kernel and the golden value round to bfloat16 once, at most 2^-8 each, and "
        "what they round differs by 2^-10 at most; an absolute 2^-24 where GELU goes to 0",
    )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return 512 and 2,048 elements, and the scalar twin at the smaller size."""
        return (cls(512), cls(512, "scalar"), cls(2048))

    @property
    def label(self) -> str:
        """``2048``, and ``512-scalar`` for the scalar twin."""
        return f"{self.n}" if self.version == "vector" else f"{self.n}-{self.version}"

    def args(self) -> tuple[Arg, ...]:
        """Return the activations and the result."""
        return (arg_in("x", (self.n,), bfloat16), arg_out("y", (self.n,), bfloat16))

    def functions(self) -> tuple[Function, ...]:
        """Return the version's entry point."""
        if self.version == "scalar":
            return (
                Function(
                    symbol="gelu_bf16_scalar",
                    cycles=1800 * self.n,
                    basis="about 36 software floating-point operations an element at about 50 "
                    "cycles each, for the core has no scalar floating-point unit",
                ),
            )
        return (
            Function(
                symbol="gelu_bf16_vector",
                cycles=54 * self.n // 16 + 150,
                basis="54 operations of the one floating-point unit per 16 elements (22 for the "
                "polynomial, 22 for the power, 10 to combine), pipelined, and about 150 to "
                "call, fill and drain the loop",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the elements per call."""
        return {"GELU_ELEMENTS": self.n}

    def design(self) -> str:
        """Return the design: through one core, in one buffer."""
        x, y = self.args()
        row = memref(x.shape, x.dtype)
        of_x, of_y = Fifo("of_x", row), Fifo("of_y", row)
        gelu = Callee(self.functions()[0].symbol, (row, row))
        return device(
            "npu1_1col",
            "%shim = aie.tile(0, 0)",
            "%core = aie.tile(0, 2)",
            "",
            of_x.create("%shim", "%core"),
            of_y.create("%core", "%shim"),
            "",
            gelu.declare(),
            core(
                "%core",
                of_x.acquire("Consume", "%x"),
                of_y.acquire("Produce", "%y"),
                gelu.call("%x", "%y"),
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
        """Take the exact function in float64 and round once."""
        with np.errstate(invalid="ignore"):  # what a signalling NaN raises
            x = inputs["x"].astype(np.float64)
        return {"y": np.array([real_gelu(value) for value in x.tolist()]).astype(bfloat16)}

    def work(self) -> Work:
        """Count the distribution function and the product as an operation each."""
        return Work(ops=2 * self.n, bytes=sum(arg.nbytes for arg in self.args()))

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add the bend of the curve, and its ends, where the kernel cuts."""
        corners = {
            "bend": np.linspace(-6, 6, self.n),
            "cuts": np.copysign(np.linspace(5.5, 5.75, self.n), (-1.0) ** np.arange(self.n)),
            "small": np.geomspace(1e-30, 1, self.n) * (-1.0) ** np.arange(self.n),
        }
        mine = (Case(name, {"x": x.astype(bfloat16)}) for name, x in corners.items())
        return chain(super().cases(seed), mine)

    def demo(self) -> Iterator[Case]:
        """Yield activations as they come before a GELU: normal, of deviation 1."""
        x = np.random.default_rng(2026).standard_normal(self.n)
        yield Case("normal-activations", {"x": x.astype(bfloat16)})


def real_gelu(x: float) -> float:
    """Return x * Phi(x) (Hendrycks and Gimpel, 2016), at -inf its limit 0.

    The complementary error function keeps Phi's relative precision where x is very negative.
    """
    return 0.0 if x == -math.inf else x * 0.5 * math.erfc(-x / math.sqrt(2))


KERNEL = GeluBf16
