"""The feed-forward layer of a transformer in int8, its hidden layer kept on chip."""

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
    Exact,
    Function,
    Kernel,
    Tolerance,
    Work,
    arg_in,
    arg_out,
    arg_param,
)
from kernels.contract.mlir import Callee, memref
from kernels.gelu_int8.table import gelu_table
from kernels.tiles.array import COLS, ROWS
from kernels.tiles.ffn import FeedForward, FeedForwardCalls
from kernels.tiles.require import require_feed_forward
from kernels.tiles.shape import INT8, TileShape

TABLE_WORDS = 64
"""GELU's 256 entries as int32, in which the constants travel."""


@dataclass(frozen=True)
class FfnInt8(Kernel):
    """Y = GELU(X W1 + b1) W2 + b2 in int8, Whisper's feed-forward layer, on all 16 cores.

    Sums are int32 and start with the biases, which are int32 in steps of the sums; they wrap as
    int32 does. The hidden layer is sum / 2^hidden_shift and Y sum / 2^out_shift, rounded to
    nearest with ties to even (the core's ``conv_even`` mode) and saturated. Its GELU is a table:
    entry b is the GELU of the int8 value whose byte is b.

    Attributes:
        rows: Rows of X and Y, a multiple of 4, at least 4 * m.
        width: Columns of X and Y, a multiple of 8 * n and of 2 * k.
        hidden: Columns of the hidden layer, likewise.
        m: Rows of one core's tile, a multiple of 8.
        k: Inner dimension of one core's tile, a multiple of 8.
        n: Columns of one core's tile, a multiple of 16.
        hidden_shift: log2 of a hidden step in steps of its sums.
        out_shift: log2 of a step of Y in steps of its sums.
        version: ``vector`` uses the matrix unit, ``scalar`` is the plain loop beside it.

    Raises:
        UsageError: A size is none of these multiples, or the hidden layer is too wide (NPU150).
    """

    rows: int = 1500
    width: int = 512
    hidden: int = 2048
    m: int = 64
    k: int = 128
    n: int = 64
    hidden_shift: int = 12
    out_shift: int = 11
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Exact("integer arithmetic with two stated roundings")

    def __post_init__(self) -> None:
        require_feed_forward(self.kernel_name(), self._shape, self.rows, self.width, self.hidden)

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return a small layer by either version, and Whisper base's over the 1,500 rows of each
        of two windows of 30 s.
        """
        return (
            cls(72, 256, 512, 16, 32, 32),
            cls(72, 256, 512, 16, 32, 32, version="scalar"),
            cls(3000),
        )

    @property
    def label(self) -> str:
        """``1500x512x2048``, with what differs from the defaults."""
        tile = "" if (self.m, self.k, self.n) == (64, 128, 64) else f"-{self.m}x{self.k}x{self.n}"
        shifts = (self.hidden_shift, self.out_shift)
        shift = "" if shifts == (12, 11) else f"-shift{shifts[0]}-{shifts[1]}"
        version = "" if self.version == "vector" else f"-{self.version}"
        return f"{self.rows}x{self.width}x{self.hidden}{tile}{shift}{version}"

    def args(self) -> tuple[Arg, Arg, Arg, Arg, Arg]:
        """Return X, both weights, both biases with the table after them, and Y."""
        return (
            arg_in("X", (self.rows, self.width), np.int8),
            arg_param("W1", (self.width, self.hidden), np.int8),
            arg_param("W2", (self.hidden, self.width), np.int8),
            arg_param("constants", (self.hidden + self.width + TABLE_WORDS,), np.int32),
            arg_out("Y", (self.rows, self.width), np.int8),
        )

    def params(self) -> dict[str, Array]:
        """Return fixed random weights and biases, and the table of GELU."""
        return dict(_weights(self.width, self.hidden))

    def functions(self) -> tuple[Function, ...]:
        """Return what a core does with a tile."""
        scalar = self.version == "scalar"
        product, basis = self._shape.cycles(scalar), self._shape.basis(scalar)
        elements = self.m * self.n
        gelu = 17 * elements if scalar else 2 * elements + 60
        return (
            Function(
                symbol="ffn_take",
                cycles=10 * (self._biases * self.n + TABLE_WORDS),
                basis="about 10 cycles a word for a load, a store and the address, once a call",
            ),
            Function(symbol="ffn_first", cycles=product, basis=basis),
            Function(symbol="ffn_mac", cycles=product, basis=basis),
            Function(
                symbol="ffn_hidden",
                cycles=product + gelu,
                basis=f"{basis}; and 2 cycles an element for GELU, for the moves out of and into "
                "a vector register share a slot, 17 in a plain loop",
            ),
            Function(symbol="ffn_out", cycles=product, basis=basis),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return one core's tile, its biases, the shifts and the version."""
        return {
            "FFN_M": self.m,
            "FFN_K": self.k,
            "FFN_N": self.n,
            "FFN_BIASES": self._biases,
            "FFN_HIDDEN_SHIFT": self.hidden_shift,
            "FFN_OUT_SHIFT": self.out_shift,
            "FFN_SCALAR": int(self.version == "scalar"),
        }

    def design(self) -> str:
        """Return the whole-array design."""
        shape = self._shape
        kept = memref((self._biases * self.n + TABLE_WORDS,), np.int32)
        last = (shape.a, shape.b, shape.sums, shape.c)
        calls = FeedForwardCalls(
            take=Callee("ffn_take", (shape.b, kept)),
            first=Callee("ffn_first", (shape.a, shape.b, kept, "i32", shape.sums)),
            mac=Callee("ffn_mac", (shape.a, shape.b, shape.sums)),
            hidden=Callee("ffn_hidden", (*last, kept)),
            out=Callee("ffn_out", last),
        )
        return FeedForward(args=self.args(), shape=shape, calls=calls).text()

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Multiply in float64, which is exact here, and round half to even as numpy does."""
        x, w1, w2 = (inputs[name].astype(np.float64) for name in ("X", "W1", "W2"))
        biases, table = np.split(inputs["constants"], [self.hidden + self.width])
        hidden = _requantise(x @ w1, biases[: self.hidden], self.hidden_shift)
        activated = table.view(np.int8)[hidden.view(np.uint8)]
        sums = activated.astype(np.float64) @ w2
        return {"Y": _requantise(sums, biases[self.hidden :], self.out_shift)}

    def work(self) -> Work:
        """Count two operations per product and per GELU, and what the shim tiles move."""
        x, w1, w2, constants, y = self.args()
        turns = -(-self.rows // (COLS * self.m))
        ops = 2 * self.rows * self.hidden * (2 * self.width + 1)
        moved = x.nbytes + y.nbytes + turns * (w1.nbytes + w2.nbytes) + constants.nbytes
        return Work(ops=ops, bytes=moved)

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Leave out some edge data of the large variant; the small ones take all of it."""
        few = ("highest", "lowest", "alternating", "ramp", "random-0")
        cases = super().cases(seed)
        return cases if self.rows <= 256 else (case for case in cases if case.name in few)

    @property
    def slow(self) -> bool:
        """Large layers are."""
        return self.rows * self.width * self.hidden > 1 << 28

    @property
    def _biases(self) -> int:
        """Tiles that a core computes of its rows of a turn, each with a bias of its own."""
        return (self.hidden + self.width) // (ROWS * self.n)

    @property
    def _shape(self) -> TileShape:
        return TileShape(INT8, self.m, self.k, self.n)


def _requantise(sums: Array, biases: Array, shift: int) -> Array:
    """Add biases to whole float64 sums as int32 does, divide by 2^shift and round to int8."""
    wrapped = (sums.astype(np.int64) + biases).astype(np.int32)
    rounded: Array = np.clip(np.rint(wrapped / 2.0**shift), -128, 127).astype(np.int8)
    return rounded


@cache
def _weights(width: int, hidden: int) -> tuple[tuple[str, Array], ...]:
    rng = np.random.default_rng([2026, width, hidden])
    biases = rng.integers(-(1 << 16), 1 << 16, hidden + width, dtype=np.int32)
    return (
        ("W1", rng.integers(-128, 128, (width, hidden), dtype=np.int8)),
        ("W2", rng.integers(-128, 128, (hidden, width), dtype=np.int8)),
        ("constants", np.concatenate([biases, gelu_table().view(np.int32)])),
    )


KERNEL = FfnInt8
