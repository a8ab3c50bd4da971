"""GELU of int8 activations by a table of 256 entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Literal, Self

import numpy as np

from kernels.contract import (
    Arg,
    Array,
    Case,
    Exact,
    Function,
    Kernel,
    Tolerance,
    Work,
    arg_in,
    arg_out,
    arg_param,
)
from kernels.contract.mlir import Callee, Fifo, core, device, memref, sequence
from kernels.gelu_int8.table import SCALE, gelu_table


@dataclass(frozen=True)
class GeluInt8(Kernel):
    """GELU of int8 activations by a table of 256 entries.

    Input and output count steps of 1/32. The table is a parameter, by default exact GELU
    rounded to the nearest step; the kernel looks up whatever the table holds, which may as
    well be another activation or another pair of scales.

    Attributes:
        n: Elements per call, a multiple of 32.
        version: ``vector`` loads and stores 32 elements at a time, ``scalar`` one.
    """

    n: int = 512
    version: Literal["vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Exact("a table look-up does not round")

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return 512 and 2,048 elements, and the scalar twin at the smaller size."""
        return (cls(512), cls(512, "scalar"), cls(2048))

    @property
    def label(self) -> str:
        """``512``, and ``512-scalar`` for the scalar twin."""
        return f"{self.n}" if self.version == "vector" else f"{self.n}-{self.version}"

    def args(self) -> tuple[Arg, ...]:
        """Return the activations, the table and the result."""
        return (
            arg_in("x", (self.n,), np.int8),
            arg_param("table", (256,), np.int8),
            arg_out("y", (self.n,), np.int8),
        )

    def params(self) -> dict[str, Array]:
        """Return the table of exact GELU."""
        return {"table": gelu_table()}

    def functions(self) -> tuple[Function, ...]:
        """Return the version's entry point."""
        if self.version == "scalar":
            return (
                Function(
                    symbol="gelu_int8_scalar",
                    cycles=17 * self.n,
                    basis="17 cycles an element: what a plain loop of two dependent byte loads "
                    "and a byte store took in compiled AIE2 code (8,720 cycles for 512)",
                ),
            )
        return (
            Function(
                symbol="gelu_int8_vector",
                cycles=2 * self.n + 60,
                basis="2 cycles an element, for the moves out of and into a vector register "
                "share a slot, and about 60 to call, fill and drain the loop",
            ),
        )

    def defines(self) -> Mapping[str, int | str]:
        """Return the elements per call."""
        return {"GELU_ELEMENTS": self.n}

    def design(self) -> str:
        """Return the design: the table arrives with every call, in a buffer of its own."""
        x, table, y = self.args()
        row, entries = memref(x.shape, x.dtype), memref(table.shape, table.dtype)
        of_x, of_y = Fifo("of_x", row), Fifo("of_y", row)
        of_table = Fifo("of_table", entries, depth=1)
        gelu = Callee(self.functions()[0].symbol, (row, entries, row))
        return device(
            "npu1_1col",
            "%shim = aie.tile(0, 0)",
            "%core = aie.tile(0, 2)",
            "",
            of_x.create("%shim", "%core"),
            of_table.create("%shim", "%core"),
            of_y.create("%core", "%shim"),
            "",
            gelu.declare(),
            core(
                "%core",
                of_x.acquire("Consume", "%x"),
                of_table.acquire("Consume", "%table"),
                of_y.acquire("Produce", "%y"),
                gelu.call("%x", "%table", "%y"),
                of_x.release("Consume"),
                of_table.release("Consume"),
                of_y.release("Produce"),
            ),
            sequence(
                self.args(),
                of_x.memcpy(x, bd=0),
                of_table.memcpy(table, bd=1),
                of_y.memcpy(y, bd=2, token=True),
                of_y.wait(),
            ),
        )

    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Index the given table with the inputs' bytes."""
        return {"y": inputs["table"][inputs["x"].view(np.uint8)]}

    def work(self) -> Work:
        """Count one look-up per element as an operation."""
        return Work(ops=self.n, bytes=sum(arg.nbytes for arg in self.args()))

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Add a table that is its own index, which shows where each element went."""
        identity = np.arange(256, dtype=np.uint8).view(np.int8)
        ramp = np.resize(identity, self.n)
        return chain(super().cases(seed), [Case("identity-table", {"x": ramp, "table": identity})])

    def demo(self) -> Iterator[Case]:
        """Yield activations as they come before a GELU: normal, of deviation 1."""
        activations = np.random.default_rng(2026).standard_normal(self.n) / SCALE
        x = np.clip(np.rint(activations), -128, 127).astype(np.int8)
        yield Case("normal-activations", {"x": x, **self.params()})


KERNEL = GeluInt8
