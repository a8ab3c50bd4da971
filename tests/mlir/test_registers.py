"""Runtime sequences that write registers: descriptors, queues, memory and locks by address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import CheckFailed
from simulator import Simulation

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write

FLOWS = """
    aie.flow(%shim0, DMA : 0, %t02, DMA : 0)
    aie.flow(%t02, DMA : 0, %shim0, DMA : 0)
    %free = aie.lock(%t02, 0) {init = 1 : i32, sym_name = "free"}
    %full = aie.lock(%t02, 1) {init = 0 : i32, sym_name = "full"}"""

SHIM_BD = 0x1D000
CORE_BD = 0x1D000
CORE_QUEUE = {"S2MM": 0x1DE04, "MM2S": 0x1DE14}
SHIM_QUEUE = {"S2MM": 0x1D204, "MM2S": 0x1D214}


def sequence(*lines: str) -> str:
    body = "\n      ".join(lines)
    return (
        "\n    aie.runtime_sequence(%x: memref<16xi32>, %y: memref<16xi32>) "
        f"{{\n      {body}\n    }}"
    )


def write32(address: int, value: int, row: int) -> str:
    return (
        f"aiex.npu.write32 {{address = {address} : ui32, column = 0 : i32, row = {row} : i32, "
        f"value = {value} : ui32}}"
    )


def write_bd(row: int, bd: int, **fields: int) -> str:
    numbers = {"bd_id": bd, "column": 0, "row": row, "valid_bd": 1, **fields}
    return f"aiex.npu.writebd {{{', '.join(f'{k} = {v} : i32' for k, v in numbers.items())}}}"


def patch(bd: int, argument: int, plus: int = 0) -> str:
    return (
        f"aiex.npu.address_patch {{addr = {SHIM_BD + 0x20 * bd + 4} : ui32, "
        f"arg_idx = {argument} : i32, arg_plus = {plus} : i32}}"
    )


def sync(direction: int = 0) -> str:
    return (
        "aiex.npu.sync {channel = 0 : i32, column = 0 : i32, column_num = 1 : i32, "
        f"direction = {direction} : i32, row = 0 : i32, row_num = 1 : i32}}"
    )


FILL = {"lock_acq_enable": 1, "lock_acq_val": 127, "lock_rel_id": 1, "lock_rel_val": 1}
DRAIN = {"lock_acq_enable": 1, "lock_acq_id": 1, "lock_acq_val": 1}


def by_hand(start: list[str]) -> str:
    """Return a sequence that writes every descriptor of a copy through the core tile."""
    return sequence(
        write_bd(0, 0, buffer_length=16),
        patch(0, 1),
        write32(SHIM_QUEUE["S2MM"], 0x80000000, 0),
        write_bd(2, 0, buffer_length=16, buffer_offset=1024, **FILL),
        write_bd(2, 1, buffer_length=16, buffer_offset=1024, **DRAIN),
        write_bd(0, 1, buffer_length=16),
        patch(1, 0),
        *start,
        sync(),
    )


STARTS = {
    "by address": [
        write32(CORE_QUEUE["S2MM"], 0, 2),
        write32(CORE_QUEUE["MM2S"], 1, 2),
        write32(SHIM_QUEUE["MM2S"], 1, 0),
    ],
    "by push_queue": [
        "aiex.npu.push_queue(0, 2, S2MM : 0) {bd_id = 0 : i32, issue_token = false, "
        "repeat_count = 0 : i32}",
        "aiex.npu.push_queue(0, 2, MM2S : 0) {bd_id = 1 : i32, issue_token = false, "
        "repeat_count = 0 : i32}",
        "aiex.npu.push_queue(0, 0, MM2S : 0) {bd_id = 1 : i32, issue_token = false, "
        "repeat_count = 0 : i32}",
    ],
}


@pytest.mark.parametrize("start", STARTS)
def test_descriptors_field_by_field(simulate: Simulate, write: Write, start: str) -> None:
    x, y = write.ramp(16), np.zeros(16, np.int32)
    simulate(write.design(FLOWS + by_hand(STARTS[start])), x, y)
    np.testing.assert_array_equal(y, x)


def test_descriptors_as_blocks(simulate: Simulate, write: Write) -> None:
    """A block names its tile or has it in the address; the core's takes every fourth word."""
    words = {
        "shim": "dense<[16, 0, 0, 0, 0, 0, 0, 33554432]> : memref<8xi32>",
        "fill": "dense<[16, 0, 0, 0, 0, 33828896]> : memref<6xi32>",
        "drain": f"dense<[16, 0, {3}, {4 << 13}, 0, {1 << 25 | 1 << 12 | 1 << 5 | 1}]> "
        ": memref<6xi32>",
    }
    globals_ = "\n".join(
        f'    memref.global "private" constant @{name} : {value.rpartition(" : ")[2]} = '
        f"{value.rpartition(' : ')[0]}"
        for name, value in words.items()
    )

    def block(name: str, address: int, size: int) -> list[str]:
        return [
            f"%{name}{address} = memref.get_global @{name} : memref<{size}xi32>",
            f"aiex.npu.blockwrite(%{name}{address}) {{address = {address} : ui32}} "
            f": memref<{size}xi32>",
        ]

    text = (
        FLOWS
        + globals_
        + sequence(
            *block("shim", SHIM_BD, 8),
            patch(0, 1),
            write32(SHIM_QUEUE["S2MM"], 0x80000000, 0),
            *block("fill", 2 << 20 | CORE_BD, 6),
            *block("drain", 2 << 20 | CORE_BD + 0x20, 6),
            *STARTS["by address"][:2],
            *block("shim", SHIM_BD + 0x20, 8),
            patch(1, 0),
            STARTS["by address"][2],
            sync(),
        )
    )
    x, y = write.ramp(16), np.zeros(16, np.int32)
    simulate(write.design(text), x, y)
    np.testing.assert_array_equal(y, x.reshape(4, 4).T.reshape(-1))


def test_buffers_by_name_and_bits_by_mask(simulate: Simulate, write: Write) -> None:
    """The sequence writes a buffer word by word and under a mask; a DMA sends it out."""
    text = write.design(
        """
    %box = aie.buffer(%t02) {sym_name = "box"} : memref<16xi32>
    %go = aie.lock(%t02, 3) {init = 0 : i32, sym_name = "go"}
    aie.flow(%t02, DMA : 0, %shim0, DMA : 0)
    aie.shim_dma_allocation @out(%shim0, S2MM, 0)
    memref.global "private" constant @ramp : memref<16xi32> = dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, """
        """9, 10, 11, 12, 13, 14, 15]>
    %m = aie.mem(%t02) {
      %0 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.use_lock(%go, AcquireGreaterEqual, 1)
      aie.dma_bd(%box : memref<16xi32>, 0, 16)
      aie.next_bd ^send
    ^end:
      aie.end
    }"""
        + sequence(
            "%0 = memref.get_global @ramp : memref<16xi32>",
            "aiex.npu.blockwrite(%0) {buffer = @box, address = 0 : ui32} : memref<16xi32>",
            "aiex.npu.write32 {buffer = @box, address = 4 : ui32, value = 42 : ui32}",
            "aiex.npu.maskwrite32 {buffer = @box, address = 15 : ui32, value = 0xF0 : ui32, "
            "mask = 0xF8 : ui32}",
            write32(0x1F030, 1, 2),
            "aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) "
            "{id = 0 : i64, metadata = @out} : memref<16xi32>",
            "aiex.npu.dma_wait {symbol = @out}",
        )
    )
    y = np.zeros(16, np.int32)
    simulate(text, np.zeros(16, np.int32), y)
    expected = np.arange(16)
    expected[4], expected[15] = 42, 15 & ~0xF8 | 0xF0
    np.testing.assert_array_equal(y, expected)


def test_control_packets_release_a_lock(simulate: Simulate, write: Write) -> None:
    """The core waits for a lock that only a control packet sets."""
    text = write.design(
        """
    %go = aie.lock(%t02, 0) {init = 0 : i32, sym_name = "go"}
    %full = aie.lock(%t02, 1) {init = 0 : i32, sym_name = "full"}
    %box = aie.buffer(%t02) {sym_name = "box"} : memref<4xi32>
    aie.packet_flow(1) {
      aie.packet_source<%shim0, DMA : 0>
      aie.packet_dest<%t02, TileControl : 0>
    }
    aie.flow(%t02, DMA : 0, %shim0, DMA : 0)
    aie.shim_dma_allocation @in(%shim0, MM2S, 0)
    aie.shim_dma_allocation @out(%shim0, S2MM, 0)
    aie.core(%t02) {
      %c0 = arith.constant 0 : index
      %v = arith.constant 77 : i32
      aie.use_lock(%go, AcquireGreaterEqual, 3)
      memref.store %v, %box[%c0] : memref<4xi32>
      aie.use_lock(%full, Release, 1)
      aie.end
    }
    %m = aie.mem(%t02) {
      %0 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.use_lock(%full, AcquireGreaterEqual, 1)
      aie.dma_bd(%box : memref<4xi32>, 0, 1)
      aie.next_bd ^send
    ^end:
      aie.end
    }"""
        + sequence(
            "aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 1][0, 0, 0, 1]) "
            "{id = 0 : i64, metadata = @out} : memref<16xi32>",
            "aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 2][0, 0, 0, 1], "
            "packet = <pkt_id = 1, pkt_type = 0>) {id = 1 : i64, metadata = @in} : memref<16xi32>",
            "aiex.npu.dma_wait {symbol = @out}",
        )
    )
    x, y = np.zeros(16, np.uint32), np.zeros(16, np.int32)
    x[:2] = 0x1F000, 3
    simulate(text, x, y)
    assert y[0] == 77


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (write_bd(2, 0, d0_zero_before=1), "NPU109", "a descriptor of tile(0,2) has no d0_zero"),
        (write_bd(9, 0), "NPU106", "tile(0,9) is not on npu1"),
        (
            "%0 = memref.get_global @nothing : memref<8xi32>\n      "
            "aiex.npu.blockwrite(%0) {address = 0 : ui32} : memref<8xi32>",
            "NPU109",
            "@nothing has no value to write",
        ),
        (write32(0x32010, 1, 2), "NPU221", "register Debug_Control0 of tile(0,2) is written"),
    ],
)
def test_refused(write: Write, line: str, code: str, message: str) -> None:
    text = write.design(
        FLOWS + '\n    memref.global "private" @nothing : memref<8xi32>' + sequence(line)
    )
    arrays = [np.zeros(16, np.int32), np.zeros(16, np.int32)]
    with pytest.raises(CheckFailed) as error:
        Simulation(text).run(arrays)
    assert message in error.value.message
    assert error.value.code == code


@pytest.mark.parametrize("lines", [0, 1])
def test_a_channel_reset_drops_what_is_queued(simulate: Simulate, write: Write, lines: int) -> None:
    """The first task waits for a lock; without the reset it would send 900 to 907."""
    text = write.design(
        """
    %go = aie.lock(%t02, 0) {init = 0 : i32}
    %good = aie.buffer(%t02) {sym_name = "good"} : memref<4xi32> = dense<[100, 101, 102, 103]>
    %bad = aie.buffer(%t02) {sym_name = "bad"} : memref<4xi32> = dense<[900, 901, 902, 903]>
    aie.flow(%t02, DMA : 0, %shim0, DMA : 0)
    aie.shim_dma_allocation @out(%shim0, S2MM, 0)
    %m = aie.mem(%t02) {
      %0 = aie.dma_start(MM2S, 0, ^bad, ^end)
    ^bad:
      aie.use_lock(%go, AcquireGreaterEqual, 1)
      aie.dma_bd(%bad : memref<4xi32>, 0, 4) {bd_id = 0 : i32}
      aie.next_bd ^good
    ^good:
      aie.use_lock(%go, AcquireGreaterEqual, 1)
      aie.dma_bd(%good : memref<4xi32>, 0, 4) {bd_id = 1 : i32}
      aie.next_bd ^end
    ^end:
      aie.end
    }"""
        + sequence(
            *["aiex.dma_channel_reset(%t02, MM2S, 0)"] * lines,
            write32(CORE_QUEUE["MM2S"], 1, 2),
            write32(0x1F000, 1, 2),
            "aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 4][0, 0, 0, 1]) "
            "{id = 0 : i64, metadata = @out} : memref<16xi32>",
            "aiex.npu.dma_wait {symbol = @out}",
        )
    )
    y = np.zeros(16, np.int32)
    simulate(text, np.zeros(16, np.int32), y)
    assert list(y[:4]) == [n + (100 if lines else 900) for n in range(4)]
