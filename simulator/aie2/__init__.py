"""The AIE2 core: its machine code, decoded, encoded, printed and executed.

The encodings are data, in `tables/`. `execution/` runs code with the core's exposed
pipeline, and `machine.py` makes a program of the array's cores of it.
"""

from simulator.aie2.bundle import Bundle, decode, encode
from simulator.aie2.disassembly import disassemble, text
from simulator.aie2.instruction import Instruction

__all__ = ["Bundle", "Instruction", "decode", "disassemble", "encode", "text"]
