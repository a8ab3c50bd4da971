"""Machine code in the cores of the simulated array."""

from __future__ import annotations

import re

import numpy as np
import pytest

from errors import CheckFailed, UsageError
from simulator.aie2.assembler import assemble
from simulator.aie2.machine import ProgramMemory, Symbol, Symbols, core_program
from simulator.array.config import TileId
from simulator.array.core import CoreContext, CoreRun, Delay, StreamRead, StreamWrite
from simulator.array.host import Limits
from tests.array.conftest import Sketch

CORE, NORTH = TileId(1, 3), TileId(1, 4)
LIMITS = Limits(max_cycles=200_000, max_seconds=20)
NOPS = "nop\n"
END = f"done\n{NOPS * 5}"


def code(text: str) -> ProgramMemory:
    program = assemble(f"__start:\n{text}", "core.s")
    memory = ProgramMemory()
    memory.write(0, program.code)
    return memory


def run(design: Sketch, cycles: int = 2000) -> None:
    design.array().run_host(iter([Delay(cycles)]), [], LIMITS)


def test_two_cores_hand_a_buffer_over_with_a_lock() -> None:
    """The southern core writes north's memory and releases north's lock; north answers."""
    design = Sketch()
    design.lock(NORTH, 2, 0)
    design.lock(NORTH, 3, 0)
    south = f"movxm p0, #0x60040\nmova r0, #21\nst r0, [p0, #0]\nmova r1, #1\nrel #34, r1\n{END}"
    north = (
        "mova r2, #-1\nmovxm p0, #0x70040\nacq #50, r2\nlda r0, [p0, #0]\n"
        f"{NOPS * 6}add r0, r0, r0\nst r0, [p0, #4]\nmova r1, #1\nrel #51, r1\n{END}"
    )
    design.core(CORE, core_program(code(south)))
    design.core(NORTH, core_program(code(north)))
    array = design.array()
    array.run_host(iter([Delay(500)]), [], LIMITS)
    words = array.memory(NORTH)[0x40:0x48].view(np.uint32)
    assert words.tolist() == [21, 42]
    assert array.lock_value(NORTH, 3) == 1


def test_streams_reach_other_programs() -> None:
    design = Sketch()
    echo = f"mov r0, SS\n{NOPS * 6}add r0, r0, #1\nmov ms, r0\nmov.tlast ms, r0\n{END}"
    heard: list[int] = []

    def partner(_: CoreContext) -> CoreRun:
        yield StreamWrite(0, np.array([41], np.uint32))
        heard.extend(int(word) for word in (yield StreamRead(0, 2)))

    design.core(CORE, core_program(code(echo)))
    design.core(NORTH, partner)
    design.route(design.port(CORE), design.port(NORTH))
    design.route(design.port(NORTH), design.port(CORE))
    run(design)
    assert heard == [42, 42]


def test_a_wait_that_never_ends_names_the_function() -> None:
    design = Sketch()
    symbols = Symbols([Symbol("main", 0, 64)])
    waiting = f"mova r2, #-1\nacq #48, r2\n{END}"
    design.core(CORE, core_program(code(waiting), symbols=symbols))
    with pytest.raises(CheckFailed, match=r"main\+0x4") as refusal:
        design.array().run_host(iter([Delay(10), _never()]), [], LIMITS)
    assert "lock" in refusal.value.message + " ".join(refusal.value.details)


def _never() -> object:
    from simulator.array.config import Direction
    from simulator.array.host import AwaitToken

    return AwaitToken(TileId(0, 0), Direction.S2MM, 0)


def test_an_endless_loop_meets_the_limits_of_the_run() -> None:
    design = Sketch()
    design.core(CORE, core_program(code(f".align 16\nagain:\nj #again\n{NOPS * 5}")))
    with pytest.raises(CheckFailed, match="cycles"):
        run(design, 10**9)


class Log:
    """Remembers what it observes."""

    def __init__(self) -> None:
        self.issued: list[tuple[int, int]] = []
        self.waited: list[tuple[int, int, str]] = []

    def issue(self, address: int, cycle: int) -> None:
        self.issued.append((address, cycle))

    def wait(self, address: int, cycle: int, reason: str) -> None:
        self.waited.append((address, cycle, reason))


def test_an_observer_sees_every_bundle_and_every_wait() -> None:
    design, log = Sketch(), Log()
    design.lock(CORE, 0, 1)
    text = f"mova r2, #-1\nacq #48, r2\n{END}"
    design.core(CORE, core_program(code(text), observer=log))
    run(design)
    assert log.issued == [(0, 0), (4, 1), (8, 2)]
    assert log.waited == [(4, 1, "lock 0 of tile(1,3)")]


def test_code_is_read_when_it_is_reached_and_again_when_it_is_written() -> None:
    design, memory = Sketch(), ProgramMemory()
    design.core(CORE, core_program(memory))
    memory.write(0, code(f"movxm p0, #0x70000\nmova r0, #5\nst r0, [p0, #0]\n{END}").data[:64])
    array = design.array()
    array.run_host(iter([Delay(100)]), [], LIMITS)
    assert array.memory(CORE)[:4].view(np.uint32).tolist() == [5]


@pytest.mark.parametrize(
    ("parts", "kind", "code_", "message"),
    [
        (
            "lda.tm r0, [p0]",
            CheckFailed,
            "NPU510",
            "the instruction lda.tm r0, [p0] is not implemented, "
            "at 0x0 (main) `lda.tm r0, [p0]` on tile(1,3)",
        ),
        (
            "movxm p0, #0x20000\nst r0, [p0, #0]",
            CheckFailed,
            "NPU511",
            "address 0x20000 is not data memory of the core or of a neighbour, "
            "at 0x6 (main+0x6) `st r0, [p0, #0]` on tile(1,3)",
        ),
        (
            "rel #63, r0\nacq #15, r1",
            CheckFailed,
            "NPU212",
            "reaches neither memory nor locks of tile(1,2)",
        ),
    ],
)
def test_a_fault_names_the_instruction_and_the_function(
    parts: str, kind: type[CheckFailed], code_: str, message: str
) -> None:
    design = Sketch("npu1_1col")
    tile = TileId(0, 2)
    symbols = Symbols([Symbol("main", 0, 64)])
    design.core(tile, core_program(code(f"{parts}\n{END}"), symbols=symbols))
    expected = message.replace("tile(1,3)", "tile(0,2)").replace("tile(1,2)", "tile(0,1)")
    with pytest.raises(kind, match=re.escape(expected)) as refusal:
        run(design)
    assert refusal.value.code == code_


def test_running_into_data_is_refused_with_the_place() -> None:
    design, memory = Sketch(), ProgramMemory()
    memory.write(0, b"\xff" * 16)
    design.core(CORE, core_program(memory))
    with pytest.raises(UsageError, match="program memory at 0x0") as refusal:
        run(design)
    assert refusal.value.code in ("NPU501", "NPU502")


def test_what_does_not_fit_program_memory_is_refused() -> None:
    with pytest.raises(UsageError, match="32 bytes at 0x3ff0 do not fit the 16384 bytes") as error:
        ProgramMemory().write(0x3FF0, bytes(32))
    assert error.value.code == "NPU513"


def test_a_release_comes_when_the_cycles_before_it_have_passed() -> None:
    """Nobody who waits for a lock goes on before the core has done its work."""
    design = Sketch()
    design.lock(CORE, 0, 0)
    design.core(CORE, core_program(code(f"mova r1, #1\n{NOPS * 99}rel #48, r1\n{NOPS * 99}{END}")))
    array, seen = design.array(), []
    for _ in range(3):
        array.run_host(iter([Delay(67)]), [], LIMITS)
        seen.append(array.lock_value(CORE, 0))
    assert seen == [0, 1, 1]


FRAME = f"movxm sp, #0x70000\npaddb [sp], #1024\npaddb [sp], #32\n{END}"


@pytest.mark.parametrize("first", [0x70400, 0x70410])
def test_a_stack_that_reaches_a_buffer_is_refused(first: int) -> None:
    design, memory = Sketch(), code(FRAME)
    memory.occupied = (0x6FFF0, first, 0x70800)
    symbols = Symbols([Symbol("main", 0, 64)])
    design.core(CORE, core_program(memory, symbols=symbols))
    finding = design.array().run_host(iter([Delay(99)]), [], LIMITS).findings[0]
    assert finding.code == "NPU518"
    assert finding.message == (
        "stack overflow: the stack from 0x70000 on grows to 1,056 bytes, and what begins "
        f"{first - 0x70000:,} bytes behind its start is overwritten, at 0xa (main+0xa) "
        "`paddb [sp], #32` on tile(1,3)"
    )


def test_what_goes_wrong_after_an_overflow_follows_from_it() -> None:
    design, memory = Sketch(), code(FRAME.replace("done", "movxm p0, #0x20000\nlda r0, [p0, #0]"))
    memory.occupied = (0x70400,)
    design.core(CORE, core_program(memory))
    with pytest.raises(CheckFailed, match="stack overflow") as refusal:
        run(design)
    assert refusal.value.details[0] == (
        "it ends in [NPU511] address 0x20000 is not data memory of the core or of a neighbour, "
        "at 0x14 `lda r0, [p0, #0]` on tile(1,3)"
    )


def test_a_stack_may_end_where_a_buffer_begins() -> None:
    design, memory = Sketch(), code(FRAME)
    memory.occupied = (0x70420,)
    design.core(CORE, core_program(memory))
    run(design)


def test_a_core_that_leaves_its_program_is_refused() -> None:
    design = Sketch()
    design.core(CORE, core_program(code("movxm p0, #0x70000\n" + NOPS)))
    with pytest.raises(CheckFailed) as refusal:
        run(design)
    assert refusal.value.code == "NPU519"
    assert refusal.value.message == ("the core leaves its program of 8 bytes, at 0x8 on tile(1,3)")
