"""Whisper's two input convolutions in bfloat16, one call for whole recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal, Self

import numpy as np

from kernels.contract import (
    Arg,
    Array,
    Case,
    Function,
    Kernel,
    Relative,
    Role,
    Tolerance,
    Work,
    arg_in,
    arg_out,
    arg_param,
    bfloat16,
)
from kernels.contract.mlir import Callee, memref
from kernels.ffn_bf16.kernel import GELU_CYCLES
from kernels.tiles.array import COLS, ROWS, Calls, Dataflow, Product
from kernels.tiles.gelu import gelu_of, real_gelu_of
from kernels.tiles.require import require_multiple, require_rows, require_two_products
from kernels.tiles.shape import BF16, TileShape

TAPS = 3
"""Frames that a filter covers."""


@dataclass(frozen=True)
class Conv1dBf16(Kernel):
    """Whisper's two input convolutions over time, GELU after each, in bfloat16 on all 16 cores.

    Both filters cover 3 frames; the second convolution takes every other. ``hidden`` and ``x``
    hold one frame of context before and one after their frames, zeros where a recording starts
    and ends (the padding of Whisper's convolutions) and the neighbours' frames in a stream.
    ``hidden``'s frames between are the first convolution's output. It lies in host memory: the
    second needs 3 of its frames for one of its own, from different cores.

    Several recordings follow each other in every argument, each with its own context: nothing
    of one reaches the other.

    Sums are fp32, from the bias on, rounded to bfloat16 before the exact GELU and after; `golden`
    rounds at the same places. NaN and infinities do what they do in IEEE arithmetic; sums stay
    within fp32's range.

    Attributes:
        frames: Frames of a recording, a multiple of 8, at least 8 * m.
        channels: Channels of x; 3 times them are a multiple of k, at least twice k.
        width: Channels of hidden and y, likewise, and a multiple of 4 * n.
        m: Rows of one core's tile, a multiple of 16.
        k: Inner dimension of one core's tile, a multiple of 8.
        n: Columns of one core's tile, a multiple of 8.
        version: ``vector`` uses the matrix unit, ``scalar`` is the plain loop beside it.
        batch: Recordings in a call.

    Raises:
        UsageError: A size is none of these multiples, or there is no recording (NPU150).
    """

    frames: int = 3000
    channels: int = 80
    width: int = 512
    m: int = 64
    k: int = 48
    n: int = 64
    version: Literal["vector", "scalar"] = "vector"
    batch: int = 1

    tolerance: ClassVar[Tolerance] = Relative(
        rtol=2.0**-6 + 2.0**-9,
        floor=2.0**-1,
        reason="before a GELU a sum and its golden value can round to neighbours: from 1 on a "
        "step of 2^-7, which the GELU's slope of 1.08 makes 1.00% of its 0.84 there; both "
        "results round by 2^-9, 0.46% of it, and the GELU is off by 2^-10, 0.10%: together "
        "1.6%, and less elsewhere; of numbers below 1/2 an absolute 2^-7",
    )

    def __post_init__(self) -> None:
        name, shape = self.kernel_name(), self._shape
        for size, step in zip("mkn", BF16.steps, strict=True):
            require_multiple(name, size, getattr(self, size), step)
        require_multiple(name, "frames", self.frames, 2 * ROWS)
        require_rows(name, shape, self.frames // 2)
        for channels in ("channels", "width"):
            inner = TAPS * getattr(self, channels)
            require_multiple(name, f"3 * {channels}", inner, self.k)
            require_two_products(name, inner, self.k)
        require_multiple(name, "width", self.width, COLS * self.n)
        require_multiple(name, "batch", self.batch, 1)

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return a small pair by either version, also over two recordings, and Whisper base's
        over two of 3,000 frames, 30 s each.
        """
        return (
            cls(136, 16, 64, 16, 16, 16),
            cls(136, 16, 64, 16, 16, 16, "scalar"),
            cls(136, 16, 64, 16, 16, 16, batch=2),
            cls(3000, batch=2),
        )

    @property
    def label(self) -> str:
        """``2x3000x80x512`` for two recordings, with the tile where it is not 64x48x64, and the
        scalar twin's name.
        """
        batch = f"{self.batch}x" if self.batch > 1 else ""
        tile = "" if (self.m, self.k, self.n) == (64, 48, 64) else f"-{self.m}x{self.k}x{self.n}"
        version = "" if self.version == "vector" else f"-{self.version}"
        return f"{batch}{self.frames}x{self.channels}x{self.width}{tile}{version}"

    @property
    def slow(self) -> bool:
        """Long recordings are."""
        return self.batch * self.frames > 1000

    def args(self) -> tuple[Arg, Arg, Arg, Arg, Arg]:
        """Return x, all filters (tap by tap, channel by channel), both biases, hidden and y."""
        rows = TAPS * (self.channels + self.width)
        framed = self.batch * (self.frames + 2)
        return (
            arg_in("x", (framed, self.channels), bfloat16),
            arg_param("filters", (rows, self.width), bfloat16),
            arg_param("biases", (2 * self.width,), bfloat16),
            Arg("hidden", Role.INOUT, (framed, self.width), bfloat16),
            arg_out("y", (self.batch * self.frames // 2, self.width), bfloat16),
        )

    def params(self) -> dict[str, Array]:
        """Return fixed random filters that keep the deviation of what they run over."""
        return dict(_filters(self.channels, self.width, 2026))

    def functions(self) -> tuple[Function, ...]:
        """Return what a core does with a tile."""
        scalar = self.version == "scalar"
        product, basis = self._shape.cycles(scalar), self._shape.basis(scalar)
        elements = self.m * self.n
        gelu = 1800 * elements if scalar else GELU_CYCLES * elements // 16 + 150
        return (
            Function(
                symbol="conv_take",
                cycles=10 * 4 * self._biases * self.n,
                basis="about 10 cycles an element for loads and stores of 16 bits, once a call",
            ),
            Function(symbol="conv_first", cycles=product, basis=basis),
            Function(symbol="conv_mac", cycles=product, basis=basis),
            Function(
                symbol="conv_last",
                cycles=product + gelu,
                basis=f"{basis}; and gelu_bf16's estimate for the tile",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return one core's tile, its biases and the version."""
        return {
            "CONV_M": self.m,
            "CONV_K": self.k,
            "CONV_N": self.n,
            "CONV_BIASES": self._biases,
            "CONV_SCALAR": int(self.version == "scalar"),
        }

    def design(self) -> str:
        """Return the whole-array design: the shim DMAs lay out the frames that filters cover."""
        x, filters, biases, hidden, y = self.args()
        shape, inner = self._shape, TAPS * self.channels
        kept = memref((self._biases * 4 * self.n,), bfloat16)
        first = Product(
            a=x,
            b=filters,
            c=hidden,
            rows=self.frames,
            inner=inner,
            width=self.width,
            a_stride=self.channels,
            c_offset=self.width,
            times=self.batch,
            a_apart=(self.frames + 2) * self.channels,
            c_apart=(self.frames + 2) * self.width,
        )
        second = Product(
            a=hidden,
            b=filters,
            c=y,
            rows=self.frames // 2,
            inner=TAPS * self.width,
            width=self.width,
            a_stride=2 * self.width,
            b_offset=inner * self.width,
            times=self.batch,
            a_apart=(self.frames + 2) * self.width,
            c_apart=self.frames // 2 * self.width,
        )
        calls = Calls(
            first=Callee("conv_first", (shape.a, shape.b, kept, "i32", shape.sums)),
            mac=Callee("conv_mac", (shape.a, shape.b, shape.sums)),
            last=Callee("conv_last", (shape.a, shape.b, shape.sums, shape.c)),
            bias=Callee("conv_take", (shape.b, kept)),
        )
        return Dataflow(
            args=self.args(), shape=shape, products=(first, second), calls=calls, bias=biases
        ).text()

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Convolve in float64, tap by tap, and round where the definition rounds."""
        return self._follow(inputs, lambda sums: gelu_of(sums.astype(bfloat16)))

    def real(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Keep sums and hidden frames in float64; both outputs are rounded once."""
        return self._follow(inputs, real_gelu_of)

    def _follow(
        self, inputs: Mapping[str, Array], activate: Callable[[Array], Array]
    ) -> dict[str, Array]:
        """Convolve twice; `activate` makes frames of sums."""
        filters = inputs["filters"].astype(np.float64)
        first, second = np.split(filters, [TAPS * self.channels])
        biases = inputs["biases"].astype(np.float64).reshape(2, self.width)
        hidden, outputs = [], []
        recordings = (np.split(inputs[name], self.batch) for name in ("x", "hidden"))
        with np.errstate(invalid="ignore", over="ignore"):
            for x, between in zip(*recordings, strict=True):
                frames = between.astype(np.float64)
                frames[1:-1] = activate(_convolve(x, first, biases[0], stride=1))
                hidden.append(frames)
                outputs.append(activate(_convolve(frames, second, biases[1], stride=2)))
            return {
                "hidden": np.concatenate(hidden).astype(bfloat16),
                "y": np.concatenate(outputs).astype(bfloat16),
            }

    def work(self) -> Work:
        """Count two operations per product and per GELU, and what the shim tiles move.

        Every frame goes out once for each filter tap and column block, filters once a turn.
        """
        x, filters, biases, hidden, y = self.args()
        rows = {self.channels: self.frames, self.width: self.frames // 2}
        ops = self.batch * sum(2 * n * self.width * (TAPS * c + 1) for c, n in rows.items())
        across, size = self.width // (COLS * self.n), bfloat16.itemsize
        moved = self.batch * sum(
            TAPS * c * size * (n * across + -(-n // (ROWS * self.m)) * self.width)
            for c, n in rows.items()
        )
        return Work(
            ops=ops,
            bytes=max(moved, x.nbytes + filters.nbytes)
            + biases.nbytes
            + 2 * hidden.nbytes
            + y.nbytes,
        )

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Keep the sums in fp32's range and the random filters' deviation."""
        large = {"lowest": [-1e30], "highest": [1e30], "alternating": [1e30, -1e30]}
        few = ("zeros", "ramp", "impulse", "tiny", "random-0")
        for case in super().cases(seed):
            data = dict(case.inputs)
            if case.name in large:
                values = np.array(large[case.name], bfloat16)
                data |= {name: np.resize(values, data[name].shape) for name in ("x", "hidden")}
            elif case.name.startswith("random"):
                data |= _filters(self.channels, self.width, seed + int(case.name[-1]))
            if case.name in few or not self.slow:
                yield Case(case.name, data)

    def demo(self) -> Iterator[Case]:
        """Yield normal features with silence before and after."""
        (case,) = super().demo()
        data = {name: array.copy() for name, array in case.inputs.items()}
        for name in ("x", "hidden"):
            for recording in np.split(data[name], self.batch):
                recording[[0, -1]] = 0
        yield Case(case.name, data)

    @property
    def _biases(self) -> int:
        """Tiles that a core computes of its rows of a turn, of both, each with its own bias."""
        return 2 * self.width // (COLS * self.n)

    @property
    def _shape(self) -> TileShape:
        return TileShape(BF16, self.m, self.k, self.n)


def _convolve(x: Array, filters: Array, bias: Array, stride: int) -> Array:
    """Return the convolution of frames (with their context) and filters in float64."""
    channels = x.shape[1]
    count = (x.shape[0] - TAPS) // stride + 1
    sums = np.tile(bias, (count, 1))
    for tap in range(TAPS):
        frames = x[tap : tap + stride * count : stride][:count].astype(np.float64)
        sums += frames @ filters[tap * channels : (tap + 1) * channels]
    return sums


@cache
def _filters(channels: int, width: int, seed: int) -> tuple[tuple[str, Array], ...]:
    rng = np.random.default_rng([seed, channels, width])
    parts = [rng.standard_normal((TAPS * c, width)) / np.sqrt(TAPS * c) for c in (channels, width)]
    biases = 0.1 * rng.standard_normal(2 * width)
    return (
        ("filters", np.concatenate(parts).astype(bfloat16)),
        ("biases", biases.astype(bfloat16)),
    )


KERNEL = Conv1dBf16
