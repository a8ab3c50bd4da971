"""What the disassembler prints, the assembler reads: the same bytes come back."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.aie2 import Bundle, disassemble, encode, text
from simulator.aie2.assembler import assemble
from simulator.aie2.assembler.bundling import nop_of, sizes
from simulator.aie2.assembler.matching import SLOTS
from simulator.aie2.bundle import Format, formats
from simulator.aie2.instruction import Encoding, Instruction, encodings
from simulator.aie2.listing import listing
from toolchain.artifacts import elf

FORMATS = [form for found in formats().values() for form in found]
BATCH = 1000
"""Bundles that fit program memory, however long they are."""


def instruction(encoding: Encoding, draw: random.Random) -> Instruction:
    """A random instruction of an encoding, its bits without meaning 0."""
    while True:
        codes = {
            letter: draw.getrandbits(encoding.pattern.field_width(letter))
            for letter in encoding.kinds
        }
        if found := encoding.decode(encoding.pattern.insert(codes)):
            return found


def bundle(form: Format, draw: random.Random) -> bytes:
    """A random bundle of a format."""
    parts = {slot: instruction(draw.choice(encodings(slot)), draw) for slot in form.slots.values()}
    return encode(Bundle(form, parts))


def code(count: int, seed: int) -> Iterator[bytes]:
    """Random code of so many bundles, in pieces that fit program memory."""
    draw = random.Random(seed)
    for begin in range(0, count, BATCH):
        size = min(BATCH, count - begin)
        yield b"".join(bundle(draw.choice(FORMATS), draw) for _ in range(size))


def check(data: bytes) -> None:
    plain = "\n".join(str(found) for _, found in disassemble(data))
    assert assemble(plain).code == data
    assert assemble(text(data)).code == data


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(FORMATS), st.randoms(use_true_random=False))
def test_a_random_bundle_comes_back(form: Format, draw: random.Random) -> None:
    data = bundle(form, draw)
    ((_, found),) = disassemble(data)
    assert assemble(str(found)).code == data


def test_random_code_comes_back() -> None:
    for data in code(3 * BATCH, seed=1):
        check(data)


@pytest.mark.slow
def test_100000_random_bundles_come_back() -> None:
    for data in code(100 * BATCH, seed=2):
        check(data)


@pytest.mark.parametrize("slot", SLOTS)
def test_every_encoding_comes_back(slot: str) -> None:
    draw = random.Random(3)
    shortest = min(sizes(frozenset({slot})).items())[1]
    for encoding in encodings(slot):
        for _ in range(3):
            parts = {name: nop_of(name) for name in shortest.slots.values()}
            whole = Bundle(shortest, parts | {slot: instruction(encoding, draw)})
            assert assemble(str(whole)).code == encode(whole)


def test_a_listing_with_labels_comes_back() -> None:
    nops = "nop\n" * 5
    program = assemble(f"start: jl #far\n{nops} .align 16\nfar: nop\n.align 16\n")
    names = {symbol.value: [symbol.name] for symbol in program.symbols}
    shown = "".join(listing(program.code, names=names))
    again = assemble(shown)
    assert again.code == program.code
    assert {s.name: s.value for s in again.symbols} == {s.name: s.value for s in program.symbols}


def objects(data: bytes) -> Iterator[bytes]:
    """The ELF files in a file: itself, or the members of an archive."""
    if elf.is_elf(data):
        yield data
    at = 8
    while data.startswith(b"!<arch>\n") and at + 60 <= len(data):
        size = int(data[at + 48 : at + 58])
        yield from objects(data[at + 60 : at + 60 + size])
        at += 60 + size + size % 2


def test_the_corpus_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    folder = os.environ.get("NPULAB_AIE2_CORPUS", "")
    if not folder:
        pytest.skip("NPULAB_AIE2_CORPUS names no folder of AIE2 binaries")
    sections = bundles = 0
    for path in sorted(Path(folder).rglob("*")):
        for data in objects(path.read_bytes()) if path.is_file() else ():
            for section in elf.decode(data).sections:
                if section.is_code and elf.decode(data).architecture == "aie2":
                    assert assemble(text(section.data), str(path)).code == section.data
                    sections += 1
                    bundles += sum(1 for _ in disassemble(section.data))
    with capsys.disabled():
        print(f" {bundles} bundles in {sections} sections ", end="")
    assert bundles > 0
