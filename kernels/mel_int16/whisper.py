"""Whisper's log-mel spectrogram in float64, from its definition.

Frames of 400 samples (25 ms at 16 kHz) every 160, a periodic Hann window, the power of the 201
bins of a 400-point DFT, 80 triangular filters on Slaney's mel scale, log10 of at least 1e-10,
at most 8 decades below the recording's largest value, and (x + 4) / 4. (openai/whisper
audio.py, and librosa.filters.mel for the filters that it ships.)
"""

from __future__ import annotations

import numpy as np

from kernels.contract import Array

SAMPLE_RATE = 16_000
FRAME = 400
HOP = 160
MELS = 80
BINS = FRAME // 2 + 1

FLOOR = 1e-10
"""Smallest mel power that Whisper's logarithm sees."""

DECADES = 8.0
"""How far below the recording's maximum a log10 may lie."""


def mel_filters() -> Array:
    """Return the (80, 201) filterbank over 0 to 8,000 Hz, each filter of area 1 per Hz."""
    frequencies = np.arange(BINS) * (SAMPLE_RATE / FRAME)
    top = _hz_to_mel(SAMPLE_RATE / 2)
    edges = _mel_to_hz(np.linspace(0.0, top, MELS + 2))
    low, centre, high = (edges[start : start + MELS, np.newaxis] for start in range(3))
    rising = (frequencies - low) / (centre - low)
    falling = (high - frequencies) / (high - centre)
    filters: Array = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low))
    return filters


def log_mel(frames: Array) -> Array:
    """Return log10 of the mel powers of int16 `frames` (n, 400), as float64 (n, 80).

    Samples count as fractions of full scale, 32,768.
    """
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(FRAME) / FRAME)
    spectrum = np.fft.rfft(frames / 32768.0 * window)
    power = np.abs(spectrum) ** 2 @ mel_filters().T
    log10: Array = np.log10(np.maximum(power, FLOOR))
    return log10


def normalise(log10: Array) -> Array:
    """Return Whisper's input features: limited to 8 decades below the maximum, (x + 4) / 4."""
    limited: Array = np.maximum(log10, log10.max() - DECADES)
    return (limited + 4.0) / 4.0


def _hz_to_mel(hz: float) -> float:
    """Slaney's scale: 3 mel per 200 Hz up to 1,000 Hz, then 27 mel per factor of 6.4."""
    if hz < 1000.0:
        return 3.0 * hz / 200.0
    return 15.0 + 27.0 * float(np.log(hz / 1000.0) / np.log(6.4))


def _mel_to_hz(mel: Array) -> Array:
    return np.where(mel < 15.0, 200.0 * mel / 3.0, 1000.0 * 6.4 ** ((mel - 15.0) / 27.0))
