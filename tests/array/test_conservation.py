"""Nothing is lost, doubled or reordered, however transfers are cut, spread and joined."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.array.config import Dim, Direction, Iteration, LockAction, Task, TileId
from simulator.array.core import Delay
from simulator.array.host import AwaitToken, HostRun, Limits, PushTask, WriteBd

if TYPE_CHECKING:
    from tests.array.conftest import Play, Sketch

SHIM, MEM = TileId(0, 0), TileId(0, 1)
SEND, RECEIVE = Direction.MM2S, Direction.S2MM
LIMITS = Limits(max_cycles=1_000_000, max_seconds=20)


def random_words(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 2**32, count, np.uint32)


def pieces(total: int, cuts: list[int]) -> list[tuple[int, int]]:
    """Cut [0, total) words at the given places; returns (start, length) in bytes."""
    edges = sorted({0, total, *(cut % total for cut in cuts)})
    return [(4 * a, 4 * (b - a)) for a, b in itertools.pairwise(edges)]


def cuts(most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, 10_000), max_size=most)


def chain(
    design: Sketch,
    tile: TileId,
    first: int,
    parts: list[tuple[int, int]],
    base: int,
    acquire: LockAction | None = None,
    release: LockAction | None = None,
) -> None:
    """Write one BD for each part; the first acquires and each releases."""
    for offset, (start, length) in enumerate(parts):
        design.bd(
            tile,
            first + offset,
            base + start,
            length,
            acquire=acquire if offset == 0 else None,
            release=release,
            next_bd=first + offset + 1 if offset + 1 < len(parts) else None,
        )


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 300), cuts(4), cuts(8), cuts(8), cuts(4))
def test_a_stream_may_be_cut_differently_by_every_sender_and_receiver(
    sketch: type[Sketch],
    total: int,
    sent: list[int],
    stored: list[int],
    loaded: list[int],
    received: list[int],
) -> None:
    design = sketch()
    stored, loaded = pieces(total, stored), pieces(total, loaded)
    design.lock(MEM, 0)
    chain(design, MEM, 0, stored, 0, release=design.act(MEM, 0))
    chain(design, MEM, 10, loaded, 0, acquire=design.act(MEM, 0, len(stored)))
    design.start(MEM, RECEIVE, 0, 0)
    design.start(MEM, SEND, 0, 10)
    design.route(design.dma(SHIM), design.dma(MEM))
    design.route(design.dma(MEM), design.dma(SHIM))
    source, target = random_words(total), np.zeros(total, np.uint32)

    def sequence() -> HostRun:
        tasks = [(RECEIVE, 1, part) for part in pieces(total, received)]
        tasks += [(SEND, 0, part) for part in pieces(total, sent)]
        for bd, (_, argument, (start, length)) in enumerate(tasks):
            yield WriteBd(SHIM, bd, design.host_bd(argument, length, start))
        for bd, (direction, _, _) in enumerate(tasks):
            yield PushTask(SHIM, direction, 0, Task(bd=bd, token=direction is RECEIVE))
        for direction, _, _ in tasks:
            if direction is RECEIVE:
                yield AwaitToken(SHIM, RECEIVE, 0)

    stats = design.array().run_host(sequence(), [source, target], LIMITS)
    assert target.tolist() == source.tolist()
    assert stats.written[0] is None
    assert stats.written[1].all()
    assert stats.work.routes == {design.dma(SHIM): total, design.dma(MEM): total}
    assert stats.findings == ()


@settings(deadline=None, max_examples=60)
@given(st.integers(4, 200), cuts(3), st.data())
def test_what_is_distributed_to_cores_and_joined_again_is_whole(
    sketch: type[Sketch], play: Play, total: int, places: list[int], data: st.DataObject
) -> None:
    design = sketch()
    parts = pieces(total, places)
    out = 4 * total
    for lock in range(2):
        design.lock(MEM, lock)
    design.bd(MEM, 0, 0, 4 * total, release=design.act(MEM, 0, len(parts)))
    design.start(MEM, RECEIVE, 0, 0)
    for index, (start, length) in enumerate(parts):
        tile = TileId(index, 2)
        channel = index + 1
        bank = 24 * (channel % 2)
        design.bd(MEM, bank + 2 + index, start, length, acquire=design.act(MEM, 0))
        design.start(MEM, SEND, channel, bank + 2 + index)
        design.route(design.dma(MEM, channel), design.dma(tile), hops=2 + index)
        through = pieces(length // 4, data.draw(cuts(3)))
        back = pieces(length // 4, data.draw(cuts(3)))
        design.lock(tile, 0)
        chain(design, tile, 0, through, 512, release=design.act(tile, 0))
        chain(design, tile, 8, back, 512, acquire=design.act(tile, 0, len(through)))
        design.start(tile, RECEIVE, 0, 0)
        design.start(tile, SEND, 0, 8)
        design.route(design.dma(tile), design.dma(MEM, channel), hops=2 + index)
        design.bd(MEM, bank + 10 + index, out + start, length, release=design.act(MEM, 1))
        design.start(MEM, RECEIVE, channel, bank + 10 + index)
    design.bd(MEM, 20, out, 4 * total, acquire=design.act(MEM, 1, len(parts)))
    design.start(MEM, SEND, 0, 20)
    design.route(design.dma(SHIM), design.dma(MEM))
    design.route(design.dma(MEM), design.dma(SHIM))
    source, target = random_words(total), np.zeros(total, np.uint32)
    play(
        design.array(),
        [source, target],
        (RECEIVE, 0, 1, 4 * total),
        (SEND, 0, 0, 4 * total),
    )
    assert target.tolist() == source.tolist()


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 200), st.lists(st.tuples(cuts(4), st.integers(1, 6)), min_size=2, max_size=4))
def test_every_branch_of_a_broadcast_gets_every_word(
    sketch: type[Sketch], total: int, branches: list[tuple[list[int], int]]
) -> None:
    design = sketch()
    tiles = [TileId(index, 2) for index in range(len(branches))]
    for tile, (places, _) in zip(tiles, branches, strict=True):
        parts = pieces(total, places)
        design.lock(tile, 0)
        chain(design, tile, 0, parts, 256, release=design.act(tile, 0))
        design.start(tile, RECEIVE, 0, 0)
    for tile, (_, hops) in zip(tiles, branches, strict=True):
        design.route(design.dma(SHIM), design.dma(tile), hops=hops)
    source = random_words(total)

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 4 * total))
        yield PushTask(SHIM, SEND, 0, Task(bd=0, token=True))
        yield AwaitToken(SHIM, SEND, 0)
        yield Delay(1000)  # the last words are on their way when the sender has ended

    array = design.array()
    array.run_host(sequence(), [source], LIMITS)
    for tile, (places, _) in zip(tiles, branches, strict=True):
        assert array.memory(tile)[256 : 256 + 4 * total].tobytes() == source.tobytes()
        assert array.lock_value(tile, 0) == len(pieces(total, places))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 6), st.integers(0, 12), st.integers(0, 30), st.integers(0, 5))
def test_an_iteration_steps_on_with_every_execution_and_wraps(
    sketch: type[Sketch], size: int, repeat: int, stride: int, start: int
) -> None:
    start %= size
    length = 8
    design = sketch()
    steps = Iteration(size=size, stride=stride, current=start)
    dims = (Dim(4, 3), Dim(2, 1))
    design.bd(MEM, 0, 0, 4 * length, dims=dims, iteration=steps)
    design.start(MEM, SEND, 0, 0, repeat=repeat)
    design.route(design.dma(MEM), design.dma(SHIM))
    array = design.array()
    content = random_words(512)
    array.write_memory(MEM, 0, content.tobytes())
    total = length * (repeat + 1)
    target = np.zeros(total, np.uint32)

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 4 * total))
        yield PushTask(SHIM, RECEIVE, 0, Task(bd=0, token=True))
        yield AwaitToken(SHIM, RECEIVE, 0)

    array.run_host(sequence(), [target], LIMITS)
    expected = [
        content[(start + execution) % size * stride + 3 * row + column]
        for execution in range(repeat + 1)
        for row in range(4)
        for column in range(2)
    ]
    assert target.tolist() == expected


def test_words_of_a_shim_walk_land_where_the_dimensions_say(sketch: type[Sketch]) -> None:
    design = sketch()
    design.bd(MEM, 0, 0, 4 * 24)
    design.start(MEM, SEND, 0, 0)
    design.route(design.dma(MEM), design.dma(SHIM))
    array = design.array()
    array.write_memory(MEM, 0, np.arange(24, dtype=np.uint32).tobytes())
    target = np.full((4, 10), 99, np.uint32)

    def sequence() -> HostRun:
        dims = (Dim(4, 10), Dim(6, 1))
        yield WriteBd(SHIM, 0, design.host_bd(0, 4 * 24, address=8, dims=dims))
        yield PushTask(SHIM, RECEIVE, 0, Task(bd=0, token=True))
        yield AwaitToken(SHIM, RECEIVE, 0)

    stats = array.run_host(sequence(), [target], LIMITS)
    assert target[:, 2:8].tolist() == np.arange(24).reshape(4, 6).tolist()
    mask = stats.written[0].reshape(4, 10, 4)
    assert mask[:, 2:8].all()
    assert not mask[:, :2].any()
    assert not mask[:, 8:].any()
