"""mel_int16: Whisper's definition, the recording, and the integer kernel against both."""

from __future__ import annotations

import hashlib
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import UsageError
from kernels.mel_int16 import speech
from kernels.mel_int16.kernel import SCRATCH_WORDS, STEP, MelInt16, limit
from kernels.mel_int16.whisper import (
    BINS,
    FRAME,
    HOP,
    MELS,
    SAMPLE_RATE,
    log_mel,
    mel_filters,
    normalise,
)

ONE, MANY = MelInt16(1), MelInt16(64)


def frames_of(audio: Any) -> Any:
    return np.lib.stride_tricks.sliding_window_view(audio, FRAME)[::HOP]


def sines(hz: Any, amplitude: Any) -> Any:
    """One frame per frequency."""
    time = np.arange(FRAME) / SAMPLE_RATE
    return np.rint(amplitude * np.sin(2 * np.pi * np.asarray(hz)[:, np.newaxis] * time)).astype(
        np.int16
    )


# ---- Whisper's definition ----


def test_filters_start_as_whispers_do() -> None:
    """The values that openai/whisper ships (mel_filters.npz, made with librosa)."""
    filters = mel_filters()
    assert filters.shape == (MELS, BINS)
    np.testing.assert_allclose(filters[0, :3], [0, 0.02486259, 0], atol=1e-8)
    np.testing.assert_allclose(filters[1, :4], [0, 0.00199082, 0.02287177, 0], atol=1e-8)


def test_every_filter_is_one_triangle_that_overlaps_its_neighbours() -> None:
    filters = mel_filters()
    assert (filters >= 0).all()
    for low, high in pairwise(filters):
        first, second = np.nonzero(low)[0], np.nonzero(high)[0]
        assert (np.diff(first) == 1).all()
        assert first[0] <= second[0] <= first[-1] + 1 <= second[-1] + 1


def test_wide_filters_have_area_one_per_hz() -> None:
    areas = mel_filters()[60:].sum(axis=1) * SAMPLE_RATE / FRAME
    np.testing.assert_allclose(areas, 1.0, atol=0.02)


def test_log_mel_equals_the_dft_written_out() -> None:
    frames = np.random.default_rng(0).integers(-9000, 9000, (3, FRAME)).astype(np.int16)
    n, k = np.arange(FRAME), np.arange(BINS)[:, np.newaxis]
    window = np.sin(np.pi * n / FRAME) ** 2
    spectrum = (frames / 32768 * window) @ np.exp(-2j * np.pi * k * n / FRAME).T
    power = np.einsum("fk,mk->fm", spectrum.real**2 + spectrum.imag**2, mel_filters())
    np.testing.assert_allclose(log_mel(frames), np.log10(power), atol=1e-9)


def test_a_tone_is_loudest_in_its_own_filter() -> None:
    centres = np.argmax(mel_filters(), axis=1) * SAMPLE_RATE / FRAME
    loudest = np.argmax(log_mel(sines(centres[40:], 10_000)), axis=1)
    np.testing.assert_array_equal(loudest, np.arange(40, MELS))


def test_silence_is_at_the_floor() -> None:
    features = ONE.golden({"audio": np.zeros(FRAME, np.int16)})["features"]
    assert (features == round((-10 + 4) / 4 / STEP)).all()


# ---- The contract ----


@given(st.integers(0, 63))
@settings(deadline=None, max_examples=20)
def test_a_feature_row_depends_on_its_own_400_samples_only(index: int) -> None:
    audio = np.zeros(MANY.args()[0].shape, np.int16)
    audio[index * HOP : index * HOP + FRAME] = sines([1000], 5000)[0]
    alone = ONE.golden({"audio": audio[index * HOP : index * HOP + FRAME]})["features"]
    np.testing.assert_array_equal(MANY.golden({"audio": audio})["features"][index], alone[0])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((0,), "0 frames do not go round 1 cores"),
        ((-1,), "-1 frames do not go round 1 cores"),
        ((10, 2, 2), "10 frames do not go round 4 cores"),
        ((1031,), "1031 frames of a column are no number of equal groups"),
        ((10, 5), "5 x 1 cores are not on the array"),
    ],
)
def test_frames_that_do_not_fit_the_array(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        MelInt16(*shape)
    assert caught.value.code == "NPU151"
    assert caught.value.cure


def test_every_case_fits_its_arguments() -> None:
    for kernel in (ONE, MANY):
        (audio, _) = kernel.args()
        for case in [*kernel.cases(), *kernel.demo()]:
            assert case.inputs["audio"].shape == audio.shape
            assert case.inputs["audio"].dtype == audio.dtype


# ---- The recording ----


def test_recording_is_the_one_that_its_note_names() -> None:
    digest = hashlib.sha256(speech.RECORDING.read_bytes()).hexdigest()
    assert digest == "1b850392f8c87ee2efe5a686523f1bab61d2a38d59bc43d1127e17e406f9e57d"
    samples = speech.recording()
    assert samples.size == 4 * SAMPLE_RATE
    assert 1000 < samples.std() < 10_000, "somebody speaks"


@given(st.integers(201, 3000), st.integers(1, 20))
@settings(deadline=None)
def test_calls_hold_every_frame_of_a_recording_once(size: int, frames: int) -> None:
    samples = np.arange(1, size + 1).astype(np.int16)
    cut = np.concatenate([frames_of(audio) for audio in speech.calls(samples, frames)])
    whole = frames_of(np.pad(samples, FRAME // 2, mode="reflect"))[: size // HOP]
    np.testing.assert_array_equal(cut[: size // HOP], whole)
    assert len(cut) - size // HOP < frames
    assert not cut[size // HOP + 2 :].any(), "after the last frame's samples comes silence"


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(b"\0" * 16)
    with pytest.raises(ValueError, match="not 16-bit mono at 16000 Hz"):
        speech.recording(path)


# ---- The integer kernel ----


@pytest.fixture(scope="module")
def features_of(native: Any, aligned: Any) -> Any:
    """Return what the kernel, compiled for this machine, makes of frames (n, 400).

    A second argument ``_scalar`` asks for the plain loops.
    """
    call = native(ONE)
    samples, scratch = aligned(np.zeros(FRAME, np.int16)), aligned(np.zeros(SCRATCH_WORDS, "i4"))

    def run(frames: Any, version: str = "") -> Any:
        rows = []
        for frame in frames:
            samples[:] = frame
            features = aligned(np.full(MELS, 0x5555, np.int16))
            call(f"mel_int16_frame{version}", samples, scratch, features)
            rows.append(features)
        return np.array(rows)

    return run


def errors(features: Any, frames: Any) -> Any:
    """Steps between the kernel's features and the definition's, unrounded."""
    return np.abs(features - (log_mel(frames) + 4) / 4 / STEP)


@pytest.mark.parametrize("amplitude", [0, 1, 30, 1000, 32_767])
def test_the_plain_loops_give_the_same_bits(features_of: Any, amplitude: int) -> None:
    rng = np.random.default_rng(amplitude)
    noise = rng.integers(-amplitude, amplitude, (100, FRAME), np.int16, endpoint=True)
    frames = np.concatenate([noise, sines(np.linspace(0, 8000, 100), amplitude)])
    np.testing.assert_array_equal(features_of(frames, "_scalar"), features_of(frames))
    extremes = np.where(np.arange(FRAME) % np.arange(2, 22)[:, np.newaxis], 32_767, -32_768)
    frames = extremes.astype(np.int16)
    np.testing.assert_array_equal(features_of(frames, "_scalar"), features_of(frames))


@pytest.mark.parametrize("amplitude", [32_767, 1000, 30, 1])
def test_error_on_noise_stays_within_half_the_tolerance(features_of: Any, amplitude: int) -> None:
    rng = np.random.default_rng(amplitude)
    frames = rng.integers(-amplitude, amplitude, (200, FRAME), np.int16, endpoint=True)
    assert errors(features_of(frames), frames).max() <= MelInt16.tolerance.limit / 2


@pytest.mark.parametrize("amplitude", [32_767, 1000, 30, 3])
def test_error_on_sines_stays_within_the_tolerance(features_of: Any, amplitude: int) -> None:
    frames = sines(np.linspace(0, 8000, 400), amplitude)
    error = errors(features_of(frames), frames)
    assert error.max() <= MelInt16.tolerance.limit
    assert np.quantile(error, 0.999) <= MelInt16.tolerance.limit / 2


def test_largest_magnitudes_do_not_overflow(features_of: Any) -> None:
    """Full scale with the sign of each DFT basis function: the largest value of every bin."""
    k = np.arange(BINS)[:, np.newaxis]
    angle = 2 * np.pi * k * np.arange(FRAME) / FRAME
    for basis in (np.cos(angle), np.sin(angle)):
        frames = np.where(basis >= -1e-12, 32_767, -32_768).astype(np.int16)
        assert errors(features_of(frames), frames).max() <= MelInt16.tolerance.limit


def test_whole_recording_is_whispers_input_within_a_ten_thousandth(features_of: Any) -> None:
    audio = speech.calls(speech.recording(), 400)[0]
    frames = frames_of(audio)
    assert frames.shape == (400, FRAME)
    ours, theirs = limit(features_of(frames)), normalise(log_mel(frames))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert theirs.max() - theirs.min() == pytest.approx(2.0), "the limit was at work"


def test_limit_of_a_silent_recording_is_silence() -> None:
    silence = np.full((4, MELS), -24_576, np.int16)
    np.testing.assert_array_equal(limit(silence), -1.5)
