"""What designs of mlir-aie of several years have: old and new spellings, resets, checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from errors import CheckFailed, LabError
from simulator import Simulation, check
from simulator.findings import Kind

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write

COPY = """
    aie.objectfifo @in(%shim0, {%mem0}, 2 : i32) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @out(%mem0, {%shim0}, 2 : i32) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo.link [@in] -> [@out] ([] [])"""

MOVES = (
    "aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1])"
    " {id = 1 : i64, metadata = @out} : memref<8xi32>",
    "aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1])"
    " {id = 0 : i64, metadata = @in} : memref<8xi32>",
    "aiex.npu.dma_wait {symbol = @out}",
)


def sequence(*lines: str, attributes: str = "", more: str = "") -> str:
    body = "\n      ".join(lines)
    return (
        f"\n    aie.runtime_sequence(%x: memref<8xi32>, %y: memref<8xi32>{more}) {attributes}"
        f"{{\n      {body}\n    }}"
    )


def copied(simulate: Simulate, text: str) -> None:
    x, y = np.arange(5, 13, dtype=np.int32), np.zeros(8, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x)


def test_an_allocation_beside_a_global_of_the_same_name(simulate: Simulate, write: Write) -> None:
    """Up to 2025 mlir-aie declared the memory of a shim allocation by its name, in any order."""
    flows = """
    aie.flow(%shim0, DMA : 0, %mem0, DMA : 0)
    aie.flow(%mem0, DMA : 0, %shim0, DMA : 0)
    %buf = aie.buffer(%mem0) : memref<8xi32>
    %free = aie.lock(%mem0, 0) {init = 1 : i32}
    %full = aie.lock(%mem0, 1) {init = 0 : i32}
    aie.memtile_dma(%mem0) {
      %0 = aie.dma_start(S2MM, 0, ^bb1, ^bb2)
    ^bb1:
      aie.use_lock(%free, AcquireGreaterEqual, 1)
      aie.dma_bd(%buf : memref<8xi32>, 0, 8)
      aie.use_lock(%full, Release, 1)
      aie.next_bd ^bb1
    ^bb2:
      %1 = aie.dma_start(MM2S, 0, ^bb3, ^bb4)
    ^bb3:
      aie.use_lock(%full, AcquireGreaterEqual, 1)
      aie.dma_bd(%buf : memref<8xi32>, 0, 8)
      aie.use_lock(%free, Release, 1)
      aie.next_bd ^bb3
    ^bb4:
      aie.end
    }
    memref.global "public" @in : memref<8xi32>
    aie.shim_dma_allocation @in(MM2S, 0, 0)
    aie.shim_dma_allocation @out(S2MM, 0, 0)
    memref.global "public" @out : memref<8xi32>"""
    copied(simulate, write.design(flows + sequence(*MOVES)))


def test_a_global_twice_is_refused(write: Write) -> None:
    twice = '\n    memref.global "public" @g : memref<8xi32>' * 2
    with pytest.raises(CheckFailed, match="@g is declared a second time"):
        check(write.design(twice))


def test_attributes_of_a_sequence_and_its_trace(simulate: Simulate, write: Write) -> None:
    trace = """
    aie.trace @unit(%mem0) {
      aie.trace.packet id=1 type=memtile
      aie.trace.start broadcast=15
    }"""
    lines = ("aie.trace.host_config {buffer_size = 8192 : i32}", "aie.trace.start_config @unit")
    text = COPY + trace + sequence(*lines, *MOVES, attributes="attributes {kept = false} ")
    copied(simulate, write.design(text))


ASSERTED = {
    "fits": ("aiex.npu.assert_bd_field(%n) {max = 8 : i32} : i32", ""),
    "too large": (
        "aiex.npu.assert_bd_field(%n) {max = 7 : i32} : i32",
        "8 goes into a descriptor and does not fit into 0..7",
    ),
    "divides": ("aiex.npu.assert_bd_divisible(%n) {divisor = 4 : i32} : i32", ""),
    "does not divide": (
        "aiex.npu.assert_bd_divisible(%n) {divisor = 3 : i32} : i32",
        "8 goes into a descriptor and is no multiple of 3",
    ),
}


@pytest.mark.parametrize("case", ASSERTED)
def test_numbers_that_come_with_the_run_are_checked(write: Write, case: str) -> None:
    line, problem = ASSERTED[case]
    text = write.design(COPY + sequence(line, *MOVES, more=", %n: i32"))
    arrays = [np.zeros(8, np.int32), np.zeros(8, np.int32), np.array([8], np.int32)]
    if not problem:
        Simulation(text).run(arrays)
        return
    with pytest.raises(CheckFailed) as error:
        Simulation(text).run(arrays)
    assert error.value.code == "NPU109"
    assert error.value.message.endswith(problem)


RESET = """
    aie.flow(%t02, DMA : 0, %shim0, DMA : 0)
    %runs = aie.buffer(%t02) {{sym_name = "runs"}} : memref<1xi32> = dense<0>
    %buf = aie.buffer(%t02) {{sym_name = "buf"}} : memref<8xi32>
    %free = aie.lock(%t02, 0) {{init = 1 : i32}}
    %full = aie.lock(%t02, 1) {{init = 0 : i32}}
    aie.core(%t02) {{
      %c0 = arith.constant 0 : index
      %one = arith.constant 1 : i32
      aie.use_lock(%free, AcquireGreaterEqual, 1)
      %n = memref.load %runs[%c0] : memref<1xi32>
      %m = arith.addi %n, %one : i32
      memref.store %m, %runs[%c0] : memref<1xi32>
      memref.store %m, %buf[%c0] : memref<8xi32>
      aie.use_lock(%full, Release, 1)
      aie.end
    }}
    aie.mem(%t02) {{
      %0 = aie.dma_start(MM2S, 0, ^bb1, ^bb2)
    ^bb1:
      aie.use_lock(%full, AcquireGreaterEqual, 1)
      aie.dma_bd(%buf : memref<8xi32>, 0, 1)
      aie.use_lock(%free, Release, 1)
      aie.next_bd ^bb1
    ^bb2:
      aie.end
    }}
    aie.shim_dma_allocation @out(S2MM, 0, 0)
    aie.runtime_sequence(%y: memref<2xi32>) {{
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 1][0, 0, 0, 1])
          {{id = 0 : i64, metadata = @out}} : memref<2xi32>
      aiex.npu.dma_wait {{symbol = @out}}
      aiex.core_reset({tile})
      aiex.npu.maskwrite32 {{address = 204800 : ui32, column = 0 : i32, row = 2 : i32,
          value = 1 : ui32, mask = 1 : ui32}}
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 1][1, 1, 1, 1][0, 0, 0, 1])
          {{id = 1 : i64, metadata = @out}} : memref<2xi32>
      aiex.npu.dma_wait {{symbol = @out}}
    }}"""


def test_a_core_that_is_reset_runs_anew(write: Write) -> None:
    y = np.zeros(2, np.int32)
    text = write.design(RESET.format(tile="%t02"))
    Simulation(text, warn=list(Kind)).run([y])
    assert y.tolist() == [1, 2]


def test_only_a_core_tile_is_reset(write: Write) -> None:
    text = write.design(RESET.format(tile="%mem0"))
    with pytest.raises(CheckFailed, match=r"tile\(0,1\) has no core"):
        Simulation(text, warn=list(Kind)).run([np.zeros(2, np.int32)])


PADS = "{padDimensions = #aie<bd_pad_layout_array[<const_pad_before = 1, const_pad_after = 0>]>"


def test_a_value_to_pad_with_is_not_ignored(write: Write) -> None:
    padded = COPY.replace(
        "@out(%mem0, {%shim0}, 2 : i32)",
        "@out(%mem0 dimensionsToStream [<size = 7, stride = 1>], {%shim0}, 2 : i32) "
        f"{PADS}, padValue = 42 : i32}}",
    )
    with pytest.raises(CheckFailed) as error:
        check(write.design(padded + sequence(*MOVES)))
    assert error.value.code == "NPU109"
    assert "padding has another value than 0" in error.value.message


NUMBERS = (2**63, -(2**63), 2**70)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "place", ["%y[0, 0, {}, 0][1, 1, 1, 8]", "%y[0, 0, 0, 0][1, 1, {}, 8]", "len = {}", ", 0, {}"]
)
def test_numbers_beyond_64_bits_are_refused(write: Write, number: int, place: str) -> None:
    """They have the bits that stand for a number which is not known before the run."""
    text = place.format(number)
    if text.startswith("%y"):
        moves = (MOVES[0].replace("%y[0, 0, 0, 0][1, 1, 1, 8]", text), *MOVES[1:])
        body = COPY + sequence(*moves)
    else:
        spelt = text if text.startswith(",") else f" offset = 0 {text}"
        body = f"""
    %buf = aie.buffer(%mem0) : memref<8xi32>
    aie.memtile_dma(%mem0) {{
      %0 = aie.dma_start(S2MM, 0, ^bb1, ^bb2)
    ^bb1:
      aie.dma_bd(%buf : memref<8xi32>{spelt})
      aie.next_bd ^bb1
    ^bb2:
      aie.end
    }}"""
    with pytest.raises(LabError):
        Simulation(write.design(body)).run([np.zeros(8, np.int32)] * 2)


TASKS = """
    aie.flow(%shim0, DMA : 0, %t02, DMA : 0)
    %buf = aie.buffer(%t02) : memref<8xi32>
    %free = aie.lock(%t02, 0) {{init = 0 : i32}}
    aie.mem(%t02) {{
      %0 = aie.dma_start(S2MM, 0, ^bb1, ^bb2)
    ^bb1:
      aie.use_lock(%free, AcquireGreaterEqual, 1)
      aie.dma_bd(%buf : memref<8xi32>, 0, 8)
      aie.next_bd ^bb1
    ^bb2:
      aie.end
    }}
    aie.shim_dma_allocation @in(MM2S, 0, 0)
    aie.runtime_sequence(%x: memref<16xi32>) {{
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1])
          {{id = 0 : i64, metadata = @in, issue_token = true}} : memref<16xi32>
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, {second}][1, 1, 1, 8][0, 0, 0, 1])
          {{id = 0 : i64, metadata = @in, issue_token = true}} : memref<16xi32>
      aiex.set_lock(%free, 2)
      aiex.npu.dma_wait {{symbol = @in}}
      aiex.npu.dma_wait {{symbol = @in}}
    }}"""


def test_a_descriptor_in_use_may_be_written_with_what_it_holds(write: Write) -> None:
    arrays = [np.zeros(16, np.int32)]
    Simulation(write.design(TASKS.format(second=0))).run(arrays)
    with pytest.raises(CheckFailed) as error:
        Simulation(write.design(TASKS.format(second=8))).run(arrays)
    assert error.value.code == "NPU207"


LOOPS = {
    "endless": ("9223372036854775807", "1", "take more than 1,048,576 turns"),
    "going nowhere": ("8", "0", "the loop steps on by 0"),
    "backwards": ("8", "-1", "the loop steps on by -1"),
}


@pytest.mark.parametrize("case", LOOPS)
def test_a_loop_of_a_sequence_that_cannot_be_written_out(write: Write, case: str) -> None:
    high, step, problem = LOOPS[case]
    lines = (
        "%low = arith.constant 0 : index",
        f"%high = arith.constant {high} : index",
        f"%step = arith.constant {step} : index",
        "scf.for %i = %low to %high step %step { scf.yield }",
    )
    text = write.design(COPY + sequence(*lines, *MOVES))
    with pytest.raises(CheckFailed) as error:
        Simulation(text).run([np.zeros(8, np.int32)] * 2)
    assert error.value.code == "NPU109"
    assert problem in error.value.message


def test_more_objects_than_a_core_can_hold_at_a_time(write: Write) -> None:
    """What a core acquires at once makes its end of the objectFifo deeper."""
    text = """
    aie.objectfifo @of(%t02, {%t03}, 1 : i32) : !aie.objectfifo<memref<8xi32>>
    aie.core(%t03) {
      %a = aie.objectfifo.acquire @of(Consume, 2147483647) : memref<8xi32>
      aie.end
    }"""
    with pytest.raises(CheckFailed):
        check(write.design(text))


def test_a_depth_that_no_memory_has_room_for(write: Write) -> None:
    """It is refused before there is a buffer for each object."""
    deep = """
    aie.objectfifo @of(%t02, {%t03}, 2147483647 : i32) : !aie.objectfifo<memref<8xi32>>"""
    with pytest.raises(CheckFailed) as error:
        check(write.design(deep))
    assert error.value.code == "NPU107"
    assert "@of has depth 2147483647, and no tile has room" in error.value.message
