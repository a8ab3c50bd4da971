"""The registers of a core: where each of them lies.

Scalar registers are 32-bit unsigned numbers in one list, vector registers bytes of one
store, in which registers that overlap on the core overlap: w halves in x, x in y, bml and
bmh and their quarters in cm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from simulator.aie2.operands import kind

WORD = 0xFFFF_FFFF
ADDRESS = 0xF_FFFF
"""Addresses and the registers that hold parts of them have 20 bits."""

_PLAIN = ("r", "p", "m", "dn", "dj", "dc", "s", "cr", "sr", "special")
_NARROW = ("p", "m", "dn", "dj", "dc")
_NARROW_NAMES = ("ls", "le", "lr", "sp", "dp")

X_BYTES = 64
CM_BYTES = 128
_ACCUMULATORS = 12 * X_BYTES
_MASKS = _ACCUMULATORS + 9 * CM_BYTES
VECTOR_BYTES = _MASKS + 4 * 16


@dataclass(frozen=True)
class Scalar:
    """A scalar register: its place in the list, and the bits that it has."""

    index: int
    mask: int


@dataclass(frozen=True)
class Vector:
    """A vector register: its bytes in the store.

    Attributes:
        bypass: The bypass that can feed it and read it: "m", "v" or "".
        mask: The first byte of the sparsity mask that goes with it (qx registers), or -1.
    """

    low: int
    size: int
    bypass: str = ""
    mask: int = -1


@cache
def scalars() -> dict[str, Scalar]:
    """Return every scalar register by its name."""
    found: dict[str, Scalar] = {}
    for file in _PLAIN:
        names = getattr(kind(file), "names")  # noqa: B009 - a Registers kind
        for name in names.values():
            narrow = file in _NARROW or name in _NARROW_NAMES
            found[name] = Scalar(len(found), ADDRESS if narrow else WORD)
    return found


SCALARS = scalars()
COUNT = len(SCALARS)


def pair(name: str) -> tuple[int, int] | None:
    """Return the places of the low and the high half of an l register, ``r17:r16``."""
    high, colon, low = name.partition(":")
    return (SCALARS[low].index, SCALARS[high].index) if colon else None


@cache
def vector(name: str) -> Vector | None:
    """Return where a vector register lies, None if `name` is none."""
    digits = name.lstrip("abcdefghijklmnopqrstuvwxyz")
    letters = name[: len(name) - len(digits)]
    if not digits.isdecimal():
        return None
    number = int(digits)
    x, cm, q = number * X_BYTES, _ACCUMULATORS + number * CM_BYTES, _MASKS + number * 16
    places = {
        "x": Vector(x, 64, "m"),
        "wl": Vector(x, 32, "m"),
        "wh": Vector(x + 32, 32),
        "y": Vector(number * 2 * X_BYTES, 128),
        "cm": Vector(cm, 128, "v"),
        "bml": Vector(cm, 64, "v"),
        "bmh": Vector(cm + 64, 64, "v"),
        "amll": Vector(cm, 32, "v"),
        "amlh": Vector(cm + 32, 32, "v"),
        "amhl": Vector(cm + 64, 32, "v"),
        "amhh": Vector(cm + 96, 32, "v"),
        "q": Vector(q, 16),
        "qx": Vector(x, 64, "", q),
        "qwl": Vector(x, 32, "", q),
        "qwh": Vector(x + 32, 32, "", q + 8),
    }
    return places.get(letters)


class State:
    """The registers of one core.

    Attributes:
        scalar: Scalar registers, by :data:`SCALARS`.
        vector: Vector registers, as a reader without bypass sees them.
        bypassed: The same, as a reader on the register's bypass sees them.
    """

    __slots__ = ("bypassed", "scalar", "vector")

    def __init__(self, core_id: int = 0) -> None:
        self.scalar = [0] * COUNT
        self.vector = bytearray(VECTOR_BYTES)
        self.bypassed = bytearray(VECTOR_BYTES)
        self.scalar[SCALARS["CORE_ID"].index] = core_id

    def read(self, name: str) -> int | bytes:
        """Return a register's value: an unsigned number, or a vector's bytes."""
        if found := SCALARS.get(name):
            return self.scalar[found.index]
        if halves := pair(name):
            return self.scalar[halves[0]] | self.scalar[halves[1]] << 32
        place = vector(name)
        if place is None:
            raise KeyError(name)
        return bytes(self.vector[place.low : place.low + place.size])

    def write(self, name: str, value: int | bytes) -> None:
        """Set a register at once."""
        if found := SCALARS.get(name):
            self.scalar[found.index] = int(value) & found.mask
            return
        place = vector(name)
        if place is None or not isinstance(value, bytes) or len(value) != place.size:
            raise KeyError(name)
        for store in (self.vector, self.bypassed):
            store[place.low : place.low + place.size] = value
