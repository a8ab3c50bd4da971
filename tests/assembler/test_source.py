"""What a source may say, and what it becomes."""

from __future__ import annotations

import pytest

from simulator.aie2 import disassemble
from simulator.aie2.assembler import DATA_START, Program, assemble

DATA = DATA_START + 0x400


def bundles(source: str) -> list[str]:
    return [str(found).replace("\t", " ") for _, found in disassemble(assemble(source).code)]


def data(source: str) -> bytes:
    (block,) = assemble(source).blocks
    return block.data


def value(program: Program, name: str) -> int:
    return program.address_of(name)


def test_slots_that_a_line_leaves_out_are_filled_only_where_they_must_be() -> None:
    assert bundles("add r1, r2, r3") == ["add r1, r2, r3"]
    assert bundles("mova r0, #1; mov r1, #2") == ["mova r0, #1;  mov r1, #2"]
    assert bundles("lda r1, [p0], #4; vmul cm0, x0, x1, r0; st r2, [p1], #4") == [
        "lda r1, [p0], #4;  st r2, [p1], #4;  vmul cm0, x0, x1, r0"
    ]
    assert bundles("lda r1, [p0], #4; st r2, [p1], #4; movxm r3, #5; vclr cm0") == [
        "nopb ;  lda r1, [p0], #4;  st r2, [p1], #4;  movxm r3, #5;  vclr cm0"
    ]


def test_the_shortest_bundle_is_taken() -> None:
    sizes = {
        "nop": 2,
        "add r1, r2, r3": 4,
        "movxm r1, #5": 6,
        "nop; movxm r1, #5": 8,
        "mova r1, #5; movxm r2, #6": 10,
        "st r1, [p0], #4; movxm r2, #6; vclr cm0": 12,
        "mova r1, #1; vldb wl0, [p0], #32; movx r2, #3; mov r3, #4; vclr cm0": 14,
        "mova r1, #1; vldb wl0, [p0], #32; movxm r2, #3; st r1, [p1], #4; vclr cm0": 16,
    }
    assert {line: len(assemble(line).code) for line in sizes} == sizes


def test_blanks_and_comments_and_several_labels_on_a_line_are_free() -> None:
    source = "a: b:\tlda   r1,[ p0 ] , #4 ;nopx// and so on\n\n  // nothing\nc:"
    program = assemble(source)
    assert bundles(source) == ["lda r1, [p0], #4;  nopx "]
    assert [value(program, name) for name in "abc"] == [0, 0, 6]


def test_operands_that_an_instruction_repeats_must_be_the_same() -> None:
    assert bundles("vaddmac cm1, cm1, cm2, x3, x4, r5") == ["vaddmac cm1, cm1, cm2, x3, x4, r5"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12", 12),
        ("0x1F", 31),
        ("0b101", 5),
        ("-3", -3),
        ("2 + 3*4 - 1", 13),
        ("2*(3 + 4)", 14),
        ("- -5", 5),
        ("n + 1", 8),
        ("m", 15),
        ("here + 4", DATA + 4),
        (". - here", 4),
        ("09", 9),
    ],
)
def test_a_number_may_be_an_expression(written: str, meant: int) -> None:
    source = f".data\nhere: .word 0\n.word {written}\n.set n, 7\n.set m, n * 2 + 1"
    assert data(source)[4:] == meant.to_bytes(4, "little", signed=True)


def test_data_of_every_width() -> None:
    assert data(".data\n.byte 1, -1, 255\n.short -2\n.word 0xffffffff, end\nend:") == (
        b"\x01\xff\xff" + b"\xfe\xff" + b"\xff\xff\xff\xff" + (DATA + 13).to_bytes(4, "little")
    )
    assert data('.rodata\n.ascii "a;b, // c"\n.asciz "\\n"') == b"a;b, // c\n\0"
    assert data(".data\n.byte 1\n.align 4\n.byte 2\n.space 2, 7\n.skip 1") == b"\1\0\0\0\2\7\7\0"


def test_data_sections_follow_each_other_behind_the_stack() -> None:
    program = assemble(".bss\nc: .space 64\n.data\na: .byte 1\n.section .rodata\nb: .byte 2")
    assert [(b.name, b.address, b.size, b.data) for b in program.blocks] == [
        (".data", DATA, 1, b"\1"),
        (".rodata", DATA + 32, 1, b"\2"),
        (".bss", DATA + 64, 64, b""),
    ]
    assert [value(program, name) for name in "abc"] == [DATA, DATA + 32, DATA + 64]


def test_a_section_begins_where_its_first_org_says() -> None:
    program = assemble(".data\n.org 0x71000\na: .word 5\n.org a + 16\nb: .word 6")
    (block,) = program.blocks
    assert (block.address, block.size) == (0x71000, 20)
    assert block.data == b"\5" + bytes(15) + b"\6\0\0\0"
    assert value(program, "b") == 0x71010


def test_an_immediate_takes_a_symbol_with_an_offset() -> None:
    source = "movxm p0, #table + 8\nmovxm r0, #0xFFFF0000\n.data\n.space 4\ntable: .space 16"
    assert bundles(source) == [f"movxm p0, #{DATA + 12}", "movxm r0, #-65536"]


def test_symbols_have_types_sizes_and_bindings() -> None:
    program = assemble(
        ".globl main\n.type main, @function\nmain: nop\n.size main, . - main\n.Llocal: nop\n"
        ".set n, 5\n.set m, 6\n.globl m\n.data\nv: .word 1\n.type v, @object\n.size v, 4"
    )
    assert [(s.name, s.value, s.section, s.size, s.kind, s.is_global) for s in program.symbols] == [
        ("main", 0, ".text", 2, "function", True),
        ("v", DATA, ".data", 4, "object", False),
        ("m", 6, "", 0, "notype", True),
    ]


def test_the_program_starts_at_its_start_symbol() -> None:
    assert assemble("nop\n__start: nop").entry == 2
    assert assemble("nop").entry == 0


def test_the_line_of_each_bundle_is_kept() -> None:
    assert assemble("\nnop\n\nlabel: nop").lines == {0: 2, 2: 4}
