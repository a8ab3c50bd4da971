"""The scalar unit: 32-bit arithmetic, comparisons, shifts, moves."""

from __future__ import annotations

from simulator.aie2.execution.meaning import MEANINGS, Meaning, means, signed
from simulator.aie2.execution.state import WORD

_PLAIN: dict[str, Meaning] = {
    "add.nc": lambda a, b: a + b & WORD,
    "mul": lambda a, b: a * b & WORD,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "eq": lambda a, b: int(a == b),
    "ne": lambda a, b: int(a != b),
    "lt": lambda a, b: int(signed(a) < signed(b)),
    "ge": lambda a, b: int(signed(a) >= signed(b)),
    "ltu": lambda a, b: int(a < b),
    "geu": lambda a, b: int(a >= b),
    "eqz": lambda a: int(a == 0),
    "nez": lambda a: int(a != 0),
    "clz": lambda a: 32 - a.bit_length(),
    "extend.s8": lambda a: ((a & 0xFF) ^ 0x80) - 0x80 & WORD,
    "extend.u8": lambda a: a & 0xFF,
    "extend.s16": lambda a: ((a & 0xFFFF) ^ 0x8000) - 0x8000 & WORD,
    "extend.u16": lambda a: a & 0xFFFF,
    "sel.eqz": lambda a, b, condition: b if condition else a,
    "sel.nez": lambda a, b, condition: a if condition else b,
}
MEANINGS.update(_PLAIN)

MOVES = ("mov", "mova", "movx", "movxm", *(f"mov.d{n}" for n in range(1, 7)))
MEANINGS.update(dict.fromkeys(MOVES, lambda a: a))


@means("add")
def add(a: int, b: int) -> tuple[int, int]:
    """Add; the carry is that of the unsigned sum."""
    total = a + b
    return total & WORD, total >> 32


@means("adc")
def adc(a: int, b: int, carry: int) -> tuple[int, int]:
    """Add with the carry."""
    total = a + b + carry
    return total & WORD, total >> 32


@means("sub")
def sub(a: int, b: int) -> tuple[int, int]:
    """Subtract; the carry is set where nothing is borrowed."""
    return a - b & WORD, int(a >= b)


@means("sbc")
def sbc(a: int, b: int, carry: int) -> tuple[int, int]:
    """Subtract with the borrow that a clear carry stands for."""
    total = a - b - (1 - carry)
    return total & WORD, int(total >= 0)


@means("abs")
def absolute(a: int) -> tuple[int, int]:
    """Take the absolute value; the carry is the sign."""
    return abs(signed(a)), a >> 31


@means("lshl")
def lshl(a: int, b: int) -> int:
    """Shift left by b, right where b is negative; only the low five bits of |b| count."""
    if b < 0x8000_0000:
        return a << (b & 31) & WORD
    return a >> (-signed(b) & 31)


@means("ashl")
def ashl(a: int, b: int) -> int:
    """Shift as :func:`lshl`, keeping the sign to the right."""
    if b < 0x8000_0000:
        return a << (b & 31) & WORD
    return signed(a) >> (-signed(b) & 31) & WORD


@means("clb")
def clb(a: int) -> int:
    """Count the leading bits that equal the sign bit, itself included."""
    return 32 - (~a & WORD if a >> 31 else a).bit_length()


@means("divs")
def divs(quotient: int, remainder: int, divisor: int) -> tuple[int, int]:
    """Make one step of a restoring division: (remainder, quotient) of the next step.

    The remainder takes the quotient register's top bit, which holds the dividend's next.
    """
    remainder = (remainder << 1 | quotient >> 31) & WORD
    quotient = quotient << 1 & WORD
    if remainder >= divisor:
        return remainder - divisor, quotient | 1
    return remainder, quotient
