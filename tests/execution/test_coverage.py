"""Which instructions of the tables can be executed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

import pytest

from errors import LabError
from simulator.aie2.assembler import assemble
from simulator.aie2.assembler.bundling import nop_of
from simulator.aie2.bundle import Bundle, encode, formats
from simulator.aie2.execution.schedule import timing
from simulator.aie2.execution.state import VECTOR_BYTES
from simulator.aie2.execution.wording import implemented
from simulator.aie2.instruction import Encoding, Instruction, encodings
from simulator.aie2.machine import ProgramMemory
from tests.execution.machine import DATA, Core

SLOTS = ("lda", "ldb", "alu", "mv", "st", "vec", "lng", "nop")

DONE = assemble("__start:\n" + "nop\n" * 10 + "done\n" + "nop\n" * 5, "done.s").code

MISSING = {
    *("lda.tm", "st.tm"),  # memory-mapped registers of the tile
    *("mov.nb", "mov.nb.tlast"),  # streams without waiting
    *(f"mov.{kind}{end}" for kind in ("ph", "cph") for end in ("", ".tlast", ".nb", ".nb.tlast")),
    *(f"vldb.compr.{what}" for what in ("fill", "peek", "pop", "reset")),
    *(
        f"vldb.sparse.{what}.{bits}"
        for what in ("fill", "peek", "pop", "reset")
        for bits in (4, 8, 16)
    ),
    *("vmov.lo", "vmov.hi"),  # half a cascade value
    "vshift.align",
}
"""Mnemonics that stop with NPU510; of the others every form runs."""


def every() -> list[Encoding]:
    return [encoding for slot in SLOTS for encoding in encodings(slot)]


def test_the_mnemonics_that_are_not_implemented() -> None:
    missing = {encoding.mnemonic for encoding in every() if not implemented(encoding)}
    names = {encoding.mnemonic for encoding in every()}
    print(f" {len(names) - len(missing)} of {len(names)} mnemonics are implemented ")
    assert missing == MISSING
    assert (len(names), len(missing)) == (393, 31)


def test_every_implemented_encoding_has_a_place_in_the_schedule() -> None:
    for encoding in every():
        if implemented(encoding):
            schedule = timing(encoding)
            assert schedule is not None
            assert all(0 <= access.write <= 9 and access.read <= 7 for access in schedule.operands)


def bundle_of(instruction: Instruction) -> Bundle:
    """Return the shortest bundle with an instruction, and nops beside it."""
    fitting = (f for size in sorted(formats()) for f in formats()[size])
    found = next(f for f in fitting if instruction.slot in f.slots.values())
    slots = {slot: nop_of(slot) for slot in found.slots.values()}
    return Bundle(found, {**slots, instruction.slot: instruction})


class Refused(Exception):
    """The core refused an access."""


@contextmanager
def refusals_of_cores() -> Iterator[None]:
    """Let pass what random operands may well ask for and no core can do."""
    try:
        yield
    except LabError as refusal:
        if refusal.code not in REFUSALS:
            raise
        raise Refused from refusal


@pytest.mark.parametrize("slot", SLOTS)
def test_every_implemented_encoding_executes(slot: str) -> None:
    """Random operands: a core either executes them or refuses them as no core can."""
    random = Random(slot)
    setup = {f"p{n}": DATA + 64 * n for n in range(8)} | {"sp": DATA + 0x800}
    ran = 0
    for encoding in encodings(slot):
        if not implemented(encoding) or encoding.mnemonic in STOPPING:
            continue
        for _ in range(3):
            word = random.getrandbits(encoding.pattern.width)
            word = word & ~encoding.pattern.mask | encoding.pattern.value
            instruction = encoding.decode(word)
            if instruction is None:
                continue
            memory = ProgramMemory()
            memory.write(0, encode(bundle_of(instruction)) + DONE)
            core = Core(stream=[1, 2])
            with suppress(Refused), refusals_of_cores():
                core.run(memory, setup=setup)
            assert (
                len(core.pipeline.state.vector) == len(core.pipeline.state.bypassed) == VECTOR_BYTES
            )
            ran += 1
    assert ran > 0 or slot == "nop"


STOPPING = {"done", "j", "jl", "jz", "jnz", "jnzd", "ret", "acq", "acq.cond", "rel", "rel.cond"}
"""Tested elsewhere: where they go depends on their operands."""

REFUSALS = {"NPU510", "NPU511", "NPU512", "NPU212"}
