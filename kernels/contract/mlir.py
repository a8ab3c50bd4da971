"""Designs as MLIR text: the phrases of the aie dialect that every kernel's design repeats.

A design reads as the dialect does; only what would be copied from line to line is a function
here. The syntax is that of mlir-aie 1.4: ``link_with`` on the function's declaration,
``aie.runtime_sequence``, and an acquire that gives a subview (the form without a subview came
after 1.4.2, with the split of the objectFifo lowering).

    of_in = Fifo("of_in", memref((1024,), np.int8))
    copy = Callee("copy_1024", (of_in.type, of_in.type))
    device(
        "npu1_1col",
        "%shim = aie.tile(0, 0)",
        "%core = aie.tile(0, 2)",
        of_in.create("%shim", "%core"),
        copy.declare(),
        core("%core", of_in.acquire("Consume", "%a"), ...),
        sequence(args, of_in.memcpy(args[0], bd=0), ...),
    )
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from kernels.contract.arguments import Arg

Dims = Sequence[tuple[int, int]]
"""An access pattern, outermost dimension first: (size, stride) in elements."""

Port = Literal["Produce", "Consume"]
"""Which end of an objectFifo a core holds."""

_ELEMENTS = {
    "int8": "i8",
    "uint8": "ui8",
    "int16": "i16",
    "uint16": "ui16",
    "int32": "i32",
    "uint32": "ui32",
    "float32": "f32",
    "bfloat16": "bf16",
}


def memref(shape: Sequence[int], dtype: Any) -> str:
    """Return the type of a dense buffer, such as ``memref<16x16xi8>``."""
    return _memref(tuple(shape), dtype)


@cache
def _memref(shape: tuple[int, ...], dtype: Any) -> str:
    # A design of many transfers asks for the same few types thousands of times.
    dims = "".join(f"{size}x" for size in shape)
    return f"memref<{dims}{_ELEMENTS[np.dtype(dtype).name]}>"


def block(head: str, *body: str, tail: str = "") -> str:
    """Return `head` with its region: the body's lines in braces, two spaces further in."""
    # textwrap.indent takes each line in hand: a build that has nothing to do would feel it.
    inner = ("\n" + "\n".join(body)).replace("\n", "\n  ") + "\n"
    while "\n  \n" in inner:
        inner = inner.replace("\n  \n", "\n\n")
    return f"{head} {{{inner}}}{tail}"


def device(name: str, *body: str) -> str:
    """Return a whole design for the device `name`, such as ``npu1_1col``."""
    return block("module", block(f"aie.device({name})", *body)) + "\n"


def constant(name: str, value: int, type_: str = "index") -> str:
    """Return the definition of an integer constant."""
    return f"{name} = arith.constant {value} : {type_}"


def loop(index: str, count: str, *body: str) -> str:
    """Return a loop of `count` rounds; `count`, ``%c0`` and ``%c1`` are index constants."""
    return block(f"scf.for {index} = %c0 to {count} step %c1", *body)


def core(tile: str, *body: str, stack_size: int | None = None) -> str:
    """Return the program of `tile`'s core: `body` over and over, as a core must.

    The constants ``%c0`` and ``%c1`` (index) are defined in front of it.

    Args:
        tile: The tile's value, such as ``%core``.
        body: The lines of one round.
        stack_size: Bytes reserved for the stack, where the default of 1,024 is too little.
    """
    tail = f" {{stack_size = {stack_size} : i32}}" if stack_size else ""
    return block(
        f"aie.core({tile})",
        constant("%c0", 0),
        constant("%c1", 1),
        constant("%forever", 2**63 - 1),
        loop("%call", "%forever", *body),
        "aie.end",
        tail=tail,
    )


@dataclass(frozen=True)
class Fifo:
    """An objectFifo: its name, the type of one object, and how many objects each end holds."""

    name: str
    type: str
    depth: int = 2

    def create(
        self, producer: str, *consumers: str, to_stream: Dims = (), from_stream: Dims = ()
    ) -> str:
        """Return its declaration; several consumers all receive every object.

        Args:
            producer: The tile that fills it.
            consumers: The tiles that drain it.
            to_stream: The order in which the producer's DMA sends an object's elements.
            from_stream: The order in which every consumer's DMA stores them.
        """
        source = producer + _dimensions("dimensionsToStream", to_stream)
        store = _dimensions("dimensionsFromStream", from_stream)
        sinks = ", ".join(consumer + store for consumer in consumers)
        return (
            f"aie.objectfifo @{self.name}({source}, {{{sinks}}}, {self.depth} : i32)"
            f" : !aie.objectfifo<{self.type}>"
        )

    def acquire(self, port: Port, value: str) -> str:
        """Return the lines that wait for one object and name it `value`."""
        view = f"!aie.objectfifosubview<{self.type}>"
        return (
            f"{value}_view = aie.objectfifo.acquire @{self.name}({port}, 1) : {view}\n"
            f"{value} = aie.objectfifo.subview.access {value}_view[0] : {view} -> {self.type}"
        )

    def release(self, port: Port) -> str:
        """Return the line that hands the object over."""
        return f"aie.objectfifo.release @{self.name}({port}, 1)"

    def memcpy(
        self,
        arg: Arg,
        *,
        bd: int,
        offset: int = 0,
        dims: Dims | None = None,
        token: bool = False,
    ) -> str:
        """Return the runtime sequence's transfer between `arg` and this fifo's shim end.

        Args:
            arg: The argument of the runtime sequence.
            bd: The shim tile's buffer descriptor to use; one per transfer in flight.
            offset: First element of the argument.
            dims: At most 4 dimensions over the argument's elements in memory order, the
                innermost with stride 1; all of them in order by default.
            token: Whether the host will wait for this transfer.
        """
        pattern = list(dims if dims is not None else [(arg.size, 1)])
        pattern = [(1, 0)] * (4 - len(pattern)) + pattern
        sizes = ", ".join(str(size) for size, _ in pattern)
        strides = ", ".join(str(stride) for _, stride in pattern)
        issue_token = "issue_token = true, " if token else ""
        return (
            f"aiex.npu.dma_memcpy_nd(%{arg.name}[0, 0, 0, {offset}][{sizes}][{strides}])"
            f" {{id = {bd} : i64, {issue_token}metadata = @{self.name}}}"
            f" : {memref(arg.shape, arg.dtype)}"
        )

    def wait(self) -> str:
        """Return the line that waits for the token of this fifo's last transfer."""
        return f"aiex.npu.dma_wait {{symbol = @{self.name}}}"


def link(
    sources: Sequence[Fifo],
    targets: Sequence[Fifo],
    *,
    join: Sequence[int] = (),
    distribute: Sequence[int] = (),
) -> str:
    """Return a link of objectFifos in the memory tile that they share.

    Args:
        sources: The fifos that end there; several are joined.
        targets: The fifos that start there; several share out each object.
        join: First element of each source in the target's object.
        distribute: First element of each target in the source's object.
    """
    ends = " -> ".join(
        f"[{', '.join(f'@{fifo.name}' for fifo in side)}]" for side in (sources, targets)
    )
    return f"aie.objectfifo.link {ends}({list(join)} {list(distribute)})"


@dataclass(frozen=True)
class Callee:
    """A function of kernel.cc: its symbol and its arguments' types."""

    symbol: str
    types: tuple[str, ...]

    def declare(self) -> str:
        """Return its declaration, linked from the kernel's object."""
        types = ", ".join(self.types)
        return f'func.func private @{self.symbol}({types}) attributes {{link_with = "kernel.o"}}'

    def call(self, *values: str) -> str:
        """Return a call with `values`, one per type."""
        if len(values) != len(self.types):
            raise ValueError(f"@{self.symbol} takes {len(self.types)} values, got {len(values)}")
        return f"func.call @{self.symbol}({', '.join(values)}) : ({', '.join(self.types)}) -> ()"


def sequence(args: Sequence[Arg], *body: str) -> str:
    """Return the runtime sequence, what the host's side of the NPU does on one call.

    Args:
        args: Its arguments, each under its own name.
        body: Transfers and waits.
    """
    parameters = ", ".join(f"%{arg.name}: {memref(arg.shape, arg.dtype)}" for arg in args)
    return block(f"aie.runtime_sequence({parameters})", *body)


def _dimensions(word: str, dims: Dims) -> str:
    if not dims:
        return ""
    steps = ", ".join(f"<size = {size}, stride = {stride}>" for size, stride in dims)
    return f" {word} [{steps}]"
