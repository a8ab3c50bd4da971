"""The front of Whisper's encoder in float64, layer by layer, from its definition.

Written from the model's formulas and sharing nothing with the kernels or their golden models but
Whisper's mel filters.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from examples.whisper_encoder.weights import HEADS, TAPS, WIDTH, Tensor, Weights
from kernels.mel_int16.whisper import FRAME, HOP, log_mel, normalise

EPSILON = 1e-5
"""Added to the variance by Whisper's layer norms."""

_erf = np.vectorize(math.erf, otypes=[np.float64])


def mel(samples: NDArray[np.int16]) -> Tensor:
    """Return the input features (frames, 80) of a recording of whole hops of 160 samples."""
    padded = np.pad(samples, FRAME // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    features: Tensor = normalise(log_mel(frames[: samples.size // HOP]))
    return features


def convolutions(weights: Weights, features: Tensor) -> Tensor:
    """Return (frames / 2, 512): both convolutions, each with its GELU."""
    hidden = _convolve(features, weights.conv1, weights.conv1_bias, stride=1)
    return _convolve(hidden, weights.conv2, weights.conv2_bias, stride=2)


def positions(weights: Weights, x: Tensor) -> Tensor:
    """Return x with the positional embedding of its rows."""
    return x + weights.positions[: len(x)]


def attention_norm(weights: Weights, x: Tensor) -> Tensor:
    """Return x normalised for attention."""
    return _norm(x, *weights.norms[:2])


def qkv(weights: Weights, x: Tensor) -> Tensor:
    """Return queries, keys and values beside each other, (rows, 1536)."""
    return x @ weights.qkv + weights.qkv_bias


def attention(_: Weights, projected: Tensor) -> Tensor:
    """Return what 8 heads of 64 make of queries, keys and values, beside each other."""
    q, k, v = (
        part.reshape(len(part), HEADS, -1).swapaxes(0, 1) for part in np.split(projected, 3, axis=1)
    )
    scores = q @ k.swapaxes(1, 2) / math.sqrt(WIDTH // HEADS)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = shares / shares.sum(axis=-1, keepdims=True) @ v
    joined: Tensor = mixed.swapaxes(0, 1).reshape(len(projected), WIDTH)
    return joined


def out(weights: Weights, x: Tensor) -> Tensor:
    """Return the projection of the joined heads."""
    return x @ weights.out + weights.out_bias


def layer_norm(weights: Weights, x: Tensor) -> Tensor:
    """Return x normalised for the feed-forward layer."""
    return _norm(x, *weights.norms[2:])


def feed_forward(weights: Weights, x: Tensor) -> Tensor:
    """Return GELU(x up + b) down + b."""
    return gelu(x @ weights.up + weights.up_bias) @ weights.down + weights.down_bias


def gelu(x: Tensor) -> Tensor:
    """Return the exact GELU: x times the share of a normal distribution below it."""
    result: Tensor = x * (1 + _erf(x / math.sqrt(2))) / 2
    return result


def _norm(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    centred = x - x.mean(axis=1, keepdims=True)
    variance = (centred**2).mean(axis=1, keepdims=True)
    result: Tensor = gamma * centred / np.sqrt(variance + EPSILON) + beta
    return result


def _convolve(x: Tensor, filters: Tensor, bias: Tensor, stride: int) -> Tensor:
    padded = np.pad(x, ((1, 1), (0, 0)))
    count = len(x) // stride
    taps = (
        padded[tap : tap + stride * count : stride] @ filters[:, :, tap].T for tap in range(TAPS)
    )
    return gelu(sum(taps, np.zeros((count, len(bias)))) + bias)
