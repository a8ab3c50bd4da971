"""Frames through the array: cut by the shim DMAs, shared out by the memory tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.contract.arguments import Arg
from kernels.contract.mlir import Callee, Dims, Fifo, core, device, link, memref, sequence
from kernels.mel_int16.whisper import FRAME, HOP, MELS

STACK = 0xD00
"""Bytes of stack: room for spilled 1,024-bit accumulators, as mlir-aie's vector designs give."""

SIZE = 1023
"""Steps that one dimension of a shim buffer descriptor takes: a 10-bit size."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """The design of one call.

    Attributes:
        args: The audio and the features.
        frames: Frames of a call.
        columns: Columns of the array, each with as many frames, one after the other.
        rows: Cores of a column, which take its frames in turn.
        symbol: The function that computes one frame.
        scratch: int32 between its stages.
    """

    args: tuple[Arg, Arg]
    frames: int
    columns: int
    rows: int
    symbol: str
    scratch: int

    def text(self) -> str:
        """Return the design as MLIR text."""
        lines: list[str] = []
        for col in range(self.columns):
            lines += self._fifos(col)
        cores = [
            line
            for col in range(self.columns)
            for row in range(self.rows)
            for line in self._core(row, col)
        ]
        name = "npu1" if self.columns == 4 else f"npu1_{self.columns}col"
        return device(
            name,
            *self._tiles(),
            "",
            *lines,
            "",
            self._function.declare(),
            *cores,
            sequence(self.args, *self._sequence()),
        )

    @property
    def _function(self) -> Callee:
        scratch = memref((self.scratch,), np.int32)
        return Callee(self.symbol, (self._frame(1), scratch, self._features(1)))

    @staticmethod
    def _frame(count: int) -> str:
        return memref((count * FRAME,), np.int16)

    @staticmethod
    def _features(count: int) -> str:
        return memref((count * MELS,), np.int16)

    def _tiles(self) -> list[str]:
        shared = ["mem"] if self.rows > 1 else []
        lines = []
        for col in range(self.columns):
            names = {"shim": 0, **dict.fromkeys(shared, 1)}
            names |= {f"core{row}": 2 + row for row in range(self.rows)}
            lines += [f"%{name}_{col} = aie.tile({col}, {row})" for name, row in names.items()]
        return lines

    def _host(self, col: int) -> tuple[Fifo, Fifo]:
        """Return the fifos of a column at the host: a turn's frames, and their features."""
        return (
            Fifo(f"of_frames_{col}", self._frame(self.rows)),
            Fifo(f"of_features_{col}", self._features(self.rows)),
        )

    def _own(self, row: int, col: int) -> tuple[Fifo, Fifo]:
        """Return the fifos of a core: its frame, and its features."""
        if self.rows == 1:
            return self._host(col)
        return (
            Fifo(f"of_frame_{row}_{col}", self._frame(1)),
            Fifo(f"of_feature_{row}_{col}", self._features(1)),
        )

    def _fifos(self, col: int) -> list[str]:
        frames, features = self._host(col)
        shim, mem = f"%shim_{col}", f"%mem_{col}"
        if self.rows == 1:
            only = f"%core0_{col}"
            return [frames.create(shim, only), features.create(only, shim)]
        own = [self._own(row, col) for row in range(self.rows)]
        parts, results = [frame for frame, _ in own], [feature for _, feature in own]
        cores = [f"%core{row}_{col}" for row in range(self.rows)]
        return [
            frames.create(shim, mem),
            *(part.create(mem, to) for part, to in zip(parts, cores, strict=True)),
            link([frames], parts, distribute=[row * FRAME for row in range(self.rows)]),
            *(result.create(of, mem) for result, of in zip(results, cores, strict=True)),
            features.create(mem, shim),
            link(results, [features], join=[row * MELS for row in range(self.rows)]),
        ]

    def _core(self, row: int, col: int) -> list[str]:
        tile, name = f"%core{row}_{col}", f"scratch_{row}_{col}"
        frame, feature = self._own(row, col)
        scratch = memref((self.scratch,), np.int32)
        return [
            f'%{name} = aie.buffer({tile}) {{sym_name = "{name}"}} : {scratch}',
            core(
                tile,
                frame.acquire("Consume", "%samples"),
                feature.acquire("Produce", "%features"),
                self._function.call("%samples", f"%{name}", "%features"),
                frame.release("Consume"),
                feature.release("Produce"),
                stack_size=STACK,
            ),
        ]

    def _sequence(self) -> list[str]:
        audio, features = self.args
        each = self.frames // self.columns
        lines = [f"// A frame every {HOP} samples: neighbours share {FRAME - HOP}."]
        for col in range(self.columns):
            into, out = self._host(col)
            first = col * each
            lines += [
                into.memcpy(audio, bd=0, offset=first * HOP, dims=_windows(each)),
                out.memcpy(
                    features, bd=1, offset=first * MELS, dims=[(each * MELS, 1)], token=True
                ),
            ]
        return [*lines, *(self._host(col)[1].wait() for col in range(self.columns))]


def groups(frames: int) -> int | None:
    """Return into how many equal groups of at most 1,023 a column's frames are cut, if any."""
    counts = (count for count in range(1, SIZE + 1) if frames % count == 0)
    return next((count for count in counts if frames // count <= SIZE), None)


def _windows(frames: int) -> Dims:
    """Return the overlapping windows, in as many dimensions as their number needs."""
    count = groups(frames) or 1
    inner = frames // count
    outer = [(count, inner * HOP)] if count > 1 else []
    return [*outer, (inner, HOP), (FRAME, 1)]
