"""The translator does what the interpreter does, on random programs and on the fixtures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from simulator.aie2.execution import pipeline
from simulator.aie2.native import engine
from simulator.aie2.native.unit import Compile
from tests.native.engines import Batch, outcome
from tests.native.programs import program, registers

BATCH = 400
"""Cycles between two requests of a core that never waits, to see where they fall."""


@pytest.fixture(autouse=True)
def _short_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pipeline, "BATCH", BATCH)
    monkeypatch.setattr(engine, "BATCH", BATCH)
    return None


def agree(seed: int, count: int, compile_: Compile) -> Counter[str]:
    """Run programs by both engines; return how they ended."""
    random = Random(seed)
    programs = [program(random, random.randrange(4, 40)) for _ in range(count)]
    native, ends = Batch(programs, compile_), Counter[str]()
    for number, code in enumerate(programs):
        setup, data = registers(random, code), random.randbytes(0x8000)
        expected = outcome(code, setup, None, cycles=600, data=data)
        got = outcome(code, setup, native, cycles=600, data=data)
        assert got.asked == expected.asked, number
        assert got == expected, number
        ends[expected.end.split()[0]] += 1
    return ends


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 105))
def test_a_thousand_random_programs(compile_code: Compile, seed: int) -> None:
    ends = agree(seed, 200, compile_code)
    assert ends["done"] + ends["limit"] > 100


def test_random_programs(compile_code: Compile) -> None:
    ends = agree(1, 30, compile_code)
    assert ends["done"] + ends["limit"] > 12
