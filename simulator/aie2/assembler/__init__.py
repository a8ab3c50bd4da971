"""The assembler of AIE2 programs, in the syntax that the disassembler prints.

A line is a label, a directive, or the instructions that a core issues in one cycle,
separated by ``;``. Slots that a line leaves out hold nops where the shortest encoding has
such slots. `docs/assembler.md` has the syntax.
"""

from simulator.aie2.assembler.elf import write as write_elf
from simulator.aie2.assembler.program import (
    DATA_END,
    DATA_START,
    PROGRAM_BYTES,
    Block,
    Program,
    Symbol,
)
from simulator.aie2.assembler.unit import assemble

__all__ = [
    "DATA_END",
    "DATA_START",
    "PROGRAM_BYTES",
    "Block",
    "Program",
    "Symbol",
    "assemble",
    "write_elf",
]
