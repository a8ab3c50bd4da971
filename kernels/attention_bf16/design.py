"""Attention's way through the array: query rows shared out, keys and values streamed past them.

A core keeps its rows of Q and their sums while all keys and values come by in blocks; then it
gives its rows of the result, takes the next of Q, and the stream starts again. Every column
brings in the rows of its own cores and the whole stream, which its memory tile sends to all of
them at once. Cores fill a column before the next one begins. Heads follow one another; Q, K and V
of all of them lie beside each other in one matrix, as a projection of hidden states leaves them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.contract.arguments import Arg, bfloat16
from kernels.contract.mlir import (
    Callee,
    Fifo,
    constant,
    core,
    device,
    link,
    loop,
    memref,
    sequence,
)
from kernels.matmul_int8.layout import STACK, to_blocks, to_rows

DIM = 64
"""Features of a head: Whisper's in all sizes."""

KEYS = 32
"""Keys and values of a block: two blocks of each, double-buffered, are 16 KB of a core's memory."""

GROUP = 4
"""Rows that leave a core at a time: those that it works on at once."""

STATE = 72
"""fp32 that a core keeps of a row: 64 sums of values; largest score and sum of weights, 4 each."""

CORES_PER_COLUMN = 4
IN_FLIGHT = 2
"""Rounds that the host has queued at once: one is computed while the next waits."""


@dataclass(frozen=True)
class Dataflow:
    """The design of all heads, one after the other.

    Attributes:
        args: The queries of all heads, then the keys, then the values, beside each other
            (n x 3 * heads * 64), and the results (n x heads * 64).
        rows: Rows of Q that a core works on in a round.
        cores: Cores; a round is `rows` * `cores` rows.
        suffix: Of the functions' names.
    """

    args: tuple[Arg, Arg]
    rows: int
    cores: int
    suffix: str

    def text(self) -> str:
        """Return the design as MLIR text."""
        columns = range(-(-self.cores // CORES_PER_COLUMN))
        functions = (self._start, self._update, self._finish)
        return device(
            "npu1" if len(columns) > 1 else "npu1_1col",
            *(line for col in columns for line in self._column(col)),
            "",
            *(function.declare() for function in functions),
            *(line for col in columns for row in self._cores(col) for line in self._core(col, row)),
            sequence(self.args, *self._sequence()),
        )

    @property
    def _n(self) -> int:
        return self.args[1].shape[0]

    @property
    def _heads(self) -> int:
        return self.args[1].shape[1] // DIM

    @property
    def _blocks(self) -> int:
        """Blocks of keys, the last of which may reach back into the one before."""
        return -(-self._n // KEYS)

    def _cores(self, col: int) -> range:
        return range(min(CORES_PER_COLUMN, self.cores - col * CORES_PER_COLUMN))

    @property
    def _types(self) -> tuple[str, str, str, str]:
        """Types of a core's rows of Q, of a block, of the sums, and of a group of results."""
        shapes = ((self.rows, DIM), (KEYS, DIM), (self.rows, STATE), (GROUP, DIM))
        dtypes = (bfloat16, bfloat16, np.float32, bfloat16)
        q, block, state, out = (memref(*pair) for pair in zip(shapes, dtypes, strict=True))
        return q, block, state, out

    @property
    def _start(self) -> Callee:
        return Callee(f"attention_bf16_start{self.suffix}", (self._types[2],))

    @property
    def _update(self) -> Callee:
        q, block, state, _ = self._types
        return Callee(f"attention_bf16_update{self.suffix}", (q, block, block, state, "i32"))

    @property
    def _finish(self) -> Callee:
        _, _, state, out = self._types
        return Callee(f"attention_bf16_finish{self.suffix}", (state, out, "i32"))

    def _fifo(self, kind: str, col: int, row: int | None = None) -> Fifo:
        """Return fifo `kind` of a column, or of one of its cores; L3 is host memory, L2 a memory
        tile, L1 a core's memory.
        """
        q, block, _, out = self._types
        name = "_".join((kind, str(col), *([] if row is None else [str(row)])))
        cores = len(self._cores(col))
        return {
            "Q_L3L2": Fifo(name, memref((cores * self.rows, DIM), bfloat16), depth=1),
            "Q_L2L1": Fifo(name, q, depth=1),
            "KV_L3L2": Fifo(name, block, depth=4),
            "KV_L2L1": Fifo(name, block, depth=4),
            "Y_L1L2": Fifo(name, out),
            "Y_L2L3": Fifo(name, memref((cores * GROUP, DIM), bfloat16)),
        }[kind]

    def _column(self, col: int) -> list[str]:
        """Return a column's tiles and fifos."""
        cores = [f"%core{row}_{col}" for row in self._cores(col)]
        shim, mem = f"%shim_{col}", f"%mem_{col}"
        q_l3l2, kv_l3l2 = self._fifo("Q_L3L2", col), self._fifo("KV_L3L2", col)
        kv_l2l1, joined = self._fifo("KV_L2L1", col), self._fifo("Y_L2L3", col)
        mine = [self._fifo("Q_L2L1", col, row) for row in self._cores(col)]
        parts = [self._fifo("Y_L1L2", col, row) for row in self._cores(col)]
        many = len(cores) > 1
        share = [row * self.rows * DIM for row in self._cores(col)] if many else []
        stack = [row * GROUP * DIM for row in self._cores(col)] if many else []
        queries = to_blocks(self.rows, DIM, 4, 8)
        return [
            "",
            *(f"{name} = aie.tile({col}, {row})" for row, name in enumerate((shim, mem, *cores))),
            q_l3l2.create(shim, mem),
            *(q.create(mem, tile, to_stream=queries) for q, tile in zip(mine, cores, strict=True)),
            link([q_l3l2], mine, distribute=share),
            "// Keys and values in turn, to all cores of the column.",
            kv_l3l2.create(shim, mem),
            kv_l2l1.create(mem, *cores, to_stream=to_blocks(KEYS, DIM, 8, 8)).replace(
                # A single depth would give cores the two that they hold and one more.
                f"{kv_l2l1.depth} : i32",
                str([kv_l2l1.depth] * (1 + len(cores))),
            ),
            link([kv_l3l2], [kv_l2l1]),
            *(y.create(tile, mem) for y, tile in zip(parts, cores, strict=True)),
            joined.create(mem, shim, to_stream=to_rows(GROUP, DIM, 4, 4)),
            link(parts, [joined], join=stack),
        ]

    def _core(self, col: int, row: int) -> list[str]:
        """Return one core's program: its rows against all blocks, then group by group out."""
        q, kv = self._fifo("Q_L2L1", col, row), self._fifo("KV_L2L1", col)
        y, tile = self._fifo("Y_L1L2", col, row), f"%core{row}_{col}"
        state = f"%state{row}_{col}"
        view = f"!aie.objectfifosubview<{kv.type}>"
        return [
            f'{state} = aie.buffer({tile}) {{sym_name = "state{row}_{col}"}} : {self._types[2]}',
            core(
                tile,
                q.acquire("Consume", "%q"),
                self._start.call(state),
                constant("%blocks", self._blocks),
                constant("%last", self._blocks - 1),
                constant("%none", 0, "i32"),
                f"// The last block holds the last {KEYS} keys: the first of them came before.",
                constant("%repeated", self._blocks * KEYS - self._n, "i32"),
                loop(
                    "%block",
                    "%blocks",
                    "%is_last = arith.cmpi eq, %block, %last : index",
                    "%first = arith.select %is_last, %repeated, %none : i32",
                    f"%pair = aie.objectfifo.acquire @{kv.name}(Consume, 2) : {view}",
                    *(
                        f"{name} = aie.objectfifo.subview.access %pair[{index}]"
                        f" : {view} -> {kv.type}"
                        for index, name in enumerate(("%k", "%v"))
                    ),
                    self._update.call("%q", "%k", "%v", state, "%first"),
                    f"aie.objectfifo.release @{kv.name}(Consume, 2)",
                ),
                constant("%groups", self.rows // GROUP),
                loop(
                    "%index",
                    "%groups",
                    "%group = arith.index_cast %index : index to i32",
                    y.acquire("Produce", "%y"),
                    self._finish.call(state, "%y", "%group"),
                    y.release("Produce"),
                ),
                q.release("Consume"),
                stack_size=STACK,
            ),
        ]

    def _sequence(self) -> list[str]:
        """Return the host's transfers: the heads in turn, one round of query rows after another."""
        rows = range(0, self._n, self.rows * self.cores)
        rounds = [(head, row) for head in range(self._heads) for row in rows]
        lines = []
        for index, (head, row) in enumerate(rounds):
            if index >= IN_FLIGHT:
                lines += self._wait(index - IN_FLIGHT)
            lines += self._transfers(index, head, row)
        for index in range(max(0, len(rounds) - IN_FLIGHT), len(rounds)):
            lines += self._wait(index)
        return lines

    def _wait(self, index: int) -> list[str]:
        columns = range(-(-self.cores // CORES_PER_COLUMN))
        waits = [self._fifo("Y_L2L3", col).wait() for col in columns]
        return [f"// Wait for round {index}.", *waits]

    def _transfers(self, index: int, head: int, first_row: int) -> list[str]:
        """Return the transfers of one round: each column's rows of Q, all keys and values, and
        its rows of the result.
        """
        (qkv, y), n = self.args, self._n
        wide, width = qkv.shape[1], y.shape[1]
        at, bd = head * DIM, 4 * (index % IN_FLIGHT)
        keys, whole = width + at, n // KEYS
        block = [(2, width), (KEYS, wide), (DIM, 1)]
        lines = [f"// Round {index}: head {head}, from row {first_row} of Q on."]
        for col in range(-(-self.cores // CORES_PER_COLUMN)):
            kv, cores = self._fifo("KV_L3L2", col), len(self._cores(col))
            row = first_row + col * CORES_PER_COLUMN * self.rows
            queries = [(cores * self.rows, wide), (DIM, 1)]
            back = [
                (self.rows // GROUP, GROUP * width),
                (cores, self.rows * width),
                (GROUP, width),
                (DIM, 1),
            ]
            lines += [
                self._fifo("Q_L3L2", col).memcpy(qkv, bd=bd, offset=row * wide + at, dims=queries),
                kv.memcpy(qkv, bd=bd + 1, offset=keys, dims=[(whole, KEYS * wide), *block]),
            ]
            if n % KEYS:
                last = keys + (n - KEYS) * wide
                lines.append(kv.memcpy(qkv, bd=bd + 2, offset=last, dims=block))
            joined = self._fifo("Y_L2L3", col)
            lines.append(
                joined.memcpy(y, bd=bd + 3, offset=row * width + at, dims=back, token=True)
            )
        return lines
