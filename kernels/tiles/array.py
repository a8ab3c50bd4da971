"""A product's way through the array: 4 columns by 4 rows of cores, one output tile each.

Core (row, col) computes every fourth tile of C's columns, from the `col`th on, of m rows at a
time. Tiles of A come in through column `row` and go along a row of cores, tiles of B come in
through column `col` and up that column, and the four tiles of C that a column of cores has
finished are joined two by two in its memory tile and leave on both of its shim tile's channels.
Every fifo is double-buffered. (The dataflow of mlir-aie's whole-array example,
programming_examples/basic/matrix_multiplication, with both channels back in use.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from kernels.contract.arguments import Arg
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
from kernels.tiles.shape import STACK, TileShape

ROWS = COLS = 4
"""Rows and columns of cores on Phoenix."""

HALVES = 2
"""Ways of a column's C to host memory: a shim tile has two channels back."""

IN_FLIGHT = 2
"""Turns that the host has queued at once: one is computed while the next waits."""

BDS = 2 + HALVES
"""Buffer descriptors that a turn takes of each shim tile: A, B and the ways of C."""

BIAS_BD = BDS * IN_FLIGHT
"""Buffer descriptor of the bias, after those of the turns in flight."""


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product of a design: rows of A times B, to rows of C.

    Attributes:
        a: A, or what A is a view of: row r starts at element `a_offset` + r * `a_stride`.
        b: The argument that holds B, K x `width`, row-major, from `b_offset` on.
        c: The argument that holds C, rows of `width`, from `c_offset` on.
        rows: Rows of C, a multiple of 4: each row of cores computes a quarter of them.
        inner: K.
        times: How often it is done, with the same B, to A and C of its own.
        a_apart: Elements between the As of two times.
        c_apart: Elements between their Cs.
    """

    a: Arg
    b: Arg
    c: Arg
    rows: int
    inner: int
    width: int
    a_stride: int
    a_offset: int = 0
    b_offset: int = 0
    c_offset: int = 0
    times: int = 1
    a_apart: int = 0
    c_apart: int = 0

    def each(self) -> list[Product]:
        """Return the products that it stands for, once each."""
        return [
            replace(
                self,
                times=1,
                a_offset=self.a_offset + number * self.a_apart,
                c_offset=self.c_offset + number * self.c_apart,
            )
            for number in range(self.times)
        ]

    def spread(self, m: int) -> tuple[list[int], int]:
        """Return the first row of each turn, and how far the rows of cores are apart in one.

        Rows of cores work side by side, each on m rows; where that does not come out even, each
        on a quarter of its own.
        """
        if self.rows % (ROWS * m) == 0:
            return list(range(0, self.rows, ROWS * m)), m
        return turns(self.rows // ROWS, m), self.rows // ROWS


def turns(rows: int, m: int) -> list[int]:
    """Return the first of the m rows of each turn over `rows`.

    The last turn ends with the last row: where the rows are no multiple of m, it computes some
    that the turn before has computed. They leave on the same channel, one after the other.
    """
    starts = list(range(0, rows - m + 1, m))
    return starts if rows % m == 0 else [*starts, rows - m]


@dataclass(frozen=True, kw_only=True)
class Calls:
    """What a core calls for a tile of C, of one product of A and B after the other.

    Attributes:
        first: Sets the sums to the first product.
        mac: Adds a product to the sums.
        last: Adds the last product and writes C; without it the sums are C.
        bias: Keeps the bias that the first tile of B brings; without it there is none.
    """

    first: Callee
    mac: Callee
    last: Callee | None = None
    bias: Callee | None = None


@dataclass(frozen=True, kw_only=True)
class Dataflow:
    """A design of products that run one after the other.

    Attributes:
        args: The arguments of the runtime sequence.
        shape: One core's product.
        products: What is computed, each after the one before is complete in host memory.
        calls: The functions of kernel.cc.
        bias: All products' biases, one after the other.
    """

    args: tuple[Arg, ...]
    shape: TileShape
    products: tuple[Product, ...]
    calls: Calls
    bias: Arg | None = None

    def text(self) -> str:
        """Return the design as MLIR text."""
        return _text(self)

    def _whole(self) -> str:
        return device(
            "npu1",
            *self._tiles(),
            *self._a(),
            *self._b(),
            *self._c(),
            "",
            *(function.declare() for function in self.used()),
            "",
            "// Cores: the products of a tile of C, summed up, and the tile handed on.",
            *(line for row in range(ROWS) for col in range(COLS) for line in self._core(row, col)),
            "",
            sequence(self.args, *self._sequence()),
        )

    def used(self) -> list[Callee]:
        """Return the functions that the cores call."""
        tiles = {product.inner // self.shape.k for product in self.products}
        calls = self.calls
        chosen = [
            calls.bias,
            calls.first,
            calls.mac if max(tiles) > (2 if calls.last else 1) else None,
            calls.last if max(tiles) > 1 else None,
        ]
        return [function for function in chosen if function]

    def _fifo(self, kind: str, *place: int) -> Fifo:
        """Return fifo `kind` (A_L3L2, ...) of a row, a column or a core; L3 is host memory,
        L2 a memory tile, L1 a core's memory.
        """
        shape = self.shape
        name = "_".join((kind, *map(str, place)))
        if kind[0] != "C":
            return Fifo(name, shape.a if kind[0] == "A" else shape.b)
        rows = shape.m * (ROWS // HALVES if kind == "C_L2L3" else 1)
        return Fifo(name, memref((rows, shape.n), self.products[0].c.dtype))

    def _tiles(self) -> list[str]:
        names = ["shim", "mem", *(f"core{row}" for row in range(ROWS))]
        return [
            f"%{name}_{col} = aie.tile({col}, {row})"
            for row, name in enumerate(names)
            for col in range(COLS)
        ]

    def _a(self) -> list[str]:
        lines = ["", "// A: column i brings in the tiles of row i and sends them along that row."]
        for row in range(ROWS):
            l3l2, l2l1 = self._fifo("A_L3L2", row), self._fifo("A_L2L1", row)
            cores = [f"%core{row}_{col}" for col in range(COLS)]
            lines += [
                l3l2.create(f"%shim_{row}", f"%mem_{row}"),
                l2l1.create(f"%mem_{row}", *cores, to_stream=self.shape.a_blocks()),
                link([l3l2], [l2l1]),
            ]
        return lines

    def _b(self) -> list[str]:
        lines = ["", "// B: column j brings in its own tiles and sends them to all its cores."]
        for col in range(COLS):
            l3l2, l2l1 = self._fifo("B_L3L2", col), self._fifo("B_L2L1", col)
            cores = [f"%core{row}_{col}" for row in range(ROWS)]
            lines += [
                l3l2.create(f"%shim_{col}", f"%mem_{col}"),
                l2l1.create(f"%mem_{col}", *cores, to_stream=self.shape.b_blocks()),
                link([l3l2], [l2l1]),
            ]
        return lines

    def _c(self) -> list[str]:
        size = self.shape.m * self.shape.n
        lines = ["", "// C: the memory tile joins a column's tiles in pairs and sends their rows."]
        for col in range(COLS):
            for half in range(HALVES):
                rows = range(ROWS)[half * ROWS // HALVES : (half + 1) * ROWS // HALVES]
                parts = [self._fifo("C_L1L2", row, col) for row in rows]
                joined = self._fifo("C_L2L3", half, col)
                lines += [
                    *(
                        part.create(f"%core{row}_{col}", f"%mem_{col}")
                        for row, part in zip(rows, parts, strict=True)
                    ),
                    joined.create(f"%mem_{col}", f"%shim_{col}", to_stream=self.shape.c_rows()),
                    link(parts, [joined], join=[part * size for part in range(len(parts))]),
                ]
        return lines

    def _core(self, row: int, col: int) -> list[str]:
        """Return one core's program: for every product, its tiles of C."""
        tile = f"%core{row}_{col}"
        buffers = []
        if self.calls.last:
            buffers.append(_buffer(tile, f"sums{row}_{col}", self.shape.sums))
        body = []
        if self.calls.bias:
            b, kept = self._fifo("B_L2L1", col), f"%bias{row}_{col}"
            buffers.append(_buffer(tile, kept[1:], self.calls.bias.types[1]))
            body = [
                b.acquire("Consume", "%raw"),
                self.calls.bias.call("%raw", kept),
                b.release("Consume"),
            ]
        before = 0
        for index, product in enumerate(self.products):
            body += self._tiles_of(index, product, before, row, col)
            before += product.width // (COLS * self.shape.n)
        return [*buffers, core(tile, *body, stack_size=STACK)]

    def _tiles_of(self, index: int, product: Product, before: int, row: int, col: int) -> list[str]:
        """Return the loop over the tiles of C of one product, bias rows from `before` on."""
        blocks = product.times * len(product.spread(self.shape.m)[0])
        col_blocks = product.width // (COLS * self.shape.n)
        tile = self._tile_of_c(product, row, col)
        if self.calls.bias is None:
            return [*tile] if len(self.products) == 1 else self._rounds(index, blocks, tile)
        number = [
            f"%row = arith.addi %j, %before{index} : index",
            "%t = arith.index_cast %row : index to i32",
        ]
        inner = loop("%j", f"%across{index}", *number, *tile)
        return [
            constant(f"%before{index}", before),
            constant(f"%across{index}", col_blocks),
            *self._rounds(index, blocks, [inner]),
        ]

    @staticmethod
    def _rounds(index: int, blocks: int, body: Sequence[str]) -> list[str]:
        return [
            constant(f"%blocks{index}", blocks),
            loop("%i", f"%blocks{index}", *body),
        ]

    def _tile_of_c(self, product: Product, row: int, col: int) -> list[str]:
        """Return the calls for one tile of C; without `last` its sums are C itself."""
        calls, c = self.calls, self._fifo("C_L1L2", row, col)
        k_tiles = product.inner // self.shape.k
        acquire, release = c.acquire("Produce", "%c"), c.release("Produce")
        bias = [f"%bias{row}_{col}", "%t"] if calls.bias else []
        if not calls.last:
            first = self._step(calls.first, row, col, "%c")
            return [acquire, *first, *self._macs(k_tiles - 1, row, col, "%c"), release]
        sums = f"%sums{row}_{col}"
        return [
            *self._step(calls.first, row, col, *bias, sums),
            *self._macs(k_tiles - 2, row, col, sums),
            acquire,
            *self._step(calls.last, row, col, sums, "%c"),
            release,
        ]

    def _macs(self, count: int, row: int, col: int, sums: str) -> list[str]:
        if not count:
            return []
        step = self._step(self.calls.mac, row, col, sums)
        return [constant("%macs", count), loop("%k", "%macs", *step)]

    def _step(self, function: Callee, row: int, col: int, *values: str) -> list[str]:
        a, b = self._fifo("A_L2L1", row), self._fifo("B_L2L1", col)
        of = function.symbol.rpartition("_")[2]
        return [
            a.acquire("Consume", f"%a_{of}"),
            b.acquire("Consume", f"%b_{of}"),
            function.call(f"%a_{of}", f"%b_{of}", *values),
            a.release("Consume"),
            b.release("Consume"),
        ]

    def _sequence(self) -> list[str]:
        """Return the host's transfers, turn by turn.

        A turn takes four of each shim tile's 16 buffer descriptors, used again when its
        C has arrived: then its A and B have been sent as well.
        """
        lines = self._bias(self.bias) if self.bias else []
        for product in self.products:
            starts, apart = product.spread(self.shape.m)
            pending = [(once, row) for once in product.each() for row in starts]
            for block, (once, first_row) in enumerate(pending):
                if block >= IN_FLIGHT:
                    lines += self._wait()
                lines += self._transfers(once, block, first_row, apart)
            lines += self._wait() * min(IN_FLIGHT, len(pending))
        return lines

    def _wait(self) -> list[str]:
        ways = [(half, col) for col in range(COLS) for half in range(HALVES)]
        return [self._fifo("C_L2L3", *way).wait() for way in ways]

    def _bias(self, bias: Arg) -> list[str]:
        """Return the transfers of the first tile of B: a row of it holds the bias of a tile."""
        shape, lines = self.shape, ["// The bias, over and over: as much as a tile of B."]
        width = shape.n * shape.unit.element.itemsize // bias.dtype.itemsize
        tiles = bias.size // (COLS * width)
        for col in range(COLS):
            dims = [(shape.k // tiles, 0), (1, 0), (tiles, COLS * width), (width, 1)]
            transfer = self._fifo("B_L3L2", col).memcpy(
                bias, bd=BIAS_BD, offset=col * width, dims=dims
            )
            lines.append(transfer)
        return lines

    def _transfers(self, product: Product, block: int, first_row: int, apart: int) -> list[str]:
        """Return the transfers of a turn: m rows of A and C for each row of cores, and all of B.

        Each column's A goes out once per column block of C, each column's B is its tiles of
        every column block. A and B go first: the cores wait for them.
        """
        m, k, n = self.shape.m, self.shape.k, self.shape.n
        width, stride = product.width, product.a_stride
        col_blocks, k_tiles = width // (COLS * n), product.inner // k
        bd = BDS * (block % IN_FLIGHT)
        lines = [f"// {m} rows of C for each row of cores, from {first_row} on, {apart} apart."]
        for col in range(COLS):
            lines += [
                self._fifo("A_L3L2", col).memcpy(
                    product.a,
                    bd=bd,
                    offset=product.a_offset + (first_row + col * apart) * stride,
                    dims=[(col_blocks, 0), (k_tiles, k), (m, stride), (k, 1)],
                ),
                self._fifo("B_L3L2", col).memcpy(
                    product.b,
                    bd=bd + 1,
                    offset=product.b_offset + col * n,
                    dims=[(col_blocks, COLS * n), (k_tiles, k * width), (k, width), (n, 1)],
                ),
            ]
        rows = ROWS // HALVES
        for col in range(COLS):
            lines += [
                self._fifo("C_L2L3", half, col).memcpy(
                    product.c,
                    bd=bd + 2 + half,
                    offset=product.c_offset + (first_row + half * rows * apart) * width + col * n,
                    dims=[(col_blocks, COLS * n), (rows, apart * width), (m, width), (n, 1)],
                    token=True,
                )
                for half in range(HALVES)
            ]
        return lines


def _buffer(tile: str, name: str, type_: str) -> str:
    return f'%{name} = aie.buffer({tile}) {{sym_name = "{name}"}} : {type_}'


@cache
def _text(flow: Dataflow) -> str:
    # A variant and its scalar twin have one design: it is written once.
    return flow._whole()
