"""Writes an assembled program as an ELF file, as a linked core's is.

ELF32, little-endian, machine 264 (EM_AIE of llvm-aie) with the flags of AIE2, a segment per
section, a symbol table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct

from simulator.aie2.assembler.program import Block, Program, Symbol

EM_AIE = 264
EF_AIE2 = 2
_HEADER = Struct("<4s5B7xHHIIIIIHHHHHH")
_SEGMENT = Struct("<8I")
_SECTION = Struct("<10I")
_SYMBOL = Struct("<IIIBBH")
_EXECUTABLE, _LOAD, _ABSOLUTE = 2, 1, 0xFFF1
_PROGBITS, _SYMTAB, _STRTAB, _NOBITS = 1, 2, 3, 8
_SECTION_FLAGS = {".text": 6, ".data": 3, ".rodata": 2, ".bss": 3}
_SEGMENT_FLAGS = {".text": 5, ".data": 6, ".rodata": 4, ".bss": 6}
_KINDS = {"notype": 0, "object": 1, "function": 2}
_TEXT_ALIGNMENT, _DATA_ALIGNMENT = 16, 32


@dataclass
class _Strings:
    """A string table under construction."""

    data: bytearray = field(default_factory=lambda: bytearray(1))

    def add(self, text: str) -> int:
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at


def write(program: Program) -> bytes:
    """Return the bytes of a program's ELF file."""
    names = _Strings()
    offset = _HEADER.size + _SEGMENT.size * len(program.blocks)
    body = bytearray()
    sections = [_SECTION.pack(*(0,) * 10)]
    segments = []
    for block in program.blocks:
        sections.append(_section(block, names.add(block.name), offset + len(body)))
        segments.append(_segment(block, offset + len(body)))
        body += block.data
        body += bytes(-len(body) % 4)
    table, first_global, strings = _symbol_table(program)
    titles = [names.add(name) for name in (".symtab", ".shstrtab", ".strtab")]
    link = len(sections) + 2
    for title, kind, data, more in (
        (titles[0], _SYMTAB, table, (link, first_global, 4, _SYMBOL.size)),
        (titles[1], _STRTAB, bytes(names.data), (0, 0, 1, 0)),
        (titles[2], _STRTAB, bytes(strings.data), (0, 0, 1, 0)),
    ):
        sections.append(
            _SECTION.pack(title, kind, 0, 0, offset + len(body), len(data), *more),
        )
        body += data
        body += bytes(-len(body) % 4)
    header = _HEADER.pack(
        *(b"\x7fELF", 1, 1, 1, 0, 0, _EXECUTABLE, EM_AIE, 1, program.entry),
        *(_HEADER.size if segments else 0, offset + len(body), EF_AIE2, _HEADER.size),
        *(_SEGMENT.size, len(segments), _SECTION.size, len(sections), len(sections) - 2),
    )
    return header + b"".join(segments) + bytes(body) + b"".join(sections)


def _section(block: Block, title: int, offset: int) -> bytes:
    kind = _PROGBITS if block.data else _NOBITS
    align = _TEXT_ALIGNMENT if block.is_code else _DATA_ALIGNMENT
    flags = _SECTION_FLAGS[block.name]
    return _SECTION.pack(title, kind, flags, block.address, offset, block.size, 0, 0, align, 0)


def _segment(block: Block, offset: int) -> bytes:
    sizes = (len(block.data), block.size)
    flags = _SEGMENT_FLAGS[block.name]
    return _SEGMENT.pack(_LOAD, offset, block.address, block.address, *sizes, flags, 1)


def _symbol_table(program: Program) -> tuple[bytes, int, _Strings]:
    """Return the symbols, locals first, the number of the first global, and their names."""
    strings = _Strings()
    numbers = {block.name: number for number, block in enumerate(program.blocks, start=1)}
    entries = [_SYMBOL.pack(0, 0, 0, 0, 0, 0)]
    ordered = sorted(program.symbols, key=lambda symbol: symbol.is_global)
    entries += [_entry(symbol, strings, numbers) for symbol in ordered]
    first_global = 1 + sum(not symbol.is_global for symbol in ordered)
    return b"".join(entries), first_global, strings


def _entry(symbol: Symbol, strings: _Strings, numbers: dict[str, int]) -> bytes:
    return _SYMBOL.pack(
        strings.add(symbol.name),
        symbol.value,
        symbol.size,
        symbol.is_global << 4 | _KINDS[symbol.kind],
        0,
        numbers.get(symbol.section, _ABSOLUTE),
    )
