"""Packet-switched streams: ids, headers, shared ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import CheckFailed
from simulator.array.array import Array
from simulator.array.config import Direction, Packet, Task, TileId
from simulator.array.core import CoreContext, CoreRun, Delay, StreamRead, StreamWrite
from simulator.array.host import AwaitToken, HostRun, Limits, PushTask, WriteBd
from simulator.array.packet import header, packet_id

if TYPE_CHECKING:
    from tests.array.conftest import Sketch

SHIM, MEM, CORE = TileId(0, 0), TileId(0, 1), TileId(0, 2)
SEND, RECEIVE = Direction.MM2S, Direction.S2MM
LIMITS = Limits(max_cycles=1_000_000, max_seconds=20)


@given(st.integers(0, 31), st.integers(0, 7), st.integers(0, 4), st.integers(0, 5))
def test_a_header_has_odd_parity_and_gives_its_fields_back(
    number: int, kind: int, col: int, row: int
) -> None:
    word = header(Packet(id=number, type=kind), TileId(col, row))
    assert word.bit_count() % 2 == 1
    assert packet_id(word) == number
    assert (word >> 12 & 7, word >> 16 & 31, word >> 21 & 127) == (kind, row, col)
    assert word & 0x70008FE0 == 0


def received(design: Sketch, array: Array, length: int) -> np.ndarray:
    """Receive `length` words at shim channel 0 and return them."""
    target = np.zeros(length, np.uint32)

    def sequence() -> HostRun:
        yield WriteBd(SHIM, 0, design.host_bd(0, 4 * length))
        yield PushTask(SHIM, RECEIVE, 0, Task(bd=0, token=True))
        yield AwaitToken(SHIM, RECEIVE, 0)

    array.run_host(sequence(), [target], LIMITS)
    return target


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 31), st.integers(1, 60), st.integers(1, 4)),
        min_size=1,
        max_size=4,
        unique_by=lambda sender: sender[0],
    ),
    st.booleans(),
)
def test_packets_of_several_senders_arrive_whole_and_in_their_order(
    sketch: type[Sketch], senders: list[tuple[int, int, int]], keep: bool
) -> None:
    """Each sender (id, words, packets) sends packets of words that name sender and place."""
    design = sketch()
    contents = {}
    for index, (number, length, repeat) in enumerate(senders):
        tile = TileId(index, 2)
        design.bd(tile, 0, 0, 4 * length, packet=Packet(id=number, type=3))
        design.start(tile, SEND, 0, 0, repeat=repeat - 1)
        design.route(design.dma(tile), design.dma(SHIM), packet_id=number, keep_header=keep)
        contents[number] = np.arange(length, dtype=np.uint32) + (index << 16)
    array = design.array()
    for index, (number, _, _) in enumerate(senders):
        array.write_memory(TileId(index, 2), 0, contents[number].tobytes())
    total = sum((length + keep) * repeat for _, length, repeat in senders)
    words = received(design, array, total).tolist()
    seen = dict.fromkeys(contents, 0)
    while words:
        index = words[int(keep)] >> 16
        number = senders[index][0]
        if keep:
            assert words.pop(0) == header(Packet(id=number, type=3), TileId(index, 2))
        packet, words = words[: len(contents[number])], words[len(contents[number]) :]
        assert packet == contents[number].tolist()
        seen[number] += 1
    assert seen == {number: repeat for number, _, repeat in senders}


def test_the_id_decides_where_a_packet_goes(sketch: type[Sketch]) -> None:
    design = sketch()
    tiles = [TileId(index, 2) for index in range(3)]
    for index, number in enumerate([4, 5, 4]):
        design.bd(MEM, index, 64 * index, 16, packet=Packet(id=number), next_bd=index + 1)
    design.bd(MEM, 3, 192, 16, packet=Packet(id=6))
    design.start(MEM, SEND, 0, 0)
    design.route(design.dma(MEM), design.dma(tiles[0]), packet_id=4)
    design.route(design.dma(MEM), design.dma(tiles[1]), design.dma(tiles[2]), packet_id=5)
    design.route(design.dma(MEM), design.dma(tiles[2]), packet_id=6, keep_header=True)
    for tile, length in zip(tiles, [32, 16, 36], strict=True):
        design.bd(tile, 0, 0, length)
        design.start(tile, RECEIVE, 0, 0)
    array = design.array()
    content = np.arange(64, dtype=np.uint32)
    array.write_memory(MEM, 0, content.tobytes())
    array.run_host(iter([Delay(1000)]), [], LIMITS)
    got = [array.memory(tile)[:36].view(np.uint32).tolist() for tile in tiles]
    assert got[0][:8] == [0, 1, 2, 3, 32, 33, 34, 35]
    assert got[1][:4] == [16, 17, 18, 19]
    assert got[2] == [16, 17, 18, 19, header(Packet(id=6), MEM), 48, 49, 50, 51]


def test_a_core_writes_a_packet_in_pieces_that_no_other_packet_comes_between(
    sketch: type[Sketch],
) -> None:
    design = sketch()
    first = np.array([header(Packet(id=1), CORE), 10, 11], np.uint32)

    def slow(_core: CoreContext) -> CoreRun:
        yield StreamWrite(0, first)
        yield Delay(500)
        yield StreamWrite(0, np.array([12, 13], np.uint32), last=True)
        yield StreamWrite(0, np.array([header(Packet(id=1), CORE)], np.uint32), last=True)

    design.core(CORE, slow)
    other = TileId(1, 2)
    design.bd(other, 0, 0, 8, packet=Packet(id=2))
    design.start(other, SEND, 0, 0)
    design.route(design.port(CORE), design.dma(SHIM), packet_id=1)
    design.route(design.dma(other), design.dma(SHIM), packet_id=2)
    array = design.array()
    array.write_memory(other, 0, np.array([20, 21], np.uint32).tobytes())
    words = received(design, array, 6).tolist()
    assert words in ([10, 11, 12, 13, 20, 21], [20, 21, 10, 11, 12, 13])


def test_a_header_may_stand_in_the_data(sketch: type[Sketch]) -> None:
    design = sketch()
    design.bd(MEM, 0, 0, 16)
    design.start(MEM, SEND, 0, 0)
    design.route(design.dma(MEM), design.port(CORE), packet_id=9, keep_header=True)
    got = []

    def program(_core: CoreContext) -> CoreRun:
        got.append((yield StreamRead(0, 4)).tolist())

    design.core(CORE, program)
    array = design.array()
    words = [header(Packet(id=9), SHIM), 7, 8, 9]
    array.write_memory(MEM, 0, np.array(words, np.uint32).tobytes())
    array.run_host(iter([Delay(1000)]), [], LIMITS)
    assert got == [words]


def test_a_packet_that_no_route_takes_is_refused(sketch: type[Sketch]) -> None:
    design = sketch()
    design.bd(MEM, 0, 0, 16, packet=Packet(id=3))
    design.start(MEM, SEND, 0, 0)
    design.route(design.dma(MEM), design.dma(CORE), packet_id=4)
    design.route(design.dma(MEM), design.dma(CORE), packet_id=1)
    with pytest.raises(CheckFailed) as failure:
        design.array().run_host(iter([Delay(1000)]), [], LIMITS)
    assert str(failure.value).splitlines()[0] == (
        "[NPU214] tile(0,1) MM2S:0 sends a packet with id 3, and no route from tile(0,1) DMA:0 "
        "takes it (ids routed: 1, 4)"
    )


def test_a_header_on_a_circuit_is_refused(sketch: type[Sketch]) -> None:
    design = sketch()
    design.bd(MEM, 0, 0, 16, packet=Packet(id=3), name="of_out", line=12)
    design.start(MEM, SEND, 0, 0)
    design.route(design.dma(MEM), design.dma(CORE))
    with pytest.raises(CheckFailed) as failure:
        design.array().run_host(iter([Delay(1000)]), [], LIMITS)
    assert str(failure.value).splitlines()[0] == (
        "[NPU214] tile(0,1) MM2S:0 executes BD 0 of tile(0,1) (of_out, line 12): it sends a packet "
        "header, and its route is circuit-switched, so the header would arrive as data"
    )


def test_a_packet_waits_while_another_has_the_port(sketch: type[Sketch]) -> None:
    """The first packet is never ended, so the second sender is named with who holds the port."""
    design = sketch()

    def endless(_core: CoreContext) -> CoreRun:
        yield StreamWrite(0, np.array([header(Packet(id=1), CORE), 5], np.uint32))
        yield StreamRead(0, 1)

    other = TileId(1, 2)
    design.core(CORE, endless)
    design.bd(other, 0, 0, 8, packet=Packet(id=2))
    design.route(design.port(CORE), design.dma(SHIM), packet_id=1)
    design.route(design.dma(other), design.dma(SHIM), packet_id=2)

    def sequence() -> HostRun:
        yield Delay(100)
        yield PushTask(other, SEND, 0, Task(bd=0))
        yield WriteBd(SHIM, 0, design.host_bd(0, 32))
        yield PushTask(SHIM, RECEIVE, 0, Task(bd=0, token=True))
        yield AwaitToken(SHIM, RECEIVE, 0)

    with pytest.raises(CheckFailed) as failure:
        design.array().run_host(sequence(), [np.zeros(8, np.uint32)], LIMITS)
    graph = failure.value.graph
    waits = {wait.who: (wait.what, wait.by) for wait in graph.waits}
    holder, waiter = "core of tile(0,2)", "tile(1,2) MM2S:0"
    assert waits[waiter] == (
        "to send words: 0 of 2 are gone, another packet has tile(0,0) DMA:0",
        (holder,),
    )
    assert waits[holder] == ("for words: 0 of 1 came, no route leads to tile(0,2) Core:0", ())
    assert graph.chain() == ("the host", "tile(0,0) S2MM:0", holder)
