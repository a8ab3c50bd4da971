"""The front of the encoder on the simulated array, within its budgets; and budgets that bite."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from errors import UsageError
from examples.whisper_encoder import reference
from examples.whisper_encoder.__main__ import _write, main, table
from examples.whisper_encoder.array import ArrayEncoder, Work, _attention_shape
from examples.whisper_encoder.layers import (
    ONSET,
    ROUNDING,
    Layer,
    audio,
    encode,
    relative_error,
)
from examples.whisper_encoder.picture import errors_svg
from examples.whisper_encoder.weights import random_weights
from kernels.contract import bfloat16
from kernels.mel_int16 import speech

NAMES = [
    "mel",
    "convolutions",
    "positions",
    "attention norm",
    "q, k, v",
    "attention",
    "out",
    "residual 1",
    "layer norm",
    "feed-forward",
    "residual 2",
]


def test_attention_of_the_array_is_that_of_8_heads() -> None:
    """The norm, the projections with their biases, and 8 heads, on what they get in the model."""
    weights = random_weights()
    encoder = ArrayEncoder(weights, 64)
    x = np.random.default_rng(1).standard_normal((64, 512)).astype(bfloat16)
    normed = encoder.attention_norm(x)
    projected = encoder.qkv(normed)
    mixed = encoder.attention(projected)
    wanted = reference.attention_norm(weights, x.astype(np.float64))
    assert relative_error(normed, wanted) < 2 * ROUNDING
    wanted = reference.qkv(weights, normed.astype(np.float64))
    assert relative_error(projected, wanted) < 1.5 * ROUNDING
    wanted = reference.attention(weights, projected.astype(np.float64))
    assert relative_error(mixed, wanted) < 2 * ROUNDING
    assert encoder.work["attention"].titles == ["attention_bf16/8x64x64"]
    assert encoder.work["attention"].calls == 1


@pytest.mark.slow
@pytest.mark.parametrize("rows", [64, 128])
def test_every_layer_is_within_its_budget(rows: int) -> None:
    weights = random_weights()
    layers = list(encode(weights, ArrayEncoder(weights, rows), audio(rows)))
    assert [layer.name for layer in layers] == NAMES
    over = [layer for layer in layers if not layer.ok]
    assert not over, table(over)
    assert layers[-1].shape == (rows, 512)
    if rows == 64:
        page = (Path(__file__).parents[2] / "docs" / "encoder.md").read_text()
        for row in table(layers).splitlines()[2:]:
            # Errors depend on the host's libm in the last digit; calls and cycles do not.
            assert row.split("|")[1:6] == _row_of(page, row).split("|")[1:6]
    # Rounding happens: an error of 0 would mean that something was compared with itself.
    assert all(layer.own > ROUNDING / 20 for layer in layers)


def _row_of(page: str, row: str) -> str:
    """Return the page's row of the same layer and shape."""
    key = "|".join(row.split("|")[:3])
    return next((line for line in page.splitlines() if line.startswith(key)), "")


@pytest.mark.slow
def test_a_wrong_weight_is_over_budget() -> None:
    """A block of one filter's taps in reverse: float64 has the right ones."""
    weights = random_weights()
    conv1 = weights.conv1.copy()
    conv1[:8] = conv1[:8, :, ::-1]
    layers = encode(weights, ArrayEncoder(replace(weights, conv1=conv1), 64), audio(64))
    by_name = {layer.name: layer for layer in layers}
    assert by_name["mel"].ok
    assert not by_name["convolutions"].ok


@pytest.mark.slow
def test_the_program_prints_budgets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, page = tmp_path / "errors.svg", tmp_path / "table.md"
    code = main(["--rows", "64", "--svg", str(picture), "--markdown", str(page)])
    printed = capsys.readouterr()
    assert code == 0
    assert "64 rows, 1.28 s of speech; fixed random weights, seed 2026" in printed.out
    assert "modelled" in printed.out
    assert max(map(len, printed.out.splitlines())) <= 80
    ET.fromstring(picture.read_text())
    assert page.read_text().count("\n") == 2 + len(NAMES)


@pytest.mark.parametrize(
    ("rows", "near"),
    [
        (-4, 64),
        (0, 64),
        (7, 64),
        (63, 64),
        (65, 64),
        (66, 68),
        (1001, 1000),
        (1499, 1500),
        (1504, 1500),
        (2052, 1500),
    ],
)
def test_rows_that_no_kernel_takes_are_refused(
    rows: int, near: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is built, in terms of the option, with a number that is taken."""
    assert main(["--rows", str(rows)]) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert f"{rows:,} rows are not what the encoder takes" in printed.err
    assert f"use --rows {near}\n" in printed.err
    assert "building" not in printed.err


def test_rows_that_are_proposed_have_kernels() -> None:
    weights = random_weights()
    for rows in (*range(64, 140, 4), 252, 256, 260, 1000, 1496, 1500):
        assert len(ArrayEncoder(weights, rows).kernels()) == 8


@pytest.mark.parametrize("option", ["--svg", "--markdown"])
def test_files_that_cannot_be_written_are_refused_before_the_run(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([option, str(tmp_path / "none" / "x")]) == 2
    printed = capsys.readouterr()
    assert "NPU405" in printed.err
    assert "there is no folder" in printed.err
    assert "building" not in printed.err


def test_a_file_that_fails_later_is_an_error_of_one_line(tmp_path: Path) -> None:
    """The folder may go while the encoder runs."""
    with pytest.raises(UsageError) as refused:
        _write(tmp_path / "none" / "x", "")
    assert refused.value.code == "NPU405"


def test_weights_that_are_not_there_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--weights", str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_audio_is_cut_or_filled() -> None:
    recording = speech.recording()
    np.testing.assert_array_equal(audio(64), recording[ONSET : ONSET + 64 * 320])
    whole = audio(1500)
    assert whole.size == 480_000
    np.testing.assert_array_equal(whole[: recording.size], recording)
    assert not whole[recording.size :].any()


def test_mel_of_float64_is_that_of_the_definition() -> None:
    samples = np.rint(8000 * np.sin(2 * np.pi * 1000 * np.arange(6400) / 16_000)).astype(np.int16)
    features = reference.mel(samples)
    assert features.shape == (40, 80)
    # 1 kHz is 15 of Slaney's 45.2 mel to 8 kHz: the filter of its largest power.
    assert features[20].argmax() == round(15 / 45.245 * 81) - 1
    assert features.max() - features.min() <= 2


def test_float64_attention_is_that_of_one_head_at_a_time() -> None:
    rng = np.random.default_rng(3)
    projected = rng.standard_normal((20, 1536))
    mixed = reference.attention(random_weights(), projected)
    for head in range(8):
        columns = slice(64 * head, 64 * (head + 1))
        q, k, v = (part[:, columns] for part in np.split(projected, 3, axis=1))
        for row in range(0, 20, 7):
            scores = np.exp(k @ q[row] / 8)
            np.testing.assert_allclose(mixed[row, columns], scores @ v / scores.sum())


def test_float64_convolution_is_the_sum_over_taps() -> None:
    weights = random_weights()
    x = np.random.default_rng(4).standard_normal((16, 80))
    hidden = np.zeros((18, 512))
    padded = np.pad(x, ((1, 1), (0, 0)))
    for frame in range(16):
        taps = np.einsum("oit,ti->o", weights.conv1, padded[frame : frame + 3])
        hidden[frame + 1] = reference.gelu(taps + weights.conv1_bias)
    last = np.einsum("oit,ti->o", weights.conv2, hidden[14:17]) + weights.conv2_bias
    np.testing.assert_allclose(reference.convolutions(weights, x)[7], reference.gelu(last))


@pytest.mark.parametrize(("rows", "shape"), [(64, (64, 1)), (128, (32, 4)), (1500, (100, 15))])
def test_attention_takes_few_passes(rows: int, shape: tuple[int, int]) -> None:
    count, cores = _attention_shape(rows)
    assert rows % (count * cores) == 0
    assert (count * cores) >= shape[0] * shape[1]


def test_errors_are_relative_and_shapes_compared() -> None:
    real = np.array([[3.0, 4.0]])
    assert relative_error(np.array([[3.05, 4.0]]), real) == pytest.approx(0.01)
    assert np.isnan(relative_error(np.array([[np.nan, 4.0]]), real))
    with pytest.raises(ValueError, match=r"\(1, 1\), float64 \(1, 2\)"):
        relative_error(np.ones((1, 1)), real)


def layer(own: float, total: float) -> Layer:
    return Layer(
        name="norm",
        roundings=1,
        shape=(1, 2),
        own=own,
        total=total,
        budget=0.01,
        total_budget=0.02,
        work=Work(calls=1, cycles=1234, titles=["layernorm_bf16/1x512"]),
        output=np.zeros((1, 2)),
    )


def test_a_layer_over_either_budget_or_nan_is_not_right() -> None:
    assert layer(0.01, 0.02).ok
    assert not layer(0.011, 0.02).ok
    assert not layer(0.01, 0.021).ok
    assert not layer(float("nan"), 0.0).ok


def test_the_picture_has_a_bar_for_both_errors() -> None:
    root = ET.fromstring(errors_svg([layer(0.001, 0.01)]))
    tips = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert tips[1:] == ["norm: 1.000%", "norm: 0.100%"]


def test_the_table_names_variant_and_cycles() -> None:
    row = table([layer(0.001, 0.01)]).splitlines()[2]
    assert row == (
        "| norm | 1x2 | `layernorm_bf16/1x512` | 1 | 1,234 | 0.100% | 1.000% | 1.000% | 2.000% |"
    )
