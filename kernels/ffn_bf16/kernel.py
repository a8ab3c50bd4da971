"""The feed-forward layer of a transformer in bfloat16, its hidden layer kept on chip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
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
from kernels.contract.mlir import Callee, memref
from kernels.tiles.array import COLS, ROWS
from kernels.tiles.ffn import FeedForward, FeedForwardCalls
from kernels.tiles.gelu import gelu_of, real_gelu_of
from kernels.tiles.require import require_feed_forward
from kernels.tiles.shape import BF16, TileShape

GELU_CYCLES = 54
"""Operations of the floating-point unit per 16 elements, as in gelu_bf16."""


@dataclass(frozen=True)
class FfnBf16(Kernel):
    """Y = GELU(X W1 + b1) W2 + b2 in bfloat16, Whisper's feed-forward layer, on all 16 cores.

    Sums are fp32, from the bias on. The hidden layer is rounded to bfloat16 before its GELU (the
    exact one) and after, Y once; `golden` rounds at the same places. NaN and infinities do what
    they do in IEEE arithmetic; sums stay within fp32's range.

    Attributes:
        rows: Rows of X and Y, at least 4 * m.
        width: Columns of X and Y, a multiple of 8 * n and of 2 * k.
        hidden: Columns of the hidden layer, likewise.
        m: Rows of one core's tile, a multiple of 16.
        k: Inner dimension of one core's tile, a multiple of 8.
        n: Columns of one core's tile, a multiple of 8.
        version: ``vector`` uses the matrix unit, ``scalar`` is the plain loop beside it.

    Raises:
        UsageError: A size is none of these multiples, or the hidden layer is too wide (NPU150).
    """

    rows: int = 1500
    width: int = 512
    hidden: int = 2048
    m: int = 64
    k: int = 32
    n: int = 64
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Relative(
        rtol=2.0**-6,
        floor=1.0,
        reason="Y and its golden value are rounded to bfloat16, at most 2^-8 each; the GELU "
        "before the hidden layer's rounding is off by 2^-10 at most, which moves a quarter of "
        "its elements by a step of 2^-8, and their sum, with weights that keep its deviation, "
        "by a deviation of 2^-10, five of which are an absolute 2^-7.7",
    )

    def __post_init__(self) -> None:
        require_feed_forward(self.kernel_name(), self._shape, self.rows, self.width, self.hidden)

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return a small layer by either version, and Whisper base's over its 1,500 rows."""
        return (
            cls(72, 128, 256, 16, 16, 16),
            cls(72, 128, 256, 16, 16, 16, "scalar"),
            cls(1500),
        )

    @property
    def label(self) -> str:
        """``1500x512x2048``, with the tile where it is not 64x32x64, and the scalar twin's name."""
        tile = "" if (self.m, self.k, self.n) == (64, 32, 64) else f"-{self.m}x{self.k}x{self.n}"
        version = "" if self.version == "vector" else f"-{self.version}"
        return f"{self.rows}x{self.width}x{self.hidden}{tile}{version}"

    def args(self) -> tuple[Arg, Arg, Arg, Arg, Arg]:
        """Return X, both weights, both biases one after the other, and Y."""
        return (
            arg_in("X", (self.rows, self.width), bfloat16),
            arg_param("W1", (self.width, self.hidden), bfloat16),
            arg_param("W2", (self.hidden, self.width), bfloat16),
            arg_param("biases", (self.hidden + self.width,), bfloat16),
            arg_out("Y", (self.rows, self.width), bfloat16),
        )

    def params(self) -> dict[str, Array]:
        """Return fixed random weights that keep the deviation of what they multiply."""
        return dict(_weights(self.width, self.hidden, 2026))

    def functions(self) -> tuple[Function, ...]:
        """Return what a core does with a tile."""
        scalar = self.version == "scalar"
        product, basis = self._shape.cycles(scalar), self._shape.basis(scalar)
        elements = self.m * self.n
        gelu = 1800 * elements if scalar else GELU_CYCLES * elements // 16 + 150
        words = 4 * self._biases * self.n
        return (
            Function(
                symbol="ffn_take",
                cycles=10 * words,
                basis="about 10 cycles an element for loads and stores of 16 bits, once a call",
            ),
            Function(symbol="ffn_first", cycles=product, basis=basis),
            Function(symbol="ffn_mac", cycles=product, basis=basis),
            Function(
                symbol="ffn_hidden",
                cycles=product + gelu,
                basis=f"{basis}; and gelu_bf16's estimate for the tile",
            ),
            Function(symbol="ffn_out", cycles=product, basis=basis),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return one core's tile, its biases and the version."""
        return {
            "FFN_M": self.m,
            "FFN_K": self.k,
            "FFN_N": self.n,
            "FFN_BIASES": self._biases,
            "FFN_SCALAR": int(self.version == "scalar"),
        }

    def design(self) -> str:
        """Return the whole-array design."""
        shape = self._shape
        kept = memref((self._biases * 4 * self.n,), bfloat16)
        last = (shape.a, shape.b, shape.sums, shape.c)
        calls = FeedForwardCalls(
            take=Callee("ffn_take", (shape.b, kept)),
            first=Callee("ffn_first", (shape.a, shape.b, kept, "i32", shape.sums)),
            mac=Callee("ffn_mac", (shape.a, shape.b, shape.sums)),
            hidden=Callee("ffn_hidden", last),
            out=Callee("ffn_out", last),
        )
        return FeedForward(args=self.args(), shape=shape, calls=calls).text()

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Multiply in float64 and round where the definition rounds."""
        x, w1, w2, biases = (inputs[arg.name].astype(np.float64) for arg in self.args()[:4])
        with np.errstate(invalid="ignore", over="ignore"):
            hidden = gelu_of((x @ w1 + biases[: self.hidden]).astype(bfloat16))
            y = hidden.astype(np.float64) @ w2 + biases[self.hidden :]
            return {"Y": y.astype(bfloat16)}

    def real(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Keep the hidden layer in float64 and round Y once."""
        x, w1, w2, biases = (inputs[arg.name].astype(np.float64) for arg in self.args()[:4])
        with np.errstate(invalid="ignore", over="ignore"):
            hidden = real_gelu_of(x @ w1 + biases[: self.hidden])
            return {"Y": (hidden @ w2 + biases[self.hidden :]).astype(bfloat16)}

    def work(self) -> Work:
        """Count two operations per product and per GELU, and what the shim tiles move."""
        x, w1, w2, biases, y = self.args()
        passes = -(-self.rows // (COLS * self.m))
        ops = 2 * self.rows * self.hidden * (2 * self.width + 1)
        moved = x.nbytes + y.nbytes + passes * (w1.nbytes + w2.nbytes) + biases.nbytes
        return Work(ops=ops, bytes=moved)

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Keep sums in fp32's range, and the ramp and random weights at a deviation near 1; add a
        layer of which only the biases count, large beside what the tolerance allows.
        """
        x = self.args()[0]
        large = {"lowest": -1e30, "highest": 1e30}
        few = ("zeros", "ramp", "impulse", "tiny", "random-0")
        for case in super().cases(seed):
            data = dict(case.inputs)
            if case.name in large:
                data["X"] = np.full(x.shape, large[case.name], bfloat16)
            elif case.name == "alternating":
                data["X"] = np.resize(np.array([1e30, -1e30], bfloat16), x.shape)
            elif case.name == "ramp":
                data["X"] = ((data["X"].astype(np.float64) - 125.0) / 64.0).astype(bfloat16)
            elif case.name.startswith("random"):
                data |= _weights(self.width, self.hidden, seed + int(case.name[-1]))
            if case.name in few or not self.slow:
                yield Case(case.name, data)
        yield Case("biases", self._only_biases(seed))

    def _only_biases(self, seed: int) -> dict[str, Array]:
        """Return a layer of no input: its biases, 1 to 8 and of either sign, are all there is."""
        data = dict(_weights(self.width, self.hidden, seed))
        size = self.hidden + self.width
        rng = np.random.default_rng([seed, size])
        biases = rng.uniform(1, 8, size) * rng.choice([-1, 1], size)
        return data | {
            "X": np.zeros((self.rows, self.width), bfloat16),
            "biases": biases.astype(bfloat16),
        }

    @property
    def slow(self) -> bool:
        """Large layers are."""
        return self.rows * self.width * self.hidden > 1 << 28

    @property
    def _biases(self) -> int:
        """Tiles that a core computes of a row block, each with a bias of its own."""
        return (self.hidden + self.width) // (ROWS * self.n)

    @property
    def _shape(self) -> TileShape:
        return TileShape(BF16, self.m, self.k, self.n)


@cache
def _weights(width: int, hidden: int, seed: int) -> tuple[tuple[str, Array], ...]:
    rng = np.random.default_rng([seed, width, hidden])
    w1 = rng.standard_normal((width, hidden)) / np.sqrt(width)
    w2 = rng.standard_normal((hidden, width)) / np.sqrt(hidden)
    biases = 0.1 * rng.standard_normal(hidden + width)
    named = (("W1", w1), ("W2", w2), ("biases", biases))
    return tuple((name, data.astype(bfloat16)) for name, data in named)


KERNEL = FfnBf16
