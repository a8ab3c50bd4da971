"""What instructions compute, against slow and obvious models."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.aie2.execution import scalar, vector
from simulator.aie2.execution.meaning import MEANINGS

WORDS = st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**32 - 1])


def _models() -> ModuleType:
    path = Path(__file__).parent.parent / "aie_api" / "aie2_models.py"
    spec = importlib.util.spec_from_file_location("aie2_models", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODELS = _models()
ROUNDINGS = tuple(MODELS.ROUNDINGS)
SATURATIONS = tuple(MODELS.SATURATIONS)


def test_every_part_registers() -> None:
    assert scalar.MOVES[0] in MEANINGS
    assert all(part.__name__.startswith("simulator.aie2.execution.") for part in vector.PARTS)


def to_signed(value: int) -> int:
    return value - 2**32 if value >> 31 else value


@given(WORDS, WORDS, st.integers(0, 1))
def test_sums_and_carries(a: int, b: int, carry: int) -> None:
    total = a + b + carry
    assert MEANINGS["adc"](a, b, carry) == (total % 2**32, int(total >= 2**32))
    assert MEANINGS["add"](a, b) == MEANINGS["adc"](a, b, 0)
    assert MEANINGS["sub"](a, b) == MEANINGS["sbc"](a, b, 1) == ((a - b) % 2**32, int(a >= b))


@given(WORDS, WORDS)
def test_64_bit_sums_of_halves(a: int, b: int) -> None:
    wide_a, wide_b = a << 32 | b, b << 32 | a
    low, carry = MEANINGS["add"](wide_a % 2**32, wide_b % 2**32)
    high, _ = MEANINGS["adc"](wide_a >> 32, wide_b >> 32, carry)
    assert high << 32 | low == (wide_a + wide_b) % 2**64
    low, carry = MEANINGS["sub"](wide_a % 2**32, wide_b % 2**32)
    high, _ = MEANINGS["sbc"](wide_a >> 32, wide_b >> 32, carry)
    assert high << 32 | low == (wide_a - wide_b) % 2**64


@given(WORDS, st.integers(-31, 31))
def test_shifts_go_the_other_way_for_negative_counts(a: int, count: int) -> None:
    b = count % 2**32
    left = a * 2**count if count >= 0 else a // 2**-count
    arithmetic = to_signed(a) * 2**count if count >= 0 else to_signed(a) // 2**-count
    assert MEANINGS["lshl"](a, b) == left % 2**32
    assert MEANINGS["ashl"](a, b) == arithmetic % 2**32


@given(WORDS, WORDS.filter(bool))
def test_32_division_steps_divide(dividend: int, divisor: int) -> None:
    quotient, remainder = dividend, 0
    if divisor >> 31:  # the remainder would need a 33rd bit
        divisor >>= 1
    for _ in range(32):
        remainder, quotient = MEANINGS["divs"](quotient, remainder, divisor)
    assert (quotient, remainder) == divmod(dividend, divisor)


@given(WORDS)
def test_leading_bits(a: int) -> None:
    bits = f"{a:032b}"
    assert MEANINGS["clz"](a) == len(bits) - len(bits.lstrip("0"))
    assert MEANINGS["clb"](a) == len(bits) - len(bits.lstrip(bits[0]))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("saturation", SATURATIONS)
@pytest.mark.parametrize("name", ["vsrs.s8.s32", "vsrs.d16.s32", "vsrs.s32.s64", "vsrs.d16.s64"])
def test_srs(name: str, saturation: int, rounding: int) -> None:
    _, narrow, wide = name.split(".")
    into, of = int(narrow[1:]), int(wide[1:])
    random = np.random.default_rng(rounding)
    values = MODELS.integers(random, np.dtype(f"i{of // 8}").type, 32).astype(f"i{of // 8}")
    for shift in (0, 1, 7, 20):
        for sign in (0, 1):
            got = MEANINGS[name](values.tobytes(), shift, saturation, rounding, sign)
            is_signed = bool(sign) or narrow[0] == "s"
            kind = f"{'i' if is_signed else 'u'}{into // 8}"
            expected = [
                MODELS.srs(int(v), shift, into, is_signed, rounding, saturation) for v in values
            ]
            assert np.frombuffer(got, kind).tolist() == expected


@pytest.mark.parametrize("name", ["vups.s32.d8", "vups.s32.s16", "vups.s64.d32", "vups.s64.s16"])
def test_ups_widens_and_shifts(name: str) -> None:
    _, wide, narrow = name.split(".")
    of, into = int(narrow[1:]), int(wide[1:])
    values = np.random.default_rng(1).integers(0, 256, 32, np.uint8)
    for sign in (0, 1):
        is_signed = bool(sign) or narrow[0] == "s"
        lanes = values.view(f"{'i' if is_signed else 'u'}{of // 8}")
        got = np.frombuffer(MEANINGS[name](values.tobytes(), 5, 0, sign), f"i{into // 8}")
        assert got.tolist() == [int(v) << 5 for v in lanes]


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_fp32_to_bfloat16(rounding: int) -> None:
    values = MODELS.floats(np.random.default_rng(rounding), 64).astype(np.float32)
    values[:4] = [np.inf, -np.inf, np.nan, -0.0]
    got = np.frombuffer(MEANINGS["vconv.bf16.fp32"](values.tobytes(), rounding), np.uint16)
    assert got.tolist() == [MODELS.to_bfloat16(v, rounding) for v in values]


def bf16(values: np.ndarray) -> np.ndarray:
    return (np.asarray(values, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def test_bfloat16_matrix_products_go_through_the_adder() -> None:
    random = np.random.default_rng(5)
    a, b = (bf16(MODELS.floats(random, 32, 4)) for _ in range(2))
    acc = MODELS.floats(random, 16, 4).astype(np.float32)
    word = 2 << 1 | 3 << 3
    got = np.frombuffer(
        MEANINGS["vmac.f"](acc.tobytes(), a.tobytes(), b.tobytes(), word), np.float32
    )
    x, y = (MODELS.bfloat16_values(v).astype(float) for v in (a, b))
    left, right = x.reshape(4, 8), y.reshape(8, 4)
    for row in range(4):
        for column in range(4):
            pairs = list(zip(left[row].tolist(), right[:, column].tolist(), strict=True))
            expected = MODELS.add_terms([float(acc[4 * row + column])], pairs)
            assert got[4 * row + column] == expected


def test_bfloat16_sums_of_two_products() -> None:
    a, b = (bf16(np.arange(32) - shift) for shift in (9, 20))
    word = 2 << 1 | 3 << 3 | 1 << 5
    got = np.frombuffer(MEANINGS["vmul.f"](a.tobytes(), b.tobytes(), word), np.float32)
    x, y = np.arange(32.0) - 9, np.arange(32.0) - 20
    assert got.tolist() == (x[:16] * y[:16] + x[16:] * y[16:]).tolist()


SHAPES = [
    ((0, 1, 0), 8, 8, 32, (4, 8, 8)),
    ((0, 2, 0), 16, 8, 32, (4, 4, 8)),
    ((0, 3, 0), 16, 16, 32, (4, 2, 8)),
    ((1, 2, 0), 16, 8, 64, (2, 8, 8)),
    ((1, 3, 1), 16, 16, 64, (4, 4, 4)),
    ((1, 0, 0), 32, 16, 64, (4, 2, 4)),
]


@pytest.mark.parametrize(("code", "x", "y", "lanes", "shape"), SHAPES)
def test_integer_matrix_products(
    code: tuple[int, int, int], x: int, y: int, lanes: int, shape: tuple[int, int, int]
) -> None:
    random = np.random.default_rng(x + y + lanes)
    raw = [random.integers(0, 256, 64, np.uint8) for _ in range(2)]
    m, k, n = shape
    acc = np.arange(1024 // lanes).astype(f"i{lanes // 8}")
    for sign_x, sign_y in ((0, 0), (0, 1), (1, 1)):
        word = code[0] << 1 | code[1] << 3 | code[2] << 5 | sign_y << 8 | sign_x << 9
        a = raw[0].view(f"{'ui'[sign_x]}{x // 8}")[: m * k].astype(object).reshape(m, k)
        b = raw[1].view(f"{'ui'[sign_y]}{y // 8}")[: k * n].astype(object).reshape(k, n)
        for name, factor, keep in (("vmul", 1, 0), ("vmac", 1, 1), ("vmsc", -1, 1)):
            first = (acc.tobytes(),) if keep else ()
            got = MEANINGS[name](*first, raw[0].tobytes(), raw[1].tobytes(), word)
            exact = factor * (a @ b).reshape(-1) + keep * acc[: m * n].astype(object)
            wrapped = [(int(v) + 2 ** (lanes - 1)) % 2**lanes - 2 ** (lanes - 1) for v in exact]
            assert np.frombuffer(got, acc.dtype)[: m * n].tolist() == wrapped


def test_shuffle_modes_transpose() -> None:
    both = np.arange(128, dtype=np.uint8)
    a, b = both[:64].tobytes(), both[64:].tobytes()
    assert MEANINGS["vshuffle"](a, b, 22) == a
    assert MEANINGS["vshuffle"](a, b, 23) == b
    assert MEANINGS["vshuffle"](a, b, 0) == both[::2].tobytes()
    interleaved = both.reshape(2, 64).T.reshape(-1)
    assert MEANINGS["vshuffle"](a, b, 20) == interleaved[:64].tobytes()
    assert MEANINGS["vshuffle"](a, b, 21) == interleaved[64:].tobytes()
    square = both[:64].reshape(8, 8).T.reshape(-1)
    assert MEANINGS["vshuffle"](a, b, 35) == square.tobytes()


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_comparisons_and_selection(bits: int) -> None:
    random = np.random.default_rng(bits)
    a, b = (random.integers(0, 256, 64, np.uint8) for _ in range(2))
    for letter, sign in (("d", 0), ("d", 1), ("s", 0)):
        kind = f"{'u' if letter == 'd' and not sign else 'i'}{bits // 8}"
        x, y = a.view(kind), b.view(kind)
        less = sum(1 << i for i, flag in enumerate(x < y) if flag)
        assert MEANINGS[f"vlt.{letter}{bits}"](a.tobytes(), b.tobytes(), sign) == less
        largest, flags = MEANINGS[f"vmax_lt.{letter}{bits}"](a.tobytes(), b.tobytes(), sign)
        assert (largest, flags) == (np.maximum(x, y).tobytes(), less)
        chosen = MEANINGS[f"vsel.{bits}"](a.tobytes(), b.tobytes(), less)
        assert chosen == largest


def test_a_product_of_32_bits_in_two_halves() -> None:
    """The high half's products, shifted by 16, and the low half's: a product of 32 bits."""
    random = np.random.default_rng(9)
    a = random.integers(-(2**31), 2**31, (4, 4)).astype(np.int32)
    b = random.integers(-(2**15), 2**15, (4, 4)).astype(np.int16)
    low, high = (a & 0xFFFF).astype(np.uint16), (a >> 16).astype(np.int16)
    kind = 1 << 1 | 3 << 3 | 1 << 5
    factors = [np.pad(v.reshape(-1), (0, 16)).tobytes() for v in (high, b, low)]
    first = MEANINGS["vmul"](factors[0], factors[1], kind | 3 << 8)
    both = MEANINGS["vmac"](first, factors[2], factors[1], kind | 1 << 8 | 1 << 10)
    expected = a.astype(np.int64) @ b.astype(np.int64)
    assert np.frombuffer(both, np.int64).reshape(4, 4).tolist() == expected.tolist()


def test_infinities_and_nans_go_through_the_adder() -> None:
    first = np.array([np.inf, np.inf, -np.inf, np.nan, 1.0, 3.0e38] + [0.0] * 10, np.float32)
    second = np.array([1.0, -np.inf, -1.0, 2.0, np.inf, 3.0e38] + [-0.0] * 10, np.float32)
    got = np.frombuffer(MEANINGS["vadd.f"](first.tobytes(), second.tobytes(), 0), np.float32)
    assert np.isnan(got[[1, 3]]).all()
    assert got[[0, 2, 4, 5]].tolist() == [np.inf, -np.inf, np.inf, np.inf]
    assert got[6:].view(np.uint32).tolist() == [0] * 10
    got = np.frombuffer(MEANINGS["vsub.f"](first.tobytes(), second.tobytes(), 0), np.float32)
    assert got[[0, 1, 4]].tolist() == [np.inf, np.inf, -np.inf]


def test_infinity_times_zero_is_nan() -> None:
    a, b = bf16(np.full(32, np.inf)), bf16(np.zeros(32))
    word = 2 << 1 | 3 << 3 | 1 << 5
    assert np.isnan(np.frombuffer(MEANINGS["vmul.f"](a.tobytes(), b.tobytes(), word), "f4")).all()
