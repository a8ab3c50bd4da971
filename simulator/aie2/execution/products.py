"""The multiplier array: integer and bfloat16 products into accumulators.

A configuration word says what an instruction multiplies (llvm-aie's aiev2 headers,
``aiev2_compute_control``): bit 0 leaves the accumulator out, bits 1-2 the accumulator's
lanes, 3-4 the width of the factors, 5-7 the arrangement, 8 and 9 that the second and the
first factor are signed, 10 shifts the first accumulator left by 16, 11 to 13 negate the products,
the first and the second accumulator.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

import numpy as np

from errors import CheckFailed
from simulator.aie2.execution.lanes import Lanes, packed, wide
from simulator.aie2.execution.meaning import MEANINGS
from simulator.aie2.operands import TABLES


@dataclass(frozen=True)
class Arrangement:
    """How two vectors are multiplied.

    Attributes:
        bits: Of the lanes of both factors.
        lanes: Bits of an accumulator lane.
        rows: With `inner` and `columns` a matrix product of row-major tiles; with
            `columns` 0 `rows` sums of `inner` products of lanes `rows` apart.

    """

    bits: tuple[int, int]
    lanes: int
    rows: int
    inner: int
    columns: int


@cache
def arrangements() -> dict[tuple[int, int, int], Arrangement]:
    """Return the dense arrangements by accumulator mode, factor mode and variant."""
    text = (TABLES / "products.toml").read_text(encoding="utf-8")
    found = {}
    for code, line in tomllib.loads(text)["dense"].items():
        amode, bmode, variant = map(int, code.split())
        factors, accumulator, shape = line.split()
        a, b = map(int, factors.split("x"))
        rows, inner, columns = map(int, shape.replace("sums", "0").split("x"))
        found[amode, bmode, variant] = Arrangement((a, b), int(accumulator), rows, inner, columns)
    return found


@dataclass(frozen=True)
class Control:
    """A configuration word, read."""

    word: int

    @property
    def zero(self) -> bool:
        return bool(self.word & 1)

    @property
    def accumulator_bits(self) -> int:
        return 64 if self.word >> 1 & 3 == 1 else 32

    @property
    def signed(self) -> tuple[bool, bool]:
        return bool(self.word >> 9 & 1), bool(self.word >> 8 & 1)

    @property
    def shifted(self) -> bool:
        """Whether the first accumulator is shifted left by 16, for factors in two halves."""
        return bool(self.word >> 10 & 1)

    def negated(self, which: int) -> bool:
        """Whether products (0), the first (1) or the second accumulator (2) are negated."""
        return bool(self.word >> 11 + which & 1)

    def arrangement(self) -> Arrangement:
        """Return what is multiplied.

        Raises:
            CheckFailed: NPU510, an arrangement that is not implemented.
        """
        code = (self.word >> 1 & 3, self.word >> 3 & 3, self.word >> 5 & 7)
        found = arrangements().get(code)
        if found is None:
            raise CheckFailed(
                "the multiplication of accumulator mode {}, factor mode {} and variant {} is not "
                "implemented".format(*code),
                cure="use one of the arrangements of simulator/aie2/tables/products.toml",
                code="NPU510",
            )
        return found


def factors(a: bytes, b: bytes, arrangement: Arrangement) -> tuple[bytes, bytes]:
    """Refuse sparse factors, which come with their mask."""
    if len(b) % 64 or len(a) % 64:
        raise CheckFailed(
            "multiplication by a sparse vector is not implemented",
            cure="store the matrix dense",
            code="NPU510",
        )
    _ = arrangement
    return a, b


def arranged(x: Lanes, y: Lanes, shape: Arrangement) -> tuple[Lanes, Lanes]:
    """Return the factors of each product: both of shape (accumulator lanes, inner)."""
    if shape.columns:
        size = shape.rows * shape.inner
        left = x[:size].reshape(shape.rows, 1, shape.inner)
        right = y[: shape.inner * shape.columns].reshape(shape.inner, shape.columns).T[None]
        lanes = shape.rows * shape.columns
        whole = (shape.rows, shape.columns, shape.inner)
        return (
            np.broadcast_to(left, whole).reshape(lanes, shape.inner),
            np.broadcast_to(right, whole).reshape(lanes, shape.inner),
        )
    size = shape.rows * shape.inner
    return x[:size].reshape(shape.inner, -1).T, y[:size].reshape(shape.inner, -1).T


def products(a: bytes, b: bytes, control: Control) -> Lanes:
    """Return the sum of products of each accumulator lane, int64 (it wraps)."""
    shape = control.arrangement()
    factors(a, b, shape)
    x = wide(a, shape.bits[0], control.signed[0])
    y = wide(b, shape.bits[1], control.signed[1])
    left, right = arranged(x, y, shape)
    total: Lanes = (left * right).sum(axis=1)
    return total


def accumulate(
    products_: Lanes | int, first: bytes | None, second: bytes | None, control: Control
) -> bytes:
    """Add products and accumulators, each with its sign, lanes wrapping."""
    bits = control.accumulator_bits
    total = -products_ if control.negated(0) else products_
    if first is not None and not control.zero:
        values = wide(first, bits, signed=True) << (16 if control.shifted else 0)
        total = total + (-values if control.negated(1) else values)
    if second is not None:
        values = wide(second, bits, signed=True)
        total = total + (-values if control.negated(2) else values)
    return packed(np.asarray(total, np.int64), bits).ljust(128, b"\0")


def _word(word: int, flips: int) -> Control:
    return Control(word ^ flips << 11)


def _register(name: str, flips: int, accumulators: int) -> None:
    """Give a product's mnemonic its meaning; `flips` are the negations that it adds."""

    def multiply(a: bytes, b: bytes, word: int) -> bytes:
        control = _word(word, flips)
        return accumulate(products(a, b, control), None, None, control)

    def add_one(acc: bytes, a: bytes, b: bytes, word: int) -> bytes:
        control = _word(word, flips)
        return accumulate(products(a, b, control), acc, None, control)

    def add_two(acc: bytes, other: bytes, a: bytes, b: bytes, word: int) -> bytes:
        control = _word(word, flips)
        return accumulate(products(a, b, control), acc, other, control)

    MEANINGS[name] = (multiply, add_one, add_two)[accumulators]


PRODUCTS, FIRST, SECOND = 1, 2, 4

for _name, _flips, _count in (
    ("vmul", 0, 0),
    ("vnegmul", PRODUCTS, 0),
    ("vmac", 0, 1),
    ("vmsc", PRODUCTS, 1),
    ("vnegmac", PRODUCTS | FIRST, 1),
    ("vnegmsc", FIRST, 1),
    ("vaddmac", 0, 2),
    ("vaddmsc", PRODUCTS, 2),
    ("vsubmac", SECOND, 2),
    ("vsubmsc", PRODUCTS | SECOND, 2),
):
    _register(_name, _flips, _count)


def _sum(name: str, flips: int) -> None:
    def add(first: bytes, second: bytes, word: int) -> bytes:
        control = _word(word, flips)
        return accumulate(0, first, second, control)

    MEANINGS[name] = add


for _name, _flips in (
    ("vadd", 0),
    ("vsub", SECOND),
    ("vnegadd", FIRST | SECOND),
    ("vnegsub", FIRST),
):
    _sum(_name, _flips)


def _negate(first: bytes, word: int) -> bytes:
    return accumulate(0, first, None, _word(word, FIRST))


MEANINGS["vneg"] = _negate
