"""The AIE2 core: its machine code, decoded, encoded and printed.

The encodings are data, in `tables/`. Nothing here executes code yet.
"""

from simulator.aie2.bundle import Bundle, decode, encode
from simulator.aie2.disassembly import disassemble, text
from simulator.aie2.instruction import Instruction

__all__ = ["Bundle", "Instruction", "decode", "disassemble", "encode", "text"]
