"""Decoding and encoding: known words, random words, and what is refused."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UsageError
from simulator.aie2 import Bundle, decode, disassemble, encode, text
from simulator.aie2.bundle import Format, formats, length
from simulator.aie2.instruction import Encoding, Instruction, decode_slot, encodings

WIDTHS = [16, 32, 48, 64, 80, 96, 112, 128]


def assemble(*parts: str) -> bytes:
    """Bytes of a bundle, its parts given most significant first."""
    bits = "".join(parts).replace(" ", "")
    return int(bits, 2).to_bytes(len(bits) // 8, "little")


NOPA, NOPB, NOPS, NOPX = "0" * 21, "0" * 16, "0" * 21, "0" * 20
NOPV = "00000 0000 0000 0000 1111 00000"
NOPM = "0000 0000 0000 0000 1110 00"

# Put together by hand from the formats of AIE2GenInstrFormats.td and AIE2CompositeFormats.td.
KNOWN = {
    "nop\t": ("0", "000000000000001"),
    "add\tr1, r2, r3": ("00010", "00010 00001 00011 0000 1", "001 1001"),
    "add\tr1, r2, #-3": ("00010", "00010 00001 1111101 11 0", "001 1001"),
    "movx\tr4, #-2": ("00010", "11111 001000 111110 01 0", "001 1001"),
    "sel.eqz\tr1, r2, r3, r27": ("00010", "00010 00001 00011 0 110 0", "001 1001"),
    "acq\t#49, r17": ("00010", "110001 0 0 01 10001 0010 0", "001 1001"),
    "mul\tr1, r2, r3": ("00010", "00010 00001 00011 1111 1", "001 1001"),
    "divs\tr1, r31, r2, r3": ("00010", "00010 00001 00011 1010 0", "001 1001"),
    "jnzd\tr1, r2, p3": ("00010", "00010 00001 011 001100 0", "001 1001"),
    "event\t#1": ("00010", "01 0000 0000 0000 10000 0", "001 1001"),
    "rel.cond\t#3, r4, r26": ("00010", "000011 0 0 10 00100 0010 0", "001 1001"),
    "add.nc\tp1, r2, #-5": ("00011", "0010011 00010 1110 11 11 11", "1 1001"),
    "vshuffle\tx1, x2, x3, r4": ("00011", "00010 00 00100 0010 0011 11", "1 1001"),
    "vshift.align\tx1, x2, s1, x3, r4": ("00011", "0001 01 1 00100 0010 0011 11", "1 1001"),
    "jnz\tr5, #64": ("00101 00000000000001000000 1 0000 0000 00000 110", "010 101"),
    "lda.u8\tr3, [p1], #-1": ("00000", "001 1111 01 01 00 00011 111", "01 1001"),
    "st\tr17, [sp, #-40]": ("00001", "111111110110 1 1000100 0", "01 1001"),
    "paddb\t[sp], #64": ("00111", "000000000 11 010 00", "0000001 1001"),
    "mov\tp0, r22": ("00011", "0000011 1011000 10 1100 10", "1 1001"),
    "movxm\tsp, #458752": ("0000 0000 0000 0111 0000 1100111 000000000000 001", "010 101"),
    "jl\t#1936": ("00000 00000000011110010000 0 0000 0000 00000 100", "010 101"),
    "vmac.f\tbml0, bmh1, x2, x3, r4": ("00100 00011 0010 0011 00000 0 0 1", "00 1001"),
    "mova\tr17, #-1;\t\tacq\t#49, r17": (
        "11111111111 00 1000100 1",
        "110001 0 0 01 10001 0010 0",
        "0011 101",
    ),
    "nopb\t;\t\tnopa\t;\t\tnops\t;\t\tnopx\t;\t\tnopm\t;\t\tnopv\t": (
        *(NOPB, NOPA, NOPS, NOPX, NOPM, "1", NOPV, "0"),
    ),
}


@pytest.mark.parametrize(("shown", "parts"), KNOWN.items(), ids=[k.split("\t")[0] for k in KNOWN])
def test_a_known_bundle_reads_and_writes(shown: str, parts: tuple[str, ...]) -> None:
    data = assemble(*parts)
    bundle = decode(data)
    assert str(bundle) == shown
    assert bundle.size == len(data)
    assert encode(bundle) == data


@settings(deadline=None, max_examples=1000)
@given(st.binary(min_size=16, max_size=16))
def test_random_bytes_are_refused_or_encode_as_they_were(data: bytes) -> None:
    try:
        bundle = decode(data, 0x40)
    except UsageError as error:
        refusal = error
    else:
        assert encode(bundle) == data[: bundle.size]
        return
    assert refusal.code in {"NPU501", "NPU502"}
    assert f"at 0x40 ({data[: length(data[0])].hex(' ')})" in refusal.message


def instruction(encoding: Encoding, draw: random.Random) -> Instruction:
    """A random instruction of an encoding, by the codes that have a meaning."""
    while True:
        codes = {
            letter: draw.getrandbits(encoding.pattern.field_width(letter))
            for letter in encoding.kinds
        }
        word = encoding.pattern.insert(codes, draw.getrandbits(42))
        if found := encoding.decode(word):
            return found


FORMATS = [form for width in WIDTHS for form in formats()[width]]


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(FORMATS), st.randoms(use_true_random=False))
def test_random_bundles_decode_to_what_they_were_encoded_from(
    form: Format, draw: random.Random
) -> None:
    parts = {slot: instruction(draw.choice(encodings(slot)), draw) for slot in form.slots.values()}
    data = encode(Bundle(form, parts))
    again = decode(data + b"\xff" * 3)
    assert encode(again) == data
    assert list(again.instructions) == list(parts)
    assert str(again) == str(Bundle(form, parts))


@pytest.mark.parametrize("slot", ["alu", "lda", "ldb", "lng", "mv", "nop", "st", "vec"])
def test_every_encoding_of_a_slot_is_found_and_holds_its_operands(slot: str) -> None:
    draw = random.Random(5)
    for encoding in encodings(slot):
        for _ in range(8):
            made = instruction(encoding, draw)
            found = decode_slot(slot, made.encode())
            assert found is not None
            assert found.encoding is encoding
            assert (found.operands, found.spare) == (made.operands, made.spare)


def test_the_length_is_in_the_lowest_bits() -> None:
    by_length = {length(byte) for byte in range(256)}
    assert by_length == {2, 4, 6, 8, 10, 12, 14, 16}
    assert (length(0b0001), length(0b1001), length(0b1101), length(0b1110)) == (2, 4, 6, 16)


@pytest.mark.parametrize("size", range(16))
def test_a_cut_bundle_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match="ends within a bundle") as caught:
        decode(bytes(size), 0x123)
    assert caught.value.code == "NPU500"
    assert "0x123" in caught.value.message


def test_bits_of_no_format_are_refused() -> None:
    data = assemble("11111" + "0" * 20 + "0011001")
    with pytest.raises(UsageError, match=r"0x10 \(19 00 00 f8\) is no bundle of 4 bytes") as caught:
        decode(data, 0x10)
    assert caught.value.code == "NPU501"


@pytest.mark.parametrize(
    ("slot", "parts"),
    [
        ("vec", ("00100 00011 1100 0011 00000 0 0 1", "00 1001")),  # no x12
        ("vec", ("00100 10010 0010 0011 00000 0 0 1", "00 1001")),  # no bml9
        ("mv", ("00011", "0000000 1101001 10 1100 10", "1 1001")),  # no 13th control register
        ("st", ("00001", "111111110110 1 1011001 0", "01 1001")),  # no such scalar
        ("alu", ("00010", "1" * 15 + "10000", "001 1001")),
    ],
)
def test_bits_of_no_instruction_are_refused(slot: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=f"in slot {slot}, which is no instruction") as caught:
        decode(assemble(*parts))
    assert caught.value.code == "NPU502"


@pytest.mark.parametrize(
    ("shown", "operands"),
    [
        ("add\tr1, r2, r3", ("r1", "r2", "p3")),
        ("add\tr1, r2, r3", ("r1", "r32", "r3")),
        ("add\tr1, r2, r3", ("r1", "r2", 3)),
        ("add\tr1, r2, #-3", ("r1", "r2", 64)),
        ("add\tr1, r2, #-3", ("r1", "r2", -65)),
        ("add\tr1, r2, #-3", ("r1", "r2", "r3")),
        ("acq\t#49, r17", (64, "r17")),
        ("acq\t#49, r17", (-1, "r17")),
        ("paddb\t[sp], #64", (48,)),
        ("mov\tp0, r22", ("p8", "r22")),
    ],
)
def test_an_operand_that_does_not_fit_is_refused(shown: str, operands: tuple[str, ...]) -> None:
    bundle = decode(assemble(*KNOWN[shown]))
    ((slot, part),) = bundle.instructions.items()
    with pytest.raises(UsageError, match=f"{part.mnemonic} cannot take") as caught:
        encode(replace(bundle, instructions={slot: replace(part, operands=operands)}))
    assert caught.value.code == "NPU503"


def test_code_is_read_bundle_after_bundle() -> None:
    names = ["add\tr1, r2, r3", "nop\t", "jl\t#1936", "nop\t"]
    code = b"".join(assemble(*KNOWN[name]) for name in names)
    found = list(disassemble(code, 0x200))
    assert [at for at, _ in found] == [0x200, 0x204, 0x206, 0x20C]
    assert [str(bundle) for _, bundle in found] == names
    assert text(code, 0x200).splitlines()[1] == "     204: 01 00\tnop\t"


def test_the_address_of_a_fault_counts_from_the_codes_start() -> None:
    code = assemble(*KNOWN["nop\t"]) * 3 + b"\x00"
    with pytest.raises(UsageError, match="program memory at 0x106 "):
        text(code, 0x100)
