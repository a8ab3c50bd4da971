"""Random programs: a core executes them or refuses them, and never anything else."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from errors import LabError
from simulator.aie2.bundle import LONGEST, decode
from simulator.aie2.execution.pipeline import Pipeline
from simulator.aie2.machine import ProgramMemory, Symbols
from simulator.array.core import Acquire, CascadeRead, Delay, StreamRead
from tests.execution.machine import DATA, Core

CYCLES = 800
PROGRAMS = 15


def bundle(random: Random) -> bytes:
    """Return the bytes of some bundle that decodes."""
    while True:
        data = random.randbytes(LONGEST)
        try:
            return data[: decode(data).size]
        except LabError:
            continue


def outcome(code: ProgramMemory, seed: int) -> tuple[str, list[int], bytes]:
    """Run a program for a while; return how it ended, its registers and its memory."""
    core, random = Core(), Random(seed)
    pipeline = Pipeline(core.context, code, 0, Symbols(), None)
    for number in range(32):
        pipeline.state.write(f"r{number}", random.getrandbits(32))
    for number in range(8):
        pipeline.state.write(f"p{number}", DATA + 64 * random.randrange(64))
    run, reply, cycles, end = pipeline.run(), None, 0, "limit"
    try:
        while cycles < CYCLES:
            request = run.send(reply)
            reply = None
            cycles += request.cycles if isinstance(request, Delay) else 1
            if isinstance(request, StreamRead | CascadeRead):
                reply = np.arange(16, dtype=np.uint32)
            elif isinstance(request, Acquire):
                assert 0 <= request.lock < 16
    except StopIteration:
        end = "done"
    except LabError as refusal:
        end = f"{refusal.code} {refusal.message}"
    return end, list(pipeline.state.scalar), core.memory.tobytes()


@pytest.mark.parametrize("seed", range(6))
def test_random_programs_end_in_words_and_always_alike(seed: int) -> None:
    random = Random(seed)
    ends: set[str] = set()
    for number in range(PROGRAMS):
        code, at = ProgramMemory(), 0
        for _ in range(random.randrange(1, 60)):
            data = bundle(random)
            code.write(at, data)
            at += len(data)
        first = outcome(code, number)
        assert first == outcome(code, number)
        ends.add(first[0].split()[0])
    assert ends - {"limit", "done"}, "some are refused"
    assert all(end in ("limit", "done") or end.startswith("NPU") for end in ends)
