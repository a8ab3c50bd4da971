"""Which accesses race and which do not: orders that locks, streams and tokens make are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import CheckFailed
from simulator.array.config import WORD, BufferDescriptor, Dim, Iteration, Origin, Pad, TileId
from simulator.array.memory import Memory
from simulator.array.races import Clock, Races, Region, Regions
from tests.findings.design import run

TILE = TileId(0, 1)
MEMORY = Memory(TILE, 4096)


class Board:
    """Agents that read and write words, and what was found."""

    def __init__(self) -> None:
        self.found: list[CheckFailed] = []
        self.races = Races(self.found.append, lambda _memory, _byte: "")
        self.lock = np.zeros_like(self.races.host.known)

    def access(self, clock: Clock, start: int, stop: int, *, writes: bool) -> None:
        region = self.races.regions(MEMORY).range(start, stop)
        self.races.access(clock, MEMORY, region, Origin(), writes=writes)


def test_two_writers_without_an_order() -> None:
    board = Board()
    a, b = board.races.clock("a"), board.races.clock("b")
    board.access(a, 0, 64, writes=True)
    board.access(b, 60, 100, writes=True)
    assert [one.message for one in board.found] == [
        "race for bytes 60..63 of tile(0,1)'s memory: a writes them, and b writes them, and no "
        "lock orders the two"
    ]


def test_neighbouring_bytes_and_two_readers_do_not_race() -> None:
    board = Board()
    a, b = board.races.clock("a"), board.races.clock("b")
    board.access(a, 0, 63, writes=True)
    board.access(b, 63, 100, writes=True)
    board.access(a, 200, 300, writes=False)
    board.access(b, 200, 300, writes=False)
    assert not board.found


def test_a_release_orders_what_came_before_it_and_nothing_later() -> None:
    board = Board()
    a, b = board.races.clock("a"), board.races.clock("b")
    board.access(a, 0, 64, writes=True)
    a.tell(board.lock)
    board.access(a, 64, 128, writes=True)
    b.hear(board.lock)
    board.access(b, 0, 64, writes=True)
    assert not board.found
    board.access(b, 64, 128, writes=False)
    (race,) = board.found
    assert race.message.startswith("race for bytes 64..127 of tile(0,1)'s memory: a writes them")


def test_an_order_passes_through_a_third() -> None:
    board = Board()
    a, b, c = (board.races.clock(name) for name in "abc")
    second = board.lock.copy()
    board.access(a, 0, 64, writes=False)
    a.tell(board.lock)
    b.hear(board.lock)
    b.tell(second)
    c.hear(second)
    board.access(c, 0, 64, writes=True)
    assert not board.found


steps = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["read", "write", "release", "acquire"]),
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    max_size=40,
)


@given(steps)
@settings(max_examples=200, deadline=None)
def test_clocks_find_what_paths_find(program: list[tuple[int, str, int, int]]) -> None:
    """Against the definition: a race is a conflicting pair that no path of events connects."""
    board = Board()
    clocks = [board.races.clock(f"agent {number}") for number in range(4)]
    locks = [np.zeros_like(board.lock) for _ in range(3)]
    before: list[set[int]] = []
    last: dict[int, int] = {}
    released: dict[int, list[int]] = {0: [], 1: [], 2: []}
    expected = False
    for number, (agent, what, lock, place) in enumerate(program):
        known = {number}
        if agent in last:
            known |= before[last[agent]]
        if what == "acquire":
            clocks[agent].hear(locks[lock])
            for release in released[lock]:
                known |= before[release]
        elif what == "release":
            clocks[agent].tell(locks[lock])
            released[lock].append(number)
        else:
            board.access(clocks[agent], 4 * place, 4 * place + 6, writes=what == "write")
            for other in range(number):
                their, theirs, _, at = program[other]
                if theirs in ("read", "write") and "write" in (what, theirs):
                    near = abs(at - place) <= 1
                    expected |= their != agent and near and other not in known
        before.append(known)
        last[agent] = number
    assert bool(board.found) == expected


dims = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), max_size=3)


@given(st.integers(0, 20), dims, st.integers(0, 20), dims)
@settings(max_examples=200, deadline=None)
def test_walks_share_what_their_words_share(
    first: int, one: list[tuple[int, int]], second: int, other: list[tuple[int, int]]
) -> None:
    regions = Regions()
    left, right = made(regions, first, one), made(regions, second, other)
    common = words(first, one) & words(second, other)
    assert (right in left.overlaps) == (left in right.overlaps) == bool(common)
    if common:
        assert left.shared(right) == (min(common) * WORD, max(common) * WORD + WORD - 1)


def made(regions: Regions, first: int, walked: list[tuple[int, int]]) -> Region:
    length = max(1, int(np.prod([size for size, _ in walked])))
    record = BufferDescriptor(
        memory=TILE, address=0, length=length * WORD, dims=tuple(Dim(*dim) for dim in walked)
    )
    return regions.of(first, record)


def words(first: int, walked: list[tuple[int, int]]) -> set[int]:
    places = {first}
    for size, stride in walked:
        places = {place + step * stride for place in places for step in range(size)}
    return places


def test_padding_is_not_accessed() -> None:
    record = BufferDescriptor(
        memory=TILE, address=0, length=32, dims=(Dim(4, 1),), pads=(Pad(2, 2),)
    )
    region = Regions().of(8, record)
    assert (region.start, region.stop) == (32, 48)


RIGHT: dict[str, Callable[[str], str]] = {
    "the lock between the two": lambda text: text,
    "half a buffer each": lambda text: (
        text.replace("memref.store %v, %box[%i]", "memref.store %v, %box[%far]")
        .replace("scf.for %i = %c0 to %c16 step %c1 {", "%c8 = arith.constant 8 : index\n"
                 "scf.for %i = %c0 to %c8 step %c1 {\n%far = arith.addi %i, %c8 : index")
        .replace("%box : memref<16xi32>, 0, 16", "%box : memref<16xi32>, 0, 8")
        .replace("aie.use_lock(%full, Release, 1)\n      aie.end", "aie.end")
        .replace("init = 0", "init = 1").replace("1, 1, 1, 16", "1, 1, 1, 8")
    ),
}  # fmt: skip

DESIGN = """module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %full = aie.lock(%core, 1) {init = 0 : i32}
    %box = aie.buffer(%core) {sym_name = "box"} : memref<16xi32> = dense<1>
    aie.flow(%core, DMA : 0, %shim, DMA : 0)
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c16 = arith.constant 16 : index
      %v = arith.constant 7 : i32
      scf.for %i = %c0 to %c16 step %c1 {
        memref.store %v, %box[%i] : memref<16xi32>
      }
      aie.use_lock(%full, Release, 1)
      aie.end
    }
    aie.mem(%core) {
      %0 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.use_lock(%full, AcquireGreaterEqual, 1)
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.next_bd ^end
    ^end:
      aie.end
    }
    aie.shim_dma_allocation @out (%shim, S2MM, 0)
    aie.runtime_sequence(%y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1])
        {id = 0 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
"""


@pytest.mark.parametrize("case", RIGHT)
def test_no_false_alarm(case: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("design") / "right.mlir"
    path.write_text(RIGHT[case](DESIGN))
    assert run(path) is None


def test_the_same_design_without_its_lock(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("design") / "wrong.mlir"
    path.write_text(DESIGN.replace("init = 0", "init = 1"))
    error = run(path)
    assert error is not None
    assert error.code == "NPU223"


def test_each_step_of_an_iteration_is_its_own_region() -> None:
    record = BufferDescriptor(
        memory=TILE, address=0, length=16, iteration=Iteration(size=2, stride=4)
    )
    regions = Regions()
    first, second = regions.of(0, record), regions.of(4, record)
    assert (first.start, first.stop, second.start, second.stop) == (0, 16, 16, 32)
