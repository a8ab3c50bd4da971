"""Configurations and instructions at work: cores, images, waits, and what goes wrong in a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from errors import CheckFailed, LabError
from simulator.array.config import TileId
from simulator.array.core import Acquire, CoreContext, CoreRun, Delay
from simulator.array.deadlock import Deadlock
from simulator.binary.commands import (
    Command,
    LoadImage,
    Patch,
    Poll,
    RegisterWrite,
    Sync,
    Unmodelled,
)
from simulator.registers import address_of

Writes = Any
WORDS = 16


def program(w: Writes, value: int = 0) -> RegisterWrite:
    """Return the write of a program, whose first word the own test core looks at."""
    return RegisterWrite(address_of(w.core, "Program_Memory"), (value, 0, 0))


def adds(tile: TileId, memory: Any) -> Any:
    """Return a core program that adds the first word of its program memory to what comes."""

    def run(core: CoreContext) -> CoreRun:
        yield Delay(1)
        while True:
            yield Acquire(tile, 1)
            number = int.from_bytes(memory.data[:4], "little")
            words = core.memory(tile)[: 4 * WORDS].view(np.uint32)
            words += number
            core.release(tile, 2)
            yield Delay(10)

    return run


def adder(w: Writes, number: int) -> list[Command]:
    """Return the configuration of a design that adds a number."""
    into = {"lock_acq_enable": 1, "lock_acq_id": 0, "lock_acq_value": -1, "lock_rel_id": 1}
    out = {"lock_acq_enable": 1, "lock_acq_id": 2, "lock_acq_value": -1, "lock_rel_id": 0}
    repeat = {"length": WORDS, "lock_rel_value": 1, "valid_bd": 1, "use_next_bd": 1}
    return [
        w(w.core, "Core_Control", under=1),
        program(w, number),
        w(w.core, "Lock0_value", lock_value=1),
        w(w.core, "DMA_BD0", **repeat, **into, next_bd=0),
        w(w.core, "DMA_BD1", **repeat, **out, next_bd=1),
        w(w.core, "DMA_S2MM_0_Start_Queue", start_bd_id=0),
        w(w.core, "DMA_MM2S_0_Start_Queue", start_bd_id=1),
        *w.through(),
        w(w.core, "Core_Control", under=1, enable=1),
    ]


def transfer(w: Writes, *, words: int = WORDS, bd: int = 0) -> list[Command]:
    """Return the instructions that send argument 0 in and receive argument 1."""
    shim = w.shim
    return [
        w(shim, f"DMA_BD{bd + 1}", length=words, valid_bd=1),
        Patch(address_of(shim, f"DMA_BD{bd + 1}") + 4, 1, 0),
        w(shim, "DMA_S2MM_0_Task_Queue", start_bd_id=bd + 1, enable_token_issue=1),
        w(shim, f"DMA_BD{bd}", length=words, valid_bd=1),
        Patch(address_of(shim, f"DMA_BD{bd}") + 4, 0, 0),
        w(shim, "DMA_MM2S_0_Task_Queue", start_bd_id=bd),
        Sync(column=0, row=0, direction=0, channel=0),
    ]


def answer(executable: Any, instructions: list[Command]) -> list[int]:
    """Return what comes of 0, 1, 2, ..."""
    x, y = np.arange(WORDS, dtype=np.uint32), np.zeros(WORDS, np.uint32)
    stats = executable.run(instructions, [x, y])
    assert stats.findings == ()
    return [int(value) for value in y]


def plus(number: int) -> list[int]:
    return [value + number for value in range(WORDS)]


def test_a_design_runs_again_and_again(w: Writes) -> None:
    executable = w.executable(adder(w, 5), code=adds)
    for _ in range(3):
        assert answer(executable, transfer(w)) == plus(5)
    assert answer(executable, transfer(w, bd=4)) == plus(5), "another sequence, other BDs"


def test_instructions_load_another_image(w: Writes) -> None:
    executable = w.executable(adder(w, 5), adder(w, 9), code=adds)
    assert answer(executable, transfer(w)) == plus(5)
    assert answer(executable, [LoadImage(2), *transfer(w)]) == plus(9)
    assert answer(executable, transfer(w)) == plus(9), "it stays loaded"
    executable.load(1)
    assert answer(executable, transfer(w)) == plus(5)
    with pytest.raises(LabError, match=r"NPU286\] there is no image 3 \(instruction 0\)"):
        executable.run([LoadImage(3)], [])


def test_instructions_change_a_program_and_start_the_core_anew(w: Writes) -> None:
    executable = w.executable(adder(w, 5), code=adds)
    reset = [w(w.core, "Core_Control", under=2, reset=bit) for bit in (1, 0)]
    enable = w(w.core, "Core_Control", under=1, enable=1)
    changed = [*reset, program(w, 7), enable, *transfer(w)]
    assert answer(executable, changed) == plus(7)
    pause = w(w.core, "Core_Control", under=1)
    with pytest.raises(CheckFailed, match=r"NPU281\] the core of tile\(0,2\) \(instruction 1\)"):
        executable.run([pause, enable], [])


def test_a_write_of_one_word_changes_what_the_configuration_wrote(w: Writes) -> None:
    """The configuration's descriptor is longer than what comes; the instructions cut it."""
    commands = adder(w, 1)
    executable = w.executable(commands, code=adds)
    half = WORDS // 2
    x, y = np.arange(half, dtype=np.uint32), np.zeros(half, np.uint32)
    reset = [
        w(w.core, f"DMA_{way}_0_Ctrl", reset=bit) for way in ("S2MM", "MM2S") for bit in (1, 0)
    ]
    shorter = [RegisterWrite(address_of(w.core, f"DMA_BD{bd}"), (half,), 0x3FFF) for bd in (0, 1)]
    start = [
        w(w.core, "DMA_S2MM_0_Start_Queue", start_bd_id=0),
        w(w.core, "DMA_MM2S_0_Start_Queue", start_bd_id=1),
    ]
    free = w(w.core, "Lock0_value", lock_value=1)
    executable.run([*reset, free, *shorter, *start, *transfer(w, words=half)], [x, y])
    np.testing.assert_array_equal(y, x + 1)


def test_a_poll_waits_for_a_channel(w: Writes) -> None:
    executable = w.executable(adder(w, 2), code=adds)
    *start, _ = transfer(w)
    idle = Poll(address_of(w.shim, "DMA_S2MM_Status_0"), 0, 1 << 19)
    assert answer(executable, [*start, idle]) == plus(2)


def test_a_poll_that_nothing_can_end_is_a_deadlock(w: Writes) -> None:
    executable = w.executable(w.through())
    with pytest.raises(Deadlock) as failure:
        executable.run([Poll(address_of(w.core, "Lock0_value"), 3)], [])
    assert (
        "the host (instruction 0) waits for the register at 0x1f000 of tile(0,2) to hold 0x3 "
        "under mask 0xffffffff: it holds 0x0; nothing could end it" in str(failure.value)
    )


def test_a_queue_that_stays_full_is_a_deadlock_that_names_it(w: Writes) -> None:
    executable = w.executable(w.through())
    more = [w(w.core, "DMA_MM2S_0_Start_Queue", start_bd_id=1)] * 8
    bd = w(w.core, "DMA_BD1", length=4, valid_bd=1, lock_acq_enable=1, lock_acq_value=-1)
    with pytest.raises(Deadlock) as failure:
        executable.run([bd, *more], [])
    assert "for a free place in the task queue of tile(0,2) MM2S:0" in str(failure.value)


def test_routes_grow_while_instructions_write_switches(w: Writes) -> None:
    commands = adder(w, 3)
    enable = commands.pop()
    switches = [c for c in commands if c in w.through()]
    rest = [c for c in commands if c not in switches]
    executable = w.executable([*rest, enable], code=adds)
    assert answer(executable, [*switches, *transfer(w)]) == plus(3)
    gone = w(w.core, "Stream_Switch_Master_Config_DMA0")
    with pytest.raises(CheckFailed) as failure:
        executable.run([gone], [])
    assert str(failure.value).splitlines()[0] == (
        "[NPU283] the route from tile(0,0) DMA:0 to tile(0,2) DMA:0 is taken away (instruction 0), "
        "which is not modelled"
    )


def test_shim_words_written_again_need_their_address_again(w: Writes) -> None:
    executable = w.executable(adder(w, 5), code=adds)
    again = transfer(w)
    answer(executable, again)
    del again[4]
    with pytest.raises(LabError):
        answer(executable, again)


def broken(w: Writes) -> Iterator[tuple[list[Command], str]]:
    yield [Unmodelled("update_reg")], "[NPU284] update_reg (instruction 0) is not modelled"
    yield [Sync(9, 0, 0, 0)], "NPU210"
    yield [Patch(address_of(w.core, "DMA_BD0") + 4, 0, 0)], "is patched with a host address"
    yield [w(w.shim, "DMA_MM2S_0_Task_Queue", start_bd_id=3), Sync(0, 0, 1, 0)], "NPU208"
    half = [RegisterWrite(address_of(w.shim, "DMA_BD3"), (4,))]
    yield [*half, w(w.shim, "DMA_MM2S_0_Task_Queue", start_bd_id=3)], "only part of it was written"


@pytest.mark.parametrize("case", range(5))
def test_refused(w: Writes, case: int) -> None:
    instructions, message = list(broken(w))[case]
    with pytest.raises(LabError) as failure:
        w.executable(w.through()).run(instructions, [np.zeros(4, np.uint32)])
    assert message in str(failure.value)
