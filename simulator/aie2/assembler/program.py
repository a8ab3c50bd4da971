"""An assembled program: what lies where, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PROGRAM_BYTES = 16 << 10
"""Bytes of program memory, from address 0."""

DATA_START, DATA_END = 0x70000, 0x80000
"""Where a core sees the data memory of its own tile."""

STACK_BYTES = 0x400
"""Bytes that mlir-aie leaves to the stack, at the start of data memory; data lies behind."""


@dataclass(frozen=True, slots=True)
class Block:
    """A section with its place.

    Attributes:
        name: ``".text"``, ``".data"``, ``".rodata"`` or ``".bss"``.
        size: Bytes in memory; `data` is empty for ``.bss``, which is stored nowhere.
    """

    name: str
    address: int
    size: int
    data: bytes = field(repr=False)

    @property
    def is_code(self) -> bool:
        return self.name == ".text"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name for an address, or for a number (then `section` is empty).

    Attributes:
        kind: ``"function"``, ``"object"`` or ``"notype"``.
    """

    name: str
    value: int
    section: str
    size: int = 0
    kind: str = "notype"
    is_global: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A whole program of a core.

    Attributes:
        blocks: The sections that hold something, by address.
        entry: Where the core starts: the symbol ``__start``, or 0.
        lines: The line of the source by the address of its bundle.
    """

    blocks: tuple[Block, ...]
    symbols: tuple[Symbol, ...]
    entry: int
    lines: Mapping[int, int]

    @property
    def code(self) -> bytes:
        """Program memory from where ``.text`` begins."""
        return next((block.data for block in self.blocks if block.is_code), b"")

    def address_of(self, name: str) -> int:
        """Return the value of a symbol.

        Raises:
            KeyError: There is none.
        """
        values = {symbol.name: symbol.value for symbol in self.symbols}
        return values[name]
