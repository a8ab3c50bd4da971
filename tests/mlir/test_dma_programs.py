"""DMA programs, locks and flows that a design writes out itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from errors import CheckFailed
from simulator import check

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write

HOST = """
    aie.shim_dma_allocation @in (%shim0, MM2S, 0)
    aie.shim_dma_allocation @out (%shim0, S2MM, 0)
    aie.runtime_sequence(%x: memref<{given}xi32>, %y: memref<{taken}xi32>) {{
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, {given}][0, 0, 0, 1])
        {{id = 0 : i64, metadata = @in}} : memref<{given}xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, {taken}][0, 0, 0, 1])
        {{id = 1 : i64, metadata = @out}} : memref<{taken}xi32>
      aiex.npu.dma_wait {{symbol = @out}}
    }}"""

THROUGH_MEM0 = """
    aie.flow(%shim0, DMA : 0, %mem0, DMA : 0)
    aie.flow(%mem0, DMA : 0, %shim0, DMA : 0)
    %buf = aie.buffer(%mem0) {sym_name = "buf"} : memref<24xi32>
    %empty = aie.lock(%mem0, 0) {init = 1 : i32}
    %full = aie.lock(%mem0, 1) {init = 0 : i32}"""


def ramp(n: int) -> np.ndarray[Any, Any]:
    return np.arange(1, n + 1, dtype=np.int32)


def copy_run(
    simulate: Simulate, write: Write, body: str, given: int, taken: int | None = None
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Run a design that gets and gives so many words."""
    x, y = ramp(given), np.zeros(taken or given, np.int32)
    simulate(write.design(body + HOST.format(given=given, taken=y.size)), x, y)
    return x, y


def through_mem0(receive: str, send: str, *, arrives: str = "", leaves: str = "") -> str:
    """Return a memory tile program: a chain of one descriptor each way, over and over."""
    return f"""{THROUGH_MEM0}
    aie.memtile_dma(%mem0) {{
      %0 = aie.dma_start(S2MM, 0, ^receive, ^next{arrives})
    ^receive:
      aie.use_lock(%empty, AcquireGreaterEqual, 1)
      {receive}
      aie.use_lock(%full, Release, 1)
      aie.next_bd ^receive
    ^next:
      %1 = aie.dma_start(MM2S, 0, ^send, ^end{leaves})
    ^send:
      aie.use_lock(%full, AcquireGreaterEqual, 1)
      {send}
      aie.use_lock(%empty, Release, 1)
      aie.next_bd ^send
    ^end:
      aie.end
    }}"""


LINEAR = "aie.dma_bd(%buf : memref<24xi32>, 0, 24)"


@pytest.mark.parametrize(
    "transfer",
    [
        LINEAR,
        "aie.dma_bd(%buf : memref<24xi32>)",
        "aie.dma_bd(%buf : memref<24xi32> offset = 0 len = 24)",
        "aie.dma_bd(%buf : memref<24xi32>) {len = 24 : i32, offset = 0 : i32}",
        "aie.dma_bd(%buf : memref<24xi32>, 0, 24) {bd_id = 5 : i32}",
    ],
)
def test_transfer_as_any_release_writes_it(simulate: Simulate, write: Write, transfer: str) -> None:
    x, y = copy_run(simulate, write, through_mem0(transfer, LINEAR), 72)
    np.testing.assert_array_equal(y, x)


def test_patterns_on_both_ways(simulate: Simulate, write: Write) -> None:
    """The 4x6 block arrives by columns and leaves by pairs of columns."""
    receive = "aie.dma_bd(%buf : memref<24xi32>, 0, 24, [<size = 6, stride = 1>, <4, 6>])"
    send = (
        "aie.dma_bd(%buf : memref<24xi32> offset = 0 len = 24 "
        "sizes = [3, 4, 2] strides = [2, 6, 1])"
    )
    x, y = copy_run(simulate, write, through_mem0(receive, send), 48)
    blocks = x.reshape(2, 6, 4).transpose(0, 2, 1)  # what the buffer holds
    expected = blocks.reshape(2, 4, 3, 2).transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(y, expected.reshape(-1))


def test_padding(simulate: Simulate, write: Write) -> None:
    """A 4x6 block leaves with a frame of zeros: 1 row above, 1 column left, 2 right."""
    send = (
        "aie.dma_bd(%buf : memref<24xi32>, 0, 45, [<size = 4, stride = 6>, "
        "<size = 6, stride = 1>], [<const_pad_before = 1, const_pad_after = 0>, "
        "<const_pad_before = 1, const_pad_after = 2>])"
    )
    x, y = copy_run(simulate, write, through_mem0(LINEAR, send), 24, 45)
    np.testing.assert_array_equal(y.reshape(5, 9), np.pad(x.reshape(4, 6), ((1, 0), (1, 2))))


def test_iteration_moves_on_with_each_execution(simulate: Simulate, write: Write) -> None:
    """Three executions of 8 words each fill the buffer; the second goes first."""
    receive = (
        "aie.dma_bd(%buf : memref<24xi32>, 0, 8) "
        "{iteration = #aie.bd_iteration<size = 3, stride = 8, current = 1>}"
    )
    text = through_mem0(receive, LINEAR)
    for once, thrice in (
        ("(%full, AcquireGreaterEqual, 1)", "(%full, AcquireGreaterEqual, 3)"),
        ("(%empty, Release, 1)", "(%empty, Release, 3)"),
        ("{init = 1", "{init = 3"),
    ):
        text = text.replace(once, thrice)
    x, y = copy_run(simulate, write, text, 24)
    np.testing.assert_array_equal(y.reshape(3, 8), x.reshape(3, 8)[[2, 0, 1]])


def test_a_chain_repeats_and_ends(simulate: Simulate, write: Write) -> None:
    """What the design holds from the start goes out three times, then the channel rests."""
    body = """
    aie.flow(%t02, DMA : 1, %shim0, DMA : 0)
    aie.flow(%shim0, DMA : 0, %mem0, DMA : 0)
    %a = aie.buffer(%t02) {sym_name = "a"} : memref<4xi32> = dense<[1, 2, 3, 4]>
    %b = aie.buffer(%t02) {sym_name = "b"} : memref<2xi32> = dense<7>
    aie.mem(%t02) {
      %0 = aie.dma_start(MM2S, 1, ^first, ^end, repeat_count = 2)
    ^first:
      aie.dma_bd(%a : memref<4xi32>, 0, 4)
      aie.next_bd ^second
    ^second:
      aie.dma_bd(%b : memref<2xi32>, 1, 1)
      aie.next_bd ^end
    ^end:
      aie.end
    }"""
    text = write.design(body + HOST.format(given=4, taken=15))
    start = text.index("aiex.npu.dma_memcpy_nd(%x")
    text = text[:start] + text[text.index("aiex.npu.dma_memcpy_nd(%y") :]
    y = np.zeros(15, np.int32)
    simulate(text, np.zeros(4, np.int32), y)
    np.testing.assert_array_equal(y, [1, 2, 3, 4, 7] * 3)


def test_a_channel_started_several_times(simulate: Simulate, write: Write) -> None:
    """Its queue holds one task for each start: 5 words to one buffer, then 3 times 4."""
    body = """
    aie.flow(%shim0, DMA : 0, %t02, DMA : 0)
    aie.flow(%t02, DMA : 0, %shim0, DMA : 0)
    %a = aie.buffer(%t02) {sym_name = "a"} : memref<5xi32>
    %b = aie.buffer(%t02) {sym_name = "b"} : memref<4xi32>
    %empty = aie.lock(%t02) {init = 1 : i32}
    %full_a = aie.lock(%t02) {init = 0 : i32}
    %full_b = aie.lock(%t02) {init = 0 : i32}
    aie.mem(%t02) {
      %0 = aie.dma_start(S2MM, 0, ^a_in, ^second)
    ^a_in:
      aie.use_lock(%empty, AcquireGreaterEqual, 1)
      aie.dma_bd(%a : memref<5xi32>, 0, 5)
      aie.use_lock(%full_a, Release, 1)
      aie.next_bd ^end
    ^second:
      %1 = aie.dma_start(S2MM, 0, ^b_in, ^third, repeat_count = 2)
    ^b_in:
      aie.use_lock(%empty, AcquireGreaterEqual, 1)
      aie.dma_bd(%b : memref<4xi32>, 0, 4)
      aie.use_lock(%full_b, Release, 1)
      aie.next_bd ^end
    ^third:
      %2 = aie.dma_start(MM2S, 0, ^a_out, ^fourth)
    ^a_out:
      aie.use_lock(%full_a, AcquireGreaterEqual, 1)
      aie.dma_bd(%a : memref<5xi32>, 0, 5)
      aie.use_lock(%empty, Release, 1)
      aie.next_bd ^end
    ^fourth:
      %3 = aie.dma_start(MM2S, 0, ^b_out, ^end, repeat_count = 2)
    ^b_out:
      aie.use_lock(%full_b, AcquireGreaterEqual, 1)
      aie.dma_bd(%b : memref<4xi32>, 0, 4)
      aie.use_lock(%empty, Release, 1)
      aie.next_bd ^end
    ^end:
      aie.end
    }"""
    x, y = copy_run(simulate, write, body, 17)
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("loop", ["", "{loop = false, repeat_count = 1 : i32}"])
def test_descriptors_as_regions(simulate: Simulate, write: Write, loop: str) -> None:
    """`aie.dma`: two buffers in turn, forever or as often as it says."""
    body = f"""{THROUGH_MEM0}
    %buf2 = aie.buffer(%mem0) {{sym_name = "buf2"}} : memref<24xi32>
    aie.memtile_dma(%mem0) {{
      %0 = aie.dma(S2MM, 0) {loop} [{{
        aie.use_lock(%empty, AcquireGreaterEqual, 1)
        {LINEAR}
        aie.use_lock(%full, Release, 1)
      }}, {{
        aie.use_lock(%empty, AcquireGreaterEqual, 1)
        aie.dma_bd(%buf2 : memref<24xi32>, 0, 24)
        aie.use_lock(%full, Release, 1)
      }}]
      %1 = aie.dma(MM2S, 0) {loop} [{{
        aie.use_lock(%full, AcquireGreaterEqual, 1)
        {LINEAR}
        aie.use_lock(%empty, Release, 1)
      }}, {{
        aie.use_lock(%full, AcquireGreaterEqual, 1)
        aie.dma_bd(%buf2 : memref<24xi32>, 0, 24)
        aie.use_lock(%empty, Release, 1)
      }}]
      aie.end
    }}"""
    body = body.replace("{init = 1", "{init = 2")
    x, y = copy_run(simulate, write, body, 96)
    np.testing.assert_array_equal(y, x)


def test_core_and_dma_meet_at_locks(simulate: Simulate, write: Write) -> None:
    """The core squares in place; counts of locks may be values."""
    body = """
    aie.flow(%shim0, DMA : 0, %t02, DMA : 1)
    aie.flow(%t02, DMA : 0, %shim0, DMA : 0)
    %buf = aie.buffer(%t02) {sym_name = "buf"} : memref<8xi32>
    %empty = aie.lock(%t02, 3) {init = 1 : i32, sym_name = "empty"}
    %full = aie.lock(%t02) {init = 0 : i32}
    %done = aie.lock(%t02) {init = 0 : i32}
    aie.core(%t02) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      %one = arith.constant 1 : i32
      %many = arith.constant 1000 : index
      scf.for %turn = %c0 to %many step %c1 {
        aie.use_lock(%full, AcquireGreaterEqual, %one)
        scf.for %i = %c0 to %c8 step %c1 {
          %v = memref.load %buf[%i] : memref<8xi32>
          %w = arith.muli %v, %v : i32
          memref.store %w, %buf[%i] : memref<8xi32>
        }
        aie.use_lock(%done, Release, %one)
      }
      aie.end
    }
    aie.mem(%t02) {
      %one = arith.constant 1 : i32
      %0 = aie.dma_start(S2MM, 1, ^receive, ^next)
    ^receive:
      aie.use_lock(%empty, AcquireGreaterEqual, %one)
      aie.dma_bd(%buf : memref<8xi32>, 0, 8)
      aie.use_lock(%full, Release, %one)
      aie.next_bd ^receive
    ^next:
      %1 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.use_lock(%done, AcquireGreaterEqual, %one)
      aie.dma_bd(%buf : memref<8xi32>, 0, 8)
      aie.use_lock(%empty, Release, %one)
      aie.next_bd ^send
    ^end:
      aie.end
    }"""
    x, y = copy_run(simulate, write, body, 40)
    np.testing.assert_array_equal(y, x * x)


def test_one_flow_to_two_tiles(simulate: Simulate, write: Write) -> None:
    """Two flows from one port carry the same words; the second receiver adds nothing."""
    tiles = ""
    for tile in ("%mem0", "%mem1"):
        name = tile[1:]
        tiles += f"""
    %buf_{name} = aie.buffer({tile}) {{sym_name = "buf_{name}"}} : memref<8xi32>
    %full_{name} = aie.lock({tile}) {{init = 0 : i32}}
    aie.memtile_dma({tile}) {{
      %0 = aie.dma_start(S2MM, 0, ^receive, ^next)
    ^receive:
      aie.dma_bd(%buf_{name} : memref<8xi32>, 0, 8)
      aie.use_lock(%full_{name}, Release, 1)
      aie.next_bd ^end
    ^next:
      %1 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      aie.use_lock(%full_{name}, AcquireGreaterEqual, 1)
      aie.dma_bd(%buf_{name} : memref<8xi32>, 0, 8)
      aie.next_bd ^end
    ^end:
      aie.end
    }}"""
    body = f"""
    aie.flow(%shim0, DMA : 0, %mem0, DMA : 0)
    aie.flow(%shim0, DMA : 0, %mem1, DMA : 0)
    aie.flow(%mem0, DMA : 0, %shim0, DMA : 0)
    aie.flow(%mem1, DMA : 0, %shim1, DMA : 1){tiles}
    aie.shim_dma_allocation @in (%shim0, MM2S, 0)
    aie.shim_dma_allocation @out0 (%shim0, S2MM, 0)
    aie.shim_dma_allocation @out1 (S2MM, 1, 1)"""
    text = write.design(
        body
        + write.sequence(
            {"x": 8, "y": 16},
            {"in": ("x", 0, 8), "out0": ("y", 0, 8), "out1": ("y", 8, 8)},
            ("out0", "out1"),
        )
    )
    x, y = ramp(8), np.zeros(16, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, [*x, *x])


HEADERS = [
    ("aie.dma_bd_packet(0, {id})\n      aie.dma_bd(%buf{id} : memref<4xi32>, 0, 4)"),
    (
        "aie.dma_bd(%buf{id} : memref<4xi32>, 0, 4) "
        "{{packet = #aie.packet_info<pkt_type = 0, pkt_id = {id}>}}"
    ),
]


@pytest.mark.parametrize("header", HEADERS, ids=["operation", "attribute"])
@pytest.mark.parametrize("keep", [False, True])
def test_packets_share_a_port(simulate: Simulate, write: Write, header: str, keep: bool) -> None:
    """Two core tiles send to one shim channel; kept headers arrive in front of the words."""
    body = ""
    for number, tile in ((1, "%t02"), (2, "%t03")):
        body += f"""
    %buf{number} = aie.buffer({tile}) {{sym_name = "buf{number}"}} : memref<4xi32>
      = dense<{number}>
    aie.mem({tile}) {{
      %0 = aie.dma_start(MM2S, 0, ^send, ^end)
    ^send:
      {header.format(id=number)}
      aie.next_bd ^end
    ^end:
      aie.end
    }}
    aie.packet_flow({number}) {{
      aie.packet_source<{tile}, DMA : 0>
      aie.packet_dest<%shim0, DMA : 0>
    }}{" {keep_pkt_header = true}" if keep else ""}"""
    size = 10 if keep else 8
    text = write.design(
        body
        + "\n    aie.shim_dma_allocation @out (%shim0, S2MM, 0)"
        + write.sequence({"y": size}, {"out": ("y", 0, size)}, ("out",))
    )
    y = np.zeros(size, np.int32)
    simulate(text, y)
    packets = y.reshape(2, -1)
    assert sorted(packets[:, -1]) == [1, 2]
    np.testing.assert_array_equal(packets[:, -4:], packets[:, -1:].repeat(4, 1))
    if keep:
        np.testing.assert_array_equal(packets[:, 0] & 0x1F, packets[:, -1])


def test_packets_find_their_way_by_number(simulate: Simulate, write: Write) -> None:
    """One shim channel sends to two memory tiles; the header tells to which."""
    body = """
    aie.packet_flow(3) { aie.packet_source<%shim0, DMA : 0> aie.packet_dest<%mem0, DMA : 0> }
    aie.packet_flow(5) { aie.packet_source<%shim0, DMA : 0> aie.packet_dest<%mem1, DMA : 0> }
    aie.shim_dma_allocation @in (%shim0, MM2S, 0)"""
    lines = ""
    for col, number in ((0, 3), (1, 5)):
        body += f"""
    aie.flow(%mem{col}, DMA : 1, %shim{col}, DMA : 0)
    aie.shim_dma_allocation @out{col} (%shim{col}, S2MM, 0)
    %buf{col} = aie.buffer(%mem{col}) {{sym_name = "buf{col}"}} : memref<4xi32>
    %full{col} = aie.lock(%mem{col}) {{init = 0 : i32}}
    aie.memtile_dma(%mem{col}) {{
      %0 = aie.dma_start(S2MM, 0, ^receive, ^next)
    ^receive:
      aie.dma_bd(%buf{col} : memref<4xi32>, 0, 4)
      aie.use_lock(%full{col}, Release, 1)
      aie.next_bd ^end
    ^next:
      %1 = aie.dma_start(MM2S, 1, ^send, ^end)
    ^send:
      aie.use_lock(%full{col}, AcquireGreaterEqual, 1)
      aie.dma_bd(%buf{col} : memref<4xi32>, 0, 4)
      aie.next_bd ^end
    ^end:
      aie.end
    }}"""
        lines += f"""
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, {4 - 4 * col}][1, 1, 1, 4][0, 0, 0, 1],
        packet = <pkt_id = {number}, pkt_type = 0>)
        {{id = {number} : i64, metadata = @in}} : memref<8xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, {4 * col}][1, 1, 1, 4][0, 0, 0, 1])
        {{id = {number + 1} : i64, metadata = @out{col}}} : memref<8xi32>"""
    text = write.design(
        f"""{body}
    aie.runtime_sequence(%x: memref<8xi32>, %y: memref<8xi32>) {{{lines}
      aiex.npu.dma_wait {{symbol = @out0}}
      aiex.npu.dma_wait {{symbol = @out1}}
    }}"""
    )
    x, y = ramp(8), np.zeros(8, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, [5, 6, 7, 8, 1, 2, 3, 4])


REFUSED = {
    "two transfers": (
        LINEAR + "\n      " + LINEAR,
        "NPU109",
        "a second aie.dma_bd in one block",
    ),
    "two acquires": (
        "aie.use_lock(%full, AcquireGreaterEqual, 1)\n      " + LINEAR,
        "NPU109",
        "a buffer descriptor acquires one lock and releases one",
    ),
    "too long": (
        "aie.dma_bd(%buf : memref<24xi32>, 4, 24)",
        "NPU126",
        "offset 4 for 24 elements reaches element 27 of buf, which has 24",
    ),
    "too far": (
        "aie.dma_bd(%buf : memref<24xi32>, 0, 24, [<size = 3, stride = 10>, <8, 1>])",
        "NPU126",
        "offset 0 with pattern [<size = 3, stride = 10>, <size = 8, stride = 1>] reaches element "
        "27 of buf, which has 24",
    ),
    "before": (
        "aie.dma_bd(%buf : memref<24xi32> offset = -4 len = 8)",
        "NPU126",
        "offset -4 for 8 elements reaches element 3 of buf, which has 24",
    ),
    "padded with 1": (
        "aie.dma_bd(%buf : memref<24xi32>, 0, 24, pad_value = 1)",
        "NPU109",
        "padding has another value than 0, and the memory tiles of a Phoenix have no register "
        "for one",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(write: Write, case: str) -> None:
    transfer, code, message = REFUSED[case]
    body = through_mem0(transfer, LINEAR) + HOST.format(given=24, taken=24)
    text = write.design(body)
    lines = text.split("\n")
    first = lines.index("      aie.use_lock(%empty, AcquireGreaterEqual, 1)") + 2
    with pytest.raises(CheckFailed) as error:
        check(text)
    line = first + (case == "two transfers")
    assert error.value.message == f"design.mlir:{line}: {message}"
    assert error.value.code == code


def test_locks_and_descriptors_of_one_number(write: Write) -> None:
    body = through_mem0(LINEAR, LINEAR) + HOST.format(given=24, taken=24)
    twice = body.replace("aie.lock(%mem0, 1)", "aie.lock(%mem0, 0)")
    with pytest.raises(CheckFailed, match=r"design.mlir:32: lock 0 of tile\(0,1\) is given out"):
        check(write.design(twice))
    numbered = body.replace(LINEAR, LINEAR + " {bd_id = 0 : i32}")
    with pytest.raises(CheckFailed, match=r"buffer descriptor 0 of tile\(0,1\) is given out"):
        check(write.design(numbered))
