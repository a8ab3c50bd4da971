"""AIE2 machine code as native code of the host: a second engine, with the same results.

``execution/README.md`` says what both engines share. This one writes a program's bundles
out as C (:mod:`simulator.aie2.native.wording`), has it compiled by whoever hands a compiler
in (:mod:`simulator.aie2.native.engine`), and runs it on registers that it shares with
Python. What an instruction computes is C where :mod:`simulator.aie2.native.meanings` has
it, else the interpreter's own function is called.
"""
