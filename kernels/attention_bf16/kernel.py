"""Attention of bfloat16 heads, with streaming softmax."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np

from errors import UsageError
from kernels.attention_bf16.design import DIM, GROUP, KEYS, STATE, Dataflow
from kernels.contract import (
    Arg,
    Array,
    Case,
    Function,
    Kernel,
    Spread,
    Tolerance,
    Work,
    arg_in,
    arg_out,
    bfloat16,
)

MOST_ROWS = 104
"""Rows of Q that a core's 64 KB hold: 128 bytes of each, and 288 of sums."""

FARTHEST = 87
"""How far below a row's largest score, as exp takes it, a weight stops falling."""

LONGEST = 64 * KEYS
"""Keys that one shim buffer descriptor steps through: 64 blocks."""


@dataclass(frozen=True)
class AttentionBf16(Kernel):
    """Attention of bfloat16 heads of 64 features: softmax(Q K^T / 8) V, for any number of rows.

    The matrices of all heads lie beside each other: a row of ``qkv`` is that row of every head's
    Q, then of every K, then of every V, and a row of ``y`` that of every result. So a projection
    of hidden states goes in as it is, and the result into the next.

    Scores are never kept: every block of 32 keys updates each row's largest score, sum of
    weights and weighted sum of values, in fp32. A weight, exp(s - largest), is rounded to
    bfloat16 before it is summed and multiplied, and the quotient is rounded to bfloat16 once.
    A weight below exp(-87), 2^-125.5, counts as that.

    A row of which a score is NaN or leaves fp32's range is NaN throughout. V is finite and
    below 2^116.

    Attributes:
        n: Rows of Q, K, V and of the result: a multiple of `rows` * `cores`, and 32 to 2,048.
        rows: Rows of Q that a core works on at a time: a multiple of 4, at most 104.
        cores: Cores, 1 to 16, that share Q out; each gets all of K and V.
        heads: Heads, one after the other in a call, at most 16.
        version: ``vector`` uses the matrix unit, ``scalar`` is the plain loops beside it.

    Raises:
        UsageError: The rows do not divide, or do not fit.
    """

    n: int = 1500
    rows: int = 100
    cores: int = 15
    heads: int = 8
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Spread(
        rtol=2.0**-7,
        share=5 / 8,
        floor=2.0**-107,
        reason="the quotient and the golden value are rounded to bfloat16, 2^-8 each at most; a "
        "weight likewise, and exp adds up to 2^-10, which moves a mean by so much of its values' "
        "mean distance from it, 5/8 of 2^-7 of their deviation at most; scores summed in fp32 "
        "move weights by up to 2^-20 of the sum of their products' magnitudes, which counts as "
        "that much more deviation; of 2,048 products, each 2^-126 at most is lost as subnormal",
    )

    def __post_init__(self) -> None:
        _require("rows", self.rows, GROUP, MOST_ROWS)
        _require("cores", self.cores, 1, 16)
        _require("heads", self.heads, 1, 16)
        _require("n", self.n, self.rows * self.cores, LONGEST)
        if self.n < KEYS:
            raise UsageError(
                f"attention_bf16: n = {self.n} is less than a block of {KEYS} keys",
                cure=f"use n = {KEYS}",
                code="NPU153",
            )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return 64 rows on one core by either version, two heads of it on 4 cores, one head
        over 1,500 rows on one core, and all of a Whisper base layer's on 15.
        """
        return (
            cls(64, 64, 1, 1),
            cls(64, 64, 1, 1, "scalar"),
            cls(64, 16, 4, 2),
            cls(1500, 100, 1, 1),
            cls(),
        )

    @property
    def label(self) -> str:
        """``64x64``, ``64x64-scalar``, ``1500x64``, ``8x1500x64-15cores``."""
        heads = f"{self.heads}x" if self.heads > 1 else ""
        cores = f"-{self.cores}cores" if self.cores > 1 else ""
        suffix = "" if self.version == "vector" else f"-{self.version}"
        return f"{heads}{self.n}x{DIM}{cores}{suffix}"

    @property
    def slow(self) -> bool:
        """Several heads over long sequences are."""
        return self.heads * self.n > 2048

    def args(self) -> tuple[Arg, Arg]:
        """Return Q, K and V of all heads, and the results."""
        width = self.heads * DIM
        return (
            arg_in("qkv", (self.n, 3 * width), bfloat16),
            arg_out("y", (self.n, width), bfloat16),
        )

    def functions(self) -> tuple[Function, ...]:
        """Return what a core does: begin, take a block of keys and values, give a group."""
        groups, suffix = self.rows // GROUP, self._suffix
        if self.version == "scalar":
            update = 240 * self.rows * KEYS * DIM
            basis = (
                "about 120 cycles for each of two multiply-accumulates per row, key and feature in "
                "software: the core has no scalar floating-point unit"
            )
        else:
            update = 384 + groups * 530
            basis = (
                "384 cycles to rearrange a block of keys and values; for every 4 rows two products "
                "of 64 block products at 5/4 cycles each (10 256-bit loads for 4), 32 to load and "
                "store sums, 240 for 8 exponentials of 16 lanes (24 operations of the one "
                "floating-point unit each), and about 100 for the largest score"
            )
        return (
            Function(
                symbol=f"attention_bf16_start{suffix}",
                cycles=36 * groups + 20,
                basis="36 256-bit stores for every 4 rows",
            ),
            Function(symbol=f"attention_bf16_update{suffix}", cycles=update, basis=basis),
            Function(
                symbol=f"attention_bf16_finish{suffix}",
                cycles=250 if self.version == "vector" else 400 * GROUP * DIM,
                basis="8 cycles for each of 16 vectors and about 120 for sum and reciprocal; in "
                "software about 400 an element, most of them to divide",
            ),
        )

    @property
    def _suffix(self) -> str:
        return "" if self.version == "vector" else "_scalar"

    def defines(self) -> Mapping[str, int | str]:
        """Return a core's rows, the keys of a block, and the fp32 kept of a row."""
        return {"ATTENTION_ROWS": self.rows, "ATTENTION_KEYS": KEYS, "ATTENTION_STATE": STATE}

    def design(self) -> str:
        """Return the design: see :mod:`kernels.attention_bf16.design`."""
        return Dataflow(self.args(), self.rows, self.cores, self._suffix).text()

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Follow the formula in float64, head by head, and round once."""
        heads = [real_attention(head) for head in unpacked(inputs["qkv"])]
        return {"y": np.concatenate(heads, axis=1).astype(bfloat16)}

    def spreads(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the values' weighted deviation from each result, and more for large scores."""
        heads = [_spread(head) for head in unpacked(inputs["qkv"])]
        return {"y": np.concatenate(heads, axis=1)}

    def work(self) -> Work:
        """Count two operations for each product of the two matrix products, and what the shim
        tiles move: K and V go to every column, once a round.
        """
        qkv, y = self.args()
        streams = -(-self.cores // 4) * (self.n // (self.rows * self.cores))
        moved = qkv.nbytes // 3 * (1 + 2 * streams) + y.nbytes
        return Work(ops=4 * self.heads * self.n**2 * DIM, bytes=moved)

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add rows that one key wins, the last keys winning, equal and far-apart scores, one key
        against all others, and values of other magnitudes.

        Long sequences leave out standard cases that differ in values, which a short one shows;
        several heads have a corner each, so many cases on.
        """
        long = self.n > 256
        corners = self._corners(seed)
        if self.heads > 1:
            found = list(corners.values())
            turns = range(0, len(found), self.heads)
            mixed = [[found[(at + i) % len(found)] for i in range(self.heads)] for at in turns]
            cases = {f"corners-{turn}": packed(heads) for turn, heads in enumerate(mixed)}
        else:
            cases = {name: packed([head]) for name, head in corners.items()}
        few = ("ramp", "impulse", "tiny", "random-0") if self.slow else ("ramp", "random-0")
        for case in super().cases(seed):
            if case.name in few or not long:
                yield case
        for name, qkv in cases.items():
            yield Case(name, {"qkv": qkv})

    def _corners(self, seed: int) -> dict[str, Array]:
        """Return heads (3 x n x 64) that only attention finds hard, by name."""
        rng = np.random.default_rng([seed, self.n])
        q, k, v = rng.standard_normal((3, self.n, DIM))
        place = np.arange(self.n)[:, np.newaxis] / self.n
        one = np.arange(self.n)[:, np.newaxis] == self.n // 3
        corners = {
            # Each key beats the ones before it: every block changes the largest score.
            "rising": (np.ones_like(q), 4 * place + 0 * k, v),
            "falling": (np.ones_like(q), -4 * place + 0 * k, v),
            "sharp": (8 * q, 4 * k, v / 4),
            # Half of the weight and the opposite values: they cancel if the scale is right.
            "one-against-all": (
                np.ones_like(q),
                np.where(one, np.log(self.n - 1) / np.sqrt(DIM), 0 * k),
                np.where(one, -v[0], v[0]),
            ),
            "wide": (4 * q, 4 * k, 4 * v),
            "values-of-100": (q, k, 100 * v),
        }
        if self.n <= 256:
            corners |= {
                "far-apart": (np.full_like(q, 40), np.where(place < 0.5, 40, -40) + 0 * k, v),
                "largest-values": (q, k, 2.0**113 * v),
                "one-query-spoilt": (np.where(place == 0, np.inf, q), k, v),
            }
        return {name: np.stack(head) for name, head in corners.items()}

    def demo(self) -> Iterator[Case]:
        """Yield heads as trained layers have them: a few keys draw most of the weight."""
        rng = np.random.default_rng(2026)
        heads = []
        for _ in range(self.heads):
            q, k, v = rng.standard_normal((3, self.n, DIM))
            heads.append(np.stack((2 * q, 1.5 * k, v / 4)))
        yield Case("attention-heads", {"qkv": packed(heads)})


def packed(heads: Sequence[Array]) -> Array:
    """Return heads (3 x n x 64 each) as the argument ``qkv`` holds them."""
    n = heads[0].shape[1]
    beside: Array = np.stack(heads).transpose(2, 1, 0, 3).reshape(n, -1)
    return np.ascontiguousarray(beside.astype(bfloat16))


def unpacked(qkv: Array) -> Array:
    """Return the heads (heads x 3 x n x 64) that ``qkv`` holds: the inverse of `packed`."""
    heads: Array = qkv.reshape(qkv.shape[0], 3, -1, DIM).transpose(2, 1, 0, 3)
    return heads


def real_attention(qkv: Array) -> Array:
    """Return softmax(Q K^T / 8) V in float64; a row with a score out of fp32's range is NaN."""
    with np.errstate(all="ignore"):
        q, k, v = qkv.astype(np.float64)
        y: Array = _shares(q, k) @ v
    return y


def _shares(q: Array, k: Array) -> Array:
    """Return the softmax of the scores, of which no weight is below exp(-87)."""
    scores = q @ k.T
    scores[~(np.abs(scores) < 2.0**128).all(axis=-1)] = np.nan
    scores /= np.sqrt(DIM)
    weights = np.exp(np.maximum(scores - scores.max(axis=-1, keepdims=True), -FARTHEST))
    shares: Array = weights / weights.sum(axis=-1, keepdims=True)
    return shares


def _spread(qkv: Array) -> Array:
    """Return the values' deviation from the results of a head, as the tolerance counts it.

    The 2^-20 of a score's products that fp32 may lose are less than 2^-12 of the 5/8 of 2^-7 that
    the deviation is given.
    """
    with np.errstate(all="ignore"):
        q, k, v = qkv.astype(np.float64)
        shares = _shares(q, k)
        variance = shares @ (v * v) - np.square(shares @ v)
        magnitude = (np.abs(q) @ np.abs(k.T)).max(axis=-1, keepdims=True)
        spread: Array = np.sqrt(np.maximum(variance, 0)) * (1 + 2.0**-12 * magnitude)
    return spread


def _require(name: str, value: int, step: int, limit: int) -> None:
    if value > 0 and value % step == 0 and value <= limit:
        return
    nearest = min(max(step, (value + step // 2) // step * step), limit // step * step)
    raise UsageError(
        f"attention_bf16: {name} = {value} is not a positive multiple of {step} of at most {limit}",
        cure=f"use {name} = {nearest}",
        code="NPU153",
    )


KERNEL = AttentionBf16
