"""Which buffers instructions take is read off the transfers that they start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runtime.binary import ArtifactReader
from simulator.binary.arguments import Argument, arguments
from simulator.binary.commands import Command, Patch, RegisterWrite
from simulator.registers import address_of

Writes = Any


def bd(w: Writes, index: int, argument: int, offset: int = 0, **fields: int) -> list[Command]:
    return [
        w(w.shim, f"DMA_BD{index}", valid_bd=1, **fields),
        Patch(address_of(w.shim, f"DMA_BD{index}") + 4, argument, offset),
    ]


def test_of_a_real_instruction_file(passthrough: Path) -> None:
    data = (passthrough / "insts.bin").read_bytes()
    assert arguments(ArtifactReader().instructions(data, "insts.bin")) == (
        Argument(index=0, size=16384, is_read=True),
        Argument(index=1, size=16384, is_written=True),
    )


def test_sizes_are_what_strides_and_iterations_reach(w: Writes) -> None:
    walk = {"length": 8, "d0_wrap": 2, "d1_stepsize": 9}
    steps = {"length": 4, "iteration_wrap": 2, "iteration_stepsize": 99}
    found = arguments(
        [
            *bd(w, 0, 3, 40, **walk, use_next_bd=1, next_bd=1),
            *bd(w, 1, 1, **steps),
            w(w.shim, "DMA_MM2S_1_Task_Queue", start_bd_id=0),
        ]
    )
    assert found == (
        Argument(index=0),
        Argument(index=1, size=4 * (200 + 4), is_read=True),
        Argument(index=2),
        Argument(index=3, size=40 + 4 * (30 + 2), is_read=True),
    )


def test_a_buffer_may_go_both_ways_and_a_chain_in_a_circle(w: Writes) -> None:
    found = arguments(
        [
            *bd(w, 0, 0, length=4, use_next_bd=1, next_bd=0),
            w(w.shim, "DMA_MM2S_0_Task_Queue", start_bd_id=0),
            RegisterWrite(address_of(w.shim, "DMA_BD0"), (8,)),
            w(w.shim, "DMA_S2MM_0_Task_Queue", start_bd_id=0),
        ]
    )
    assert found == (Argument(index=0, size=32, is_read=True, is_written=True),)


def test_what_is_not_of_a_shim_dma_takes_no_buffer(w: Writes) -> None:
    others = [
        w(w.core, "DMA_BD0", length=4, valid_bd=1),
        w(w.core, "DMA_MM2S_0_Start_Queue", start_bd_id=0),
        w(w.shim, "Lock0_value", lock_value=1),
        w(w.shim, "DMA_MM2S_0_Task_Queue", start_bd_id=7),
        RegisterWrite(1 << 40, (1,)),
    ]
    assert arguments(others) == ()
