"""The layers in order: each on the array, beside float64, with its budget of error."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from examples.whisper_encoder import reference
from examples.whisper_encoder.array import ArrayEncoder, Work
from examples.whisper_encoder.weights import Tensor, Weights
from kernels.contract import Array
from kernels.mel_int16 import speech
from kernels.mel_int16.whisper import HOP, SAMPLE_RATE

ROUNDING = 2.0**-8
"""Largest relative error of rounding to bfloat16, which has 8 significant bits."""

ONSET = 4 * SAMPLE_RATE // 10
"""Sample of the recording at which its speaker begins."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer's output on the array, and how far it is from float64.

    Errors are root mean squares over the layer's output, relative to that of the float64 output.

    Attributes:
        name: What it is.
        roundings: Roundings to bfloat16 on the way through it, its weights' among them.
        shape: Of its output.
        own: Error of the layer alone: float64 is given what the array gave it.
        total: Error from the audio on: everything before is float64 too.
        budget: What `own` may be: independent roundings add up as their squares.
        total_budget: What `total` may be: the same over all layers so far.
        work: The calls on the array.
        output: What the array gave.
    """

    name: str
    roundings: int
    shape: tuple[int, ...]
    own: float
    total: float
    budget: float
    total_budget: float
    work: Work
    output: Array

    @property
    def ok(self) -> bool:
        """Whether both errors are within their budgets (a NaN is not)."""
        return self.own <= self.budget and self.total <= self.total_budget


def audio(rows: int, recording: NDArray[np.int16] | None = None) -> NDArray[np.int16]:
    """Return the samples that `rows` hidden states stand for, 20 ms each, from the recording.

    A recording that is longer is cut, from where its speaker begins; one that is shorter is
    filled up with silence, as Whisper fills its 30 s.
    """
    samples = speech.recording() if recording is None else recording
    wanted = 2 * HOP * rows
    start = max(0, min(ONSET, samples.size - wanted))
    taken = samples[start : start + wanted]
    return np.pad(taken, (0, wanted - taken.size))


def encode(weights: Weights, encoder: ArrayEncoder, samples: NDArray[np.int16]) -> Iterator[Layer]:
    """Yield every layer of the front of the encoder, from the audio to the first block's end."""
    chain = _Chain(weights, encoder)
    yield chain.layer("mel", 1, encoder.mel(samples), reference.mel(samples))
    yield chain.through("convolutions", 6, encoder.convolutions, reference.convolutions)
    yield chain.through("positions", 2, encoder.positions, reference.positions)
    into = chain.state
    yield chain.through("attention norm", 3, encoder.attention_norm, reference.attention_norm)
    yield chain.through("q, k, v", 2, encoder.qkv, reference.qkv)
    yield chain.through("attention", 3, encoder.attention, reference.attention)
    yield chain.through("out", 2, encoder.out, reference.out)
    yield chain.residual("residual 1", into)
    into = chain.state
    yield chain.through("layer norm", 3, encoder.layer_norm, reference.layer_norm)
    yield chain.through("feed-forward", 5, encoder.feed_forward, reference.feed_forward)
    yield chain.residual("residual 2", into)


@dataclass(frozen=True)
class State:
    """Hidden states on the array, and in float64 from the audio on."""

    array: Array
    real: Tensor


class _Chain:
    """Carries hidden states from layer to layer, and adds up the budget."""

    def __init__(self, weights: Weights, encoder: ArrayEncoder) -> None:
        self._weights = weights
        self._encoder = encoder
        self._roundings = 0
        self.state = State(np.empty(0), np.empty(0))

    def through(
        self,
        name: str,
        roundings: int,
        on_array: Callable[[Array], Array],
        in_float64: Callable[[Weights, Tensor], Tensor],
    ) -> Layer:
        """Take the states through a layer."""
        before, output = self.state, on_array(self.state.array)
        alone = in_float64(self._weights, before.array.astype(np.float64))
        return self.layer(name, roundings, output, in_float64(self._weights, before.real), alone)

    def residual(self, name: str, into: State) -> Layer:
        """Add the states to those that they branched off from."""
        before = self.state
        output = self._encoder.residual(name, before.array, into.array)
        alone = before.array.astype(np.float64) + into.array.astype(np.float64)
        return self.layer(name, 1, output, before.real + into.real, alone)

    def layer(
        self, name: str, roundings: int, output: Array, real: Tensor, alone: Tensor | None = None
    ) -> Layer:
        """Compare a layer's output, and go on from there."""
        self._roundings += roundings
        self.state = State(output, real)
        return Layer(
            name=name,
            roundings=roundings,
            shape=output.shape,
            own=relative_error(output, real if alone is None else alone),
            total=relative_error(output, real),
            budget=ROUNDING * math.sqrt(roundings),
            total_budget=ROUNDING * math.sqrt(self._roundings),
            work=self._encoder.work[name],
            output=output,
        )


def relative_error(output: Array, real: Tensor) -> float:
    """Return the root mean square of the difference over that of `real`.

    Raises:
        ValueError: The shapes differ: nothing is compared by broadcasting.
    """
    if output.shape != real.shape:
        raise ValueError(f"the array gave {output.shape}, float64 {real.shape}")
    off = output.astype(np.float64) - real
    return float(np.sqrt((off**2).mean() / (real**2).mean()))
