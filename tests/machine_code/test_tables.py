"""The encoding tables: whole, without contradictions, and read as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.aie2.bundle import formats
from simulator.aie2.instruction import encodings
from simulator.aie2.operands import Number, Registers, kind
from simulator.aie2.pattern import Pattern

SLOTS = {"alu": 20, "lda": 21, "ldb": 16, "lng": 42, "mv": 22, "nop": 1, "st": 21, "vec": 26}
NUMBERS = ["u2", "u6", "u20", "s3", "s7", "s32", "s6*4", "s12*32", "n12*16", "n12*32"]


def test_all_published_formats_and_encodings_are_there() -> None:
    assert sum(len(found) for found in formats().values()) == 78
    assert {slot: len(encodings(slot)) for slot in SLOTS} == {
        **{"alu": 46, "lda": 132, "ldb": 58, "lng": 6},
        **{"mv": 145, "nop": 1, "st": 157, "vec": 62},
    }


def test_formats_of_one_length_exclude_each_other() -> None:
    for width, found in formats().items():
        for i, form in enumerate(found):
            assert form.pattern.width == width
            assert form.pattern.spare == 0
            for other in found[i + 1 :]:
                both = form.pattern.mask & other.pattern.mask
                assert form.pattern.value & both != other.pattern.value & both


@pytest.mark.parametrize("slot", SLOTS)
def test_an_operand_fits_its_field(slot: str) -> None:
    for encoding in encodings(slot):
        assert encoding.pattern.width == SLOTS[slot]
        assert list(encoding.pattern.fields) == list(encoding.kinds)
        for letter, operand in encoding.kinds.items():
            width = encoding.pattern.field_width(letter)
            if isinstance(operand, Number):
                assert operand.width == width
            else:
                assert isinstance(operand, Registers)
                assert max(operand.names).bit_length() <= width
            assert f"{{{letter}}}" in encoding.layout


@pytest.mark.parametrize("slot", SLOTS)
def test_every_bit_of_an_encoding_is_fixed_spare_or_of_one_field(slot: str) -> None:
    for encoding in encodings(slot):
        pattern = encoding.pattern
        bits = [pattern.mask, pattern.spare]
        pieces = (piece for field in pattern.fields.values() for piece in field)
        bits += [(1 << piece.width) - 1 << piece.low for piece in pieces]
        assert sum(bits) == (1 << pattern.width) - 1


def test_a_register_has_one_code() -> None:
    for name in ("r", "l", "move_scalar", "load_scalar", "move_256_source", "shuffle_target"):
        registers = kind(name)
        assert isinstance(registers, Registers)
        assert len(registers.codes) == len(registers.names)
        for code, register in registers.names.items():
            assert registers.encode(register) == code
            assert registers.decode(code) == register


@pytest.mark.parametrize(
    ("name", "code", "register"),
    [
        ("r", 31, "r31"),
        ("l", 0, "r17:r16"),
        ("x", 11, "x11"),
        ("x", 12, None),
        ("cm", 8, "cm8"),
        ("cm", 9, None),
        ("wm", 0b00110, None),
        ("wm", 0b01101, "wl11"),
        ("move_scalar", 0b1100111, "sp"),
        ("move_scalar", 0b0110011, "p3"),
        ("move_scalar", 0b0001111, None),
        ("load_scalar", 0b0000101, "lr"),
        ("load_constant", 0b0010101, "lc"),
        ("shuffle_target", 0b11111, "bmh7"),
    ],
)
def test_registers_have_their_published_codes(name: str, code: int, register: str | None) -> None:
    assert kind(name).decode(code) == register


@pytest.mark.parametrize("name", NUMBERS)
@given(data=st.data())
def test_a_number_keeps_its_value(name: str, data: st.DataObject) -> None:
    number = kind(name)
    assert isinstance(number, Number)
    code = data.draw(st.integers(0, (1 << number.width) - 1))
    value = number.decode(code)
    assert value % number.step == 0
    assert number.encode(value) == code


@pytest.mark.parametrize(
    ("name", "code", "value"),
    [
        ("u6", 63, 63),
        ("s6", 63, -1),
        ("s6", 32, -32),
        ("s6*4", 31, 124),
        ("n12*32", 0, -131072),
        ("n12*32", 4095, -32),
    ],
)
def test_a_number_is_what_its_code_says(name: str, code: int, value: int) -> None:
    assert kind(name).decode(code) == value


@given(st.sampled_from(NUMBERS), st.integers(-(1 << 40), 1 << 40))
def test_a_number_is_refused_or_kept(name: str, value: int) -> None:
    code = kind(name).encode(value)
    assert code is None or kind(name).decode(code) == value


@pytest.mark.parametrize("operand", ["r1", 3.5, None])
def test_no_number_is_refused(operand: int) -> None:
    assert kind("s6").encode(operand) is None


def test_a_field_in_two_pieces_is_one_code() -> None:
    pattern = Pattern.parse("aa0b1a.b")
    assert (pattern.mask, pattern.value, pattern.spare) == (0b00101000, 0b00001000, 0b10)
    assert pattern.extract(0b10011100, "a") == 0b101
    assert pattern.extract(0b10011100, "b") == 0b10
    assert pattern.insert({"a": 0b101, "b": 0b10}) == 0b10011100
    assert pattern.insert({"a": 0, "b": 0}, spare=0b11111111) == 0b00001010
