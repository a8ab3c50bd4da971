"""Runtime sequences: transfers of host memory, tasks, parameters, control flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

from errors import CheckFailed, LabError, UsageError
from simulator import Limits, Simulation, check

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write


def loopback(write: Write, n: int, sequences: str, element: str = "i32", more: str = "") -> str:
    """Return a design whose memory tile sends back what it gets, n elements at a time."""
    fifo = f"!aie.objectfifo<memref<{n}x{element}>>"
    return write.design(
        f"""
    aie.objectfifo @in(%shim0, {{%mem0}}, 2 : i32) : {fifo}
    aie.objectfifo @out(%mem0, {{%shim0}}, 2 : i32) : {fifo}
    aie.objectfifo.link [@in] -> [@out] ([] [])
    {more}
    {sequences}"""
    )


def sequence(arguments: str, *lines: str, name: str = "") -> str:
    body = "\n      ".join(lines)
    return f"aie.runtime_sequence {name}({arguments}) {{\n      {body}\n    }}"


def transfer(
    fifo: str, value: str, offsets: Any, sizes: Any, strides: Any, memref: str, number: int
) -> str:
    """Return a dma_memcpy_nd; the numbers may be SSA names."""
    lists = "".join(f"[{', '.join(map(str, four))}]" for four in (offsets, sizes, strides))
    return (
        f"aiex.npu.dma_memcpy_nd({value}{lists}) {{id = {number} : i64, metadata = @{fifo}}} "
        f": memref<{memref}>"
    )


def linear(fifo: str, value: str, first: int, count: int, memref: str, number: int) -> str:
    return transfer(fifo, value, (0, 0, 0, first), (1, 1, 1, count), (0, 0, 0, 1), memref, number)


WAIT = "aiex.npu.dma_wait {symbol = @out}"


def ramp(n: int, dtype: Any = np.int32) -> np.ndarray[Any, Any]:
    return np.arange(1, n + 1).astype(dtype)


def gathered(
    data: np.ndarray[Any, Any], offset: int, sizes: tuple[int, ...], strides: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    steps = tuple(stride * data.itemsize for stride in strides)
    return as_strided(data[offset:], sizes, steps).reshape(-1)


@st.composite
def walks(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Offsets, sizes and strides that stay within 4096 elements; 4 elements at a time."""
    sizes = (
        draw(st.integers(1, 4)),
        draw(st.integers(1, 4)),
        draw(st.integers(1, 4)),
        4 * draw(st.integers(1, 4)),
    )
    strides = (
        4 * draw(st.integers(0, 60)),
        4 * draw(st.integers(1, 60)),
        4 * draw(st.integers(1, 60)),
        1,
    )
    *outer, inner = (draw(st.integers(0, 3)) for _ in range(4))
    offsets = (*outer, 4 * inner)
    return offsets, sizes, strides


@settings(deadline=None, max_examples=40)
@given(walk=walks(), element=st.sampled_from([("i8", "int8"), ("bf16", "bfloat16"), ("i32", "i4")]))
def test_reads_as_numpy_indexes(
    write: Write, walk: tuple[tuple[int, ...], ...], element: tuple[str, str]
) -> None:
    """A stride of 0 outermost sends the same again."""
    offsets, sizes, strides = walk
    n = int(np.prod(sizes))
    mlir, dtype = element[0], np.dtype(getattr(ml_dtypes, element[1], element[1]))
    memref = f"4096x{mlir}"
    text = loopback(
        write,
        n,
        sequence(
            f"%x: memref<{memref}>, %y: memref<{n}x{mlir}>",
            transfer("in", "%x", offsets, sizes, strides, memref, 0),
            linear("out", "%y", 0, n, f"{n}x{mlir}", 1),
            WAIT,
        ),
        mlir,
    )
    data = np.random.default_rng(1).integers(-100, 100, 4096).astype(dtype)
    got = np.zeros(n, dtype)
    Simulation(text).run([data, got])
    first = sum(a * b for a, b in zip(offsets, strides, strict=True))
    np.testing.assert_array_equal(got, gathered(data, first, sizes, strides))


@settings(deadline=None, max_examples=25)
@given(order=st.permutations(range(3)), sizes=st.tuples(*[st.integers(1, 5)] * 3))
def test_writes_as_numpy_indexes(
    write: Write, order: list[int], sizes: tuple[int, int, int]
) -> None:
    """Runs of two words are laid out in another order of the three dimensions."""
    n = 2 * int(np.prod(sizes))
    target = np.zeros((*(sizes[axis] for axis in order), 2), np.int32)
    moved = target.transpose(*np.argsort(order), 3)
    strides = tuple(step // 4 for step in moved.strides)
    memref = f"{n}xi32"
    text = loopback(
        write,
        n,
        sequence(
            f"%x: memref<{memref}>, %y: memref<{memref}>",
            linear("in", "%x", 0, n, memref, 0),
            transfer("out", "%y", (0, 0, 0, 0), (*sizes, 2), strides, memref, 1),
            WAIT,
        ),
    )
    Simulation(text).run([ramp(n), target])
    np.testing.assert_array_equal(moved.reshape(-1), ramp(n))


def test_offsets_count_with_their_strides(simulate: Simulate, write: Write) -> None:
    """Offset 2 in a dimension of stride 8 starts at element 16."""
    text = loopback(
        write,
        8,
        sequence(
            "%x: memref<64xi32>, %y: memref<8xi32>",
            transfer("in", "%x", (0, 0, 2, 4), (1, 1, 2, 4), (0, 0, 8, 1), "64xi32", 0),
            linear("out", "%y", 0, 8, "8xi32", 1),
            WAIT,
        ),
    )
    x, y = ramp(64), np.zeros(8, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, [21, 22, 23, 24, 29, 30, 31, 32])


def test_numbers_may_be_computed(simulate: Simulate, write: Write) -> None:
    """Loops, arithmetic and choices in a sequence are played as it runs."""
    text = loopback(
        write,
        8,
        sequence(
            "%x: memref<64xi32>, %y: memref<32xi32>",
            "%c0 = arith.constant 0 : index",
            "%c1 = arith.constant 1 : index",
            "%c2 = arith.constant 2 : index",
            "%c4 = arith.constant 4 : index",
            "%c8 = arith.constant 8 : index",
            "%base = scf.for %i = %c0 to %c4 step %c1 iter_args(%at = %c0) -> (index) {",
            "  %odd = arith.remui %i, %c2 : index",
            "  %is_odd = arith.cmpi eq, %odd, %c1 : index",
            "  %first = scf.if %is_odd -> (index) {",
            "    %far = arith.addi %at, %c8 : index",
            "    scf.yield %far : index",
            "  } else { scf.yield %at : index }",
            transfer(
                "in",
                "%x",
                ("0", "0", "0", "%first"),
                ("1", "1", "1", "%c8"),
                ("0", "0", "0", "%c1"),
                "64xi32",
                0,
            ),
            transfer(
                "out",
                "%y",
                ("0", "0", "%i", "0"),
                ("1", "1", "1", "8"),
                ("0", "0", "8", "1"),
                "32xi32",
                1,
            ),
            WAIT,
            "  %next = arith.addi %at, %c8 : index",
            "  scf.yield %next : index",
            "}",
        ),
    )
    x, y = ramp(64), np.zeros(32, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x.reshape(8, 8)[[0, 2, 2, 4]].reshape(-1))


def test_views_of_arguments(simulate: Simulate, write: Write) -> None:
    text = loopback(
        write,
        8,
        sequence(
            "%x: memref<8x16xi32>, %y: memref<8xi32>",
            "%rows = memref.subview %x[3, 8][2, 8][1, 1] : memref<8x16xi32> to "
            "memref<2x8xi32, strided<[16, 1], offset: 56>>",
            "%flat = memref.collapse_shape %x [[0, 1]] : memref<8x16xi32> into memref<128xi32>",
            linear("in", "%rows", 0, 8, "2x8xi32, strided<[16, 1], offset: 56>", 0),
            linear("out", "%y", 0, 8, "8xi32", 1),
            WAIT,
            linear("in", "%flat", 16, 8, "128xi32", 0),
            linear("out", "%y", 0, 8, "8xi32", 1),
            WAIT,
        ),
    )
    x, y = ramp(128).reshape(8, 16), np.zeros(8, np.int32)
    run = simulate(text, x, y)
    np.testing.assert_array_equal(y, x[1, :8])
    assert run.stats.cycles > 0


def test_several_sequences_by_name(write: Write) -> None:
    """Each run keeps what the array holds; which part is copied is the sequence's."""
    parts = [
        sequence(
            "%x: memref<16xi32>, %y: memref<8xi32>",
            linear("in", "%x", first, 8, "16xi32", 0),
            linear("out", "%y", 0, 8, "8xi32", 1),
            WAIT,
            name=name,
        )
        for name, first in (("@low", 0), ("@high", 8))
    ]
    simulation = Simulation(loopback(write, 8, "\n    ".join(parts)))
    x, y = ramp(16), np.zeros(8, np.int32)
    for name, expected in (("low", x[:8]), ("high", x[8:]), ("low", x[:8])):
        simulation.run([x, y], name)
        np.testing.assert_array_equal(y, expected)
    with pytest.raises(UsageError, match="low, high") as error:
        simulation.run([x, y])
    assert error.value.code == "NPU160"
    with pytest.raises(UsageError, match="did you mean high") as error:
        simulation.run([x, y], "hihg")
    assert error.value.code == "NPU160"


TASKS = [
    """%in = aiex.dma_configure_task(%shim0, MM2S, 0) {
        aie.dma_bd(%x : memref<64xi32>, 8, 16, [<size = 2, stride = 16>, <size = 8, stride = 1>])
        aie.end
      }""",
    """%in = aiex.dma_configure_task_for @in {
        aie.dma_bd(%x : memref<64xi32>, 8, 8)
        aie.next_bd ^second
      ^second:
        aie.dma_bd(%x : memref<64xi32>, 24, 8)
        aie.end
      }""",
    """%in = aiex.dma_configure_task_for @in {
        aie.dma_bd(%x : memref<64xi32> offset = 8 len = 8
                   sizes = [2, 1, 1, 8] strides = [16, 0, 0, 1])
        aie.end
      } {repeat_count = 1 : i32}""",
    """%in = aiex.dma_configure_task_for @in {
        aie.dma_bd(%x : memref<64xi32>, 8, 8, [<size = 2, stride = 16>, <size = 1, stride = 0>,
                   <size = 1, stride = 0>, <size = 8, stride = 1>]) {bd_id = 7 : i32}
        aie.end
      } {repeat_count = 1 : i32}""",
]


@pytest.mark.parametrize("task", TASKS, ids=["pattern", "chain", "keywords", "repeat"])
def test_tasks(simulate: Simulate, write: Write, task: str) -> None:
    text = loopback(
        write,
        16,
        sequence(
            "%x: memref<64xi32>, %y: memref<16xi32>",
            task,
            """%out = aiex.dma_configure_task_for @out {
        aie.dma_bd(%y : memref<16xi32>, 0, 16)
        aie.end
      } {issue_token = true}""",
            "aiex.dma_start_task(%in)",
            "aiex.dma_start_task(%out)",
            "aiex.dma_await_task(%out)",
            "aiex.dma_free_task(%in)",
        ),
    )
    x, y = ramp(64), np.zeros(16, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, np.concatenate([x[8:16], x[24:32]]))


def test_awaited_tasks_give_their_descriptors_back(simulate: Simulate, write: Write) -> None:
    """20 tasks share 16 descriptors, for each is awaited or freed before the next but one."""
    lines = []
    for turn in range(20):
        lines += [
            f"%in{turn} = aiex.dma_configure_task_for @in {{ "
            f"aie.dma_bd(%x : memref<160xi32>, {8 * turn}, 8) aie.end }}",
            f"%out{turn} = aiex.dma_configure_task_for @out {{ "
            f"aie.dma_bd(%y : memref<160xi32>, {8 * turn}, 8) aie.end }} {{issue_token = true}}",
            f"aiex.dma_start_task(%in{turn})",
            f"aiex.dma_start_task(%out{turn})",
            f"aiex.dma_await_task(%out{turn})",
            f"aiex.dma_free_task(%in{turn})",
        ]
    arguments = "%x: memref<160xi32>, %y: memref<160xi32>"
    x, y = ramp(160), np.zeros(160, np.int32)
    simulate(loopback(write, 8, sequence(arguments, *lines)), x, y)
    np.testing.assert_array_equal(y, x)
    kept = [line for line in lines if "dma_free_task" not in line]
    with pytest.raises(CheckFailed) as error:
        check(loopback(write, 8, sequence(arguments, *kept)))
    assert error.value.code == "NPU121"
    assert "tile(0,0) has 16 buffer descriptors, and the design needs more" in str(error.value)


def test_a_chain_declared_once_and_started_twice(simulate: Simulate, write: Write) -> None:
    chain = """aie.bd_chain @row(%data: memref<32xi32>) {
      aie.dma_bd(%data : memref<32xi32>, 8, 8)
      aie.end
    }"""
    text = loopback(
        write,
        8,
        sequence(
            "%x: memref<32xi32>, %y: memref<32xi32>",
            "%a = aiex.dma_start_bd_chain_for @row(%x) : (memref<32xi32>) for @in",
            "%b = aiex.dma_start_bd_chain_for @row(%y) : (memref<32xi32>) for @out "
            "{issue_token = true}",
            "aiex.dma_await_task(%b)",
        ),
        more=chain,
    )
    x, y = ramp(32), np.zeros(32, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, np.where((x > 8) & (x <= 16), x, 0))


def parameter_design(write: Write, lines: tuple[str, ...]) -> str:
    """Return a design whose core, started by a lock, adds two parameters to what it gets."""
    fifo = "!aie.objectfifo<memref<8xi32>>"
    return write.design(
        f"""
    aie.objectfifo @in(%shim0, {{%t02}}, 2 : i32) : {fifo}
    aie.objectfifo @out(%t02, {{%shim0}}, 2 : i32) : {fifo}
    %rtp = aie.buffer(%t02) {{sym_name = "rtp", address = 16384 : i32}} : memref<4xi32>
    %go = aie.lock(%t02, 15) {{init = 0 : i32}}
    aie.core(%t02) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %c8 = arith.constant 8 : index
      aie.use_lock(%go, AcquireGreaterEqual, 1)
      %p = memref.load %rtp[%c0] : memref<4xi32>
      %q = memref.load %rtp[%c3] : memref<4xi32>
      %s = arith.addi %p, %q : i32
      %a = aie.objectfifo.acquire @in(Consume, 1) : memref<8xi32>
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<8xi32>
      scf.for %i = %c0 to %c8 step %c1 {{
        %v = memref.load %a[%i] : memref<8xi32>
        %w = arith.addi %v, %s : i32
        memref.store %w, %b[%i] : memref<8xi32>
      }}
      aie.objectfifo.release @in(Consume, 1)
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }}
    {
            sequence(
                "%x: memref<8xi32>, %y: memref<8xi32>",
                *lines,
                linear("in", "%x", 0, 8, "8xi32", 0),
                linear("out", "%y", 0, 8, "8xi32", 1),
                WAIT,
            )
        }"""
    )


@pytest.mark.parametrize(
    "lines",
    [
        (
            "aiex.npu.rtp_write(@rtp, 0, 40)",
            "aiex.npu.rtp_write(@rtp, 3, -7)",
            "aiex.set_lock(%go, 1)",
        ),
        (
            "%forty = arith.constant 40 : i32",
            "aiex.npu.rtp_write(@rtp, 0, %forty) : i32",
            "aiex.npu.rtp_write(@rtp, 3, -7)",
            "aiex.npu.write32 {address = 127216 : ui32, column = 0 : i32, row = 2 : i32, "
            "value = 1 : ui32}",
        ),
        (
            "aiex.npu.write32 {address = 16384 : ui32, column = 0 : i32, row = 2 : i32, "
            "value = 40 : ui32}",
            "aiex.npu.write32 {address = 2113548 : ui32, value = 4294967289 : ui32}",
            "aiex.npu.write32 {address = 2224368 : ui32, value = 1 : ui32}",
        ),
    ],
    ids=["parameters", "computed", "registers"],
)
def test_parameters_reach_a_core(simulate: Simulate, write: Write, lines: tuple[str, ...]) -> None:
    x, y = ramp(8), np.zeros(8, np.int32)
    simulate(parameter_design(write, lines), x, y)
    np.testing.assert_array_equal(y, x + 33)


def test_scalar_arguments(simulate: Simulate, write: Write) -> None:
    text = loopback(
        write,
        8,
        sequence(
            "%x: memref<64xi32>, %first: i32, %y: memref<8xi32>",
            "%at = arith.index_cast %first : i32 to index",
            transfer("in", "%x", (0, 0, 0, "%at"), (1, 1, 1, 8), (0, 0, 0, 1), "64xi32", 0),
            linear("out", "%y", 0, 8, "8xi32", 1),
            WAIT,
        ),
    )
    x, y = ramp(64), np.zeros(8, np.int32)
    simulate(text, x, np.array([24]), y)
    np.testing.assert_array_equal(y, x[24:32])
    assert check(text).sequences[0].arguments[1].shape is None


def test_sync_waits_for_every_column(simulate: Simulate, write: Write) -> None:
    fifo = "!aie.objectfifo<memref<8xi32>>"
    lines = []
    for col in range(3):
        lines += [
            f"aie.objectfifo @in{col}(%shim{col}, {{%mem{col}}}, 2 : i32) : {fifo}",
            f"aie.objectfifo @out{col}(%mem{col}, {{%shim{col}}}, 2 : i32) : {fifo}",
            f"aie.objectfifo.link [@in{col}] -> [@out{col}] ([] [])",
        ]
    moves = []
    for col in range(3):
        moves += [
            linear(f"in{col}", "%x", 8 * col, 8, "24xi32", 0),
            linear(f"out{col}", "%y", 8 * col, 8, "24xi32", 1),
        ]
    sync = (
        "aiex.npu.sync {channel = 0 : i32, column = 0 : i32, column_num = 3 : i32, "
        "direction = 0 : i32, row = 0 : i32, row_num = 1 : i32}"
    )
    text = write.design(
        "\n".join([*lines, sequence("%x: memref<24xi32>, %y: memref<24xi32>", *moves, sync)])
    )
    x, y = ramp(24), np.zeros(24, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x)


def run_one(text: str, *arrays: np.ndarray[Any, Any]) -> None:
    Simulation(text, limits=Limits(max_cycles=100_000, max_seconds=5)).run(arrays)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([ramp(8)], "the runtime sequence has 2 arguments, and 1 arrays were given"),
        ([ramp(8)] * 3, "the runtime sequence has 2 arguments, and 3 arrays were given"),
        (
            [ramp(8), ramp(7)],
            "argument 1 of the runtime sequence is memref<8xi32> with 32 bytes, and the array "
            "has 28",
        ),
        (
            [ramp(8, np.int16), ramp(8)],
            "argument 0 of the runtime sequence is memref<8xi32> with 32 bytes, and the array "
            "has 16",
        ),
    ],
)
def test_arrays_that_do_not_suit(
    write: Write, arrays: list[np.ndarray[Any, Any]], message: str
) -> None:
    text = loopback(
        write,
        8,
        sequence(
            "%x: memref<8xi32>, %y: memref<8xi32>",
            linear("in", "%x", 0, 8, "8xi32", 0),
            linear("out", "%y", 0, 8, "8xi32", 1),
            WAIT,
        ),
    )
    with pytest.raises(UsageError) as error:
        run_one(text, *arrays)
    assert error.value.message == message
    assert error.value.code == "NPU161"


def longer_loopback(write: Write) -> str:
    """Return a design that moves 12 elements of arguments that it declares with 8."""
    text = sequence(
        "%x: memref<8xi32>, %y: memref<8xi32>",
        linear("in", "%x", 0, 12, "8xi32", 0),
        linear("out", "%y", 0, 12, "8xi32", 1),
        WAIT,
    )
    return loopback(write, 12, text)


def test_a_longer_array_is_used_and_warned_of(write: Write) -> None:
    x, y = ramp(12), np.zeros(16, np.int32)
    run = Simulation(longer_loopback(write)).run([x, y])
    np.testing.assert_array_equal(y[:12], x)
    assert [(warning.code, warning.message) for warning in run.warnings] == [
        (
            "NPU163",
            f"argument {position} of the runtime sequence is memref<8xi32> with 32 bytes, and the "
            f"array has {size}: transfers may use all of it, as on the device",
        )
        for position, size in ((0, 48), (1, 64))
    ]


def test_a_transfer_past_the_longer_array(write: Write) -> None:
    with pytest.raises(CheckFailed) as error:
        run_one(longer_loopback(write), ramp(11), np.zeros(12, np.int32))
    assert error.value.code == "NPU126"
    assert "reaches bytes 0 to 47 of an argument of 44 bytes" in error.value.message


ARGUMENTS = "%x: memref<64xi32>, %b: memref<64xi8>"


def on_in(offsets: Any, sizes: Any, strides: Any, value: str = "%x", element: str = "i32") -> str:
    return transfer("in", value, offsets, sizes, strides, f"64x{element}", 0)


REFUSED = {
    "outside": (
        on_in((0, 0, 0, 60), (1, 1, 1, 8), (0, 0, 0, 1)),
        "NPU126",
        "the transfer reaches bytes 240 to 271 of an argument of 256 bytes, with pattern "
        "[<size = 1, stride = 0>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
        "<size = 8, stride = 1>]",
    ),
    "negative": (
        on_in((0, 0, 0, -4), (1, 1, 1, 8), (0, 0, 0, 1)),
        "NPU126",
        "the transfer reaches bytes -16 to 15 of an argument of 256 bytes, with pattern "
        "[<size = 1, stride = 0>, <size = 1, stride = 0>, <size = 1, stride = 0>, "
        "<size = 8, stride = 1>]",
    ),
    "empty": (
        on_in((0, 0, 0, 0), (1, 1, 0, 8), (0, 0, 8, 1)),
        "NPU127",
        "sizes [1, 1, 0, 8] must be positive",
    ),
    "half words": (
        on_in((0, 0, 0, 0), (1, 1, 1, 6), (0, 0, 0, 1), "%b", "i8"),
        "NPU125",
        "the innermost dimension of [<size = 6, stride = 1>] moves 6 elements of 1 byte at a "
        "time, which is not a whole number of 4-byte words",
    ),
    "gaps in words": (
        on_in((0, 0, 0, 0), (1, 1, 1, 8), (0, 0, 0, 2), "%b", "i8"),
        "NPU125",
        "the innermost stride of [<size = 1, stride = 0>, <size = 1, stride = 0>, "
        "<size = 8, stride = 2>] is 2 elements of 1 byte, and a DMA cannot pick elements out of "
        "a 4-byte word",
    ),
    "odd stride": (
        on_in((0, 0, 0, 0), (1, 1, 3, 4), (0, 0, 6, 1), "%b", "i8"),
        "NPU125",
        "stride 6 of [<size = 1, stride = 0>, <size = 3, stride = 6>, <size = 4, stride = 1>] is "
        "6 bytes, which is not a whole number of 4-byte words",
    ),
    "stays in place": (
        on_in((0, 0, 0, 0), (1, 2, 2, 8), (0, 0, 8, 1)),
        "NPU125",
        "a dimension of size 2 has stride 0, and a DMA always steps on",
    ),
    "too often": (
        on_in((0, 0, 0, 0), (65, 1, 1, 8), (0, 0, 0, 1)),
        "NPU127",
        "the outermost size 65 is more than 64",
    ),
    "nowhere": (
        transfer("inn", "%x", (0, 0, 0, 0), (1, 1, 1, 8), (0, 0, 0, 1), "64xi32", 0),
        "NPU105",
        "@inn names no shim DMA channel; did you mean in?",
    ),
    "no channel": (
        "aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1]) {id = 0 : i64} "
        ": memref<64xi32>",
        "NPU109",
        "the transfer does not name its channel (metadata) and descriptor (id)",
    ),
    "no such descriptor": (
        transfer("in", "%x", (0, 0, 0, 0), (1, 1, 1, 8), (0, 0, 0, 1), "64xi32", 16),
        "NPU210",
        "BD 16 of tile(0,0) (in, line 33): tile(0,0) has no BD 16, it has 0..15",
    ),
    "no parameter": (
        "aiex.npu.rtp_write(@rtp, 0, 1)",
        "NPU105",
        "there is no aie.buffer @rtp",
    ),
    "no token": (
        "%t = aiex.dma_configure_task_for @in { aie.dma_bd(%x : memref<64xi32>, 0, 8) aie.end }\n"
        "aiex.dma_start_task(%t)\n aiex.dma_await_task(%t)",
        "NPU109",
        "the task that is awaited issues no token",
    ),
    "no transfer": (
        "%t = aiex.dma_configure_task_for @in { aie.end }",
        "NPU109",
        "a task without aie.dma_bd",
    ),
    "one descriptor for two": (
        "aiex.dma_configure_task_for @in { "
        "aie.dma_bd(%x : memref<64xi32>, 0, 8) {bd_id = 3 : i32} aie.end }\n"
        "%u = aiex.dma_configure_task_for @in { "
        "aie.dma_bd(%x : memref<64xi32>, 0, 8) {bd_id = 3 : i32} aie.end }",
        "NPU124",
        "buffer descriptor 3 of tile(0,0) belongs to another task",
    ),
    "length of its own": (
        "%t = aiex.dma_configure_task_for @in { aie.dma_bd(%x : memref<64xi32>, 0, 8, "
        "[<size = 2, stride = 16>, <size = 8, stride = 1>]) aie.end }",
        "NPU127",
        "the transfer contradicts itself: its length is 8 elements, and its inner three "
        "dimensions move 16",
    ),
    "tile outside": (
        "aiex.npu.write32 {address = 0 : ui32, column = 9 : i32, row = 2 : i32, value = 1 : ui32}",
        "NPU106",
        "tile(9,2) is not on npu1",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(write: Write, case: str) -> None:
    lines, code, message = REFUSED[case]
    text = loopback(write, 8, sequence(ARGUMENTS, lines))
    line = text.split("\n").index("      " + lines.split("\n")[0]) + 1 + lines.count("\n")
    with pytest.raises(LabError) as error:
        check(text)
    assert error.value.message.removeprefix(f"design.mlir:{line}: ") == message
    assert error.value.code == code
