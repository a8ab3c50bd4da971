"""Real speech for the kernel to run on: a sentence of CMU ARCTIC, 4 seconds at 16 kHz.

``arctic_a0007.wav`` is ``pysptk/example_audio_data/arctic_a0007.wav`` of the source
distribution of pysptk 1.0.1 on PyPI (sha256
78b1c9338bf795a41cdc3ff03fcd4699c401c323f54630bb71a19710078d0b3f), unchanged. It is copied here
because pysptk compiles C code to install; its licence stands beside it.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from kernels.contract import Array
from kernels.mel_int16.whisper import FRAME, HOP, SAMPLE_RATE

RECORDING = Path(__file__).parent / "arctic_a0007.wav"


def recording(path: Path = RECORDING) -> Array:
    """Return the samples of a recording, int16.

    Raises:
        ValueError: It is not 16-bit mono at 16 kHz.
    """
    with wave.open(str(path), "rb") as file:
        form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
        if form != (SAMPLE_RATE, 1, 2):
            raise ValueError(f"{path} is not 16-bit mono at {SAMPLE_RATE} Hz")
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def calls(samples: Array, frames: int) -> list[Array]:
    """Cut a recording into the audio of calls of `frames` frames each.

    As in Whisper, the first frame is centred on the first sample, the ends are mirrored, and
    there is one frame for every 160 samples. The last call is filled up with silence.

    Args:
        samples: int16 samples, at least 201.
        frames: Frames per call.

    Returns:
        Arrays of 160 * (`frames` - 1) + 400 samples; neighbours overlap by 240.
    """
    padded = np.pad(samples, FRAME // 2, mode="reflect")
    total = samples.size // HOP
    count = -(-total // frames)
    span = HOP * (frames - 1) + FRAME
    used = padded[: HOP * (total - 1) + FRAME]
    filled = np.pad(used, (0, HOP * frames * count + FRAME - HOP - used.size))
    return [filled[start : start + span] for start in range(0, HOP * frames * count, HOP * frames)]
