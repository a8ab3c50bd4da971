"""The scalar unit: 32-bit arithmetic, comparisons, shifts, moves.

Results may be wider than the register; writing one keeps the register's bits.
"""

from __future__ import annotations

from simulator.aie2.execution.meaning import MEANINGS, means, signed
from simulator.aie2.execution.state import WORD


@means("add")
def add(a: int, b: int) -> tuple[int, int]:
    """The carry is that of the unsigned sum."""
    total = a + (b & WORD)
    return total & WORD, total >> 32


@means("sub")
def sub(a: int, b: int) -> tuple[int, int]:
    """The carry is set where nothing is borrowed."""
    return a - b & WORD, int(a >= b)


@means("adc")
def adc(a: int, b: int, carry: int) -> tuple[int, int]:
    total = a + b + carry
    return total & WORD, total >> 32


@means("sbc")
def sbc(a: int, b: int, carry: int) -> tuple[int, int]:
    total = a - b - (1 - carry)
    return total & WORD, int(total >= 0)


@means("abs")
def absolute(a: int) -> tuple[int, int]:
    return abs(signed(a)), a >> 31


@means("add.nc")
def add_without_carry(a: int, b: int) -> int:
    return a + b & WORD


@means("mul")
def mul(a: int, b: int) -> int:
    return a * b & WORD


@means("and")
def both(a: int, b: int) -> int:
    return a & b


@means("or")
def either(a: int, b: int) -> int:
    return a | b


@means("xor")
def xor(a: int, b: int) -> int:
    return a ^ b


@means("eq")
def eq(a: int, b: int) -> int:
    return int(a == b)


@means("ne")
def ne(a: int, b: int) -> int:
    return int(a != b)


@means("lt")
def lt(a: int, b: int) -> int:
    return int(signed(a) < signed(b))


@means("ge")
def ge(a: int, b: int) -> int:
    return int(signed(a) >= signed(b))


@means("ltu")
def ltu(a: int, b: int) -> int:
    return int(a < b)


@means("geu")
def geu(a: int, b: int) -> int:
    return int(a >= b)


@means("eqz")
def eqz(a: int) -> int:
    return int(a == 0)


@means("nez")
def nez(a: int) -> int:
    return int(a != 0)


@means("lshl")
def lshl(a: int, b: int) -> int:
    """Shift left by b, right where b is negative; only the low five bits of |b| count."""
    if b < 0x8000_0000:
        return a << (b & 31) & WORD
    return a >> (-signed(b) & 31)


@means("ashl")
def ashl(a: int, b: int) -> int:
    """As :func:`lshl`, keeping the sign to the right."""
    if b < 0x8000_0000:
        return a << (b & 31) & WORD
    return signed(a) >> (-signed(b) & 31) & WORD


@means("clz")
def clz(a: int) -> int:
    return 32 - a.bit_length()


@means("clb")
def clb(a: int) -> int:
    """Count the leading bits that equal the sign bit, itself included."""
    return 32 - (~a & WORD if a >> 31 else a).bit_length()


@means("extend.s8")
def extend_s8(a: int) -> int:
    return ((a & 0xFF) ^ 0x80) - 0x80 & WORD


@means("extend.u8")
def extend_u8(a: int) -> int:
    return a & 0xFF


@means("extend.s16")
def extend_s16(a: int) -> int:
    return ((a & 0xFFFF) ^ 0x8000) - 0x8000 & WORD


@means("extend.u16")
def extend_u16(a: int) -> int:
    return a & 0xFFFF


@means("sel.eqz")
def sel_eqz(a: int, b: int, condition: int) -> int:
    return b if condition else a


@means("sel.nez")
def sel_nez(a: int, b: int, condition: int) -> int:
    return a if condition else b


@means("divs")
def divs(quotient: int, remainder: int, divisor: int) -> tuple[int, int]:
    """One step of a restoring division: (remainder, quotient) of the next step.

    The remainder takes the quotient register's top bit, which holds the dividend's next.
    """
    remainder = (remainder << 1 | quotient >> 31) & WORD
    quotient = quotient << 1 & WORD
    if remainder >= divisor:
        return remainder - divisor, quotient | 1
    return remainder, quotient


def move(a: int) -> int:
    return a


for _mnemonic in ("mov", "mova", "movx", "movxm", *(f"mov.d{n}" for n in range(1, 7))):
    MEANINGS[_mnemonic] = move
