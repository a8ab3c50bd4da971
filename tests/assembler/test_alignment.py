"""Alignment: bundles grow so that the next lies where it must, and where branches may lead."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UsageError
from simulator.aie2 import disassemble
from simulator.aie2.assembler import assemble

LINES = ["nop", "add r1, r2, r3", "movxm r1, #5", "lda r1, [p0], #4", "vclr cm0", "mov r1, r2"]
NOPS = "nop\n" * 5


def addresses(source: str) -> list[int]:
    return [at for at, _ in disassemble(assemble(source).code)]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=12), st.sampled_from([4, 16, 32, 64]))
def test_bundles_grow_and_none_is_added(lines: list[str], boundary: int) -> None:
    program = assemble("\n".join([*lines, f".align {boundary}", "end:"]))
    found = [bundle for _, bundle in disassemble(program.code)]
    end = program.address_of("end")
    assert end % boundary == 0
    assert end - sum(len(assemble(line).code) for line in lines) >= 0
    if boundary == 16 and len(lines) > 1:
        assert len(found) == len(lines)
    for line, bundle in zip(lines, found, strict=False):
        shown = str(bundle).replace("\t", " ")
        assert line == "nop" or line in shown


def test_where_nothing_can_grow_nops_fill() -> None:
    program = assemble("nop\nhere:\n.align 16\nend: nop")
    shown = [(at, str(bundle).split("\t")[0]) for at, bundle in disassemble(program.code)]
    assert [at for at, _ in shown] == [0, 2, 16]
    assert program.address_of("here") == 2
    assert program.address_of("end") == 16


def test_what_lies_above_a_label_is_not_moved() -> None:
    program = assemble("nop\nlabel: nop\n.align 16\nend: nop")
    assert program.address_of("label") == 2
    assert program.address_of("end") == 16
    assert len(addresses("nop\nlabel: nop\n.align 16\nend: nop")) == 3


def test_an_alignment_is_a_number_of_bytes_and_p2align_its_exponent() -> None:
    assert addresses("nop\n.p2align 4\nnop") == addresses("nop\n.align 16\nnop") == [0, 16]


LOOP = """
movxm ls, #first
movxm le, #last
.align 16
first: nop
{body}.align 16
last: add r1, r1, #1
.align 16
"""


def test_a_loop_as_the_core_needs_it() -> None:
    program = assemble(LOOP.format(body="nop\n.align 16\n" * 7))
    assert program.address_of("first") % 16 == program.address_of("last") % 16 == 0


def refusal(source: str) -> str:
    with pytest.raises(UsageError) as caught:
        assemble(source, "loop.s")
    assert caught.value.code == "NPU537"
    return caught.value.message


def test_a_loop_that_is_too_short_is_refused() -> None:
    assert refusal(LOOP.format(body="")) == (
        "loop.s:3:1: the loop's last bundle lies 26 bytes behind this one, fewer than 112"
    )


def test_a_last_bundle_that_does_not_fill_its_fetch_is_refused() -> None:
    source = LOOP.format(body="nop\n.align 16\n" * 7).rstrip().removesuffix(".align 16")
    assert refusal(source) == "loop.s:3:12: the loop's last bundle at 0x80 has 4 bytes, not 16"


@pytest.mark.parametrize("branch", ["j #there", "jz r1, #there", "movxm ls, #there"])
def test_a_target_off_the_fetch_is_refused(branch: str) -> None:
    column = branch.index("#") + 2
    assert refusal(f"{branch}\nnop\nthere: nop") == (
        f"loop.s:1:{column}: {branch.split()[0]} leads to there at 0x8, which is no multiple of 16"
    )


def test_a_call_must_return_to_a_fetch() -> None:
    assert refusal(f"f: add r1, r2, r3\njl #f\n{NOPS}nop") == (
        "loop.s:2:1: the call returns to 0x14, which is no multiple of 16"
    )
    assert (
        assemble(f"f: add r1, r2, r3\njl #f\n{NOPS}.align 16\nback: nop").address_of("back") == 32
    )


def test_a_call_has_five_delay_slots() -> None:
    assert refusal("f: jl #f\nnop") == "loop.s:1:4: the call has 1 of its 5 delay slots"


def test_a_number_is_taken_as_it_is() -> None:
    assert len(assemble("jl #6\nj #2").code) == 12
