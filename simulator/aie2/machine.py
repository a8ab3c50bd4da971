"""The AIE2 core as the array sees it: program memory in, a core program out.

:func:`core_program` turns the machine code of a tile into a
:data:`simulator.array.config.CoreProgram`: whoever configures the array (an xclbin's
configuration data, a test) puts it into a :class:`simulator.array.config.Core`, and the
array runs it as it runs any other core.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from errors import CheckFailed, UsageError
from simulator.array.config import CoreProgram
from simulator.array.core import CoreContext, CoreRun

PROGRAM_SIZE = 16 * 1024
"""Bytes of program memory of a tile (AM020)."""

Engine: TypeAlias = Literal["auto", "interpreter", "native"]
"""What executes machine code."""


@dataclass(eq=False)
class ProgramMemory:
    """The program memory of one tile.

    A core reads it as it runs: what is written before an address is first executed counts,
    and a write makes the core decode anew what it had decoded.

    Attributes:
        data: The bytes, :data:`PROGRAM_SIZE` of them, zero where never written.
        version: How often it was written.
        extent: The byte after the last that was ever written.
        occupied: The core's addresses at which buffers and data of its own memory begin, in
            order, as far as they are known: the stack must not reach them.
    """

    data: bytearray = field(default_factory=lambda: bytearray(PROGRAM_SIZE), repr=False)
    version: int = 0
    extent: int = 0
    occupied: tuple[int, ...] = ()

    def write(self, address: int, data: bytes) -> None:
        """Put `data` at a byte `address`.

        Raises:
            UsageError: NPU513, it does not fit.
        """
        if not 0 <= address <= len(self.data) - len(data):
            raise UsageError(
                f"{len(data)} bytes at {address:#x} do not fit the {len(self.data)} bytes of"
                " program memory",
                cure="Link the core's program so that its code fits; -Os makes it smaller.",
                code="NPU513",
            )
        self.data[address : address + len(data)] = data
        self.extent = max(self.extent, address + len(data))
        self.version += 1

    def check(self, address: int) -> None:
        """Refuse to execute what nobody has written.

        Raises:
            CheckFailed: NPU519.
        """
        if not 0 <= address < self.extent:
            raise CheckFailed(
                f"the core leaves its program of {self.extent:,} bytes",
                cure="look for a return without its link register, a jump by a wrong pointer, or"
                " a function that does not return",
                code="NPU519",
            )


@dataclass(frozen=True)
class Symbol:
    """A function or label in program memory: its first byte and its size in bytes."""

    name: str
    address: int
    size: int = 0


class Symbols:
    """The names of program memory, to say where an address lies."""

    def __init__(self, symbols: Iterable[Symbol] = ()) -> None:
        self._symbols = sorted(symbols, key=lambda symbol: (symbol.address, symbol.size))
        self._starts = [symbol.address for symbol in self._symbols]
        self._named = {symbol.name: symbol for symbol in self._symbols}

    def at(self, address: int) -> Symbol | None:
        """Return the last symbol at or before `address`, None where there is none."""
        index = bisect_right(self._starts, address)
        return self._symbols[index - 1] if index else None

    def get(self, name: str) -> Symbol | None:
        """Return the symbol of that name, None where there is none."""
        return self._named.get(name)

    def names(self) -> list[str]:
        """Return all names, by address."""
        return [symbol.name for symbol in self._symbols]

    def describe(self, address: int) -> str:
        """Return an address in words: ``0x1a0 (gelu+0x10)``, or ``0x1a0`` alone."""
        symbol = self.at(address)
        if symbol is None:
            return f"{address:#x}"
        offset = f"+{address - symbol.address:#x}" if address > symbol.address else ""
        return f"{address:#x} ({symbol.name}{offset})"


class Observer(Protocol):
    """Who watches a core execute. Cycles count from the core's start, waiting left out."""

    def issue(self, address: int, cycle: int) -> None:
        """The bundle at `address` is issued in `cycle`."""

    def wait(self, address: int, cycle: int, reason: str) -> None:
        """The bundle at `address` waits for a lock or stream that `reason` names."""


def core_program(
    code: ProgramMemory,
    *,
    entry: int = 0,
    symbols: Symbols | None = None,
    observer: Observer | None = None,
    engine: Engine = "auto",
    compile_code: Callable[[str], Path] | None = None,
) -> CoreProgram:
    """Return the program of a core that executes the machine code in `code`.

    Each call of the result starts a core anew: registers as after a reset, at `entry`.
    The program ends at ``done``. It reads and writes the memories and locks of its own
    tile and of its south, west and north neighbours through the core's context, under the
    core's addresses: south 0x40000, west 0x50000, north 0x60000, own 0x70000, 64 KB each;
    locks 0-15 south, 16-31 west, 32-47 north, 48-63 own.

    Args:
        code: Program memory; it may still be written until the core runs.
        entry: Address of the first bundle.
        symbols: Names for messages.
        observer: Called for every bundle, by the interpreter only; it slows the core down.
        engine: ``"interpreter"`` executes bundle by bundle in Python, ``"native"`` translates
            the program to code of this machine, with the same results (about a hundred times
            faster, after a second or more for a program that is new). ``"auto"`` starts with
            the interpreter and translates what runs for longer, where there is a compiler
            and no observer.
        compile_code: Makes a shared library of C++ source; it is asked for the same source
            again in each process, so it had better keep what it made.

    Raises:
        UsageError: NPU523, native code is asked for without a compiler, or with an observer.

    While running the program raises UsageError for code that no encoding allows (NPU500 to
    NPU502), and CheckFailed for what the core cannot do: NPU510 an instruction that is not
    implemented, NPU511 an access outside the core's addresses, NPU512 a misaligned one,
    NPU518 a stack that grows into a buffer, NPU519 a program left at its end.
    """
    names = symbols or Symbols()
    if engine == "native" and (compile_code is None or observer is not None):
        raise UsageError(
            "native code of machine code is asked for, and there is "
            + ("no compiler" if compile_code is None else "an observer, whom it would not call"),
            cure='Hand a compiler in and no observer, or take the "interpreter".',
            code="NPU523",
        )

    def program(core: CoreContext) -> CoreRun:
        if compile_code is not None and observer is None and engine != "interpreter":
            from simulator.aie2.native.engine import NativePipeline, run_code

            if engine == "native":
                return NativePipeline(core, code, entry, names, compile_code).run()
            return run_code(core, code, entry, names, compile_code)
        from simulator.aie2.execution.pipeline import Pipeline

        return Pipeline(core, code, entry, names, observer).run()

    return program
