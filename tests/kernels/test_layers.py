"""Feed-forward layers and convolutions: golden models against the plain definition, designs."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from kernels.contract import Array, Kernel, bfloat16
from kernels.conv1d_bf16.kernel import Conv1dBf16
from kernels.ffn_bf16.kernel import FfnBf16
from kernels.ffn_int8.kernel import FfnInt8

FFN = FfnBf16.variants()[0]
INT8 = FfnInt8.variants()[0]
CONV = Conv1dBf16.variants()[0]
SMALL: list[Kernel] = [*FfnBf16.variants()[:2], *FfnInt8.variants()[:2], *Conv1dBf16.variants()[:2]]


def gelu(x: Array) -> Array:
    exact: Array = np.vectorize(lambda value: value * 0.5 * math.erfc(-value / math.sqrt(2)))(x)
    return exact


def wide(kernel: Kernel, case: str = "random-0") -> dict[str, Array]:
    inputs = next(one.inputs for one in kernel.cases() if one.name == case)
    return {name: data.astype(np.float64) for name, data in inputs.items()}


def test_the_layers_roundings_are_far_below_what_it_computes() -> None:
    """The golden model rounds to bfloat16 thrice; no rounding at all is the float64 layer."""
    data = wide(FFN)
    b1, b2 = np.split(data["biases"], [FFN.hidden])
    exact = gelu(data["X"] @ data["W1"] + b1) @ data["W2"] + b2
    inputs = next(one.inputs for one in FFN.cases() if one.name == "random-0")
    golden = FFN.golden(inputs)["Y"].astype(np.float64)
    assert np.abs(exact).max() > 0.5
    assert np.abs(golden - exact).max() < 2**-6
    assert np.array_equal(FFN.real(inputs)["Y"], exact.astype(bfloat16))
    assert not np.array_equal(FFN.golden(inputs)["Y"], exact.astype(bfloat16))


def test_the_real_convolutions_round_nothing_between() -> None:
    inputs = next(one.inputs for one in CONV.cases() if one.name == "random-0")
    data = wide(CONV)
    first, second = np.split(data["filters"], [3 * CONV.channels])
    b1, b2 = data["biases"].reshape(2, -1)
    hidden = data["hidden"]
    covered = np.concatenate([data["x"][tap : tap + CONV.frames] for tap in range(3)], axis=1)
    hidden[1:-1] = gelu(covered @ first + b1)
    ends = [slice(tap, tap + CONV.frames, 2) for tap in range(3)]
    y = gelu(np.concatenate([hidden[end] for end in ends], axis=1) @ second + b2)
    real, golden = CONV.real(inputs), CONV.golden(inputs)
    for name, exact in (("hidden", hidden), ("y", y)):
        assert np.array_equal(real[name], exact.astype(bfloat16))
        near = np.abs(golden[name].astype(float) - exact) / np.maximum(np.abs(exact), 0.5)
        assert 0 < near.max() < 2**-6


@pytest.mark.parametrize("share", [0.98, 1.02])
@pytest.mark.parametrize("kernel", [FFN, CONV], ids=lambda kernel: kernel.title)
def test_biases_that_are_a_little_off_are_found(kernel: Kernel, share: float) -> None:
    """A case of either layer is out of tolerance for it; an int8 layer is exact."""
    worst = 0.0
    for case in kernel.cases():
        if case.name in ("biases", "ramp") or case.name.startswith("random"):
            biases = (share * case.inputs["biases"].astype(float)).astype(bfloat16)
            wrong, right = (
                kernel.golden(inputs) for inputs in ({**case.inputs, "biases": biases}, case.inputs)
            )
            errors = [kernel.tolerance.error(wrong[name], right[name]) for name in right]
            worst = max(worst, *(float(error.max()) for error in errors))
    assert worst > 1.1 * kernel.tolerance.limit


def test_the_int8_layer_by_another_way() -> None:
    """One element, in Python's integers."""
    inputs = next(one.inputs for one in INT8.cases() if one.name == "random-1")
    x, w1, w2 = (inputs[name].astype(int).tolist() for name in ("X", "W1", "W2"))
    biases = inputs["constants"][: INT8.hidden + INT8.width].tolist()
    table = inputs["constants"][INT8.hidden + INT8.width :].view(np.int8).tolist()

    def requantise(total: int, shift: int) -> int:
        wrapped = (total + 2**31) % 2**32 - 2**31
        return max(-128, min(127, round(wrapped / 2**shift)))

    row, col = 41, 77
    hidden = []
    for j in range(INT8.hidden):
        total = biases[j] + sum(a * w1[i][j] for i, a in enumerate(x[row]))
        hidden.append(table[requantise(total, INT8.hidden_shift) % 256])
    total = biases[INT8.hidden + col] + sum(h * w2[j][col] for j, h in enumerate(hidden))
    assert INT8.golden(inputs)["Y"][row, col] == requantise(total, INT8.out_shift)


def test_the_int8_layers_default_weights_use_the_whole_range() -> None:
    """Else the shifts would saturate everything, or leave nothing to compare."""
    inputs = next(INT8.demo()).inputs
    y = INT8.golden(inputs)["Y"]
    assert len(np.unique(y)) > 100
    assert (np.abs(y.astype(int)) >= 127).mean() < 0.5


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_by_numpys(stride: int) -> None:
    data = wide(CONV)
    hidden = next(one.inputs for one in CONV.cases() if one.name == "random-0")
    outputs = CONV.golden(hidden)
    channels = CONV.channels if stride == 1 else CONV.width
    source = data["x"] if stride == 1 else outputs["hidden"].astype(np.float64)
    first = 0 if stride == 1 else 3 * CONV.channels
    filters = data["filters"][first : first + 3 * channels].reshape(3, channels, CONV.width)
    bias = data["biases"].reshape(2, -1)[stride - 1]
    column = 9
    sums = sum(
        np.convolve(source[:, channel], filters[::-1, channel, column], mode="valid")
        for channel in range(channels)
    )
    exact = gelu(sums[::stride] + bias[column])
    golden = outputs["hidden"][1:-1] if stride == 1 else outputs["y"]
    np.testing.assert_allclose(golden[:, column].astype(float), exact, rtol=2**-6, atol=2**-7)


def test_context_frames_pass_through_and_count() -> None:
    inputs = dict(next(CONV.demo()).inputs)
    silent = CONV.golden(inputs)
    assert not silent["hidden"][[0, -1]].any()
    inputs["hidden"] = inputs["hidden"].copy()
    inputs["hidden"][0] = 1
    spoken = CONV.golden(inputs)
    assert (spoken["hidden"][0] == 1).all()
    changed = (spoken["y"] != silent["y"]).any(axis=1)
    assert changed[0]
    assert not changed[1:].any()


def test_the_hidden_layer_never_leaves_the_array() -> None:
    """No transfer of the runtime sequence is of its size, and no argument holds it."""
    kernel = FfnBf16(1500)
    assert all(arg.shape != (kernel.rows, kernel.hidden) for arg in kernel.args())
    transfers = re.findall(r"dma_memcpy_nd\(%(\w+)\[", kernel.design())
    assert set(transfers) == {"X", "W1", "W2", "biases", "Y"}


@pytest.mark.parametrize("kernel", SMALL, ids=lambda kernel: kernel.title)
def test_rows_that_no_turn_divides_are_covered(kernel: Kernel) -> None:
    """The small variants' quarters are no multiples of m, so that the overlap is simulated."""
    rows = kernel.rows // 4 if hasattr(kernel, "rows") else kernel.frames // 4  # type: ignore[attr-defined]
    assert rows % kernel.m  # type: ignore[attr-defined]


@pytest.mark.parametrize("kernel", [FFN, CONV], ids=lambda kernel: kernel.title)
def test_random_data_stays_where_the_tolerance_is_derived(kernel: Kernel) -> None:
    for case in kernel.cases():
        if case.name.startswith(("random", "ramp")) and isinstance(kernel, FfnBf16):
            y = kernel.golden(case.inputs)["Y"].astype(float)
            assert 0.05 < y.std() < 4, case.name
    assert kernel.args()[0].dtype == bfloat16
