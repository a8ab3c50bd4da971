"""Bytes through one core, unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np

from kernels.contract import (
    Arg,
    Array,
    Exact,
    Function,
    Kernel,
    Tolerance,
    Work,
    arg_in,
    arg_out,
)
from kernels.contract.mlir import Callee, Fifo, core, device, memref, sequence

CHUNK = 1024
"""Bytes that the core copies at a time: small enough that filling, copying and draining
overlap within one call, and both fifos' buffers take only 4 KB of the core's 64 KB."""


@dataclass(frozen=True)
class Passthrough(Kernel):
    """Bytes in, the same bytes out, through one core.

    Attributes:
        nbytes: Bytes per call, a multiple of 1,024.
        version: ``vector`` copies 32 bytes at a time, ``scalar`` one.
    """

    nbytes: int = 4096
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Exact("a copy changes nothing")

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return 1 KB, 4 KB and 16 KB, and the scalar twin at the smallest size."""
        return (cls(1024), cls(1024, "scalar"), cls(4096), cls(16384))

    @property
    def label(self) -> str:
        """``4096``, and ``4096-scalar`` for the scalar twin."""
        return f"{self.nbytes}" if self.version == "vector" else f"{self.nbytes}-{self.version}"

    def args(self) -> tuple[Arg, ...]:
        """Return the bytes in and the bytes out."""
        return (
            arg_in("source", (self.nbytes,), np.uint8),
            arg_out("copy", (self.nbytes,), np.uint8),
        )

    def functions(self) -> tuple[Function, ...]:
        """Return the copy of one chunk."""
        if self.version == "scalar":
            return (
                Function(
                    symbol="passthrough_scalar",
                    cycles=2 * CHUNK + 40,
                    basis="a byte load and a byte store per element in a pipelined loop of 2 "
                    "cycles, and about 40 cycles to call, fill and drain it",
                ),
            )
        return (
            Function(
                symbol="passthrough_vector",
                cycles=CHUNK // 32 + 30,
                basis="one 32-byte load and one 32-byte store a cycle, and about 30 cycles to "
                "call, fill and drain the loop (a load takes 7)",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the bytes that one call of the function copies."""
        return {"PASSTHROUGH_BYTES": CHUNK}

    def design(self) -> str:
        """Return the design: chunks in, copied, out, with two buffers at each end."""
        source, copy = self.args()
        chunk = memref((CHUNK,), np.uint8)
        of_in, of_out = Fifo("of_in", chunk), Fifo("of_out", chunk)
        function = Callee(self.functions()[0].symbol, (chunk, chunk))
        return device(
            "npu1_1col",
            "%shim = aie.tile(0, 0)",
            "%core = aie.tile(0, 2)",
            "",
            of_in.create("%shim", "%core"),
            of_out.create("%core", "%shim"),
            "",
            function.declare(),
            core(
                "%core",
                of_in.acquire("Consume", "%in"),
                of_out.acquire("Produce", "%out"),
                function.call("%in", "%out"),
                of_in.release("Consume"),
                of_out.release("Produce"),
            ),
            sequence(
                self.args(),
                of_in.memcpy(source, bd=0),
                of_out.memcpy(copy, bd=1, token=True),
                of_out.wait(),
            ),
        )

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Copy."""
        return {"copy": inputs["source"].copy()}

    def work(self) -> Work:
        """Count the bytes in and out; a copy has no arithmetic."""
        return Work(ops=0, bytes=2 * self.nbytes)


KERNEL = Passthrough
