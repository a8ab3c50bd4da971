"""Loads, stores and address arithmetic, as expressions of the translated bundle.

A pointer update of two or three dimensions takes a d register apart: m is what is added
where a row (or plane) ends, dj the step, dn the last count, dc the count; the third
dimension of d0 to d3 counts with dj, dn and dc of d4 to d7.
"""

from __future__ import annotations

from simulator.aie2.execution.state import ADDRESS, SCALARS

LOADS = {
    "lda.word": "load_word({})",
    "lda.s8": "load_s8({})",
    "lda.u8": "load_u8({})",
    "lda.s16": "load_s16({})",
    "lda.u16": "load_u16({})",
    "vlda.128": "load({}, 16) + bytes(16)",
    "vldb.128": "load({}, 16) + bytes(16)",
}
"""How a mnemonic loads, where it is not as many bytes as its register has."""

MOVES = ("lda", "vlda", "vldb", "st", "st.s8", "st.s16", "vst", "vst.128", "event")
"""What changes nothing on the way."""


def updates(
    base: int, after: str | int, dimensions: int, address: str, number: int
) -> tuple[list[str], list[str]]:
    """Return the statements that compute a pointer's update, and those that write it.

    Args:
        base: The pointer's place.
        after: What is added: a number, an m register, or a d register.
        dimensions: 1 to 3.
        address: The expression of the pointer's value.
        number: Makes names unique in the bundle.
    """
    if dimensions == 1:
        step = after if isinstance(after, int) else f"R[{SCALARS[after].index}]"
        return [f"p{number} = {address} + {step} & {ADDRESS}"], [f"R[{base}] = p{number}"]
    index = int(str(after)[1:])
    m, dj, dn, dc = (SCALARS[f"{kind}{index}"].index for kind in ("m", "dj", "dn", "dc"))
    inner = f"R[{dc}] < R[{dn}]"
    if dimensions == 2:
        compute = [
            f"p{number}, n{number} = (R[{dj}], R[{dc}] + 1) if {inner} else (R[{m}], 0)",
            f"p{number} = {address} + p{number} & {ADDRESS}",
        ]
        return compute, [f"R[{base}] = p{number}", f"R[{dc}] = n{number}"]
    dj2, dn2, dc2 = (SCALARS[f"{kind}{index + 4}"].index for kind in ("dj", "dn", "dc"))
    compute = [
        f"p{number}, n{number}, o{number} = (R[{dj}], R[{dc}] + 1, R[{dc2}]) if {inner} else "
        f"(R[{dj2}], 0, R[{dc2}] + 1) if R[{dc2}] < R[{dn2}] else (R[{m}], 0, 0)",
        f"p{number} = {address} + p{number} & {ADDRESS}",
    ]
    commit = [f"R[{base}] = p{number}", f"R[{dc}] = n{number}", f"R[{dc2}] = o{number}"]
    return compute, commit


GATHERS = {
    f"vldb.4x{bits}.{half}": (bits // 4, first)
    for bits in (16, 32, 64)
    for half, first in (("lo", 0), ("hi", 4))
}
"""Parallel look-ups: the alignment of their addresses, and the first of four in the vector."""
