"""Attention of int8 heads of 64 x 64 in integer arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Literal, Self

import numpy as np

from errors import UsageError
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
)
from kernels.contract.mlir import Callee, Fifo, core, device, link, memref, sequence
from kernels.matmul_int8.layout import STACK, to_blocks

SIZE = 64
"""Keys, queries and features of a head."""

COLS = 4
"""Columns of cores on Phoenix: one head each."""

SCALE = 1 / 32
"""One int8 step of Q, K, V and of the output: they span [-4, 3.97]."""

SCORE_SCALE = 1 / 32
"""One step of a score: Q's step times K's step times 1 / sqrt(64), times 2^8."""


@dataclass(frozen=True)
class AttentionInt8(Kernel):
    """Attention of int8 heads: softmax(Q K^T / 8) V, with Q, K and V of 64 x 64 in one buffer.

    One step of Q and K is 1/32; V and the output share a step of any size. The output is
    defined to the bit, in integers, with round(v / 2^s) to nearest with ties up:

    1. s = round(Q K^T / 2^8), scores in steps of 1/32, for 1/32 * 1/32 / sqrt(64) = 2^-13.
    2. w = W[min(255, max(s) - s)] with W[d] = floor(255 * exp(-d / 32) + 1/2), row by row.
    3. With L = sum(w) and n the least integer with L * 2^n >= 2^13,
       R = min(2^15 - 1, floor(2^28 / (L * 2^n))): a share in 15 bits.
    4. u = round(sum(w * V) / 2^(6 - n)), saturated to int16.
    5. out = round(u * R / 2^22), saturated to int8.

    No sum leaves 32 bits.

    Attributes:
        heads: Heads per call, 1 to 4: each on a core and a column of its own.
        version: ``vector`` uses the matrix unit and looks up 32 weights at once, ``scalar``
            is the plain loops beside it.

    Raises:
        UsageError: More heads than columns, or none.
    """

    heads: int = 1
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Exact("the output is defined in integers, to the bit")

    def __post_init__(self) -> None:
        if not 1 <= self.heads <= COLS:
            raise UsageError(
                f"attention_int8: {self.heads} heads are not between 1 and {COLS}",
                cure=f"call it for at most {COLS} heads at a time, one per column",
                code="NPU153",
            )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return one head, its scalar twin, and four heads on four columns."""
        return (cls(), cls(1, "scalar"), cls(COLS))

    @property
    def label(self) -> str:
        """``64x64``, ``4x64x64`` for four heads, ``64x64-scalar`` for the scalar twin."""
        heads = f"{self.heads}x" if self.heads > 1 else ""
        suffix = "" if self.version == "vector" else f"-{self.version}"
        return f"{heads}{SIZE}x{SIZE}{suffix}"

    def args(self) -> tuple[Arg, ...]:
        """Return each head's Q, K and V, packed, and its output."""
        return (
            arg_in("qkv", (self.heads, 3, SIZE, SIZE), np.int8),
            arg_out("y", (self.heads, SIZE, SIZE), np.int8),
        )

    def functions(self) -> tuple[Function, ...]:
        """Return the version's entry point, called once a head."""
        if self.version == "scalar":
            return (
                Function(
                    symbol="attention_int8_scalar",
                    cycles=16 * SIZE**3,
                    basis="about 8 cycles for each of 2 * 64^3 multiply-accumulates, as in a "
                    "scalar matrix product; the softmax between them is below a hundredth",
                ),
            )
        groups, blocks = SIZE // 4, SIZE // 8
        return (
            Function(
                symbol="attention_int8_vector",
                cycles=4 * blocks**2
                + groups * (2 * blocks * (2 * blocks + 12) + 25 * blocks + 400),
                basis="4 cycles to transpose a block of K; for every 4 rows two products of 64 "
                "block products at 2 cycles each (3 256-bit loads) with 12 to fill and drain, "
                "25 for each look-up of 32 weights, and about 100 a row for two reductions, the "
                "reciprocal bit by bit and the division",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the size of a head."""
        return {"ATTENTION_SIZE": SIZE}

    def design(self) -> str:
        """Return the design: every head has a column, through whose memory tile it comes."""
        heads = range(self.heads)
        return device(
            "npu1" if self.heads > 1 else "npu1_1col",
            "// A head is 192 rows of 64: Q, K and V. The core gets them in blocks of 8x8.",
            *(line for col in heads for line in self._column(col)),
            "",
            self._attention.declare(),
            *(self._core(col) for col in heads),
            sequence(
                self.args(),
                *(line for col in heads for line in self._transfers(col)),
                *(self._fifos(col)[2].wait() for col in heads),
            ),
        )

    @property
    def _attention(self) -> Callee:
        packed, out = (memref((count * SIZE * SIZE,), np.int8) for count in (3, 1))
        return Callee(self.functions()[0].symbol, (packed, out))

    def _fifos(self, col: int) -> tuple[Fifo, Fifo, Fifo]:
        """Return a column's fifos: into its memory tile, on to its core, and back to the host."""
        packed, out = self._attention.types
        names = (f"{kind}_{col}" for kind in ("QKV_L3L2", "QKV_L2L1", "Y"))
        into, on, back = (Fifo(*pair) for pair in zip(names, (packed, packed, out), strict=True))
        return into, on, back

    def _column(self, col: int) -> list[str]:
        """Return a column's tiles and fifos."""
        shim, mem, tile = (f"%{name}_{col}" for name in ("shim", "mem", "core"))
        into, on, back = self._fifos(col)
        return [
            "",
            *(f"{name} = aie.tile({col}, {row})" for row, name in enumerate((shim, mem, tile))),
            into.create(shim, mem),
            on.create(mem, tile, to_stream=to_blocks(3 * SIZE, SIZE, 8, 8)),
            link([into], [on]),
            back.create(tile, shim),
        ]

    def _core(self, col: int) -> str:
        """Return the program of a column's core."""
        _, on, back = self._fifos(col)
        return core(
            f"%core_{col}",
            on.acquire("Consume", "%packed"),
            back.acquire("Produce", "%y"),
            self._attention.call("%packed", "%y"),
            on.release("Consume"),
            back.release("Produce"),
            stack_size=STACK,
        )

    def _transfers(self, col: int) -> list[str]:
        """Return the transfers of one head."""
        (qkv, y), (into, _, back) = self.args(), self._fifos(col)
        head_in, head_out = 3 * SIZE * SIZE, SIZE * SIZE
        return [
            into.memcpy(qkv, bd=0, offset=col * head_in, dims=[(head_in, 1)]),
            back.memcpy(y, bd=1, offset=col * head_out, dims=[(head_out, 1)], token=True),
        ]

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Follow the definition in int64."""
        q, k, v = inputs["qkv"].astype(np.int64).transpose(1, 0, 2, 3)
        scores = _rounded(q @ k.transpose(0, 2, 1), 8)
        distances = np.minimum(scores.max(axis=-1, keepdims=True) - scores, 255)
        weights = weight_table()[distances]
        total = weights.sum(axis=-1, keepdims=True)
        n = np.ceil(np.log2(2**13 / total)).clip(0).astype(np.int64)
        share = np.minimum(2**28 // (total << n), 2**15 - 1)
        sums = weights @ v
        narrow = np.where(n == 6, sums, (sums + (1 << (6 - n) >> 1)) >> (6 - n))
        y = _rounded(np.clip(narrow, -(2**15), 2**15 - 1) * share, 22)
        return {"y": np.clip(y, -128, 127).astype(np.int8)}

    def work(self) -> Work:
        """Count two operations for each product of the two matrix products."""
        return Work(ops=self.heads * 4 * SIZE**3, bytes=sum(arg.nbytes for arg in self.args()))

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add rows that one key wins, rows of equal scores, heads that differ, saturation."""
        rng = np.random.default_rng([seed, SIZE])
        shape = (self.heads, SIZE, SIZE)
        v = rng.integers(-128, 128, shape)
        eye = np.broadcast_to(127 * np.eye(SIZE, dtype=np.int64), shape)
        bright = np.where(np.arange(SIZE)[:, np.newaxis] == 5, 127, -128)
        corners = {
            "picks-a-row": (eye, 8 * eye, v),
            "equal-scores": (np.zeros(shape), rng.integers(-128, 128, shape), v),
            "opposed": (np.full(shape, 127), np.where(np.arange(SIZE) % 2, 127, -128), v),
            "saturating": (
                np.full(shape, 127),
                np.broadcast_to(bright, shape),
                np.full(shape, -128),
            ),
            "activations": tuple(rng.normal(0, 1 / SCALE, shape) for _ in "qkv"),
        }
        mine = (
            Case(name, {"qkv": _steps(np.stack(np.broadcast_arrays(*data), axis=1))})
            for name, data in corners.items()
        )
        return chain(super().cases(seed), mine)

    def demo(self) -> Iterator[Case]:
        """Yield normal activations of deviation 1."""
        shape = (self.heads, 3, SIZE, SIZE)
        steps = np.random.default_rng(2026).normal(0, 1 / SCALE, shape)
        yield Case("normal-activations", {"qkv": _steps(steps)})


def weight_table() -> Array:
    """Return W of the definition: 256 weights in steps of 1/255, int64."""
    table: Array = np.floor(255 * np.exp(-np.arange(256) / 32) + 0.5).astype(np.int64)
    return table


def real_attention(qkv: Array) -> Array:
    """Return softmax(Q K^T / 8) V of int8 heads in float64, in steps of V, not rounded."""
    q, k, v = qkv.astype(np.float64).transpose(1, 0, 2, 3)
    scores = (q * SCALE) @ (k * SCALE).transpose(0, 2, 1) / np.sqrt(SIZE)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    y: Array = weights / weights.sum(axis=-1, keepdims=True) @ v
    return y


def _steps(values: Array) -> Array:
    """Return values as the nearest int8."""
    steps: Array = np.clip(np.rint(values), -128, 127).astype(np.int8)
    return steps


def _rounded(values: Array, shift: int) -> Array:
    """Return values / 2^shift, rounded to nearest with ties up."""
    rounded: Array = (values + 2 ** (shift - 1)) // 2**shift
    return rounded


KERNEL = AttentionInt8
