"""Runtime sequences that arm channels anew, take descriptors from a pool, send control packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import CheckFailed
from simulator import Simulation

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write


def copied(write: Write, sequence: str, more: str = "") -> str:
    """Return a design whose core copies objects of 8, with a sequence of %x and %y."""
    return write.design(
        f"""
        aie.objectfifo @in(%shim0, {{%t02}}, 2 : i32) : !aie.objectfifo<memref<8xi32>>
        aie.objectfifo @out(%t02, {{%shim0}}, 2 : i32) : !aie.objectfifo<memref<8xi32>>
        {write.copy_core("%t02", "in", "out", 8)}
        {more}
        aie.runtime_sequence(%x: memref<8xi32>, %y: memref<8xi32>) {{
          {sequence}
        }}"""
    )


def move(fifo: str, value: str, count: int, number: int) -> str:
    return (
        f"aiex.npu.dma_memcpy_nd(%{value}[0, 0, 0, 0][1, 1, 1, {count}][0, 0, 0, 1]) "
        f"{{id = {number} : i64, metadata = @{fifo}, issue_token = true}} : memref<8xi32>\n"
    )


def wait(fifo: str) -> str:
    return f"aiex.npu.dma_wait {{symbol = @{fifo}}}\n"


WHOLE = move("in", "x", 8, 1) + move("out", "y", 8, 2) + wait("out")


def test_an_objectfifo_is_armed_anew(write: Write, simulate: Simulate) -> None:
    """Half an object has come when the channel is reset: the next object starts at its front."""
    half = move("in", "x", 3, 0) + wait("in")
    x, y = write.ramp(8), np.zeros(8, np.int32)
    simulate(copied(write, half + "aiex.dma_channel_reset_for(@in)\n" + WHOLE), x, y)
    np.testing.assert_array_equal(y, x)
    simulate(copied(write, half + WHOLE), x, y)
    np.testing.assert_array_equal(y, [1, 2, 3, 1, 2, 3, 4, 5])


BOUND = """
        %buffer = aie.buffer(%t02) {sym_name = "box"} : memref<8xi32>
        %full = aie.lock(%t02, 0) {init = 0 : i32, sym_name = "full"}
        %empty = aie.lock(%t02, 1) {init = 1 : i32, sym_name = "empty"}
        aie.mem(%t02) {
          %0 = aie.dma_start(S2MM, 0, ^in, ^next)
        ^in:
          aie.use_lock(%empty, AcquireGreaterEqual, 1)
          aie.dma_bd(%buffer : memref<8xi32>, 0, 8) {bd_id = 5 : i32}
          aie.use_lock(%full, Release, 1)
          aie.next_bd ^in
        ^next:
          %1 = aie.dma_start(MM2S, 0, ^out, ^end)
        ^out:
          aie.use_lock(%full, AcquireGreaterEqual, 1)
          aie.dma_bd(%buffer : memref<8xi32>, 0, 8)
          aie.use_lock(%empty, Release, 1)
          aie.next_bd ^out
        ^end:
          aie.end
        }
        aie.flow(%shim0, DMA : 0, %t02, DMA : 0)
        aie.flow(%t02, DMA : 0, %shim0, DMA : 0)
        aie.shim_dma_allocation @in(%shim0, MM2S, 0)
        aie.shim_dma_allocation @out(%shim0, S2MM, 0)
        aie.objectfifo_rearm_binding @again channels(%t02 : index)
          locks(%empty, %full : index, index) {channel_dirs = array<i32: 0>,
          channel_indices = array<i32: 0>, lock_inits = array<i32: 1, 0>HEADS}
"""


@pytest.mark.parametrize(
    "heads", ["", ", head_bd_ids = array<i32: 5>, repeat_counts = array<i32: 0>"]
)
def test_a_binding_says_what_to_arm(write: Write, simulate: Simulate, heads: str) -> None:
    sequence = move("in", "x", 3, 0) + wait("in")
    sequence += "aiex.dma_channel_reset_for(@again)\n" + WHOLE
    text = write.design(
        BOUND.replace("HEADS", heads)
        + "aie.runtime_sequence(%x: memref<8xi32>, %y: memref<8xi32>) {"
        + f"{sequence}}}"
    )
    x, y = write.ramp(8), np.zeros(8, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("dirs = array<i32: 0>", "dirs = array<i32: 7>", "channel 0, direction 7, of tile(0,2)"),
        ("indices = array<i32: 0>", "indices = array<i32: 2>", "channel 2, direction 0, of tile("),
        ("inits = array<i32: 1, 0>", "inits = array<i32: 1>", "and a value for each lock"),
        ("indices = array<i32: 0>", "indices = array<i32: 1>", "S2MM:1, which no DMA program sta"),
    ],
)
def test_a_binding_that_contradicts_itself(write: Write, old: str, new: str, message: str) -> None:
    text = write.design(
        BOUND.replace("HEADS", "").replace(old, new)
        + "aie.runtime_sequence() { aiex.dma_channel_reset_for(@again) }"
    )
    with pytest.raises(CheckFailed) as error:
        Simulation(text).run([])
    assert error.value.code == "NPU109"
    assert message in error.value.message


def test_descriptors_of_a_pool(write: Write, simulate: Simulate) -> None:
    tasks = ""
    for number, (fifo, value) in enumerate([("MM2S", "x"), ("S2MM", "y")]):
        tasks += f"""
          %bd{number} = aiex.dma_bd_pool_pop(0, 0) : i32
          %t{number} = aiex.dma_configure_task(%shim0, {fifo}, 0) bd_id %bd{number} : i32 {{
            aie.dma_bd(%{value} : memref<8xi32>, 0, 8)
            aie.end
          }} {{issue_token = true}}
          aiex.dma_start_task(%t{number})"""
    tasks += """
          aiex.dma_await_task(%t1)
          aiex.dma_bd_pool_push(0, 0) bd_id %bd0 : i32
          aiex.dma_bd_pool_push(0, 0) bd_id %bd1 : i32"""
    x, y = write.ramp(8), np.zeros(8, np.int32)
    simulate(copied(write, tasks), x, y)
    np.testing.assert_array_equal(y, x)


REFUSED = {
    "given back twice": (
        "%b = aiex.dma_bd_pool_pop(0, 0) : i32\naiex.dma_bd_pool_push(0, 0) bd_id %b : i32\n"
        "aiex.dma_bd_pool_push(0, 0) bd_id %b : i32",
        "NPU109",
        "buffer descriptor 0 of tile(0,0) is given back, and was not taken",
    ),
    "none left": (
        "\n".join(f"%b{i} = aiex.dma_bd_pool_pop(0, 0) : i32" for i in range(17)),
        "NPU121",
        "tile(0,0) has 16 buffer descriptors, and the design needs more",
    ),
    "pool of no tile": (
        "%b = aiex.dma_bd_pool_pop(7, 0) : i32",
        "NPU106",
        "tile(7,0) is not on npu1",
    ),
    "no such objectFifo": (
        "aiex.dma_channel_reset_for(@inn)",
        "NPU105",
        "there is no objectFifo @inn; did you mean in?",
    ),
    "control packet that reads": (
        "aiex.control_packet {address = 2098176 : ui32, length = 4 : i32, opcode = 1 : i32, "
        "stream_id = 2 : i32}",
        "NPU130",
        "aiex.control_packet with opcode 1 is not supported by the simulator yet",
    ),
    "control packet without data": (
        "aiex.control_packet {address = 2098176 : ui32, opcode = 0 : i32, stream_id = 0 : i32}",
        "NPU109",
        "a control packet that writes has 1 to 4 words of data",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(write: Write, case: str) -> None:
    sequence, code, message = REFUSED[case]
    with pytest.raises(CheckFailed) as error:
        Simulation(copied(write, sequence)).run([np.zeros(8, np.int32)] * 2)
    assert error.value.code == code
    assert error.value.message.endswith(message)


def test_a_control_packet_writes_words(write: Write, simulate: Simulate) -> None:
    text = write.design(
        """
        %box = aie.buffer(%t02) {sym_name = "box", address = 1024 : i32} : memref<8xi32> = dense<7>
        %go = aie.lock(%t02, 0) {init = 0 : i32, sym_name = "go"}
        aie.mem(%t02) {
          %0 = aie.dma_start(MM2S, 0, ^send, ^end)
        ^send:
          aie.use_lock(%go, AcquireGreaterEqual, 1)
          aie.dma_bd(%box : memref<8xi32>, 0, 8)
          aie.next_bd ^send
        ^end:
          aie.end
        }
        aie.flow(%t02, DMA : 0, %shim0, DMA : 0)
        aie.shim_dma_allocation @out(%shim0, S2MM, 0)
        aie.runtime_sequence(%y: memref<8xi32>) {
          aiex.control_packet {address = 2098180 : ui32, data = array<i32: 1, -2, 3>,
            opcode = 0 : i32, stream_id = 0 : i32}
          aiex.set_lock(%go, 1)
          aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1])
            {id = 0 : i64, metadata = @out} : memref<8xi32>
          aiex.npu.dma_wait {symbol = @out}
        }"""
    )
    y = np.zeros(8, np.int32)
    simulate(text, y)
    np.testing.assert_array_equal(y, [7, 1, -2, 3, 7, 7, 7, 7])


def test_the_overlay_for_control_packets(write: Write) -> None:
    """A packet with the id of row 3 sets a lock there; without the overlay no route takes it."""
    text = write.design(
        """
        %box = aie.buffer(%t03) {sym_name = "box"} : memref<8xi32> = dense<7>
        %go = aie.lock(%t03, 0) {init = 0 : i32, sym_name = "go"}
        aie.mem(%t03) {
          %0 = aie.dma_start(MM2S, 0, ^send, ^end)
        ^send:
          aie.use_lock(%go, AcquireGreaterEqual, 1)
          aie.dma_bd(%box : memref<8xi32>, 0, 8)
          aie.next_bd ^send
        ^end:
          aie.end
        }
        aie.flow(%t03, DMA : 0, %shim0, DMA : 0)
        aie.shim_dma_allocation @out(%shim0, S2MM, 0)
        aie.shim_dma_allocation @control(%shim0, MM2S, 1)
        aie.runtime_sequence(%x: memref<2xi32>, %y: memref<8xi32>) {
          aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 2][0, 0, 0, 1],
            packet = <pkt_id = 29, pkt_type = 1>)
            {id = 1 : i64, metadata = @control} : memref<2xi32>
          aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1])
            {id = 0 : i64, metadata = @out} : memref<8xi32>
          aiex.npu.dma_wait {symbol = @out}
        }"""
    )
    packet = np.array([0x8001F000, 1], np.uint32)  # header of a write to lock 0, and its value
    y = np.zeros(8, np.int32)
    Simulation(text, control_overlay=True).run([packet, y])
    np.testing.assert_array_equal(y, 7)
    with pytest.raises(CheckFailed) as error:
        Simulation(text).run([packet, y])
    assert error.value.code == "NPU229"
