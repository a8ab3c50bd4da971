"""The forms that a refusal can take; tests/findings has one design for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from errors import CheckFailed, LabError, UsageError
from simulator import check

if TYPE_CHECKING:
    from tests.mlir.conftest import Write

FIRST = 27
"""The line of a design where what `Write.design` is given starts."""


def fifo(name: str, producer: str, consumers: str, n: int = 8, depth: str = "2 : i32") -> str:
    return (
        f"aie.objectfifo @{name}({producer}, {{{consumers}}}, {depth}) : "
        f"!aie.objectfifo<memref<{n}xi32>>"
    )


def core(*lines: str, tile: str = "%t02") -> str:
    body = "\n      ".join(lines)
    return f"aie.core({tile}) {{\n      {body}\n      aie.end\n    }}"


def failure(write: Write, *lines: str) -> LabError:
    """Return what `check` says of a design with these pieces, each in lines of its own."""
    with pytest.raises(LabError) as error:
        check(write.design("\n".join(lines)))
    return error.value


TAKE = "%a = aie.objectfifo.acquire @of(Consume, 1) : memref<8xi32>"
SUBVIEW = "!aie.objectfifosubview<memref<8xi32>>"
OF = fifo("of", "%t03", "%t02")

FIFOS = {
    "depths": (
        [fifo("of", "%t02", "%t03, %t04", depth="[2, 2]")],
        "NPU107",
        "27: objectFifo @of has 2 depths for a producer and 2 consumers",
    ),
    "no depth": (
        [fifo("of", "%t02", "%t03", depth="0 : i32")],
        "NPU107",
        "27: objectFifo @of has depth 0",
    ),
    "unknown fifo": (
        [OF, core(TAKE.replace("@of", "@off"))],
        "NPU105",
        "29: there is no objectFifo @off; did you mean of?",
    ),
    "the other port": (
        [OF, core(TAKE.replace("Consume", "Produce"))],
        "NPU107",
        "29: tile(0,2) is not at the Produce end of @of (cores at its ends: tile(0,2) and "
        "tile(0,3))",
    ),
    "linked away": (
        [
            fifo("of", "%shim0", "%t02"),
            fifo("on", "%t02", "%t23"),
            "aie.objectfifo.link [@of] -> [@on] ([] [])",
            core(TAKE),
        ],
        "NPU107",
        "31: tile(0,2) is not at the Consume end of @of (cores at its ends: no core)",
    ),
    "another type": (
        [OF, core(TAKE.replace("memref<8xi32>", "memref<16xi32>"))],
        "NPU107",
        "29: @of holds objects of memref<8xi32>, and the core takes them as memref<16xi32>",
    ),
    "names of one, acquire of two": (
        [OF, core(TAKE.replace("Consume, 1", "Consume, 2"))],
        "NPU107",
        "29: acquires 2 objects and names 1",
    ),
    "third of two": (
        [
            OF,
            core(
                f"%s = aie.objectfifo.acquire @of(Consume, 2) : {SUBVIEW}",
                f"%a = aie.objectfifo.subview.access %s[2] : {SUBVIEW} -> memref<8xi32>",
            ),
        ],
        "NPU107",
        "30: object 2 of a subview of 2",
    ),
    "a delegate out of reach": (
        [OF, "aie.objectfifo.allocate @of(%t15)"],
        "NPU107",
        "28: not every end of @of reaches the memory of tile(1,5)",
    ),
    "no tile": (
        [
            "%l = aie.lock(%t02, 0)",
            "aie.objectfifo @of(%l, {%t02}, 2 : i32) : !aie.objectfifo<memref<8xi32>>",
        ],
        "NPU105",
        "28: aie.objectfifo needs a tile here",
    ),
    "no lock": (
        ["%b = aie.buffer(%t02) : memref<8xi32>", core("aie.use_lock(%t02, Release, 1)")],
        "NPU105",
        "29: aie.use_lock needs a lock here",
    ),
    "a fifo of any length": (
        ["aie.objectfifo @of(%t02, {%t03}, 2 : i32) : !aie.objectfifo<memref<?xi32>>"],
        "NPU130",
        "27: an objectFifo of memref<?xi32> is not supported by the simulator yet",
    ),
    "programmable logic": (
        [fifo("of", "%t02", "%t03").replace(" : !aie", " {plio = true} : !aie")],
        "NPU130",
        "27: an objectFifo to programmable logic (plio) is not supported by the simulator yet",
    ),
}


@pytest.mark.parametrize("case", FIFOS)
def test_fifos(write: Write, case: str) -> None:
    lines, code, message = FIFOS[case]
    error = failure(write, *lines)
    assert (error.code, error.message) == (code, f"design.mlir:{message}")


IN, LEFT, RIGHT = (
    fifo("in", "%shim0", "%mem0", 16),
    fifo("left", "%mem0", "%t02"),
    fifo("right", "%mem0", "%t03"),
)
LINKS = {
    "two links": (
        [
            IN,
            LEFT,
            RIGHT,
            "aie.objectfifo.link [@in] -> [@left] ([] [])",
            "aie.objectfifo.link [@in] -> [@right] ([] [])",
        ],
        "31: objectFifo @in is in two links",
    ),
    "both at once": (
        [
            IN,
            fifo("in2", "%shim0", "%mem0", 16),
            LEFT,
            RIGHT,
            "aie.objectfifo.link [@in, @in2] -> [@left, @right] ([0, 8] [0, 8])",
        ],
        "31: a link joins or distributes, not both at once",
    ),
    "nothing out": (
        [IN, "aie.objectfifo.link [@in] -> [] ([] [])"],
        "28: a link needs an input and an output",
    ),
    "no memory tile": (
        [
            fifo("in", "%shim0", "%t02", 16),
            fifo("left", "%t02", "%t03"),
            fifo("right", "%t02", "%t12"),
            "aie.objectfifo.link [@in] -> [@left, @right] ([] [0, 8])",
        ],
        "30: join and distribute need a memory tile, and tile(0,2) is none",
    ),
    "too few offsets": (
        [IN, LEFT, RIGHT, "aie.objectfifo.link [@in] -> [@left, @right] ([] [0])"],
        "30: 2 fifos need 2 offsets, not 1",
    ),
    "falling offsets": (
        [IN, LEFT, RIGHT, "aie.objectfifo.link [@in] -> [@left, @right] ([] [8, 0])"],
        "30: offsets [8, 0] must rise and stay inside the 16 elements of @in",
    ),
    "offset outside": (
        [IN, LEFT, RIGHT, "aie.objectfifo.link [@in] -> [@left, @right] ([] [0, 16])"],
        "30: offsets [0, 16] must rise and stay inside the 16 elements of @in",
    ),
    "unknown": (
        [IN, LEFT, "aie.objectfifo.link [@in] -> [@lefft] ([] [])"],
        "29: there is no objectFifo @lefft; did you mean left?",
    ),
}


@pytest.mark.parametrize("case", LINKS)
def test_links(write: Write, case: str) -> None:
    lines, message = LINKS[case]
    error = failure(write, *lines)
    assert error.message == f"design.mlir:{message}"
    assert error.code == ("NPU105" if case == "unknown" else "NPU108")


def test_too_much_memory_lists_what_there_is(write: Write) -> None:
    error = failure(
        write,
        fifo("of", "%shim0", "%t02", 7000),
        '%b = aie.buffer(%t02) {sym_name = "table"} : memref<2200xi32>',
        core("%a = aie.objectfifo.acquire @of(Consume, 1) : memref<7000xi32>"),
    )
    assert error.code == "NPU120"
    assert error.message == (
        "design.mlir:27: buffers and stack of tile(0,2) are too much: 65824 bytes, its memory has "
        "65536"
    )
    assert error.details == (
        "   28000  of_cons_buff_0: memref<7000xi32>",
        "   28000  of_cons_buff_1: memref<7000xi32>",
        "    8800  table: memref<2200xi32>",
        "    1024  stack",
    )


def test_too_many_locks(write: Write) -> None:
    locks = [f'%l{i} = aie.lock(%t02) {{sym_name = "l{i}"}}' for i in range(17)]
    error = failure(write, *locks)
    assert error.code == "NPU123"
    assert error.message == (
        f"design.mlir:{FIRST + 16}: tile(0,2) has 16 locks, and the design uses 17 there"
    )
    assert error.details == tuple(f"l{i}" for i in range(17))


@pytest.mark.parametrize("channel", [0, 1])
def test_too_many_descriptors_of_a_memory_tile(write: Write, channel: int) -> None:
    """Its even channels execute 24 of the 48, the odd ones the others."""
    first = [fifo("x", "%shim0", "%mem0")] * channel
    error = failure(write, *first, fifo("in", "%shim0", "%mem0", depth="[1, 25]"))
    parity = "odd" if channel else "even"
    assert error.code == "NPU121"
    assert error.message == (
        f"design.mlir:{FIRST + channel}: tile(0,1) has 24 buffer descriptors for its {parity} "
        "channels, and the design needs more"
    )


@pytest.mark.parametrize(
    ("device", "tile", "message"),
    [
        ("npu1_1col", "1, 2", "tile(1,2) is not on npu1_1col, which has 1 columns of 6 rows"),
        ("npu1", "4, 2", "tile(4,2) is not on npu1, which has 4 columns of 6 rows"),
        ("npu1", "0, 6", "tile(0,6) is not on npu1, which has 4 columns of 6 rows"),
    ],
)
def test_tiles_outside(device: str, tile: str, message: str) -> None:
    with pytest.raises(CheckFailed) as error:
        check(f"aie.device({device}) {{\n  %t = aie.tile({tile})\n}}")
    assert error.value.code == "NPU106"
    assert error.value.message == f"design.mlir:2: {message}"


WORK = "%c = arith.constant 1 : index"
PLACES = {
    "a core's DMA on a memory tile": (
        ["aie.mem(%mem0) { aie.end }"],
        "NPU106",
        "27: aie.mem is for core tiles, and tile(0,1) is none",
    ),
    "a memory tile's DMA on a core tile": (
        ["aie.memtile_dma(%t02) { aie.end }"],
        "NPU106",
        "27: aie.memtile_dma is for mem tiles, and tile(0,2) is none",
    ),
    "two sequences without names": (
        ["aie.runtime_sequence() { }", "aie.runtime_sequence() { }"],
        "NPU105",
        "28: @sequence is declared a second time; the first is in line 27",
    ),
}


@pytest.mark.parametrize("case", PLACES)
def test_places(write: Write, case: str) -> None:
    lines, code, message = PLACES[case]
    error = failure(write, *lines)
    assert (error.code, error.message) == (code, f"design.mlir:{message}")


def test_a_buffer_on_a_shim_tile(write: Write) -> None:
    error = failure(write, "%b = aie.buffer(%shim0) : memref<8xi32>")
    assert (error.code, error.message) == (
        "NPU106",
        "design.mlir:27: tile(0,0) has no memory for a buffer",
    )


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            "aie.device(xcvc1902) {\n}",
            "NPU101",
            "xcvc1902",
        ),
        (
            'aie.device(npu1) {\n  %t = aie.tile(0, 2)\n  %a = aie.lock(%t) {sym_name = "x"}\n'
            '  %b = aie.buffer(%t) {sym_name = "x"} : memref<8xi32>\n}',
            "NPU105",
            "design.mlir:4: @x is declared a second time; the first is in line 3",
        ),
    ],
)
def test_the_device_and_its_names(text: str, code: str, message: str) -> None:
    with pytest.raises(LabError) as error:
        check(text)
    assert error.value.code == code
    assert message in error.value.message
    assert isinstance(error.value, UsageError) == (code != "NPU105")


def test_the_name_of_the_text_is_in_the_message() -> None:
    with pytest.raises(UsageError, match=r"matmul\.mlir:1: "):
        check("aie.device(npu1 {", "matmul.mlir")


UNSUPPORTED = {
    "an elf": 'aie.core(%t02) { aie.end } {elf_file = "core.elf"}',
    "a vector of f16": core("%v = vector.broadcast %c : f16 to vector<16xf16>").replace(
        "%v", "%c = arith.constant 1.0 : f16\n      %v", 1
    ),
    "a mask": core("%v = vector.create_mask %n : vector<16xi1>").replace(
        "%v", "%n = arith.constant 4 : index\n      %v", 1
    ),
    "an unranked buffer": core("%m = memref.alloc() : memref<4xi32>")
    .replace("memref.alloc() : memref<4xi32>", "memref.alloc(%n) : memref<?xi32>")
    .replace("%m", "%n = arith.constant 4 : index\n      %m", 1),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_not_simulated_yet(write: Write, case: str) -> None:
    error = failure(write, UNSUPPORTED[case])
    assert error.code == "NPU130", error
    assert "is not supported by the simulator yet" in error.message
