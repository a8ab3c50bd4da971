"""Which function an address of program memory belongs to, with or without symbols."""

from __future__ import annotations

from errors import LabError
from simulator.aie2.bundle import LONGEST, decode
from simulator.aie2.machine import ProgramMemory, Symbol, Symbols

ENTRY = "__start"


def found_in(code: ProgramMemory, entry: int = 0) -> Symbols:
    """Return the functions that a program's own calls name: ``fn_1a0`` by address.

    What begins at the entry is ``__start``; everything up to the next function is one
    function's.
    """
    starts = {entry}
    address = 0
    while address < code.extent:
        try:
            bundle = decode(bytes(code.data[address : address + LONGEST]), address)
        except LabError:
            address += 2  # data between functions
            continue
        for instruction in bundle.instructions.values():
            if instruction.mnemonic == "jl" and isinstance(instruction.operands[0], int):
                starts.add(instruction.operands[0])
        address += bundle.size
    names = {start: ENTRY if start == entry else f"fn_{start:x}" for start in starts}
    return Symbols(Symbol(name, start) for start, name in names.items())


class Functions:
    """Functions by address.

    Attributes:
        symbols: Their names.
    """

    def __init__(self, symbols: Symbols) -> None:
        self.symbols = symbols
        self._known: dict[int, str] = {}

    def at(self, address: int) -> str:
        """Return the name of the function that an address lies in."""
        name = self._known.get(address)
        if name is None:
            symbol = self.symbols.at(address)
            name = self._known[address] = f"{address:#x}" if symbol is None else symbol.name
        return name

    def entry(self, name: str) -> int:
        """Return where a function begins."""
        symbol = self.symbols.get(name)
        return int(name, 16) if symbol is None else symbol.address
