"""Locks against a reference that is a list of numbers and a list of who waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import CheckFailed
from simulator.array.config import CoreProgram, Origin, TileId
from simulator.array.core import Acquire, CoreContext, CoreRun, Delay
from simulator.array.host import Limits
from simulator.array.locks import Semaphore
from simulator.array.scheduler import Scheduler
from simulator.array.timing import LOCK_LATENCY

if TYPE_CHECKING:
    from tests.array.conftest import Sketch

TILE = TileId(0, 2)
NO_END = 10**9


class Reference:
    """A lock as the manual has it: first come, first served among those who can go on."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.waiting: list[tuple[int, int, bool]] = []
        self.granted: list[int] = []

    def acquire(self, who: int, value: int, equal: bool) -> None:
        self.waiting.append((who, value, equal))
        self.serve()

    def release(self, value: int) -> None:
        self.value += value
        self.serve()

    def serve(self) -> None:
        able = [
            (who, value)
            for who, value, equal in self.waiting
            if self.value == value or (self.value > value and not equal)
        ]
        if able:
            who, value = able[0]
            self.value -= value
            self.waiting = [entry for entry in self.waiting if entry[0] != who]
            self.granted.append(who)
            self.serve()


operations = st.lists(
    st.one_of(
        st.tuples(st.just("acquire"), st.integers(0, 5), st.booleans()),
        st.tuples(st.just("release"), st.integers(0, 4), st.just(False)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 5), operations)
def test_a_lock_serves_as_the_reference_does(
    initial: int, steps: list[tuple[str, int, bool]]
) -> None:
    scheduler = Scheduler()
    lock = Semaphore(scheduler, TILE, 0)
    lock.set(initial)
    reference = Reference(initial)
    granted = []
    for who, (kind, value, equal) in enumerate(steps):
        if kind == "acquire":
            if lock.acquire(value, equal, lambda who=who: granted.append(who)):
                granted.append(who)
            reference.acquire(who, value, equal)
        elif reference.value + value <= 63:
            lock.release(value, "test")
            reference.release(value)
        scheduler.run(NO_END, NO_END)
        assert lock.value == reference.value
    assert granted == reference.granted


def test_who_waited_goes_on_after_the_lock_latency() -> None:
    scheduler = Scheduler()
    lock = Semaphore(scheduler, TILE, 3)
    times = []
    assert not lock.acquire(1, False, lambda: times.append(scheduler.now))
    scheduler.at(100, lambda: lock.release(1, "test"))
    scheduler.run(NO_END, NO_END)
    assert times == [100 + LOCK_LATENCY]


@pytest.mark.parametrize(
    ("initial", "value", "message"),
    [
        (
            63,
            1,
            "[NPU204] core of tile(0,2) (line 9) releases lock 3 of tile(0,2) (full, line 4) by "
            "1: its value 63 would become 64, outside 0..63",
        ),
        (
            1,
            -2,
            "[NPU204] core of tile(0,2) (line 9) releases lock 3 of tile(0,2) (full, line 4) by "
            "-2: its value 1 would become -1, outside 0..63",
        ),
    ],
)
def test_a_lock_refuses_to_leave_its_six_bits(initial: int, value: int, message: str) -> None:
    lock = Semaphore(Scheduler(), TILE, 3)
    lock.origin = Origin("full", 4)
    lock.set(initial)
    with pytest.raises(CheckFailed) as failure:
        lock.release(value, "core of tile(0,2)", Origin(line=9))
    assert str(failure.value).splitlines()[0] == message


programs = st.lists(
    st.one_of(
        st.tuples(st.just("acquire"), st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("release"), st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("delay"), st.integers(0, 20), st.just(0)),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(programs, min_size=1, max_size=3), st.lists(st.integers(0, 3), min_size=3, max_size=3)
)
def test_random_core_programs_lose_neither_units_nor_wake_ups(
    sketch: type[Sketch], bodies: list[Any], initial: int
) -> None:
    """Cores on three tiles share the locks of the one that all of them reach."""
    tiles = [TileId(0, 2), TileId(0, 3), TileId(1, 2)]
    design = sketch()
    for index, value in enumerate(initial):
        design.lock(TILE, index, value)
    balance = list(initial)
    blocked = {}

    def core_program(body: Any) -> CoreProgram:
        def program(core: CoreContext) -> CoreRun:
            for kind, index, value in body:
                if kind == "acquire":
                    blocked[core.tile] = (index, value)
                    yield Acquire(TILE, index, value)
                    del blocked[core.tile]
                    balance[index] -= value
                elif kind == "release":
                    core.release(TILE, index, value)
                    balance[index] += value
                else:
                    yield Delay(index)

        return program

    for tile, body in zip(tiles, bodies, strict=False):
        design.core(tile, core_program(body))
    array = design.array()
    array.run_host(iter([Delay(10_000)]), [], Limits())
    values = [array.lock_value(TILE, index) for index in range(3)]
    assert values == balance
    assert all(values[index] < value for index, value in blocked.values())
