"""Findings of machine code in words: function, address, disassembly."""

from __future__ import annotations

from typing import Protocol

from errors import CheckFailed
from simulator.aie2.profile.registers import Early
from simulator.array.config import TileId


class Describer(Protocol):
    """Who knows a core's program."""

    tile: TileId

    def describe(self, address: int) -> str:
        """Return an address with its function and its disassembly."""


def early_read(core: Describer, early: Early) -> CheckFailed:
    """Return the finding of a register that is read before what was meant arrives."""
    cycles = "1 cycle" if early.ahead == 1 else f"{early.ahead} cycles"
    why = (
        "in another function than the one that asked for the new one"
        if early.across
        else "and nobody reads the new one"
    )
    return CheckFailed(
        f"{core.tile} reads {early.register} {cycles} before"
        f" {core.describe(early.writer)} delivers it: {core.describe(early.reader)} gets the"
        f" old value, {why}",
        cure=f"issue the first bundle {cycles} earlier; if a compiler placed it, use another"
        " version of it",
        code="NPU517",
    )


def unwritten_register(core: Describer, address: int, register: str) -> CheckFailed:
    """Return the finding of a register that nobody has written."""
    return CheckFailed(
        f"{core.tile} reads {register}, which nobody has written since the core started, at"
        f" {core.describe(address)}",
        cure="give the variable a value, or pass the argument",
        code="NPU515",
    )


def unwritten_memory(core: Describer, address: int, data: int) -> CheckFailed:
    """Return the finding of memory that nobody has written."""
    return CheckFailed(
        f"{core.tile} reads {data:#x}, which nobody has written, at {core.describe(address)}",
        cure="give the variable an initial value, or acquire the lock of what a DMA brings",
        code="NPU516",
    )
