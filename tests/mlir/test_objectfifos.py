"""ObjectFifos of every kind, run on the array and compared with numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.mlir.conftest import Simulate, Write


def fifo(name: str, producer: str, consumers: str, n: int, depth: str = "2 : i32") -> str:
    return (
        f"    aie.objectfifo @{name}({producer}, {{{consumers}}}, {depth}) : "
        f"!aie.objectfifo<memref<{n}xi32>>"
    )


def ramp(n: int, start: int = 1) -> np.ndarray:
    return np.arange(start, start + n, dtype=np.int32)


@pytest.mark.parametrize("depth", ["1 : i32", "2 : i32", "4 : i32", "[3, 2]"])
def test_through_one_core(simulate: Simulate, write: Write, depth: str) -> None:
    text = write.design(
        fifo("in", "%shim0", "%t02", 16, depth)
        + "\n"
        + fifo("out", "%t02", "%shim0", 16, depth)
        + write.copy_core("%t02", "in", "out", 16)
        + write.sequence({"x": 64, "y": 64}, {"in": ("x", 0, 64), "out": ("y", 0, 64)}, ("out",))
    )
    x, y = ramp(64), np.zeros(64, np.int32)
    run = simulate(text, x, y)
    np.testing.assert_array_equal(y, x)
    assert run.written[0] is None
    assert run.written[1] is not None
    assert run.written[1].all()
    assert 0 < run.host_cycles < run.cycles


def test_forwarded_by_a_memory_tile_in_other_pieces(simulate: Simulate, write: Write) -> None:
    """16 elements arrive at once; the core takes and gives 8 at a time."""
    text = write.design(
        "\n".join(
            [
                fifo("in0", "%shim0", "%mem0", 16),
                fifo("in1", "%mem0", "%t02", 8),
                "    aie.objectfifo.link [@in0] -> [@in1] ([] [])",
                fifo("out1", "%t02", "%mem0", 8),
                fifo("out0", "%mem0", "%shim0", 16),
                "    aie.objectfifo.link [@out1] -> [@out0] ([] [])",
                write.copy_core("%t02", "in1", "out1", 8),
                write.sequence(
                    {"x": 64, "y": 64}, {"in0": ("x", 0, 64), "out0": ("y", 0, 64)}, ("out0",)
                ),
            ]
        )
    )
    x, y = ramp(64), np.zeros(64, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x)


def test_broadcast_reaches_every_core(simulate: Simulate, write: Write) -> None:
    cores = ["%t02", "%t13", "%t24", "%t35"]
    parts = [fifo("in", "%shim0", ", ".join(cores), 16)]
    for index, core in enumerate(cores):
        parts += [fifo(f"out{index}", core, f"%shim{index}", 16)]
        parts += [write.copy_core(core, "in", f"out{index}", 16)]
    transfers = {"in": ("x", 0, 32)}
    transfers |= {f"out{i}": ("y", 32 * i, 32) for i in range(4)}
    waits = tuple(f"out{i}" for i in range(4))
    text = write.design("\n".join([*parts, write.sequence({"x": 32, "y": 128}, transfers, waits)]))
    x, y = ramp(32), np.zeros(128, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y.reshape(4, 32), np.tile(x, (4, 1)))


@pytest.mark.parametrize("offsets", [("([] [0, 8])", "([0, 8] [])"), ("()", "()")])
def test_distribute_and_join(simulate: Simulate, write: Write, offsets: tuple[str, str]) -> None:
    """Two cores get the two parts of each object; what they add tells them apart."""
    parts = [fifo("in", "%shim0", "%mem0", 24), fifo("out", "%mem0", "%shim0", 24)]
    for index, (core, size) in enumerate([("%t02", 8), ("%t03", 16)]):
        parts += [fifo(f"in{index}", "%mem0", core, size), fifo(f"out{index}", core, "%mem0", size)]
        change = (
            f"%k{index} = arith.constant {1000 * index} : i32\n %w = arith.addi %v, %k{index} : i32"
        )
        parts += [write.copy_core(core, f"in{index}", f"out{index}", size, change)]
    parts += [f"    aie.objectfifo.link [@in] -> [@in0, @in1] {offsets[0]}"]
    parts += [f"    aie.objectfifo.link [@out0, @out1] -> [@out] {offsets[1]}"]
    parts += [
        write.sequence({"x": 72, "y": 72}, {"in": ("x", 0, 72), "out": ("y", 0, 72)}, ("out",))
    ]
    x, y = ramp(72), np.zeros(72, np.int32)
    simulate(write.design("\n".join(parts)), x, y)
    expected = x.reshape(3, 24) + np.where(np.arange(24) < 8, 0, 1000)
    np.testing.assert_array_equal(y.reshape(3, 24), expected)


def test_dimensions_on_both_sides(simulate: Simulate, write: Write) -> None:
    """The memory tile sends a 4x8 matrix by columns; the receiver lays it out once more."""
    text = write.design(
        "\n".join(
            [
                fifo("in0", "%shim0", "%mem0", 32),
                "    aie.objectfifo @in1(%mem0 dimensionsToStream [<8, 1>, <4, 8>], "
                "{%t02 dimensionsFromStream [<size = 2, stride = 1>, <size = 16, stride = 2>]}, "
                "2 : i32) : !aie.objectfifo<memref<32xi32>>",
                "    aie.objectfifo.link [@in0] -> [@in1] ([] [])",
                fifo("out", "%t02", "%shim0", 32),
                write.copy_core("%t02", "in1", "out", 32),
                write.sequence(
                    {"x": 32, "y": 32}, {"in0": ("x", 0, 32), "out": ("y", 0, 32)}, ("out",)
                ),
            ]
        )
    )
    x, y = ramp(32), np.zeros(32, np.int32)
    simulate(text, x, y)
    stream = x.reshape(4, 8).T.reshape(-1)
    np.testing.assert_array_equal(y, stream.reshape(2, 16).T.reshape(-1))


def test_bytes_reordered_in_runs_of_words(simulate: Simulate, write: Write) -> None:
    """int8: runs of 8 elements are two words; the fifo needs no shared core."""
    body = """
    aie.objectfifo @in0(%shim0, {%mem0}, 2 : i32) : !aie.objectfifo<memref<8x16xi8>>
    aie.objectfifo @out0(%mem0 dimensionsToStream [<2, 8>, <8, 16>, <8, 1>], {%shim0}, 2 : i32)
      : !aie.objectfifo<memref<8x16xi8>>
    aie.objectfifo.link [@in0] -> [@out0] ([] [])
    aie.runtime_sequence(%x: memref<8x16xi8>, %y: memref<8x16xi8>) {
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 128][0, 0, 0, 1])
        {id = 0 : i64, metadata = @in0} : memref<8x16xi8>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 128][0, 0, 0, 1])
        {id = 1 : i64, metadata = @out0} : memref<8x16xi8>
      aiex.npu.dma_wait {symbol = @out0}
    }"""
    x, y = np.arange(128, dtype=np.int8), np.zeros(128, np.int8)
    simulate(write.design(body), x, y)
    expected = x.reshape(8, 2, 8).transpose(1, 0, 2).reshape(-1)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(
    ("producer", "consumer", "pool"),
    [("%t02", "%t03", (0, 2)), ("%t13", "%t12", (1, 3)), ("%t02", "%t12", (0, 2)),
     ("%t12", "%t02", (0, 2))],
)  # fmt: skip
def test_neighbours_share_memory(
    simulate: Simulate, write: Write, producer: str, consumer: str, pool: tuple[int, int]
) -> None:
    from simulator import check

    text = write.design(
        "\n".join(
            [
                fifo("in", "%shim0", producer, 16),
                fifo("between", producer, consumer, 16),
                fifo("out", consumer, "%shim1", 16),
                write.copy_core(producer, "in", "between", 16),
                write.copy_core(consumer, "between", "out", 16),
                write.sequence(
                    {"x": 64, "y": 64}, {"in": ("x", 0, 64), "out": ("y", 0, 64)}, ("out",)
                ),
            ]
        )
    )
    x, y = ramp(64), np.zeros(64, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x)
    holders = [
        use.tile for use in check(text).tiles for b in use.buffers if b.name.startswith("between")
    ]
    assert holders == [pool, pool]


def test_via_dma_leaves_shared_memory_alone(simulate: Simulate, write: Write) -> None:
    from simulator import check

    between = fifo("between", "%t02", "%t03", 16).replace(" : !aie", " {via_DMA = true} : !aie")
    text = write.design(
        "\n".join(
            [
                fifo("in", "%shim0", "%t02", 16),
                between,
                fifo("out", "%t03", "%shim0", 16),
                write.copy_core("%t02", "in", "between", 16),
                write.copy_core("%t03", "between", "out", 16),
                write.sequence(
                    {"x": 64, "y": 64}, {"in": ("x", 0, 64), "out": ("y", 0, 64)}, ("out",)
                ),
            ]
        )
    )
    x, y = ramp(64), np.zeros(64, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x)
    names = {b.name for use in check(text).tiles for b in use.buffers}
    assert {"between_buff_0", "between_cons_buff_0"} <= names


def test_delegated_to_a_third_tile(simulate: Simulate, write: Write) -> None:
    from simulator import check

    text = write.design(
        "\n".join(
            [
                fifo("in", "%shim0", "%t12", 16),
                fifo("between", "%t12", "%t13", 16),
                "    aie.objectfifo.allocate @between (%t13)",
                fifo("out", "%t13", "%shim0", 16),
                write.copy_core("%t12", "in", "between", 16),
                write.copy_core("%t13", "between", "out", 16),
                write.sequence(
                    {"x": 32, "y": 32}, {"in": ("x", 0, 32), "out": ("y", 0, 32)}, ("out",)
                ),
            ]
        )
    )
    x, y = ramp(32), np.zeros(32, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x)
    (holder,) = {u.tile for u in check(text).tiles for b in u.buffers if "between" in b.name}
    assert holder == (1, 3)


def test_repeat_count_sends_each_object_again(simulate: Simulate, write: Write) -> None:
    out1 = fifo("out0", "%mem0", "%shim0", 8).replace(" : !aie", " {repeat_count = 3 : i32} : !aie")
    text = write.design(
        "\n".join(
            [
                fifo("in0", "%shim0", "%mem0", 8),
                out1,
                "    aie.objectfifo.link [@in0] -> [@out0] ([] [])",
                write.sequence(
                    {"x": 32, "y": 96}, {"in0": ("x", 0, 32), "out0": ("y", 0, 96)}, ("out0",)
                ),
            ]
        )
    )
    x, y = ramp(32), np.zeros(96, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, np.repeat(x.reshape(4, 8), 3, axis=0).reshape(-1))


def test_initial_values_come_first(simulate: Simulate, write: Write) -> None:
    """Two objects are there before the core starts; without more, the design would stop."""
    between = (
        fifo("between", "%t02", "%t03", 4)
        + " = [dense<[1, 2, 3, 4]> : memref<4xi32>, dense<9> : memref<4xi32>]"
    )
    text = write.design(
        "\n".join(
            [
                between,
                fifo("out", "%t03", "%shim0", 4),
                write.copy_core("%t03", "between", "out", 4),
                write.sequence({"y": 8}, {"out": ("y", 0, 8)}, ("out",)),
            ]
        )
    )
    y = np.zeros(8, np.int32)
    simulate(text, y)
    assert y.tolist() == [1, 2, 3, 4, 9, 9, 9, 9]


def test_iter_count_ends_the_chain(simulate: Simulate, write: Write) -> None:
    """Two objects in turn, twice: 4 transfers, then the channels stop."""
    from simulator import check

    in0 = fifo("in0", "%shim0", "%mem0", 8).replace(" : !aie", " {iter_count = 2 : i32} : !aie")
    out0 = fifo("out0", "%mem0", "%shim0", 8).replace(" : !aie", " {iter_count = 2 : i32} : !aie")
    parts = [in0, out0, "    aie.objectfifo.link [@in0] -> [@out0] ([] [])"]
    moves = {"in0": ("x", 0, 32), "out0": ("y", 0, 32)}
    text = write.design("\n".join([*parts, write.sequence({"x": 32, "y": 32}, moves, ("out0",))]))
    x, y = ramp(32), np.zeros(32, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x)
    assert check(text).tiles[1].bds == 4


def test_a_sliding_window_keeps_what_it_holds(simulate: Simulate, write: Write) -> None:
    """The core holds two objects and releases one: each output is a sum of neighbours."""
    body = f"""
{fifo("in", "%shim0", "%t02", 4, "3 : i32")}
{fifo("out", "%t02", "%shim0", 4)}
    aie.core(%t02) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %c7 = arith.constant 7 : index
      scf.for %turn = %c0 to %c7 step %c1 {{
        %view = aie.objectfifo.acquire @in(Consume, 2) : !aie.objectfifosubview<memref<4xi32>>
        %old = aie.objectfifo.subview.access %view[0]
          : !aie.objectfifosubview<memref<4xi32>> -> memref<4xi32>
        %new = aie.objectfifo.subview.access %view[1]
          : !aie.objectfifosubview<memref<4xi32>> -> memref<4xi32>
        %sum = aie.objectfifo.acquire @out(Produce, 1) : memref<4xi32>
        scf.for %i = %c0 to %c4 step %c1 {{
          %a = memref.load %old[%i] : memref<4xi32>
          %b = memref.load %new[%i] : memref<4xi32>
          %c = arith.addi %a, %b : i32
          memref.store %c, %sum[%i] : memref<4xi32>
        }}
        aie.objectfifo.release @out(Produce, 1)
        aie.objectfifo.release @in(Consume, 1)
      }}
      aie.objectfifo.release @in(Consume, 1)
      aie.end
    }}
{write.sequence({"x": 32, "y": 28}, {"in": ("x", 0, 32), "out": ("y", 0, 28)}, ("out",))}"""
    x, y = ramp(32), np.zeros(28, np.int32)
    simulate(write.design(body), x, y)
    rows = x.reshape(8, 4)
    np.testing.assert_array_equal(y.reshape(7, 4), rows[:-1] + rows[1:])


def test_full_memory_tile_spills_to_its_neighbour(simulate: Simulate, write: Write) -> None:
    from simulator import check

    n = 80 * 1024
    text = write.design(
        "\n".join(
            [
                fifo("in0", "%shim1", "%mem1", n),
                fifo("out0", "%mem1", "%shim1", n),
                "    aie.objectfifo.link [@in0] -> [@out0] ([] [])",
                write.sequence(
                    {"x": n, "y": n}, {"in0": ("x", 0, n), "out0": ("y", 0, n)}, ("out0",)
                ),
            ]
        )
    )
    x, y = ramp(n), np.zeros(n, np.int32)
    simulate(text, x, y)
    np.testing.assert_array_equal(y, x)
    holders = [use.tile for use in check(text).tiles for _ in use.buffers]
    assert holders == [(0, 1), (1, 1)]


def test_a_core_with_fifos_on_its_stream_ports(simulate: Simulate, write: Write) -> None:
    """aie_stream = 2: one core writes its stream port, the other reads its own."""
    stream = fifo("between", "%t02", "%t23", 4).replace(
        " : !aie", " {aie_stream = 2 : i32, aie_stream_port = 0 : i32} : !aie"
    )
    body = f"""
{stream}
{fifo("out", "%t23", "%shim0", 4)}
    aie.core(%t02) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %port = arith.constant 0 : i32
      scf.for %i = %c0 to %c4 step %c1 {{
        %v = arith.index_cast %i : index to i32
        aie.put_stream(%port : i32, %v : i32)
      }}
      aie.end
    }}
    aie.core(%t23) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %port = arith.constant 0 : i32
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<4xi32>
      scf.for %i = %c0 to %c4 step %c1 {{
        %v = aie.get_stream(%port : i32) : i32
        memref.store %v, %b[%i] : memref<4xi32>
      }}
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }}
{write.sequence({"y": 4}, {"out": ("y", 0, 4)}, ("out",))}"""
    y = np.zeros(4, np.int32)
    simulate(write.design(body), y)
    assert y.tolist() == [0, 1, 2, 3]


def test_state_is_kept_from_run_to_run(write: Write) -> None:
    """The second run goes on where the first stopped, in the middle of the objects' turn."""
    from simulator import Simulation

    text = write.design(
        fifo("in", "%shim0", "%t02", 8)
        + "\n"
        + fifo("out", "%t02", "%shim0", 8)
        + write.copy_core("%t02", "in", "out", 8)
        + write.sequence({"x": 24, "y": 24}, {"in": ("x", 0, 24), "out": ("y", 0, 24)}, ("out",))
    )
    simulation = Simulation(text)
    for start in (1, 100, 1000):
        x, y = ramp(24, start), np.zeros(24, np.int32)
        simulation.run([x, y])
        np.testing.assert_array_equal(y, x)
