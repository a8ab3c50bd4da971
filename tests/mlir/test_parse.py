"""Design text to operations: every release's syntax, and what is said of what is no design."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UsageError
from simulator.mlir.parse import line_of, parse_design

if TYPE_CHECKING:
    from tests.mlir.conftest import Write

FIFO = "!aie.objectfifo<memref<8xi32>>"
SUBVIEW = "!aie.objectfifosubview<memref<8xi32>>"

FRAGMENTS = {
    "fifo": f"aie.objectfifo @of(%t02, {{%t03}}, 2 : i32) : {FIFO}",
    "fifo, depths": f"aie.objectfifo @of(%t02, {{%t03, %t04}}, [2, 1, 3]) : {FIFO}",
    "fifo, braces": f"aie.objectfifo @of(%t02, {{ %t03 , %t04 }}, 4 : i32) {{via_DMA = true}} : "
    f"{FIFO}",
    "fifo, pattern": "aie.objectfifo @of(%mem0 dimensionsToStream [<size = 2, stride = 4>, "
    "<size = 4, stride = 1>], {%t02 dimensionsFromStream [<4, 2>, <2, 1>]}, 2 : i32) "
    f"{{padDimensions = #aie<bd_pad_layout_array[<const_pad_before = 0, const_pad_after = 1>]>}} "
    f": {FIFO}",
    "fifo, values": f"aie.objectfifo @of(%t02, {{%t03}}, 2 : i32) : {FIFO} = "
    "[dense<1> : memref<8xi32>, dense<[1, 2, 3, 4, 5, 6, 7, 8]> : memref<8xi32>]",
    "fifo, vector": "aie.objectfifo @of(%t02, {%t03}, 2 : i32) : "
    "!aie.objectfifo<memref<4xvector<16xi8>>>",
    "link": "aie.objectfifo.link [@a] -> [@b]([] [])",
    "link, offsets": "aie.objectfifo.link [@a, @b] -> [@c]([0, 8] [])",
    "link, old": "aie.objectfifo.link [@a] -> [@b]()",
    "allocate": "aie.objectfifo.allocate @of(%t02)",
    "external": '%b = aie.external_buffer {sym_name = "b"} : memref<8xi32>\n'
    "aie.objectfifo.register_external_buffers @of(%shim0, {%b}) : (memref<8xi32>)",
    "tile": '%t = aie.tile(3, 5) {allocation_scheme = "basic-sequential"}',
    "tile, generic": '%t = "aie.tile"() <{col = 1 : i32, row = 2 : i32}> : () -> index',
    "tile, logical": "%t = aie.logical_tile<CoreTile>(?, ?)",
    "buffer": "%b = aie.buffer(%t02) : memref<4x4xbf16>",
    "buffer, placed": "%b = aie.buffer(%t02) {address = 0 : i32, mem_bank = 0 : i32, "
    'sym_name = "b"} : memref<8xi32>',
    "buffer, values": "%b = aie.buffer(%t02) : memref<2x2xi32> = dense<[[1, 2], [3, 4]]>",
    "buffer, floats": "%b = aie.buffer(%t02) : memref<2xf32> = dense<[1.5, 0x7F800000]>",
    "lock": '%l = aie.lock(%t02, 3) {init = 1 : i32, sym_name = "l"}',
    "lock, unnumbered": "%l = aie.lock(%t02)",
    "flow": "aie.flow(%shim0, DMA : 0, %t02, DMA : 1)",
    "flow, quoted": 'aie.flow(%shim0, "DMA" : 0, %t02, "DMA" : 1)',
    "flow, spaceless": "aie.flow(%shim0, South:3, %t02, Core:0)",
    "packet flow": "aie.packet_flow(0x1F) { aie.packet_source<%t02, DMA : 0> "
    "aie.packet_dest<%shim0, DMA : 1> } {keep_pkt_header = true}",
    "switchbox": "aie.switchbox(%t02) {\n"
    "aie.connect<South : 0, DMA : 1>\n%a = aie.amsel<3> (1)\n"
    "%m = aie.masterset(DMA : 0, %a) {keep_pkt_header = true}\n"
    "aie.packet_rules(North : 2) { aie.rule(0x1C, 0x4, %a) }\n}",
    "shim mux": "aie.shim_mux(%shim0) { aie.connect<DMA : 0, North : 3> }",
    "cascade": "aie.cascade_flow(%t02, %t03)",
    "cascade, configured": "aie.configure_cascade(%t02, North, South)",
    "allocation": "aie.shim_dma_allocation @a (%shim0, MM2S, 0)",
    "allocation, column": "aie.shim_dma_allocation @a(MM2S, 0, 2)",
    "core": '%c = aie.core(%t02) { aie.end } {link_with = "k.o", stack_size = 2048 : i32}',
    "core, elf": 'aie.core(%t02) { aie.end } { elf_file = "core.elf" }',
    "core, acquire": f"aie.core(%t02) {{\n%s = aie.objectfifo.acquire @of(Consume, 1) : {SUBVIEW}\n"
    f"%e = aie.objectfifo.subview.access %s[0] : {SUBVIEW} -> memref<8xi32>\n"
    "aie.objectfifo.release @of(Consume, 1)\naie.end\n}",
    "core, acquire of several": "aie.core(%t02) {\n"
    "%a, %b = aie.objectfifo.acquire @of(Produce, 2) : memref<8xi32>, memref<8xi32>\n"
    "aie.objectfifo.release @of(Produce, 2)\naie.end\n}",
    "core, stream": "aie.core(%t02) {\n%c0 = arith.constant 0 : i32\n"
    "%v = aie.get_stream(%c0 : i32) : i32\naie.put_stream(%c0 : i32, %v : i32)\naie.end\n}",
    "core, cascade": "aie.core(%t02) {\n%v = aie.get_cascade() : i384\n"
    "aie.put_cascade(%v : i384)\naie.end\n}",
    "sequence": "aie.runtime_sequence @seq(%a: memref<8xi32>, %n: i32) { }",
    "sequence, old": "aiex.runtime_sequence(%a: memref<8xi32>) { }",
    "sequence, older": "func.func @sequence(%a: memref<8xi32>) { return }",
}


def within(fragment: str, write: Write) -> str:
    return write.design(fragment)


@pytest.mark.parametrize("name", FRAGMENTS)
def test_every_syntax(write: Write, name: str) -> None:
    """Each operation is read, and knows its line."""
    text = within(FRAGMENTS[name], write)
    module = parse_design(text)
    ops = {line_of(op) for op in module.walk()}
    line = text.split("\n").index(FRAGMENTS[name].split("\n")[0]) + 1
    assert line in ops


COMMANDS = {
    "memcpy": "aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1]) "
    "{id = 0 : i64, metadata = @of} : memref<8xi32>",
    "memcpy, with column and row": "aiex.npu.dma_memcpy_nd(0, 0, %a[0, 0, 0, 0][1, 1, 1, 8]"
    "[0, 0, 0, 1]) {id = 0 : i64, metadata = @of} : memref<8xi32>",
    "memcpy, three strides": "aiex.npu.dma_memcpy_nd(0, 0, %a[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0]) "
    "{id = 0 : i64, metadata = @of} : memref<8xi32>",
    "memcpy, packet": "aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1], "
    "packet = <pkt_id = 1, pkt_type = 0>) {id = 0 : i64, metadata = @of, issue_token = true} "
    ": memref<8xi32>",
    "wait": "aiex.npu.dma_wait {symbol = @of}",
    "sync": "aiex.npu.sync {channel = 0 : i32, column = 0 : i32, column_num = 1 : i32, "
    "direction = 0 : i32, row = 0 : i32, row_num = 1 : i32}",
    "write32": "aiex.npu.write32 {address = 1 : ui32, value = 2 : ui32}",
    "maskwrite32": "aiex.npu.maskwrite32 {address = 1 : ui32, mask = 3 : ui32, value = 2 : ui32}",
    "address_patch": "aiex.npu.address_patch {addr = 118788 : ui32, arg_idx = 0 : i32, "
    "arg_plus = 0 : i32}",
    "push_queue": "aiex.npu.push_queue(0, 0, MM2S : 1) {bd_id = 0 : i32, issue_token = true, "
    "repeat_count = 3 : i32}",
    "rtp": "aiex.npu.rtp_write(@rtp, 0, 17)",
    "task": "%t = aiex.dma_configure_task(%shim0, MM2S, 0) { aie.dma_bd(%a : memref<8xi32>, 0, 8)"
    " aie.end } {issue_token = true, repeat_count = 2 : i32}",
    "preempt": "aiex.npu.preempt {level = 1 : ui8}",
    "load": "aiex.npu.load_pdi { device_ref = @other }",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command(write: Write, name: str) -> None:
    text = write.design(f"aie.runtime_sequence(%a: memref<8xi32>) {{\n{COMMANDS[name]}\n}}")
    assert line_of(parse_design(text)) == 1


def test_a_module_may_be_left_out() -> None:
    module = parse_design("aie.device(npu1_1col) {\n}\n")
    assert [op.name for op in module.ops] == ["aie.device"]


def refused(text: str) -> tuple[str, str, tuple[str, ...]]:
    with pytest.raises(UsageError) as error:
        parse_design(text)
    assert error.value.code is not None
    return error.value.code, error.value.message, tuple(error.value.details)


def test_an_unknown_operation_is_named_with_its_nearest(write: Write) -> None:
    text = write.design("    %b = aie.bufer(%t02) : memref<8xi32>")
    assert refused(text) == (
        "NPU103",
        "design.mlir:27: there is no operation aie.bufer; did you mean aie.buffer?",
        ("    %b = aie.bufer(%t02) : memref<8xi32>", "         ^"),
    )


def test_an_undefined_value_is_pointed_at(write: Write) -> None:
    """The caret stands under its use, not under what is like it in a comment."""
    text = write.design(
        "    // %tt is no tile\n    aie.flow(%t02, DMA : 0, %tt, DMA : 1)\n"
        "    aie.flow(%t02, DMA : 1, %t03, DMA : 1)"
    )
    assert refused(text) == (
        "NPU102",
        "design.mlir:28: %tt is used but not defined",
        ("    aie.flow(%t02, DMA : 0, %tt, DMA : 1)", "                            ^"),
    )


@pytest.mark.parametrize(
    ("line", "message", "caret"),
    [
        ("aie.flow(%t02, DMA, %t03, DMA : 1)", "expected ':'", "aie.flow(%t02, DMA"),
        (
            "aie.flow(%t02, DAM : 0, %t03, DMA : 1)",
            "expected `Core`, `DMA`, `FIFO`, `South`, `West`, `North`, `East`, `PLIO`, `NOC`, "
            "`Trace`, or `TileControl`.",
            "aie.flow(%t02, ",
        ),
        (
            f"aie.objectfifo @of(%t02, {{%t03}}, 2 : i32) : {FIFO[1:]}",
            "type expected",
            "aie.objectfifo @of(%t02, {%t03}, 2 : i32) : ",
        ),
        (
            "%b = aie.buffer(%t02) : memref<2xi32> = dense<[1, 2, 3]>",
            "shape mismatch in dense literal. Expected [2] shape from the type, but got [3] shape.",
            "%b = aie.buffer(%t02) : memref<2xi32> = ",
        ),
        (
            '%b = aie.buffer(%t02) {sym_name = "b} : memref<1024xi32, 2 : i32> // long enough',
            "the string is not closed in its line",
            "%b = aie.buffer(%t02) {sym_name = ",
        ),
        (
            "%t = aie.tile(1, 2) {x = #}",
            "expected a name after this character",
            "%t = aie.tile(1, 2) {x = ",
        ),
        ("%t = aie.tile(1, 2) $", "unexpected character: $", "%t = aie.tile(1, 2) "),
        (
            '%t = "aie.tile"() <{col = 1 : i32}> : () -> index',
            "aie.tile: property 'row' expected in operation 'aie.tile'",
            "",
        ),
    ],
)
def test_syntax_errors(write: Write, line: str, message: str, caret: str) -> None:
    text = write.design(f"    {line}")
    code, got, details = refused(text)
    assert code == "NPU102"
    assert got == f"design.mlir:27: {message}"
    assert details == (f"    {line}", " " * (4 + len(caret)) + "^")


def test_a_brace_that_is_missing(write: Write) -> None:
    """The end of the text is where it is missed."""
    text = write.design("").rstrip()[:-1]
    lines = len(text.splitlines())
    code, message, _ = refused(text)
    assert code == "NPU102"
    assert message == f"design.mlir:{lines + 1}: expected an operation, a block or `}}`"


@pytest.mark.parametrize(
    "text", ["$", "%", '"' + "x" * 100, "", "// no more\n", "}", "module {", "4"]
)
def test_text_that_is_no_design_at_all(text: str) -> None:
    assert refused(text)[0] == "NPU102"


def test_a_type_that_does_not_fit(write: Write) -> None:
    """xDSL's verifier speaks for the operation that is wrong."""
    text = write.design(
        "    aie.core(%t02) {\n"
        "      %a = arith.constant 1 : i32\n"
        "      %b = arith.constant 1 : i64\n"
        "      %c = arith.addi %a, %b : i32\n"
        "      aie.end\n    }"
    )
    code, message, details = refused(text)
    assert code == "NPU102"
    assert message.startswith("design.mlir:30: ")
    assert details[0] == "      %c = arith.addi %a, %b : i32"


def test_a_value_must_come_before_its_use(write: Write) -> None:
    text = write.design(
        "    aie.core(%t02) {\n"
        "      %b = arith.addi %a, %a : i32\n"
        "      %a = arith.constant 1 : i32\n"
        "      aie.end\n    }"
    )
    assert refused(text) == (
        "NPU102",
        "design.mlir:28: arith.addi: %a is used before it is defined",
        ("      %b = arith.addi %a, %a : i32", "      ^"),
    )


def test_a_block_declared_twice(write: Write) -> None:
    text = write.design(
        "    aie.mem(%t02) {\n"
        "      %0 = aie.dma_start(S2MM, 0, ^a, ^a)\n"
        "    ^a:\n      aie.end\n    ^a:\n      aie.end\n    }"
    )
    assert refused(text) == (
        "NPU102",
        "design.mlir:31: block ^a is declared a second time",
        ("    ^a:", "    ^"),
    )


TOKENS = ["aie.device", "(", ")", "{", "}", "npu1", "%0", "=", "aie.tile", "1", ",", ":", "i32"]
TOKENS += ["@of", "<", ">", "[", "]", '"x"', "^bb0", "memref<8xi32>", "-", "?", "\n", "aie.core"]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join))
def test_whatever_the_text_it_is_read_or_refused(text: str) -> None:
    """No text makes the parser fail in a way of its own."""
    with contextlib.suppress(UsageError):
        parse_design(text)


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_slip_anywhere_is_read_or_refused(write: Write, data: st.DataObject) -> None:
    """A character lost or another in its place, in a design that has everything."""
    text = write.design(
        f"aie.objectfifo @in(%shim0, {{%t02}}, 2 : i32) : {FIFO}\n"
        f"aie.objectfifo @out(%t02, {{%shim0}}, 2 : i32) : {FIFO}"
        + write.copy_core("%t02", "in", "out", 8)
        + write.sequence({"x": 8, "y": 8}, {"in": ("x", 0, 8), "out": ("y", 0, 8)}, ("out",)),
        "npu1_1col",
    )
    position = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(["", " ", "%", "x", "0", "{", ")", '"', "<", "-", "\u00e9"]))
    with contextlib.suppress(UsageError):
        parse_design(text[:position] + other + text[position + 1 :])
