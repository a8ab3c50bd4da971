"""The same layers as calls of the lab's kernels on the simulated array.

Between calls the host does what a driver of the model would: it limits features to 8 decades
and rounds them to bfloat16, and adds to what a projection takes. Its bias is one more row of the
matrix, multiplied by a column of ones (`matmul_bf16_array` has none of its own), and rows of
zeros fill up the last turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errors import CheckFailed, UsageError
from examples.whisper_encoder.weights import (
    HEADS,
    HIDDEN,
    MELS,
    POSITIONS,
    WIDTH,
    Tensor,
    Weights,
)
from kernels.add_residual.kernel import AddResidual
from kernels.attention_bf16.kernel import MOST_ROWS, AttentionBf16
from kernels.contract import Array, Kernel, Role, bfloat16
from kernels.conv1d_bf16.kernel import Conv1dBf16
from kernels.ffn_bf16.kernel import FfnBf16
from kernels.layernorm_bf16.kernel import LayernormBf16
from kernels.matmul_bf16_array.kernel import MatmulBf16Array
from kernels.mel_int16 import speech
from kernels.mel_int16.kernel import MelInt16, limit
from runtime.device import Program, Result
from runtime.sim import SimDevice
from toolchain.build import build
from toolchain.unit import Unit

BIAS_COLUMNS = 32
"""Columns that a bias adds to the inner dimension: one tile of it."""

FEWEST_ROWS, STEP_ROWS = 64, 4
"""What every kernel takes: the convolutions 64 rows or more, whole frames of theirs in fours."""

Told = Callable[[str, str], None]
"""Hears of each call: the layer, and the variant that runs."""


@dataclass
class Work:
    """What a layer's calls were."""

    calls: int = 0
    cycles: int = 0
    titles: list[str] = field(default_factory=list)


def quiet(_layer: str, _variant: str) -> None:
    """Tell nobody."""


def check_rows(rows: int) -> None:
    """Refuse rows that one of the kernels does not take, or the weights have no positions for.

    Raises:
        UsageError: They are not 64 to 1,500 in fours (NPU150).
    """
    taken = min(max(rows, FEWEST_ROWS), POSITIONS)
    taken = (taken + STEP_ROWS // 2) // STEP_ROWS * STEP_ROWS
    if rows != taken:
        raise UsageError(
            f"{rows:,} rows are not what the encoder takes: {FEWEST_ROWS} to {POSITIONS:,}, "
            f"a multiple of {STEP_ROWS}",
            cure=f"use --rows {taken}",
            code="NPU150",
        )


class ArrayEncoder:
    """The front of the encoder on the simulated array.

    Args:
        weights: What it multiplies by; rounded to bfloat16 here.
        rows: Rows of the hidden states; twice as many frames go in.
        told: Hears of each call.

    Attributes:
        work: What each layer's calls were, by the layer's name.

    Raises:
        UsageError: The kernels have no variant for so many rows; see `check_rows`.
    """

    def __init__(self, weights: Weights, rows: int, told: Told = quiet) -> None:
        check_rows(rows)
        self._weights = weights
        self._rows = rows
        self._told = told
        self._programs: dict[str, Program] = {}
        m = 64 if rows >= 256 else 16
        turn = 4 * m
        padded = -(-rows // turn) * turn
        inner = WIDTH + BIAS_COLUMNS
        self._mel = MelInt16(2 * rows, *_grid(2 * rows))
        self._conv = Conv1dBf16(2 * rows, MELS, WIDTH, m=m)
        self._add = AddResidual(rows)
        self._norm = LayernormBf16(rows)
        self._qkv = MatmulBf16Array(padded, inner, 3 * WIDTH, m=m)
        self._out = MatmulBf16Array(padded, inner, WIDTH, m=m)
        self._attention = AttentionBf16(rows, *_attention_shape(rows), HEADS)
        self._ffn = FfnBf16(rows, WIDTH, HIDDEN, m=m)
        self.work: dict[str, Work] = {}

    def kernels(self) -> tuple[Kernel, ...]:
        """Return the variants that the layers call."""
        return (
            self._mel,
            self._conv,
            self._add,
            self._norm,
            self._qkv,
            self._attention,
            self._out,
            self._ffn,
        )

    def prepare(self, *kernels: Kernel) -> None:
        """Build and load kernels, all of them by default; a call builds what is not yet there.

        Raises:
            LabError: One cannot be built.
        """
        wanted = kernels or self.kernels()
        results = build([Unit.from_kernel(kernel) for kernel in wanted])
        for kernel, result in zip(wanted, results, strict=True):
            if result.build is None:
                raise result.errors[0]
            self._programs[kernel.title] = SimDevice().load(result.build)

    def mel(self, samples: NDArray[np.int16]) -> Array:
        """Return the input features (frames, 80) of a recording, bfloat16."""
        steps = [
            self._call("mel", self._mel, audio=audio)["features"]
            for audio in speech.calls(samples, self._mel.frames)
        ]
        return limit(np.concatenate(steps)).astype(bfloat16)

    def convolutions(self, features: Array) -> Array:
        """Return what both convolutions with their GELUs make of the features."""
        weights = self._weights
        filters = np.concatenate([_taps(weights.conv1), _taps(weights.conv2)])
        biases = np.concatenate([weights.conv1_bias, weights.conv2_bias])
        hidden = np.zeros((2 * self._rows + 2, WIDTH), bfloat16)
        return self._call(
            "convolutions",
            self._conv,
            x=np.pad(features, ((1, 1), (0, 0))),
            filters=_bf16(filters),
            biases=_bf16(biases),
            hidden=hidden,
        )["y"]

    def positions(self, x: Array) -> Array:
        """Return x with the positional embedding of its rows."""
        embedding = _bf16(self._weights.positions[: self._rows])
        return self._call("positions", self._add, x=x, residual=embedding)["y"]

    def attention_norm(self, x: Array) -> Array:
        """Return x normalised for attention."""
        gamma, beta = map(_bf16, self._weights.norms[:2])
        return self._call("attention norm", self._norm, x=x, gamma=gamma, beta=beta)["y"]

    def qkv(self, x: Array) -> Array:
        """Return queries, keys and values beside each other."""
        return self._product("q, k, v", self._qkv, x, self._weights.qkv, self._weights.qkv_bias)

    def attention(self, projected: Array) -> Array:
        """Return what 8 heads make of queries, keys and values, in one call."""
        return self._call("attention", self._attention, qkv=projected)["y"]

    def out(self, x: Array) -> Array:
        """Return the projection of the joined heads."""
        return self._product("out", self._out, x, self._weights.out, self._weights.out_bias)

    def residual(self, layer: str, x: Array, residual: Array) -> Array:
        """Return a layer's output added to the residual stream."""
        return self._call(layer, self._add, x=x, residual=residual)["y"]

    def layer_norm(self, x: Array) -> Array:
        """Return x normalised for the feed-forward layer."""
        gamma, beta = map(_bf16, self._weights.norms[2:])
        return self._call("layer norm", self._norm, x=x, gamma=gamma, beta=beta)["y"]

    def feed_forward(self, x: Array) -> Array:
        """Return GELU(x up + b) down + b."""
        weights = self._weights
        return self._call(
            "feed-forward",
            self._ffn,
            X=x,
            W1=_bf16(weights.up),
            W2=_bf16(weights.down),
            biases=_bf16(np.concatenate([weights.up_bias, weights.down_bias])),
        )["Y"]

    def _product(
        self, layer: str, kernel: MatmulBf16Array, x: Array, matrix: Tensor, bias: Tensor
    ) -> Array:
        a = np.zeros((kernel.M, kernel.K), bfloat16)
        a[: len(x), :WIDTH] = x
        a[: len(x), WIDTH] = 1
        b = np.zeros((kernel.K, kernel.N), bfloat16)
        b[:WIDTH], b[WIDTH] = _bf16(matrix), _bf16(bias)
        return self._call(layer, kernel, A=a, B=b)["C"][: len(x)]

    def _call(self, layer: str, kernel: Kernel, **inputs: Array) -> Mapping[str, Array]:
        self._told(layer, kernel.title)
        if kernel.title not in self._programs:
            self.prepare(kernel)
        read = [inputs[arg.name] for arg in kernel.args() if arg.role.is_read]
        result = self._programs[kernel.title](*read)
        _require_written(kernel, result)
        work = self.work.setdefault(layer, Work())
        work.calls += 1
        work.cycles += result.timing.cycles or 0
        if kernel.title not in work.titles:
            work.titles.append(kernel.title)
        return result.outputs


def _require_written(kernel: Kernel, result: Result) -> None:
    """Raise NPU306 where a call left part of an output as it was.

    An output that is read too, with context round what the call writes, may stay as it is there.
    """
    for arg in kernel.args():
        written = result.written.get(arg.name) if arg.role is Role.OUT else None
        if written is not None and not written.all():
            count = f"{int(written.sum()):,} of {written.size:,} bytes"
            raise CheckFailed(
                f"{kernel.title} wrote {count} of {arg.name}",
                cure=f"npulab test {kernel.title}",
                code="NPU306",
            )


def _bf16(values: Tensor) -> NDArray[Any]:
    return values.astype(bfloat16)


def _taps(filters: Tensor) -> Tensor:
    """Return filters (out, in, tap) tap by tap, channel by channel, as the kernel takes them."""
    return filters.transpose(2, 1, 0).reshape(-1, len(filters))


def _grid(frames: int) -> tuple[int, int]:
    """Return columns and rows of cores that frames go round."""
    grids = ((4, 4), (4, 3), (4, 2), (4, 1), (2, 2), (2, 1))
    return next((grid for grid in grids if frames % (grid[0] * grid[1]) == 0), (1, 1))


def _attention_shape(rows: int) -> tuple[int, int]:
    """Return rows that a core works on at a time, and cores: as few passes over all keys as fit."""
    if rows <= MOST_ROWS:
        return rows, 1
    shapes = (
        (count, cores)
        for count in range(MOST_ROWS // 4 * 4, 0, -4)
        for cores in range(16, 0, -1)
        if rows % (count * cores) == 0
    )
    return max(shapes, key=lambda shape: (shape[0] * shape[1], shape[0]), default=(4, 1))
