"""Whisper's log-mel features of 16 kHz audio, in integers, on one core or many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Literal, Self

import numpy as np

from errors import UsageError
from kernels.contract import (
    Arg,
    Array,
    Case,
    Function,
    IntSteps,
    Kernel,
    Tolerance,
    Work,
    arg_in,
    arg_out,
)
from kernels.mel_int16 import speech
from kernels.mel_int16.design import SIZE, Stream, groups
from kernels.mel_int16.whisper import (
    BINS,
    DECADES,
    FRAME,
    HOP,
    MELS,
    SAMPLE_RATE,
    log_mel,
    mel_filters,
)

STEP = 2.0**-14
"""What one output step stands for, in Whisper's normalised features."""

SCRATCH_WORDS = 25 * 16 + 4 * 13 * 16 + 3 * MELS
"""int32 between the kernel's stages: windowed samples, two complex arrays, sums at 3 scales."""


@dataclass(frozen=True)
class MelInt16(Kernel):
    """Whisper's log-mel features of int16 audio: 400 samples to 80 features, every 160 samples.

    Features are (log10(mel power) + 4) / 4 in steps of 2^-14, int16: Whisper's whole range,
    -1.5 to 1.6, in steps of 0.0024 dB. int8 would not do: its 256 steps are fine enough for the
    8 decades that Whisper keeps only when it is known which 8, and they end at the maximum of
    the whole recording. That limit is the caller's, for it needs every frame: one maximum over
    the features (`limit`).

    Attributes:
        frames: Frames per call, 10 ms each; a multiple of the cores.
        columns: Columns of cores, each of which gets as many frames, one after the other.
        rows: Cores of a column, which take its frames in turn.
        version: ``vector`` takes 16 lanes at once, ``scalar`` is the plain loops beside it.

    Raises:
        UsageError: The frames do not divide among the cores, or into the steps of a descriptor.
    """

    frames: int = 64
    columns: int = 1
    rows: int = 1
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = IntSteps(
        "16 steps are 0.001 of Whisper's features, 0.04 dB. Rounding between the stages adds "
        "about 0.002 input steps to an amplitude, which at the floor of 1e-10 is 2 input steps; "
        "the largest error in 84,000 frames of sines, squares and noise at all levels is 12.6 "
        "steps, of speech 0.7 (bench/mel_accuracy.py)",
        steps=16,
    )

    def __post_init__(self) -> None:
        turn = self.columns * self.rows
        if not (1 <= self.columns <= 4 and 1 <= self.rows <= 4):
            raise UsageError(
                f"mel_int16: {self.columns} x {self.rows} cores are not on the array",
                cure="use 1 to 4 columns and 1 to 4 rows",
                code="NPU151",
            )
        if self.frames < 1 or self.frames % turn:
            raise UsageError(
                f"mel_int16: {self.frames} frames do not go round {turn} cores",
                cure=f"use a positive multiple of {turn}, and cut the recording to it",
                code="NPU151",
            )
        if groups(self.frames // self.columns) is None:
            raise UsageError(
                f"mel_int16: {self.frames // self.columns} frames of a column are no number of "
                f"equal groups that a buffer descriptor steps through, {SIZE} frames each at most",
                cure="use a multiple of 10 frames for each column, or cut the recording",
                code="NPU151",
            )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return a single frame by either version, 64 frames, and the 30 s of a Whisper window
        on 12 cores.
        """
        return (cls(1), cls(1, version="scalar"), cls(64), cls(24, 2, 3), cls(3000, 4, 3))

    @property
    def label(self) -> str:
        """``64``, and ``3000-4x3`` on more than one core; the scalar twin's name."""
        cores = (self.columns, self.rows)
        version = "" if self.version == "vector" else f"-{self.version}"
        return f"{self.frames}" + ("" if cores == (1, 1) else f"-{cores[0]}x{cores[1]}") + version

    @property
    def slow(self) -> bool:
        """Long recordings are."""
        return self.frames > 1000

    def args(self) -> tuple[Arg, Arg]:
        """Return the audio that the frames overlap in, and their features."""
        return (
            arg_in("audio", (HOP * (self.frames - 1) + FRAME,), np.int16),
            arg_out("features", (self.frames, MELS), np.int16),
        )

    def functions(self) -> tuple[Function, ...]:
        """Return the features of one frame."""
        transform = 2 * 13 * 25 + 4 * 13 + 4 * 13 * 16
        filters = 4 * 207
        if self.version == "scalar":
            products = 16 * (25 + transform + filters)
            return (
                Function(
                    symbol="mel_int16_frame_scalar",
                    cycles=30 * products + 40 * MELS,
                    basis="about 30 cycles for each product of 32 x 32 bits that is added up in 64 "
                    "(two halves of operands each, on a multiplier of 32 bits), assumed, and about "
                    "40 for each of 80 logarithms",
                ),
            )
        return (
            Function(
                symbol="mel_int16_frame",
                cycles=6 * (25 + transform + filters) + 40 * MELS,
                basis="about 6 cycles for each product of 16 lanes of 32 x 32 bits (four products "
                "of halves on the multiplier, and the shuffles that split the operands), and "
                "about 40 for each of 80 scalar logarithms",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the size of the scratch buffer, which kernel.cc checks."""
        return {"MEL_SCRATCH_WORDS": SCRATCH_WORDS}

    def design(self) -> str:
        """Return the design: the shim DMAs cut the audio into overlapping frames."""
        audio, features = self.args()
        return Stream(
            args=(audio, features),
            frames=self.frames,
            columns=self.columns,
            rows=self.rows,
            symbol=self.functions()[0].symbol,
            scratch=SCRATCH_WORDS,
        ).text()

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Compute Whisper's definition in float64 and round it to the nearest step."""
        frames = np.lib.stride_tricks.sliding_window_view(inputs["audio"], FRAME)[::HOP]
        return {"features": np.rint((log_mel(frames) + 4.0) / 4.0 / STEP).astype(np.int16)}

    def work(self) -> Work:
        """Count a frame's window, real FFT (2.5 N log2 N), powers, filters and logarithms."""
        fft = round(2.5 * FRAME * np.log2(FRAME))
        weights = int(np.count_nonzero(mel_filters()))
        ops = self.frames * (FRAME + fft + 3 * BINS + 2 * weights + MELS)
        moved = self.frames * FRAME * np.dtype(np.int16).itemsize + self.args()[1].nbytes
        return Work(ops=ops, bytes=moved)

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add sounds whose spectra are sharp, where rounding shows most."""
        sounds = {
            "sweep": _sweep(self._samples, 32_767),
            "quiet-sweep": _sweep(self._samples, 3),
            "square": np.where(_sweep(self._samples, 1000) < 0, -32_768, 32_767).astype(np.int16),
            "noise": np.random.default_rng(seed).integers(-1, 1, self._samples, np.int16, True),
            "clicks": np.where(np.arange(self._samples) % 397 == 5, 32_767, 0).astype(np.int16),
        }
        own = (Case(name, {"audio": audio}) for name, audio in sounds.items())
        return chain(super().cases(seed), own)

    def demo(self) -> Iterator[Case]:
        """Yield a recorded sentence, call after call."""
        for index, audio in enumerate(speech.calls(speech.recording(), self.frames)):
            yield Case(f"speech-{index * self.frames * HOP / SAMPLE_RATE:.2f}s", {"audio": audio})

    @property
    def _samples(self) -> int:
        return self.args()[0].size


def limit(features: Array) -> Array:
    """Return a recording's features as Whisper's encoder takes them, in float64.

    Args:
        features: The outputs of all calls, (frames, 80) int16.
    """
    values = features * STEP
    limited: Array = np.maximum(values, values.max() - DECADES / 4.0)
    return limited


def _sweep(samples: int, amplitude: int) -> Array:
    """Return a sine that rises from 0 to 8,000 Hz."""
    phase = np.pi / 2 * np.arange(samples) ** 2 / samples
    sweep: Array = np.rint(amplitude * np.sin(phase)).astype(np.int16)
    return sweep


KERNEL = MelInt16
