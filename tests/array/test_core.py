"""What a core program can do: memories, native calls, streams, the cascade."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import CheckFailed
from simulator.array.config import Buffer, Direction, Port, PortKind, TileId
from simulator.array.core import (
    Acquire,
    CascadeRead,
    CascadeWrite,
    CoreContext,
    CoreRun,
    Delay,
    StreamRead,
    StreamWrite,
)
from simulator.array.host import Limits

if TYPE_CHECKING:
    from tests.array.conftest import Sketch

CORE, NORTH, EAST, FAR = TileId(1, 3), TileId(1, 4), TileId(2, 3), TileId(3, 3)
LIMITS = Limits(max_cycles=100_000, max_seconds=20)


def run(design: Sketch, cycles: int = 1000) -> None:
    design.array().run_host(iter([Delay(cycles)]), [], LIMITS)


@pytest.mark.parametrize("tile", [CORE, NORTH, TileId(1, 2), TileId(0, 3)])
def test_a_core_shares_memory_and_locks_with_its_neighbours(
    sketch: type[Sketch], tile: TileId
) -> None:
    design = sketch()
    buffer = Buffer(tile=tile, name="shared", address=128, size=16, initial=bytes(range(16)))
    design.configuration.buffers.append(buffer)
    design.lock(tile, 5, 2)

    def program(core: CoreContext) -> CoreRun:
        yield Acquire(tile, 5, 2)
        view = core.view(buffer)
        assert view.tolist() == list(range(16))
        view[:] = 7
        assert core.address(buffer) == core.memory(tile)[128:].ctypes.data
        assert core.address(buffer) % 64 == 0
        core.release(tile, 5, 3)

    design.core(CORE, program)
    array = design.array()
    array.run_host(iter([Delay(100)]), [], LIMITS)
    assert array.memory(tile)[128:144].tolist() == [7] * 16
    assert array.lock_value(tile, 5) == 3


@pytest.mark.parametrize("tile", [EAST, FAR, TileId(1, 1), TileId(2, 4)])
def test_a_core_does_not_reach_other_tiles(sketch: type[Sketch], tile: TileId) -> None:
    refusals = []

    def program(core: CoreContext) -> CoreRun:
        buffer = Buffer(tile=tile, name="far", address=0, size=4)
        for use in (
            lambda: core.memory(tile),
            lambda: core.view(buffer),
            lambda: core.address(buffer),
            lambda: core.release(tile, 0),
        ):
            with pytest.raises(CheckFailed) as failure:
                use()
            refusals.append(str(failure.value).splitlines()[0])
        yield Delay(1)

    design = sketch()
    design.core(CORE, program)
    run(design)
    message = f"[NPU212] the core of {CORE} reaches neither memory nor locks of {tile}"
    assert refusals == [message] * 4


def test_memory_holds_no_zeros_before_it_is_written(sketch: type[Sketch]) -> None:
    assert set(sketch().array().memory(CORE).tolist()) == {0xA5}


@pytest.mark.parametrize(
    ("address", "offset", "place"),
    [
        (0, -1, "1 bytes below its start"),
        (0, -4096, "4096 bytes below its start"),
        (65_532, 4, "0 bytes past its end"),
        (65_532, 4099, "4095 bytes past its end"),
    ],
)
def test_a_native_store_outside_the_tile_is_found_and_named(
    sketch: type[Sketch], address: int, offset: int, place: str
) -> None:
    buffer = Buffer(tile=NORTH, name="out", address=address, size=4)
    memset = ctypes.CDLL(None).memset
    memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]

    def program(core: CoreContext) -> CoreRun:
        pointer = core.address(buffer)
        core.call("inside", memset, pointer, 0, 4)
        yield Delay(1)
        core.call("step", memset, pointer + offset, 0, 1)

    design = sketch()
    design.core(CORE, program)
    with pytest.raises(CheckFailed) as failure:
        run(design)
    assert str(failure.value).splitlines()[0] == (
        f"[NPU211] step on tile(1,3) wrote outside tile(1,4)'s memory: {place}"
    )


def test_a_native_call_gives_its_result(sketch: type[Sketch]) -> None:
    results = []
    absolute = ctypes.CDLL(None).abs

    def program(core: CoreContext) -> CoreRun:
        results.append(core.call("abs", absolute, -3))
        yield Delay(1)

    design = sketch()
    design.core(CORE, program)
    run(design)
    assert results == [3]


def test_cores_stream_words_to_each_other_in_any_portions(sketch: type[Sketch]) -> None:
    sent = np.arange(100, dtype=np.uint32)
    got: list[int] = []

    def writer(_core: CoreContext) -> CoreRun:
        for start in range(0, 100, 7):
            yield StreamWrite(0, sent[start : start + 7])

    def reader(_core: CoreContext) -> CoreRun:
        for count in (1, 30, 9, 60):
            got.extend((yield StreamRead(0, count)).tolist())
            assert (yield Delay(1)) is None

    design = sketch()
    design.core(CORE, writer)
    design.core(FAR, reader)
    design.route(design.port(CORE), design.port(FAR), hops=3)
    run(design)
    assert got == sent.tolist()


def test_a_core_and_a_dma_exchange_words(sketch: type[Sketch]) -> None:
    def doubler(_core: CoreContext) -> CoreRun:
        for _ in range(8):
            word = yield StreamRead(0, 1)
            yield StreamWrite(0, word * np.uint32(2))

    design = sketch()
    design.core(CORE, doubler)
    design.bd(NORTH, 0, 0, 32)
    design.bd(NORTH, 1, 64, 32)
    design.start(NORTH, Direction.MM2S, 0, 0)
    design.start(NORTH, Direction.S2MM, 0, 1)
    design.route(design.dma(NORTH), design.port(CORE))
    design.route(design.port(CORE), design.dma(NORTH))
    array = design.array()
    array.write_memory(NORTH, 0, np.arange(8, dtype=np.uint32).tobytes())
    array.run_host(iter([Delay(1000)]), [], LIMITS)
    assert array.memory(NORTH)[64:96].view(np.uint32).tolist() == list(range(0, 16, 2))


def test_the_cascade_holds_four_values_and_keeps_their_order(sketch: type[Sketch]) -> None:
    written, read = [], []

    def west(_core: CoreContext) -> CoreRun:
        for value in range(7):
            yield CascadeWrite(np.full(16, value, np.uint32))
            written.append(value)

    def east(_core: CoreContext) -> CoreRun:
        yield Delay(500)
        read.append(len(written))
        for _ in range(7):
            words = yield CascadeRead()
            read.append(int(words[15]))

    design = sketch()
    design.core(CORE, west)
    design.core(EAST, east)
    design.route(Port(CORE, PortKind.CASCADE, 0), Port(EAST, PortKind.CASCADE, 0))
    run(design)
    assert read == [4, *range(7)]


def test_a_program_that_fails_ends_the_run_with_its_own_error(sketch: type[Sketch]) -> None:
    def program(_core: CoreContext) -> CoreRun:
        yield Delay(1)
        raise ZeroDivisionError("in the kernel")

    design = sketch()
    design.core(CORE, program)
    with pytest.raises(ZeroDivisionError, match="in the kernel"):
        run(design)
