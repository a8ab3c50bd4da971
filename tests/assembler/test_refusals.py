"""What is refused: each with its place, what is wrong and what would do."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import LabError, UsageError
from simulator.aie2.assembler import assemble, write_elf

REFUSED = {
    # syntax
    ".word": ("NPU530", "1:1: .word names nothing"),
    ".alin 4": ("NPU530", "1:1: there is no directive .alin; did you mean .align?"),
    ".section .init": ("NPU530", "1:10: there is no section .init"),
    ".bss\n.word 1": ("NPU530", "2:1: nothing can be stored in .bss"),
    ".data\nnop": ("NPU530", "2:1: instructions cannot stand in .data"),
    ".align 3": ("NPU530", "1:1: an alignment of 3 is none"),
    ".p2align 40": ("NPU530", "1:1: an alignment of 40 is none"),
    ".set 3x, 1": ("NPU530", "1:6: '3x' is no name"),
    ".set x": ("NPU530", "1:1: .set has 1 operands and takes 2"),
    ".type x, function": ("NPU530", "1:10: there is no type function"),
    ".ascii hello": ("NPU530", "1:8: hello is no text"),
    ".space 4 - 8": ("NPU530", "1:1: a space of -4 bytes is none"),
    "mova r0, #1 +": ("NPU530", "1:11: '1 +' is no number"),
    "mova r0, #(1": ("NPU530", "1:11: '(1' is no number"),
    "mova r0, #1 2": ("NPU530", "1:11: '1 2' is no number"),
    "mova r0, #12ab$%": ("NPU530", "1:11: '12ab$%' is no number"),
    "movxm r0, #" + "(" * 5000: ("NPU530", f"1:12: '{'(' * 40}...' is no number"),
    # instructions
    "ad r1, r2, r3": ("NPU531", "1:1: there is no instruction 'ad'; did you mean and?"),
    "nop;; nop": ("NPU531", "1:5: there is no instruction ''"),
    "    nopx;  xyzzy r1": ("NPU531", "1:12: there is no instruction 'xyzzy'"),
    # operands
    "add r1, r2": ("NPU532", "1:5: add cannot take 'r1, r2'"),
    "add": ("NPU532", "1:4: add needs more"),
    "add r1, r2, 3": ("NPU532", "1:5: add cannot take 'r1, r2, 3'"),
    "add r1, r2, r32": ("NPU532", "1:5: add cannot take 'r1, r2, r32'"),
    "nop r1": ("NPU532", "1:5: nop cannot take 'r1'"),
    "vaddmac cm1, cm2, cm2, x3, x4, r5": (
        "NPU532",
        "1:9: vaddmac cannot take 'cm1, cm2, cm2, x3, x4, r5'",
    ),
    # bundles
    "add r1, r2, r3; sub r1, r2, r3": ("NPU533", "1:17: sub and add both need slot alu"),
    "add r1, r2, r3; movxm r1, #4": (
        "NPU533",
        "1:1: no bundle has the slots alu, lng together",
    ),
    # symbols
    "movxm p0, #nowhere": ("NPU534", "1:12: nowhere is not defined"),
    "a: nop\na: nop": ("NPU534", "2:1: a is defined in line 1 already"),
    ".set a, 1\n.set a, 2": ("NPU534", "2:6: a is defined in line 1 already"),
    ".set a, b\n.set b, a\nmovxm r0, #a": (
        "NPU534",
        "2:9: b is defined by itself, or through more than 16 others",
    ),
    ".globl main\nnop": ("NPU534", "1:8: main is not defined"),
    ".data\n.space end - .\nend:": ("NPU534", "2:8: end is not defined"),
    # numbers
    "mova r0, #1024": ("NPU535", "1:11: mova cannot take #1024"),
    "lda r1, [p0], #6": ("NPU535", "1:16: lda cannot take #6"),
    "acq #-1, r1": ("NPU535", "1:6: acq cannot take #-1"),
    "movxm r0, #0x1ffffffff": ("NPU535", "1:12: movxm cannot take #8589934591"),
    "f: nop\n.size f, f - .": ("NPU535", "2:10: -2 is no size or value of a symbol"),
    ".globl n\n.set n, 1 - 2": ("NPU535", "2:9: -1 is no size or value of a symbol"),
    ".data\n.byte 256": ("NPU535", "2:7: 256 does not fit 1 bytes"),
    ".data\n.short -32769": ("NPU535", "2:8: -32769 does not fit 2 bytes"),
    # memory
    ".data\n.org 0x60000": ("NPU536", "2:1: 0x60000 lies before this place, 0x70400"),
    ".data\n.space 0x10000": (
        "NPU536",
        "2:1: .data reaches 0x80400, past the end of its memory at 0x80000",
    ),
    ".org 0x3fff\nnop": (
        "NPU536",
        "2:1: .text reaches 0x4001, past the end of its memory at 0x4000",
    ),
}


@pytest.mark.parametrize("source", REFUSED)
def test_a_fault_is_named_with_its_place(source: str) -> None:
    code, message = REFUSED[source]
    with pytest.raises(UsageError) as caught:
        assemble(source, "core.s")
    assert (caught.value.code, caught.value.message) == (code, f"core.s:{message}")
    assert caught.value.cure


def test_the_forms_of_an_instruction_are_listed() -> None:
    with pytest.raises(UsageError) as caught:
        assemble("st.s8 r1, [p0, p1]")
    assert caught.value.details == (
        "st.s8 r0-r31, [p0-p7, dj0-dj7]",
        "st.s8 r0-r31, [p0-p7], #-8..7",
        "st.s8 r0-r31, [p0-p7], m0-m7",
        "st.s8 r0-r31, [p0-p7, #-4..3]",
    )


@pytest.mark.parametrize(
    ("source", "cure"),
    [
        ("mova r0, #1024", "Use a number of #-1024..1023."),
        ("lda r1, [p0], #6", "Use a number of #-256..252 by 4."),
        ("lda r1, [sp, #8192]", "Use a number of #-8192..8188 by 4."),
        ("vlda wl0, [sp, #-16]", "Use a number of #-131072..-32 by 32."),
    ],
)
def test_a_numbers_range_is_told(source: str, cure: str) -> None:
    with pytest.raises(UsageError) as caught:
        assemble(source)
    assert caught.value.cure == cure


def test_the_words_of_a_form_are_short() -> None:
    with pytest.raises(UsageError) as caught:
        assemble("mov r99, #4")
    assert all(len(line) < 100 for line in caught.value.details)


WORDS = ["add", "nop", "r1", "p0", "[", "]", ",", ";", "#", "#4", "(", "label", ":", ".word"]
WORDS += [".data", ".text", ".align", ".org", "16", "-", "*", '"', "//", "\n", "movxm", "le", "jl"]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_is_assembled_or_refused(source: str) -> None:
    code = None
    try:
        assemble(source)
    except LabError as error:
        code = error.code
    assert code in {None, *(f"NPU{number}" for number in range(530, 538))}


SOURCES = sorted(Path(__file__).parents[1].glob("binaries/*/core.s"))


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(SOURCES), st.randoms(use_true_random=False))
def test_a_damaged_program_is_assembled_or_refused(path: Path, draw: random.Random) -> None:
    lines = path.read_text().split("\n")
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(lines))
        cut = draw.randint(0, len(lines[at]))
        lines[at] = lines[at][:cut] + draw.choice([*WORDS, ""]) + lines[draw.randrange(len(lines))]
    code = None
    try:
        write_elf(assemble("\n".join(lines)))
    except LabError as error:
        code = error.code
    assert code in {None, *(f"NPU{number}" for number in range(530, 538))}
