"""Two products in a row with everything between them on chip: a feed-forward layer's design.

Each of the 4 columns works on a quarter of the rows, m at a time, and its memory tile keeps them:
the m rows of X come in once, the hidden layer never leaves. Core (row, col) computes every fourth
tile of the hidden layer's columns, which returns to the memory tile; when all four cores are
done, the hidden layer goes out to them as X did, for the tiles of Y. Weights are streamed: column
`row` brings in the tiles that the cores of row `row` need, for all columns of cores at once, so
that a weight is used for 4 * m rows each time it comes.

An objectFifo cannot send an object several times or take turns between two, so the memory tiles'
DMA programs, locks and flows are written out. All sides use the same layout: row-major in the
memory tiles, blocks (``tiles/shape.py``) in the cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from kernels.contract.arguments import Arg
from kernels.contract.mlir import (
    Callee,
    Dims,
    Fifo,
    block,
    constant,
    core,
    device,
    loop,
    memref,
    sequence,
)
from kernels.tiles.array import COLS, IN_FLIGHT, ROWS, turns
from kernels.tiles.dma import Bd, Start, dma_program, lock_pair
from kernels.tiles.shape import STACK, TileShape


@dataclass(frozen=True, kw_only=True)
class FeedForwardCalls:
    """What a core calls.

    Attributes:
        take: Keeps biases and tables, which come as a first tile of weights.
        first: Sets the sums to the bias of a tile and the first product.
        mac: Adds a product to the sums.
        hidden: Adds the last product and writes a tile of the hidden layer.
        out: Adds the last product and writes a tile of Y.
    """

    take: Callee
    first: Callee
    mac: Callee
    hidden: Callee
    out: Callee

    def all(self) -> tuple[Callee, ...]:
        """Return all of them."""
        return self.take, self.first, self.mac, self.hidden, self.out


@dataclass(frozen=True, kw_only=True)
class FeedForward:
    """The design of Y = act(X W1 + b1) W2 + b2.

    Attributes:
        args: X (rows x width), W1 (width x hidden), W2 (hidden x width), the constants, Y.
        shape: One core's product.
        calls: The functions of kernel.cc.
    """

    args: tuple[Arg, Arg, Arg, Arg, Arg]
    shape: TileShape
    calls: FeedForwardCalls

    def text(self) -> str:
        """Return the design as MLIR text."""
        return _text(self)

    def _whole(self) -> str:
        return device(
            "npu1",
            *(
                f"%{name}_{col} = aie.tile({col}, {row})"
                for row, name in enumerate(["shim", "mem", *(f"core{r}" for r in range(ROWS))])
                for col in range(COLS)
            ),
            *self._host_ends(),
            *self._flows(),
            "",
            *(function.declare() for function in self.calls.all()),
            *(line for col in range(COLS) for line in self._memory_tile(col)),
            *(line for row in range(ROWS) for col in range(COLS) for line in self._core(row, col)),
            "",
            sequence(self.args, *self._sequence()),
        )

    @property
    def _width(self) -> int:
        return self.args[0].shape[1]

    @property
    def _hidden(self) -> int:
        return self.args[1].shape[1]

    @property
    def _turns(self) -> list[int]:
        """First rows of a column's turns, within its quarter of the rows."""
        return turns(self.args[0].shape[0] // COLS, self.shape.m)

    def _tiles_across(self, width: int) -> int:
        """Return how many tiles of `width` columns each core computes."""
        return width // (ROWS * self.shape.n)

    @staticmethod
    def _host_ends() -> list[str]:
        ends = [("x", "MM2S, 0"), ("w", "MM2S, 1"), ("y", "S2MM, 0")]
        return [
            f"aie.shim_dma_allocation @host_{name}_{col} (%shim_{col}, {channel})"
            for col in range(COLS)
            for name, channel in ends
        ]

    @staticmethod
    def _flows() -> list[str]:
        lines = ["", "// X, weights, Y; activations to a column, weights to a row, tiles back."]
        for col in range(COLS):
            mem, shim = f"%mem_{col}", f"%shim_{col}"
            lines += [_flow(shim, 0, mem, 0), _flow(shim, 1, mem, 1), _flow(mem, 2, shim, 0)]
            for row in range(ROWS):
                core_ = f"%core{row}_{col}"
                lines += [
                    _flow(mem, 0, core_, 0),
                    _flow(f"%mem_{row}", 1, core_, 1),
                    _flow(core_, 0, mem, 2 + row),
                ]
        return lines

    def _memory_tile(self, col: int) -> list[str]:
        """Return a column's memory tile: X, weights in passing, the hidden layer, Y."""
        shape, tile = self.shape, f"%mem_{col}"
        m, element = shape.m, shape.unit.element
        x, hidden = memref((m, self._width), element), memref((m, self._hidden), element)
        buffers = {"x": x, "h": hidden, "y": x, "w0": shape.b, "w1": shape.b}
        lines = ["", f"// Column {col}'s memory tile."]
        lines += [_buffer(tile, f"{name}_{col}", type_) for name, type_ in buffers.items()]
        for name, count in (("x", 1), ("w", 2), ("h", ROWS), ("y", ROWS)):
            lines += lock_pair(tile, f"{name}_{col}", count)
        return [*lines, dma_program("aie.memtile_dma", tile, self._memory_starts(col, x, hidden))]

    def _memory_starts(self, col: int, x: str, hidden: str) -> list[Start]:
        shape, lock = self.shape, {name: f"{name}_{col}" for name in "xwhy"}
        size_x, size_h = shape.m * self._width, shape.m * self._hidden
        whole_x = Bd(f"%x_{col}", x, size_x)
        send_x = Bd(f"%x_{col}", x, size_x, dims=shape.a_blocks(self._width))
        send_h = Bd(f"%h_{col}", hidden, size_h, dims=shape.a_blocks(self._hidden))
        send_y = Bd(f"%y_{col}", x, size_x)
        weights = [Bd(f"%w{i}_{col}", shape.b, shape.k * shape.n) for i in range(2)]
        blocks = shape.b_blocks()
        activations = [
            *_repeated(send_x, self._tiles_across(self._hidden), lock["x"], 1),
            *_repeated(send_h, self._tiles_across(self._width), lock["h"], ROWS),
        ]
        starts = [
            Start("S2MM", 0, [whole_x.filling(lock["x"])]),
            Start("S2MM", 1, [bd.filling(lock["w"]) for bd in weights]),
            Start("MM2S", 0, activations),
            Start("MM2S", 1, [bd.ordered(blocks).draining(lock["w"]) for bd in weights]),
            Start("MM2S", 2, [send_y.draining(lock["y"], ROWS)]),
        ]
        for row in range(ROWS):
            back = [
                self._tiles_back(f"%h_{col}", hidden, self._hidden, row).filling(lock["h"]),
                self._tiles_back(f"%y_{col}", x, self._width, row).filling(lock["y"]),
            ]
            starts.append(Start("S2MM", 2 + row, back))
        return starts

    def _tiles_back(self, buffer: str, type_: str, width: int, row: int) -> Bd:
        """Return the transfer that stores all of core `row`'s tiles in rows of `width`."""
        m, n, unit = self.shape.m, self.shape.n, self.shape.unit
        tiles = self._tiles_across(width)
        dims = [(tiles, ROWS * n), (n // unit.n, unit.n), (m, width), (unit.n, 1)]
        return Bd(buffer, type_, tiles * m * n, offset=row * n, dims=dims)

    def _core(self, row: int, col: int) -> list[str]:
        shape, tile, at = self.shape, f"%core{row}_{col}", f"{row}_{col}"
        types = {"a": shape.a, "b": shape.b, "c": shape.c}
        lines = ["", f"// Core {row} of column {col}."]
        for name, type_ in types.items():
            lines += [_buffer(tile, f"{name}{i}_{at}", type_) for i in range(2)]
            lines += lock_pair(tile, f"{name}_{at}", 2)
        lines += [
            _buffer(tile, f"sums_{at}", shape.sums),
            _buffer(tile, f"kept_{at}", self.calls.take.types[1]),
        ]
        bds = {
            name: [Bd(f"%{name}{i}_{at}", type_, _elements(shape, name)) for i in range(2)]
            for name, type_ in types.items()
        }
        starts = [
            Start("S2MM", 0, [bd.filling(f"a_{at}") for bd in bds["a"]]),
            Start("S2MM", 1, [bd.filling(f"b_{at}") for bd in bds["b"]]),
            Start("MM2S", 0, [bd.draining(f"c_{at}") for bd in bds["c"]]),
        ]
        lines.append(dma_program("aie.mem", tile, starts))
        return [*lines, core(tile, *self._program(at), stack_size=STACK)]

    def _program(self, at: str) -> list[str]:
        """Return a core's call: keep the constants, then both layers for each row block."""
        take = self.calls.take.call(f"%b0_{at}", f"%kept_{at}")
        layers = [
            *self._layer("1", self._width, self._hidden, 0, self.calls.hidden, at),
            *self._layer(
                "2",
                self._hidden,
                self._width,
                self._tiles_across(self._hidden),
                self.calls.out,
                at,
            ),
        ]
        return [
            *_held(f"b_{at}", take),
            "// The constants fill two tiles, so that both calls start with the same buffers.",
            *_held(f"b_{at}"),
            constant("%passes", len(self._turns)),
            loop("%pass", "%passes", *layers),
        ]

    def _layer(
        self, name: str, inner: int, width: int, before: int, last: Callee, at: str
    ) -> list[str]:
        """Return the loop over a layer's tiles, two a round: one for each buffer."""
        inside: list[str] = []
        for i in range(2):
            index = f"%t{name}_{i}"
            inside += [
                constant(f"%o{name}_{i}", before + i),
                f"%d{name}_{i} = arith.addi %j{name}, %o{name}_{i} : index",
                f"{index} = arith.index_cast %d{name}_{i} : index to i32",
                *self._tile(f"{name}_{i}", inner, index, last, i, at),
            ]
        rounds = constant(f"%tiles{name}", self._tiles_across(width))
        step = constant(f"%two{name}", 2)
        head = f"scf.for %j{name} = %c0 to %tiles{name} step %two{name}"
        return [rounds, step, block(head, *inside)]

    def _tile(
        self, name: str, inner: int, index: str, last: Callee, buffer: int, at: str
    ) -> list[str]:
        """Return the products of one tile, with A and B in both buffers in turn."""
        calls, k_tiles = self.calls, inner // self.shape.k
        sums, kept, c = f"%sums_{at}", f"%kept_{at}", f"%c{buffer}_{at}"

        def step(function: Callee, of: int, *values: str) -> list[str]:
            call = function.call(f"%a{of}_{at}", f"%b{of}_{at}", *values)
            return _both(f"a_{at}", f"b_{at}", call)

        lines = step(calls.first, 0, kept, index, sums)
        if k_tiles > 2:
            lines += step(calls.mac, 1, sums)
        if k_tiles > 4:
            pair = [*step(calls.mac, 0, sums), *step(calls.mac, 1, sums)]
            lines += [
                constant(f"%pairs{name}", (k_tiles - 4) // 2),
                loop(f"%k{name}", f"%pairs{name}", *pair),
            ]
        if k_tiles > 2:
            lines += step(calls.mac, 0, sums)
        extra = [kept] if len(last.types) == len(calls.out.types) + 1 else []
        return [
            *lines,
            f"aie.use_lock(%c_{at}_empty, AcquireGreaterEqual, 1)",
            *step(last, 1, sums, c, *extra),
            f"aie.use_lock(%c_{at}_full, Release, 1)",
        ]

    def _sequence(self) -> list[str]:
        starts = self._turns
        lines = self._constants()
        for number, first_row in enumerate(starts):
            if number >= IN_FLIGHT:
                lines += _waits("y")
            elif number:
                lines += [
                    "// Room in the weights' queues: the constants are through.",
                    *_waits("w"),
                ]
            lines += self._pass(number, first_row)
        return [*lines, *_waits("y") * min(IN_FLIGHT, len(starts))]

    def _constants(self) -> list[str]:
        """Return the transfers of two tiles of weights that hold no weights.

        Their first rows are each the bias of one tile, the rest is what else there is.
        """
        shape, constants = self.shape, self.args[3]
        size = constants.dtype.itemsize
        tiles = self._tiles_across(self._hidden) + self._tiles_across(self._width)
        biases = self._hidden + self._width
        # Without a table, any row fills the rest.
        table = constants.size - biases
        at, rest = (biases, table) if table else (0, shape.n)
        filled = 2 * shape.k * shape.n * shape.unit.element.itemsize // size - tiles * shape.n
        lines = ["// Biases and tables, in two tiles of weights."]
        for row in range(ROWS):
            w = _host("w", row)
            own = [(tiles, ROWS * shape.n), (shape.n, 1)]
            lines += [
                w.memcpy(constants, bd=0, offset=row * shape.n, dims=own),
                w.memcpy(
                    constants,
                    bd=1,
                    offset=at,
                    dims=[(filled // rest, 0), (1, 0), (1, 0), (rest, 1)],
                    token=True,
                ),
            ]
        return lines

    def _pass(self, number: int, first_row: int) -> list[str]:
        """Return the transfers of a turn: m rows of X and Y for each column, all weights."""
        x, w1, w2, _, y = self.args
        m, bd = self.shape.m, 2 + 4 * (number % IN_FLIGHT)
        quarter = x.shape[0] // COLS
        lines = [f"// Rows {first_row} to {first_row + m - 1} of each quarter."]
        at = [(col * quarter + first_row) * self._width for col in range(COLS)]
        own = [(m * self._width, 1)]
        for col in range(COLS):
            first = col * self.shape.n
            lines += [
                _host("x", col).memcpy(x, bd=bd, offset=at[col], dims=own),
                _host("w", col).memcpy(w1, bd=bd + 1, offset=first, dims=self._weights(w1)),
            ]
        for col in range(COLS):
            first = col * self.shape.n
            lines += [
                _host("w", col).memcpy(w2, bd=bd + 2, offset=first, dims=self._weights(w2)),
                _host("y", col).memcpy(y, bd=bd + 3, offset=at[col], dims=own, token=True),
            ]
        return lines

    def _weights(self, w: Arg) -> Dims:
        inner, width = w.shape
        k, n = self.shape.k, self.shape.n
        tiles = self._tiles_across(width)
        return [(tiles, ROWS * n), (inner // k, k * width), (k, width), (n, 1)]


def _host(name: str, col: int) -> Fifo:
    """Return the host's end of a column's X, weights or Y, as a transfer names it."""
    return Fifo(f"host_{name}_{col}", "")


def _elements(shape: TileShape, name: str) -> int:
    return {"a": shape.m * shape.k, "b": shape.k * shape.n, "c": shape.m * shape.n}[name]


def _flow(source: str, from_channel: int, target: str, to_channel: int) -> str:
    return f"aie.flow({source}, DMA : {from_channel}, {target}, DMA : {to_channel})"


def _buffer(tile: str, name: str, type_: str) -> str:
    return f'%{name} = aie.buffer({tile}) {{sym_name = "{name}"}} : {type_}'


def _repeated(bd: Bd, times: int, lock: str, count: int) -> list[Bd]:
    """Return `bd` so many times: the first waits for the buffer, the last gives it back."""
    bds = [bd] * times
    bds[0] = bds[0].acquiring(f"%{lock}_full", count)
    bds[-1] = bds[-1].releasing(f"%{lock}_empty", count)
    return bds


def _held(name: str, *body: str) -> list[str]:
    return [
        f"aie.use_lock(%{name}_full, AcquireGreaterEqual, 1)",
        *body,
        f"aie.use_lock(%{name}_empty, Release, 1)",
    ]


def _both(a: str, b: str, call: str) -> list[str]:
    return _held(a, *_held(b, call))


def _waits(name: str) -> list[str]:
    return [_host(name, col).wait() for col in range(COLS)]


@cache
def _text(flow: FeedForward) -> str:
    # A variant and its scalar twin have one design: it is written once.
    return flow._whole()
