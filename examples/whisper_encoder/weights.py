"""The weights of Whisper base's front: from its published file, or fixed random ones.

The published file, ``model.safetensors`` of openai/whisper-base, is read here without a library:
8 bytes with the length of a JSON header, the header (for each tensor its type, shape, and first
and last byte), then the tensors, little-endian. Every number of the header is checked against
the file before it is used.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from errors import UsageError

WIDTH, HIDDEN, HEADS, MELS, TAPS = 512, 2048, 8, 80, 3
POSITIONS = 1500
"""Rows of the encoder's positional embedding: 30 s."""

MOST_HEADER = 16 << 20
"""Bytes of a header that is believed; that of whisper-base has 27,000."""

MOST_DIMENSIONS = 8
"""Dimensions of a tensor that are believed; those of whisper-base have 3 at most."""

_TYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
}

Tensor = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What the front of the encoder multiplies by, float64, as its formulas have it.

    Attributes:
        conv1: (512, 80, 3): output channel, input channel, tap.
        conv2: (512, 512, 3), likewise.
        positions: (1500, 512), added after the convolutions.
        qkv: (512, 1536): queries, keys and values beside each other, x @ qkv.
        out: (512, 512), x @ out.
        up: (512, 2048), x @ up.
        down: (2048, 512), x @ down.
        norms: gamma and beta of the norm before attention, then of that before the layer.
    """

    conv1: Tensor
    conv1_bias: Tensor
    conv2: Tensor
    conv2_bias: Tensor
    positions: Tensor
    qkv: Tensor
    qkv_bias: Tensor
    out: Tensor
    out_bias: Tensor
    up: Tensor
    up_bias: Tensor
    down: Tensor
    down_bias: Tensor
    norms: tuple[Tensor, Tensor, Tensor, Tensor]
    source: str


def random_weights(seed: int = 2026) -> Weights:
    """Return fixed random weights that keep the deviation of what they multiply."""
    rng = np.random.default_rng(seed)

    def matrix(*shape: int, inputs: int) -> Tensor:
        return rng.standard_normal(shape) / math.sqrt(inputs)

    def bias(width: int) -> Tensor:
        return 0.1 * rng.standard_normal(width)

    keys_have_none = np.concatenate((bias(WIDTH), np.zeros(WIDTH), bias(WIDTH)))
    return Weights(
        conv1=matrix(WIDTH, MELS, TAPS, inputs=MELS * TAPS),
        conv1_bias=bias(WIDTH),
        conv2=matrix(WIDTH, WIDTH, TAPS, inputs=WIDTH * TAPS),
        conv2_bias=bias(WIDTH),
        positions=sinusoids(),
        qkv=matrix(WIDTH, 3 * WIDTH, inputs=WIDTH),
        qkv_bias=keys_have_none,
        out=matrix(WIDTH, WIDTH, inputs=WIDTH),
        out_bias=bias(WIDTH),
        up=matrix(WIDTH, HIDDEN, inputs=WIDTH),
        up_bias=bias(HIDDEN),
        down=matrix(HIDDEN, WIDTH, inputs=HIDDEN),
        down_bias=bias(WIDTH),
        norms=(1 + bias(WIDTH), bias(WIDTH), 1 + bias(WIDTH), bias(WIDTH)),
        source=f"fixed random weights, seed {seed}",
    )


def sinusoids() -> Tensor:
    """Return Whisper's positional embedding: sines, then cosines, of 256 falling frequencies."""
    half = WIDTH // 2
    frequencies = np.exp(-math.log(10_000) / (half - 1) * np.arange(half))
    phases = np.arange(POSITIONS)[:, np.newaxis] * frequencies
    return np.concatenate((np.sin(phases), np.cos(phases)), axis=1)


def published_weights(path: Path) -> Weights:
    """Return the weights of a published file, of its encoder's first block.

    Args:
        path: ``model.safetensors`` of openai/whisper-base, or another in its names and shapes.

    Raises:
        UsageError: NPU404, it cannot be read, is damaged, or is not of that model.
    """
    tensors = read_tensors(path)
    root = "model.encoder." if any(name.startswith("model.") for name in tensors) else "encoder."
    take = _Taker(path, tensors, root)
    block, attention = "layers.0.", "layers.0.self_attn."
    square = (WIDTH, WIDTH)
    projections = [take(f"{attention}{one}_proj.weight", square) for one in "qkv"]
    biases = [take(f"{attention}{one}_proj.bias", (WIDTH,)) for one in "qv"]
    return Weights(
        conv1=take("conv1.weight", (WIDTH, MELS, TAPS)),
        conv1_bias=take("conv1.bias", (WIDTH,)),
        conv2=take("conv2.weight", (WIDTH, WIDTH, TAPS)),
        conv2_bias=take("conv2.bias", (WIDTH,)),
        positions=take("embed_positions.weight", (POSITIONS, WIDTH)),
        qkv=np.concatenate(projections).T,
        qkv_bias=np.concatenate((biases[0], np.zeros(WIDTH), biases[1])),
        out=take(f"{attention}out_proj.weight", square).T,
        out_bias=take(f"{attention}out_proj.bias", (WIDTH,)),
        up=take(f"{block}fc1.weight", (HIDDEN, WIDTH)).T,
        up_bias=take(f"{block}fc1.bias", (HIDDEN,)),
        down=take(f"{block}fc2.weight", (WIDTH, HIDDEN)).T,
        down_bias=take(f"{block}fc2.bias", (WIDTH,)),
        norms=(
            take(f"{block}self_attn_layer_norm.weight", (WIDTH,)),
            take(f"{block}self_attn_layer_norm.bias", (WIDTH,)),
            take(f"{block}final_layer_norm.weight", (WIDTH,)),
            take(f"{block}final_layer_norm.bias", (WIDTH,)),
        ),
        source=str(path),
    )


@dataclass(frozen=True)
class _Taker:
    """Takes tensors of an encoder out of a file's, each in the shape that it must have."""

    path: Path
    tensors: Mapping[str, Tensor]
    root: str

    def __call__(self, name: str, shape: tuple[int, ...]) -> Tensor:
        found = self.tensors.get(self.root + name)
        if found is None:
            raise _refused(self.path, f"has no tensor {self.root}{name}")
        if found.shape != shape:
            raise _refused(self.path, f"has {self.root}{name} of {found.shape}, not of {shape}")
        if not np.isfinite(found).all():
            raise _refused(self.path, f"has numbers in {self.root}{name} that are not finite")
        return found


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return every floating-point tensor of a safetensors file, as float64.

    Raises:
        UsageError: NPU404, it cannot be read or is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror or error}") from None
    if len(content) < 8:
        raise _refused(path, f"has {len(content)} bytes, fewer than the length of its header")
    length = int.from_bytes(content[:8], "little")
    if length > min(MOST_HEADER, len(content) - 8):
        raise _refused(path, f"has a header of {length:,} bytes, more than it holds")
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError):
        raise _refused(path, "has a header that is no JSON") from None
    if not isinstance(header, dict):
        raise _refused(path, "has a header that names no tensors")
    data = memoryview(content)[8 + length :]
    return {
        name: tensor
        for name, entry in header.items()
        if name != "__metadata__" and (tensor := _tensor(path, name, entry, data)) is not None
    }


def _tensor(path: Path, name: str, entry: object, data: memoryview) -> Tensor | None:
    """Return one tensor; None where it holds no floating-point numbers."""
    if not isinstance(entry, dict):
        raise _refused(path, f"says nothing of the tensor {name}")
    kind, shape, offsets = (
        entry.get("dtype"),
        _counts(entry, "shape"),
        _counts(entry, "data_offsets"),
    )
    if shape is None or offsets is None or len(offsets) != 2:
        raise _refused(path, f"has no valid shape or place of the tensor {name}")
    if not isinstance(kind, str) or kind not in _TYPES:
        return None
    if len(shape) > MOST_DIMENSIONS or any(count > len(data) for count in shape):
        raise _refused(path, f"has the tensor {name} of a shape that no file of its size holds")
    start, end = offsets
    size = math.prod(shape) * _TYPES[kind].itemsize
    if not start <= end <= len(data) or end - start != size:
        raise _refused(
            path,
            f"keeps the tensor {name} in bytes {start:,} to {end:,} of {len(data):,}, and its "
            f"shape needs {size:,}",
        )
    found = np.frombuffer(data[start:end], _TYPES[kind]).reshape(shape)
    return found.astype(np.float64)


def _counts(entry: Mapping[str, object], key: str) -> list[int] | None:
    """Return an entry's list of numbers that are not negative; None where it is something else."""
    value = entry.get(key)
    if not isinstance(value, list) or not all(type(one) is int and one >= 0 for one in value):
        return None
    return value


def _refused(path: Path, what: str) -> UsageError:
    return UsageError(
        f"{path} {what}",
        cure="give model.safetensors of openai/whisper-base, as published",
        code="NPU404",
    )
