"""The lab's own programs of cores, executed one object at a time, against their goldens.

`latencies` has every class of latency, `delay_slots` what compiled code relies on, and the
two `call_delay` programs are one function call, scheduled rightly and as a compiler once
got it wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from simulator.aie2.elf import LinkedProgram, load
from tests.execution.machine import OWN, Core

BINARIES = Path(__file__).parent.parent / "binaries"
sys.path.insert(0, str(BINARIES))

from fixtures import DESIGNS  # noqa: E402
from goldens import GOLDENS, example  # noqa: E402

SIZES = {design.name: (design.input_bytes, design.output_bytes) for design in DESIGNS}


def answer(program: LinkedProgram, data: bytes, size: int) -> bytes:
    """Hand one object to a core and return what it makes of it."""
    core = Core(locks={49: 1, 50: 1})
    for segment in program.data:
        start = segment.address - OWN
        core.memory[start : start + len(segment.data)] = np.frombuffer(segment.data, np.uint8)
    start = program.objects["in_0"][0] - OWN
    core.memory[start : start + len(data)] = np.frombuffer(data, np.uint8)
    core.run(program.program_memory(), entry=program.entry)
    assert {48, 51} <= core.locks.keys(), "the core released both objects"
    start = program.objects["out_0"][0] - OWN
    return bytes(core.memory[start : start + size])


@pytest.mark.parametrize("name", sorted(SIZES))
def test_a_core_answers_as_its_golden(name: str) -> None:
    program = load((BINARIES / name / "core.elf").read_bytes())
    for number in range(2):
        data = example(name, number)
        assert answer(program, data, SIZES[name][1]) == GOLDENS[name](data)


def test_a_miscompiled_call_gives_zeros_and_not_what_the_source_says() -> None:
    data = example("call_delay", 1)
    wrong = load((BINARIES / "call_delay_miscompiled" / "core.elf").read_bytes())
    right = load((BINARIES / "call_delay" / "core.elf").read_bytes())
    assert answer(right, data, 256) == GOLDENS["call_delay"](data)
    assert answer(wrong, data, 256) == bytes(256) != GOLDENS["call_delay"](data)
