"""How far mel_int16 is from Whisper's definition, over many kinds of sound.

    python bench/mel_accuracy.py [--check]

The kernel is compiled for this machine and called without a design around it: 12,000 frames of
each kind, at every level from one input step to full scale. Errors are in output steps (2^-14 of
Whisper's features) against the float64 definition before rounding. With --check the script
ends with 1 where an error is over the kernel's tolerance.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from kernels.contract import Array
from kernels.mel_int16 import speech
from kernels.mel_int16.kernel import SCRATCH_WORDS, STEP, MelInt16
from kernels.mel_int16.whisper import FRAME, HOP, MELS, SAMPLE_RATE, log_mel
from toolchain.build import build
from toolchain.unit import Unit

FRAMES = 12_000
RANDOM = np.random.default_rng(7)
TIME = np.arange(FRAME) / SAMPLE_RATE


def column(low: float, high: float) -> Array:
    """Return one random number per frame."""
    return RANDOM.uniform(low, high, (FRAMES, 1))


def level() -> Array:
    """Return one amplitude per frame, from one step to full scale, evenly in decibels."""
    return 2.0 ** column(0, 15)


def wave(amplitude: Array | float, hz: Array) -> Array:
    """Return one sine per frame, of random phase."""
    return amplitude * np.sin(2 * np.pi * hz * TIME + column(0, 2 * np.pi))


SOUNDS: dict[str, Callable[[], Array]] = {
    "sines": lambda: wave(level(), column(0, 8000)),
    "sines on a bin": lambda: wave(level(), column(0, 8000) // 40 * 40),
    "full-scale sines": lambda: wave(32_767, column(0, 8000)),
    "squares": lambda: np.sign(wave(1, column(0, 8000))) * level(),
    "noise": lambda: level() * RANDOM.standard_normal((FRAMES, FRAME)),
    "sparse clicks": lambda: (RANDOM.random((FRAMES, FRAME)) < 0.02) * wave(3, column(0, 8000)),
    "one step of noise on DC": lambda: 32_000 + RANDOM.integers(-1, 2, (FRAMES, FRAME)),
    "speech": lambda: np.lib.stride_tricks.sliding_window_view(speech.recording(), FRAME)[::HOP],
    "speech at -36 dB": lambda: SOUNDS["speech"]() // 64,
}


def aligned(size: int, dtype: str) -> Array:
    """Return zeros on a 64-byte boundary, as core memory lays out buffers."""
    bytes_ = size * np.dtype(dtype).itemsize
    room = np.zeros(bytes_ + 64, np.uint8)
    start = -room.ctypes.data % 64
    place: Array = room[start : start + bytes_].view(dtype)
    return place


def compiled() -> Callable[[Array], Array]:
    """Return a function from frames (n, 400) to the kernel's features (n, 80)."""
    with TemporaryDirectory() as folder:
        (result,) = build([Unit.from_kernel(MelInt16(1))], root=Path(folder))
        if result.build is None:
            raise result.errors[0]
        function = ctypes.CDLL(str(result.build.libraries["kernel.o"])).mel_int16_frame
    buffers = aligned(FRAME, "i2"), aligned(SCRATCH_WORDS, "i4"), aligned(MELS, "i2")

    def run(frames: Array) -> Array:
        rows = np.empty((len(frames), MELS), np.int16)
        for frame, row in zip(frames, rows, strict=True):
            buffers[0][:] = frame
            function(*(ctypes.c_void_p(buffer.ctypes.data) for buffer in buffers))
            row[:] = buffers[2]
        return rows

    return run


def main(arguments: list[str]) -> int:
    """Measure and print."""
    run, largest = compiled(), 0.0
    for name, make in SOUNDS.items():
        frames = np.clip(np.rint(make()), -32_768, 32_767).astype(np.int16)
        error = np.abs(run(frames) - (log_mel(frames) + 4) / 4 / STEP)
        largest = max(largest, error.max())
        sys.stdout.write(
            f"{name:24} {len(frames):6} frames: median {np.median(error):5.2f}, "
            f"99.9 % {np.quantile(error, 0.999):5.2f}, largest {error.max():5.2f} steps\n"
        )
    limit = MelInt16.tolerance.limit
    sys.stdout.write(f"largest {largest:.2f} steps, tolerance {limit:g}\n")
    return 1 if largest > limit and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
