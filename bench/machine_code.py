"""Speed of the two engines of machine code: the interpreter and the translator.

    python bench/machine_code.py

Prints the bundles that each executes in a second in a loop of scalar code and in one of
vector code, both of the lab's own. Medians of five runs in this process, the two engines by
turns; making the native code is timed apart.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Literal

from runtime.loops import compile_loops
from simulator.aie2.assembler import assemble
from simulator.aie2.machine import ProgramMemory, core_program
from simulator.array.config import TileId
from simulator.array.core import CoreContext, Delay
from simulator.array.memory import Memory

RUNS = 5
TILE = TileId(0, 2)
SIZE = 64 * 1024
Engine = Literal["interpreter", "native"]

SCALAR = """
        movxm   p0, #0x70400
        movxm   r1, #{turns}
        mova    r2, #0
        mova    r3, #7
        .align  16
.Lloop:
        lda     r4, [p0, #0]
        mul     r5, r2, r3
        add     r2, r2, #1
        xor     r6, r5, r2
        lshl    r7, r6, r3
        add     r8, r7, r4
        st      r8, [p0, #0]
        jnzd    r1, r1, p1
        and     r9, r8, r3
        st.s8   r9, [p0, #2]
        lda.u8  r10, [p0, #3]
        sub     r11, r10, r9
        add     r12, r11, r8
"""

VECTOR = """
        movxm   p0, #0x70400
        movxm   r1, #{turns}
        movxm   r0, #{word}
        movxm   r2, #{float_word}
        mova    r3, #0
        .align  16
.Lloop:
        vlda    wl0, [p0, #0]
        vlda    wl2, [p0, #32]
        vshuffle        x4, x0, x2, r3
        vmac    cm0, cm0, x0, x2, r0
        vmac.f  bml2, bml2, x0, x2, r2
        vadd.16 x6, x4, x0
        vst     wl6, [p0, #64]
        jnzd    r1, r1, p1
        vmac    cm1, cm1, x2, x4, r0
        vsrs.s16.s32    wl8, bml0, s0
        vmac.f  bmh3, bmh3, x4, x2, r2
        vmax_lt.s16     x10, r16, x8, x6
        vst     wl8, [p0, #96]
"""

INTEGER_WORD, FLOAT_WORD = 0x318, 0x3C
"""Products of signed 16-bit numbers, 4x2 by 2x8, and of bfloat16, 16 sums of 2."""


def program(text: str, turns: int) -> ProgramMemory:
    """Return the code of a loop; p1 is where it starts."""
    body = text.format(turns=turns, word=INTEGER_WORD, float_word=FLOAT_WORD)
    head = f"__start:\n        movxm   p1, #.Lloop\n{body}        done\n" + "        nop\n" * 5
    code = ProgramMemory()
    code.write(0, assemble(head, "loop.s").code)
    return code


def cycles_of(code: ProgramMemory, engine: Engine) -> int:
    """Run a program to its end; return its cycles."""
    memory = Memory(TILE, SIZE)
    memory.data[:] = 0
    core = CoreContext(TILE, {TILE: memory}, lambda *_: None)
    run = core_program(code, engine=engine, compile_code=compile_loops)(core)
    return sum(request.cycles for request in run if isinstance(request, Delay))


def seconds(act: Callable[[], int]) -> tuple[float, int]:
    start = perf_counter()
    cycles = act()
    return perf_counter() - start, cycles


def compare(name: str, text: str, turns: dict[Engine, int]) -> None:
    """Print the speed of both engines in a loop."""
    codes = {engine: program(text, count) for engine, count in turns.items()}
    first = {engine: seconds(lambda e=engine: cycles_of(codes[e], e))[0] for engine in codes}
    rates: dict[Engine, list[float]] = {engine: [] for engine in codes}
    for _ in range(RUNS):
        for engine, code in codes.items():
            took, cycles = seconds(lambda c=code, e=engine: cycles_of(c, e))
            rates[engine].append(cycles / took / 1e6)
    slow, fast = (median(rates[engine]) for engine in ("interpreter", "native"))
    print(
        f"{name}: interpreter {slow:.2f}, native {fast:.1f} million bundles/s, "
        f"{fast / slow:.0f} x (first native run {first['native']:.2f} s)"
    )


def main() -> int:
    """Measure, and print what was measured."""
    print(f"medians of {RUNS} runs by turns, {Path(sys.executable).name} {sys.version.split()[0]}")
    compare("scalar loop", SCALAR, {"interpreter": 20_000, "native": 1_000_000})
    compare("vector loop", VECTOR, {"interpreter": 2_000, "native": 200_000})
    return 0


if __name__ == "__main__":
    sys.exit(main())
