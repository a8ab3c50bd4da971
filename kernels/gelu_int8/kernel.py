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

ROOM = 2 * 256
"""16-bit entries of a table in which every run of 128 bits stands twice."""


@dataclass(frozen=True)
class GeluInt8(Kernel):
    """GELU of int8 activations by a table of 256 entries.

    Input and output count steps of 1/32. The table is a parameter, by default exact GELU
    rounded to the nearest step; the kernel looks up whatever the table holds, which may as
    well be another activation or another pair of scales.

    Attributes:
        n: Elements per call, a multiple of 32.
        version: ``lookup`` spreads the table and then reads four entries at once, ``vector``
            moves 32 elements at a time but looks them up one by one, ``scalar`` is a plain loop.
    """

    n: int = 512
    version: Literal["lookup", "vector", "scalar"] = "vector"

    tolerance: ClassVar[Tolerance] = Exact("a table look-up does not round")

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return 512 elements by each version, and 2,048 by the two faster ones."""
        return (cls(512), cls(512, "scalar"), cls(512, "lookup"), cls(2048), cls(2048, "lookup"))

    @property
    def label(self) -> str:
        """``512``, ``512-lookup``, and ``512-scalar`` for the scalar twin."""
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
        if self.version == "lookup":
            return (
                Function(
                    symbol="gelu_int8_lookup",
                    cycles=200 + 24 * self.n // 32 + 60,
                    basis="about 200 cycles to spread the table, for 128 stores of 128 bits and "
                    "the moves before them; per 32 elements 8 loads of four entries each at one a "
                    "cycle, and 16 to make addresses, shuffle, pack and store; "
                    "about 60 to call, fill and drain the loops",
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
        room = memref((2 * ROOM,), np.int16)
        spread = self.version == "lookup"
        types = (row, entries, room, row) if spread else (row, entries, row)
        gelu = Callee(self.functions()[0].symbol, types)
        values = ("%x", "%table", "%room", "%y") if spread else ("%x", "%table", "%y")
        buffer = f'%room = aie.buffer(%core) {{sym_name = "room"}} : {room}'
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
            *([buffer] if spread else []),
            core(
                "%core",
                of_x.acquire("Consume", "%x"),
                of_table.acquire("Consume", "%table"),
                of_y.acquire("Produce", "%y"),
                gelu.call(*values),
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
