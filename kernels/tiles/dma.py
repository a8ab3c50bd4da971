"""DMA programs as MLIR text: chains of buffer descriptors, each between two locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import indent
from typing import Literal

from kernels.contract.mlir import Dims


@dataclass(frozen=True)
class Bd:
    """One transfer of a DMA program.

    Attributes:
        buffer: The buffer's value.
        type: Its type.
        length: Elements moved.
        offset: First element.
        dims: The order in which they are moved, memory order by default.
        acquire: Lock and count to wait for and take, before.
        release: Lock and count to give, after.
    """

    buffer: str
    type: str
    length: int
    offset: int = 0
    dims: Dims = ()
    acquire: tuple[str, int] | None = None
    release: tuple[str, int] | None = None

    def ordered(self, dims: Dims) -> Bd:
        """Return the transfer in another order."""
        return replace(self, dims=dims)

    def acquiring(self, lock: str, count: int = 1) -> Bd:
        """Return the transfer with a lock to wait for."""
        return replace(self, acquire=(lock, count))

    def releasing(self, lock: str, count: int = 1) -> Bd:
        """Return the transfer with a lock to give."""
        return replace(self, release=(lock, count))

    def filling(self, name: str, count: int = 1) -> Bd:
        """Return the transfer as one that fills a buffer with the locks of `lock_pair`."""
        return replace(self, acquire=(f"%{name}_empty", count), release=(f"%{name}_full", count))

    def draining(self, name: str, count: int = 1) -> Bd:
        """Return the transfer as one that empties such a buffer."""
        return replace(self, acquire=(f"%{name}_full", count), release=(f"%{name}_empty", count))

    def lines(self) -> list[str]:
        """Return its operations."""
        steps = ", ".join(f"<size = {size}, stride = {stride}>" for size, stride in self.dims)
        order = f", [{steps}]" if steps else ""
        lines = [f"aie.dma_bd({self.buffer} : {self.type}, {self.offset}, {self.length}{order})"]
        if self.acquire:
            lock, count = self.acquire
            lines.insert(0, f"aie.use_lock({lock}, AcquireGreaterEqual, {count})")
        if self.release:
            lock, count = self.release
            lines.append(f"aie.use_lock({lock}, Release, {count})")
        return lines


@dataclass(frozen=True)
class Start:
    """A channel and the transfers that it does in turn, over and over."""

    direction: Literal["S2MM", "MM2S"]
    channel: int
    bds: Sequence[Bd]


def lock_pair(tile: str, name: str, count: int) -> list[str]:
    """Return the locks of a buffer: `count` times empty and not full at first."""
    return [
        f'%{name}_empty = aie.lock({tile}) {{init = {count} : i32, sym_name = "{name}_empty"}}',
        f'%{name}_full = aie.lock({tile}) {{init = 0 : i32, sym_name = "{name}_full"}}',
    ]


def dma_program(operation: str, tile: str, starts: Sequence[Start]) -> str:
    """Return the DMA program of a tile.

    Args:
        operation: ``aie.mem`` or ``aie.memtile_dma``.
        tile: The tile's value.
        starts: What each channel does.
    """
    lines: list[str] = []
    for number, start in enumerate(starts):
        first, after = f"^s{number}_0", f"^start{number + 1}"
        if number:
            lines.append(f"^start{number}:")
        channel = f"{start.direction}, {start.channel}"
        lines.append(f"  %{number} = aie.dma_start({channel}, {first}, {after})")
        for i, bd in enumerate(start.bds):
            following = f"^s{number}_{(i + 1) % len(start.bds)}"
            lines.append(f"^s{number}_{i}:")
            lines += [f"  {line}" for line in (*bd.lines(), f"aie.next_bd {following}")]
    lines += [f"^start{len(starts)}:", "  aie.end"]
    body = indent("\n".join(lines), "  ")
    return f"%dma_{tile[1:]} = {operation}({tile}) {{\n{body}\n}}"
