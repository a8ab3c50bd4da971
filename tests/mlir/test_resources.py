"""What `check` says that a design takes, and what importing the simulator takes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from simulator import check

if TYPE_CHECKING:
    from simulator.mlir.resources import Resources, TileUse
    from tests.mlir.conftest import Write


def fifo(name: str, producer: str, consumers: str, n: int, depth: str = "2 : i32") -> str:
    return (
        f"    aie.objectfifo @{name}({producer}, {{{consumers}}}, {depth}) : "
        f"!aie.objectfifo<memref<{n}xi32>>"
    )


def of(resources: Resources, col: int, row: int) -> TileUse:
    (use,) = [use for use in resources.tiles if use.tile == (col, row)]
    return use


@pytest.fixture
def copied(write: Write) -> str:
    """A design that copies 8 elements at a time through a memory tile."""
    return write.design(
        "\n".join(
            [
                fifo("in0", "%shim0", "%mem0", 16),
                fifo("in1", "%mem0", "%t02", 8),
                "    aie.objectfifo.link [@in0] -> [@in1] ([] [])",
                fifo("out", "%t02", "%shim0", 8),
                write.copy_core("%t02", "in1", "out", 8),
                write.sequence(
                    {"x": 64, "y": 64}, {"in0": ("x", 0, 64), "out": ("y", 0, 64)}, ("out",)
                ),
            ]
        )
    )


def test_every_tile_with_its_limits(copied: str) -> None:
    resources = check(copied)
    assert (resources.device, resources.columns) == ("npu1", 4)
    assert [use.tile for use in resources.tiles] == [(0, 0), (0, 1), (0, 2)]
    core, mem, shim = of(resources, 0, 2), of(resources, 0, 1), of(resources, 0, 0)
    assert (core.kind, core.memory, core.memory_limit, core.stack) == ("core", 1152, 65536, 1024)
    assert (core.locks, core.locks_limit, core.bds, core.bds_limit) == (4, 16, 4, 16)
    assert (core.mm2s, core.mm2s_limit, core.s2mm, core.s2mm_limit) == (1, 2, 1, 2)
    assert core.functions == ()
    assert (mem.kind, mem.memory, mem.memory_limit, mem.stack) == ("mem", 128, 524288, 0)
    assert (mem.locks, mem.locks_limit, mem.bds, mem.bds_limit) == (2, 64, 4, 48)
    assert (mem.mm2s, mem.mm2s_limit, mem.s2mm, mem.s2mm_limit) == (1, 6, 1, 6)
    assert mem.functions is None
    assert (shim.kind, shim.memory, shim.mm2s, shim.s2mm) == ("shim", 0, 1, 1)


def test_buffers_in_banks_behind_the_stack(copied: str) -> None:
    """Each buffer starts in another of the four 16 KB banks; the stack lies at the bottom."""
    buffers = {use.name: (use.address, use.size) for use in of(check(copied), 0, 2).buffers}
    assert buffers == {
        "in1_cons_buff_0": (1024, 32),
        "in1_cons_buff_1": (16384, 32),
        "out_buff_0": (32768, 32),
        "out_buff_1": (49152, 32),
    }


def test_addresses_banks_and_numbers_that_a_design_fixes(write: Write) -> None:
    """Also 0, which is a number like others."""
    text = write.design(
        """
    %a = aie.buffer(%mem0) {sym_name = "a"} : memref<16xi32>
    %b = aie.buffer(%mem0) {sym_name = "b", mem_bank = 2 : i32} : memref<8xi32>
    %c = aie.buffer(%mem0) {sym_name = "c", address = 0 : i32} : memref<4xi32>
    %d = aie.buffer(%mem1) {sym_name = "d"} : memref<16xi32>
    %e = aie.buffer(%mem1) {sym_name = "e", mem_bank = 0 : i32} : memref<16xi32>"""
    )
    resources = check(text)
    assert {use.name: use.address for use in of(resources, 0, 1).buffers} == {
        "a": 16,
        "b": 131072,
        "c": 0,
    }
    assert {use.name: use.address for use in of(resources, 1, 1).buffers} == {"e": 0, "d": 64}


def test_one_after_the_other_where_a_tile_wants_it(write: Write) -> None:
    text = write.design(
        """
    %t = aie.tile(3, 3) {allocation_scheme = "basic-sequential"}
    %a = aie.buffer(%t) {sym_name = "a"} : memref<3xi8>
    %b = aie.buffer(%t) {sym_name = "b"} : memref<16xi32>
    aie.core(%t) { aie.end } {stack_size = 2048 : i32}"""
    ).replace("    %t33 = aie.tile(3, 3)\n", "")
    use = of(check(text), 3, 3)
    assert {buffer.name: buffer.address for buffer in use.buffers} == {"b": 2048, "a": 2112}
    assert (use.stack, use.memory) == (2048, 2048 + 64 + 3)


@pytest.mark.parametrize(
    ("element", "dtype"),
    [
        ("i8", "int8"),
        ("ui8", "uint8"),
        ("i16", "int16"),
        ("i32", "int32"),
        ("f32", "float32"),
        ("bf16", "bfloat16"),
    ],
)
def test_arguments_of_sequences(write: Write, element: str, dtype: str) -> None:
    text = write.design(
        f"    aie.runtime_sequence @go(%x: memref<4x8x{element}>, %n: i32) {{\n    }}"
    )
    (sequence,) = check(text).sequences
    assert sequence.name == "go"
    first, second = sequence.arguments
    assert (first.type, first.shape, first.dtype) == (f"memref<4x8x{element}>", (4, 8), dtype)
    assert (second.type, second.shape, second.dtype) == ("i32", None, "int32")


def test_as_json_and_back(copied: str) -> None:
    resources = check(copied)
    text = msgspec.json.encode(resources)
    assert msgspec.json.decode(text, type=type(resources)) == resources
    assert b'"tile":[0,2]' in text


def test_a_design_that_does_nothing() -> None:
    resources = check("aie.device(npu1_2col) {\n}")
    assert (resources.device, resources.columns) == ("npu1_2col", 2)
    assert resources.tiles == resources.functions == resources.sequences == ()


def test_importing_the_simulator_loads_no_xdsl() -> None:
    """It is for those who only want a name or an error: the front end loads when it is used."""
    code = (
        "import sys, simulator; assert 'xdsl' not in sys.modules; "
        "simulator.check; assert 'xdsl' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_simulator_has_no_other_name() -> None:
    import simulator

    with pytest.raises(AttributeError, match="Simulatio"):
        simulator.Simulatio  # noqa: B018 - the access itself
