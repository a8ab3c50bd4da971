"""What machine code does that nobody can mean, on small programs of one core."""

from __future__ import annotations

import pytest

from errors import CheckFailed
from simulator.aie2.assembler import assemble
from simulator.aie2.machine import ProgramMemory, Symbol, Symbols
from simulator.aie2.profile.inspector import Inspectors
from simulator.aie2.profile.result import profile_of
from simulator.array.config import TileId
from simulator.array.core import Delay
from simulator.array.host import Limits
from tests.array.conftest import Sketch

CORE = TileId(1, 3)
NOPS = "nop\n"
END = f"done\n{NOPS * 5}"
LIMITS = Limits(max_cycles=100_000, max_seconds=20)


def watched(text: str) -> Inspectors:
    """Run a program whose only function is main, and return who watched it."""
    memory, design = ProgramMemory(), Sketch()
    memory.write(0, assemble(f"__start:\n{text}\n{END}", "core.s").code)
    inspectors = Inspectors({CORE: Symbols([Symbol("main", 0, 64)])})
    design.core(CORE, inspectors(CORE, memory))
    design.array().run_host(iter([Delay(500)]), [], LIMITS)
    return inspectors


def findings(text: str) -> list[tuple[str | None, str]]:
    return [(one.code, one.message) for one in watched(text).findings()]


def test_a_register_that_nobody_has_written() -> None:
    assert findings("movx r1, #2\nadd r0, r1, r7") == [
        (
            "NPU515",
            "tile(1,3) reads r7, which nobody has written since the core started, at 0x4 "
            "(main+0x4) `add r0, r1, r7`",
        )
    ]


def test_a_vector_counts_as_written_with_any_part_of_it() -> None:
    assert findings("movxm p0, #0x70000\nvst wl3, [p0, #0]")[0][1].startswith(
        "tile(1,3) reads wl3, which nobody has written"
    )
    text = f"mova r0, #1\nvbcst.8 x1, r0\n{NOPS * 4}vmov x2, x1\nnop\nvadd.8 x3, x2, x1"
    assert findings(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "movxm sp, #0x70000\npaddb [sp], #32\nst r16, [sp, #-32]",  # a function saves r16
        "xor r0, r5, r5",  # gives 0 whatever r5 holds
    ],
)
def test_registers_whose_value_does_not_matter(text: str) -> None:
    assert findings(text) == []


def test_memory_that_nobody_has_written() -> None:
    text = "movxm p0, #0x70040\nst p0, [p0, #4]\nlda r0, [p0, #4]\nlda r1, [p0, #8]"
    assert findings(text) == [
        (
            "NPU516",
            "tile(1,3) reads 0x70048, which nobody has written, at 0xe (main+0xe) "
            "`lda r1, [p0, #8]`",
        )
    ]


LOADED = "movxm p0, #0x70040\nmova r0, #5\nst r0, [p0, #0]\nlda r0, [p0, #0]\n"


def test_an_old_value_is_read_and_the_new_one_never() -> None:
    text = f"{LOADED}add r1, r0, #1\n{NOPS * 6}movx r0, #9\nadd r2, r0, r1"
    assert findings(text) == [
        (
            "NPU517",
            "tile(1,3) reads r0 6 cycles before 0xe (main+0xe) `lda r0, [p0, #0]` delivers it: "
            "0x12 (main+0x12) `add r1, r0, #1` gets the old value, and nobody reads the new one",
        )
    ]


def test_an_old_value_that_is_meant_is_no_finding() -> None:
    """As compiled code does: the old value is used until the new one is there, and then that."""
    assert findings(f"{LOADED}add r1, r0, #1\n{NOPS * 5}add r2, r0, r1") == []


def test_a_bundle_whose_accesses_meet_in_a_bank() -> None:
    for distance, met in ((0x20, 1), (0x4000, 0), (0x0, 0), (0x10, 0)):
        text = (
            f"movxm p0, #0x70000\nmovxm p1, #{0x70000 + distance}\nmova r0, #1\n"
            "st r0, [p0, #0]\nst r0, [p1, #0]\nlda r1, [p0, #0]; st r0, [p1, #0]"
        )
        (core,) = watched(text).cores.values()
        assert profile_of(core).conflicts == met, distance


def test_a_core_that_writes_what_it_does_not_hold_is_a_race() -> None:
    design, memories = Sketch(), (ProgramMemory(), ProgramMemory())
    north = TileId(1, 4)
    for memory, address in zip(memories, (0x60040, 0x70040), strict=True):
        text = f"movxm p0, #{address}\nmova r0, #1\nst r0, [p0, #0]\n{END}"
        memory.write(0, assemble(f"__start:\n{text}", "core.s").code)
    inspectors = Inspectors()
    design.core(CORE, inspectors(CORE, memories[0]))
    design.core(north, inspectors(north, memories[1]))
    found = design.array().run_host(iter([Delay(200)]), [], LIMITS).findings
    assert [one.code for one in found] == ["NPU223"]
    assert "race for bytes 64..67 of tile(1,4)'s memory: core of tile(1,3)" in found[0].message
    assert isinstance(found[0], CheckFailed)
