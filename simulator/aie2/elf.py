"""Linked programs of cores: what an AIE2 ELF file puts into program and data memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from errors import UsageError
from simulator.aie2.machine import PROGRAM_SIZE, ProgramMemory, Symbol, Symbols

EM_AIE = 264
EF_AIE2 = 2
"""Machine and architecture flag of AIE2 (llvm-aie)."""

OWN_MEMORY = 0x70000
_MEMORY_SIZE = 0x10000


@dataclass(frozen=True)
class Data:
    """Bytes of data memory: `data`, then zeros up to `size`, at a core's `address`."""

    address: int
    size: int
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class LinkedProgram:
    """A core's program.

    Attributes:
        entry: Where it starts.
        code: Segments of program memory, by address.
        data: Segments of data memory, by the core's addresses (own memory is at 0x70000).
        symbols: The names in program memory.
        objects: Address and size of each data object by its name.
    """

    entry: int
    code: tuple[tuple[int, bytes], ...]
    data: tuple[Data, ...]
    symbols: Symbols
    objects: dict[str, tuple[int, int]]

    def program_memory(self) -> ProgramMemory:
        """Return program memory with this program in it.

        Raises:
            UsageError: NPU513, it does not fit.
        """
        memory = ProgramMemory()
        for address, data in self.code:
            memory.write(address, data)
        return memory


def load(data: bytes) -> LinkedProgram:
    """Read a linked AIE2 program.

    Raises:
        UsageError: NPU514, it is none.
    """
    try:
        return _load(ELFFile(BytesIO(data)))
    except (ELFError, ValueError, KeyError, OverflowError, AssertionError) as error:
        raise _refusal(f"cannot be read ({error})") from error


def _load(elf: ELFFile) -> LinkedProgram:
    header = elf.header
    if header["e_machine"] != EM_AIE or header["e_flags"] & 0xFF != EF_AIE2:
        raise _refusal(f"is for machine {header['e_machine']}")
    if header["e_type"] != "ET_EXEC":
        raise _refusal("is not linked")
    code, memory = [], []
    for segment in elf.iter_segments("PT_LOAD"):
        address, size = segment["p_paddr"], segment["p_memsz"]
        if segment["p_flags"] & 1 and address < PROGRAM_SIZE:
            code.append((address, segment.data()))
        elif size:
            if not OWN_MEMORY <= address <= OWN_MEMORY + _MEMORY_SIZE - size:
                raise _refusal(f"has {size} bytes at {address:#x}, outside the tile's memory")
            memory.append(Data(address, size, segment.data()))
    symbols, objects = _symbols(elf)
    return LinkedProgram(header["e_entry"], tuple(code), tuple(memory), symbols, objects)


def _symbols(elf: ELFFile) -> tuple[Symbols, dict[str, tuple[int, int]]]:
    functions: list[Symbol] = []
    objects: dict[str, tuple[int, int]] = {}
    for section in elf.iter_sections("SHT_SYMTAB"):
        if not isinstance(section, SymbolTableSection):
            continue
        for symbol in section.iter_symbols():
            # A name with a dot is a compiler's label within a function.
            if symbol.name[:1] in ("", ".") or symbol["st_shndx"] == "SHN_UNDEF":
                continue
            if symbol["st_info"]["type"] in ("STT_FILE", "STT_SECTION"):
                continue
            address, size = symbol["st_value"], symbol["st_size"]
            if address < PROGRAM_SIZE:
                functions.append(Symbol(symbol.name, address, size))
            else:
                objects[symbol.name] = (address, size)
    return Symbols(functions), objects


def _refusal(what: str) -> UsageError:
    return UsageError(
        f"the core's program {what}",
        cure="Give an ELF file that Peano has linked for AIE2.",
        code="NPU514",
    )
