"""attention_int8: its definition against the formula, its source against its definition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UsageError
from kernels.attention_int8.kernel import SIZE, AttentionInt8, real_attention, weight_table
from kernels.contract import Array, Kernel

HEAD = AttentionInt8()
VERSIONS = ("attention_int8_vector", "attention_int8_scalar")

Run = Callable[[str, Array], Array]


def golden(qkv: Array) -> Array:
    y: Array = HEAD.golden({"qkv": qkv[np.newaxis]})["y"][0]
    return y


def head(seed: int, deviation: float) -> Array:
    """A head of normal data, or of bytes of any value for a deviation of 0."""
    rng = np.random.default_rng(seed)
    if deviation == 0:
        return rng.integers(-128, 128, (3, SIZE, SIZE)).astype(np.int8)
    steps = np.rint(rng.normal(0, deviation, (3, SIZE, SIZE)))
    return np.clip(steps, -128, 127).astype(np.int8)


heads = st.builds(head, st.integers(0, 2**32), st.sampled_from([0, 1, 8, 32, 60, 120]))


def to_blocks(qkv: Array) -> Array:
    """What the memory tile makes of a head: blocks of 8 x 8."""
    blocks = qkv.reshape(3 * SIZE // 8, 8, SIZE // 8, 8).transpose(0, 2, 1, 3)
    flat: Array = np.ascontiguousarray(blocks).reshape(-1)
    return flat


@pytest.fixture(scope="module")
def run(native: Callable[[Kernel], Callable[..., None]], aligned: Callable[[Array], Array]) -> Run:
    """``run(symbol, qkv)`` calls the compiled source on one head."""
    call = native(HEAD)

    def source(symbol: str, qkv: Array) -> Array:
        y = aligned(np.full((SIZE, SIZE), 99, np.int8))
        call(symbol, aligned(to_blocks(qkv)), y)
        return y

    return source


def allowed(qkv: Array) -> Array:
    """How far the definition may be from the formula, from its roundings.

    A score is off by half a step of 1/32, so that a distance is off by one and a weight by a
    factor of exp(1/32); the table rounds to 1/255. What moves weight between keys moves the
    average by that share of the values' range. The average is rounded once, and before that
    by half of 1/256 of a step and 2^-14 of it.
    """
    wide = qkv.astype(np.float64)
    scores = wide[0] @ wide[1].T / 2**13
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    off = (weights * np.expm1(1 / 32) + 0.5 / 255).sum(axis=-1, keepdims=True)
    moved = np.minimum(1, off / np.maximum(weights.sum(axis=-1, keepdims=True) - off, 1e-9))
    bound: Array = moved * np.ptp(wide[2], axis=0) + 0.5 + 2.0**-8 + 2.0**-6
    return bound


@settings(deadline=None, max_examples=60)
@given(heads)
def test_the_definition_is_as_close_to_the_formula_as_its_roundings_allow(qkv: Array) -> None:
    error = np.abs(golden(qkv) - real_attention(qkv[np.newaxis])[0])
    assert (error <= allowed(qkv)).all()


def test_on_activations_the_definition_is_within_two_steps_of_the_formula() -> None:
    """The bound above assumes that all roundings conspire; on data they do not."""
    errors = np.array(
        [
            golden(qkv) - real_attention(qkv[np.newaxis])[0]
            for qkv in (head(n, 32) for n in range(20))
        ]
    )
    assert np.abs(errors).max() < 2
    assert np.abs(errors).mean() < 0.35
    assert abs(errors.mean()) < 0.02


def test_the_weights_are_exponentials_rounded_to_255ths() -> None:
    table = weight_table()
    assert table[0] == 255
    assert (np.diff(table) <= 0).all()
    assert np.abs(table / 255 - np.exp(-np.arange(256) / 32)).max() <= 0.5 / 255
    assert not table[200:].any()


def test_a_query_that_one_key_answers_gets_its_value() -> None:
    qkv = head(1, 0)
    qkv[0] = 127 * np.eye(SIZE)
    qkv[1] = 127 * np.eye(SIZE)[::-1]
    row = real_attention(qkv[np.newaxis])[0]
    assert np.abs(golden(qkv) - row).max() < 2.5
    qkv[1] = np.where(np.arange(SIZE)[:, np.newaxis] == 5, 127, -128)
    qkv[0] = 127
    np.testing.assert_array_equal(golden(qkv), np.broadcast_to(qkv[2, 5], (SIZE, SIZE)))


@pytest.mark.parametrize("kernel", AttentionInt8.variants()[:2], ids=lambda kernel: kernel.label)
def test_the_source_equals_golden_on_every_case(kernel: AttentionInt8, run: Run) -> None:
    for case in kernel.cases(seed=2):
        y = run(kernel.functions()[0].symbol, case.inputs["qkv"][0])
        np.testing.assert_array_equal(y, kernel.golden(case.inputs)["y"][0], case.name)


@pytest.mark.parametrize("symbol", VERSIONS)
def test_the_source_equals_golden_on_random_heads(run: Run, symbol: str) -> None:
    @settings(deadline=None, max_examples=40)
    @given(heads)
    def check(qkv: Array) -> None:
        np.testing.assert_array_equal(run(symbol, qkv), golden(qkv))

    check()


def test_the_cases_hold_every_length_of_the_sum_of_weights() -> None:
    """From one weight of 255 to 64 of them: every shift of the division."""
    shifts = set()
    for case in HEAD.cases():
        wide = case.inputs["qkv"][0].astype(np.int64)
        scores = (wide[0] @ wide[1].T + 128) >> 8
        distances = np.minimum(scores.max(axis=-1, keepdims=True) - scores, 255)
        total = weight_table()[distances].sum(axis=-1)
        shifts |= set(np.floor(np.log2(total)).astype(int).tolist())
    assert shifts >= {7, 13}


@pytest.mark.parametrize("heads_", [0, 5])
def test_no_more_heads_than_columns(heads_: int) -> None:
    with pytest.raises(UsageError) as caught:
        AttentionInt8(heads_)
    assert caught.value.message == f"attention_int8: {heads_} heads are not between 1 and 4"
    assert caught.value.code == "NPU153"
