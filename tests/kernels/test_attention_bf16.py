"""attention_bf16: its definition against the formula, its source against its definition."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UsageError
from kernels.attention_bf16.design import DIM, GROUP, KEYS, STATE
from kernels.attention_bf16.kernel import AttentionBf16, packed, real_attention, unpacked
from kernels.contract import Array, Kernel, bfloat16
from kernels.contract.tolerance import distance

SUFFIXES = ("", "_scalar")
HEAD = AttentionBf16(64, 64, 1, 1)
ODD = AttentionBf16(36, 12, 1, 1)
"""Three rounds of 12 rows; the second block of keys has 4 that are new."""

Run = Callable[[str, AttentionBf16, Array], Array]


def blocks(matrix: Array, rows: int, cols: int) -> Array:
    """What the memory tile makes of a row-major matrix."""
    split = matrix.reshape(matrix.shape[0] // rows, rows, matrix.shape[1] // cols, cols)
    flat: Array = np.ascontiguousarray(split.transpose(0, 2, 1, 3)).reshape(-1)
    return flat


@pytest.fixture(scope="module")
def run(native: Callable[[Kernel], Callable[..., None]], aligned: Callable[[Array], Array]) -> Run:
    """``run(suffix, kernel, qkv)`` calls the compiled source as the design's cores do."""
    calls: dict[AttentionBf16, Callable[..., Any]] = {}

    def source(suffix: str, kernel: AttentionBf16, qkv: Array) -> Array:
        call = calls.setdefault(kernel, native(kernel))
        y = np.full((kernel.n, DIM), 99, bfloat16)
        state = aligned(np.full((kernel.rows, STATE), 7, np.float32))
        for start in range(0, kernel.n, kernel.rows):
            q = aligned(blocks(qkv[0, start : start + kernel.rows], 4, 8))
            call(f"attention_bf16_start{suffix}", state)
            for block in range(0, kernel.n, KEYS):
                begin = min(block, kernel.n - KEYS)
                k, v = (aligned(blocks(part[begin : begin + KEYS], 8, 8)) for part in qkv[1:])
                call(f"attention_bf16_update{suffix}", q, k, v, state, block - begin)
            for group in range(kernel.rows // GROUP):
                out = aligned(np.full((DIM // 4, GROUP, 4), 99, bfloat16))
                call(f"attention_bf16_finish{suffix}", state, out, group)
                row = start + group * GROUP
                y[row : row + GROUP] = out.transpose(1, 0, 2).reshape(GROUP, DIM)
        return y

    return source


def head(n: int, seed: int, sharpness: float, magnitude: float = 1) -> Array:
    """A head of normal data, of which keys and queries are `sharpness` times as large, and values
    `magnitude` times.
    """
    qkv = np.random.default_rng(seed).standard_normal((3, n, DIM))
    qkv[:2] *= sharpness
    qkv[2] *= magnitude
    return qkv.astype(bfloat16)


def errors(kernel: AttentionBf16, y: Array, inputs: dict[str, Array]) -> Array:
    """The errors of a result as shares of what the kernel allows."""
    tolerance = kernel.tolerance.with_spread(kernel.spreads(inputs)["y"])
    return tolerance.error(y, kernel.golden(inputs)["y"]) / tolerance.limit


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32), st.sampled_from([0.1, 1, 3]))
def test_the_definition_is_the_average_that_exponentials_weight(seed: int, sharp: float) -> None:
    q, k, v = head(32, seed, sharp).astype(float).tolist()
    y = real_attention(np.array([q, k, v]))
    for row in (0, 17):
        scores = [math.fsum(map(math.prod, zip(q[row], key, strict=True))) / 8 for key in k]
        weights = [math.exp(score - max(scores)) for score in scores]
        for col in (0, 63):
            sum_ = math.fsum(w * value[col] for w, value in zip(weights, v, strict=True))
            assert y[row, col] == pytest.approx(sum_ / math.fsum(weights), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("kernel", [HEAD, ODD], ids=lambda kernel: kernel.label)
@pytest.mark.parametrize("suffix", SUFFIXES, ids=["vector", "scalar"])
def test_the_source_is_within_tolerance_on_any_head(
    run: Run, kernel: AttentionBf16, suffix: str
) -> None:
    @settings(deadline=None, max_examples=20)
    @given(
        st.integers(0, 2**32),
        st.sampled_from([0.0, 0.3, 1, 2, 4, 10, 100]),
        st.sampled_from([2.0**-125, 0.1, 1, 4, 100, 2.0**113]),
    )
    def check(seed: int, sharpness: float, magnitude: float) -> None:
        qkv = head(kernel.n, seed, sharpness, magnitude)
        assert errors(kernel, run(suffix, kernel, qkv), {"qkv": packed([qkv])}).max() <= 1

    check()


@pytest.mark.parametrize("suffix", SUFFIXES, ids=["vector", "scalar"])
def test_scores_that_fp32_rounds_are_within_tolerance(run: Run, suffix: str) -> None:
    """Keys that differ little: large products cancel in what their weights depend on."""
    rng = np.random.default_rng(7)
    for size in (30, 300):
        q, k, v = rng.standard_normal((3, 64, DIM))
        q *= size
        k = size * k[:1] + (np.arange(DIM) == 0) * 2.0 * rng.standard_normal((64, 1))
        qkv = np.stack((q, k, v)).astype(bfloat16)
        assert errors(HEAD, run(suffix, HEAD, qkv), {"qkv": packed([qkv])}).max() <= 1


def test_the_least_weights_are_those_of_the_definition(run: Run) -> None:
    """The one key of full weight has no value: what is left are weights of 2^-125.5."""
    qkv = np.zeros((3, 64, DIM), bfloat16)
    qkv[0], qkv[1] = 40, -40
    qkv[1, 0] = 40
    qkv[2, 1:] = 2.0**115
    golden = HEAD.golden({"qkv": packed([qkv])})["y"].astype(float)
    assert golden.min() == pytest.approx(63 * math.exp(-87) * 2.0**115, rel=2**-8)
    for suffix in SUFFIXES:
        assert errors(HEAD, run(suffix, HEAD, qkv), {"qkv": packed([qkv])}).max() <= 1


@pytest.mark.parametrize("scale", [0.996, 1.004])
@pytest.mark.parametrize(
    "kernel",
    [
        pytest.param(kernel, id=kernel.label, marks=[pytest.mark.slow] if kernel.slow else [])
        for kernel in AttentionBf16.variants()
    ],
)
def test_a_scale_that_is_a_little_off_is_found(kernel: AttentionBf16, scale: float) -> None:
    """A case of every variant is far out of tolerance; the formula is scaled in its queries."""
    worst = 0.0
    for case in kernel.cases():
        if case.name.startswith(("one-against-all", "corners")):
            heads = unpacked(case.inputs["qkv"]).astype(float)
            heads[:, 0] *= scale
            y = np.concatenate([real_attention(one) for one in heads], axis=1).astype(bfloat16)
            worst = max(worst, float(errors(kernel, y, dict(case.inputs)).max()))
    assert worst > 1.3


@pytest.mark.parametrize("suffix", SUFFIXES, ids=["vector", "scalar"])
def test_most_results_are_near_the_formula_and_without_bias(run: Run, suffix: str) -> None:
    """Errors in steps of bfloat16 of the values' mean magnitude, 2^-8."""
    found = []
    for seed in range(4):
        qkv = head(64, seed, 1)
        found.append(run(suffix, HEAD, qkv).astype(float) - real_attention(qkv))
    off = np.array(found) * 2**8
    assert np.abs(off).max() < 0.6
    assert np.abs(off).mean() < 0.1
    assert abs(off.mean()) < 0.01


@pytest.mark.parametrize("suffix", SUFFIXES, ids=["vector", "scalar"])
def test_keys_that_came_before_do_not_count_again(run: Run, suffix: str) -> None:
    """The last block of 36 keys repeats 28: counted twice, they would carry all the weight."""
    qkv = np.zeros((3, ODD.n, DIM), bfloat16)
    qkv[2, :32] = 1
    expected = np.full((ODD.n, DIM), 32 / 36).astype(bfloat16)
    assert distance(run(suffix, ODD, qkv), expected).max() <= 1
    qkv[0], qkv[1] = 1, 0
    qkv[1, 33] = 4  # a score of 32: the last block changes every row's largest
    assert np.abs(run(suffix, ODD, qkv).astype(float)).max() < 1e-12


@pytest.mark.parametrize("spoiler", [np.nan, -np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("suffix", SUFFIXES, ids=["vector", "scalar"])
def test_a_score_out_of_range_makes_its_row_nan_and_no_other(
    run: Run, suffix: str, spoiler: float
) -> None:
    qkv = head(64, 3, 1)
    qkv[1, :, 5] = 1e3
    clean = run(suffix, HEAD, qkv.copy())
    qkv[0, 13, 5] = spoiler
    y = run(suffix, HEAD, qkv)
    with np.errstate(invalid="ignore"):  # the vector unit's NaN is a signalling one
        spoilt = np.isnan(y)
    assert spoilt[13].all()
    assert not np.delete(spoilt, 13, axis=0).any()
    np.testing.assert_array_equal(np.delete(y, 13, axis=0), np.delete(clean, 13, axis=0))
    assert np.isnan(HEAD.golden({"qkv": packed([qkv])})["y"][13]).all()


def test_the_state_is_kept_in_fp32_over_the_whole_stream() -> None:
    """The sums of 1,500 equal weights would stop growing at 256 in bfloat16."""
    state = AttentionBf16().design().count("memref<100x72xf32>")
    assert state > 15


def test_every_head_has_its_own_columns_of_q_k_and_v() -> None:
    heads = [head(32, seed, 1) for seed in range(3)]
    qkv = packed(heads)
    for index, (q, k, v) in enumerate(heads):
        for part, matrix in enumerate((q, k, v)):
            start = (part * len(heads) + index) * DIM
            np.testing.assert_array_equal(qkv[:, start : start + DIM], matrix)
    np.testing.assert_array_equal(unpacked(qkv), np.stack(heads))
    y = AttentionBf16(32, 32, 1, 3).golden({"qkv": qkv})["y"]
    for index, mine in enumerate(heads):
        expected = real_attention(mine).astype(bfloat16)
        np.testing.assert_array_equal(y[:, index * DIM : (index + 1) * DIM], expected)


@pytest.mark.parametrize(
    ("sizes", "message", "cure"),
    [
        ({"n": 1504}, "n = 1504 is not a positive multiple of 1500 of at most 2048", "n = 1500"),
        ({"rows": 10}, "rows = 10 is not a positive multiple of 4 of at most 104", "rows = 12"),
        ({"rows": 108}, "rows = 108 is not a positive multiple of 4 of at most 104", "rows = 104"),
        ({"cores": 0}, "cores = 0 is not a positive multiple of 1 of at most 16", "cores = 1"),
        ({"heads": 0}, "heads = 0 is not a positive multiple of 1 of at most 16", "heads = 1"),
        ({"cores": 17}, "cores = 17 is not a positive multiple of 1 of at most 16", "cores = 16"),
        ({"n": 16, "rows": 4, "cores": 1}, "n = 16 is less than a block of 32 keys", "n = 32"),
    ],
    ids=str,
)
def test_a_size_that_does_not_divide_is_refused(
    sizes: dict[str, int], message: str, cure: str
) -> None:
    with pytest.raises(UsageError) as caught:
        AttentionBf16(**sizes)  # type: ignore[arg-type]
    assert caught.value.message == f"attention_bf16: {message}"
    assert caught.value.cure == f"use {cure}"
    assert caught.value.code == "NPU153"
