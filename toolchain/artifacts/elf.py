"""AIE2 ELF: kernel objects, and the linked programs of cores.

ELF32, little-endian, machine 264 (EM_AIE of llvm-aie), architecture in the low bits of the
flags (EF_AIE_AIE2 = 2). Program memory starts at 0, the core's own data memory at 0x70000.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from struct import Struct, unpack_from

from toolchain.artifacts.binary import Reader

MAGIC = b"\x7fELF"
EM_AIE = 264
STACK_SIZES = ".stack_sizes"
_ARCHITECTURES = {1: "aie", 2: "aie2", 3: "aie2p"}
_KINDS = {1: "object", 2: "executable"}
_HEADER = Struct("<4s5B7xHHIIIIIHHHHHH")
_LOAD = 1
_SEGMENT = Struct("<8I")
_SECTION = Struct("<10I")
_SYMBOL = Struct("<IIIBBH")
_RELOCATION = Struct("<IIi")
_SYMTAB, _STRTAB, _RELA, _NOBITS, _GROUP = 2, 3, 4, 8, 17
_TABLES = (_SYMTAB, _STRTAB, _RELA, _GROUP)
_UNDEFINED = 0
_PLACES = {0: "nowhere", 0xFFF1: "absolute", 0xFFF2: "common"}
_MOST_SEGMENTS = 64
_WRITE, _ALLOC, _EXECUTE = 1, 2, 4
_SYMBOL_TYPES = {0: "notype", 1: "object", 2: "function", 3: "section", 4: "file"}
_BINDINGS = {0: "local", 1: "global", 2: "weak"}


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A program header: `data`, then zeros up to `memory_size` bytes, at `address`.

    A loader goes by `load_address`, a linked program by `address`.
    """

    type: int
    address: int
    load_address: int
    memory_size: int
    flags: int
    data: bytes = field(repr=False)

    @property
    def is_loaded(self) -> bool:
        return self.type == _LOAD


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section header; `entry_size` is that of records and of constants that may be merged."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int
    data: bytes = field(repr=False)

    @property
    def is_loaded(self) -> bool:
        """Whether it takes memory of a core."""
        return self.is_code or self.is_data

    @property
    def is_table(self) -> bool:
        """Whether its bytes are read as symbols, relocations, groups or their names."""
        return self.type in _TABLES or self.name == STACK_SIZES

    @property
    def is_code(self) -> bool:
        return bool(self.flags & _EXECUTE)

    @property
    def is_data(self) -> bool:
        """Whether it takes data memory."""
        return bool(self.flags & _ALLOC) and not self.is_code


@dataclass(frozen=True, kw_only=True)
class Symbol:
    """A symbol; `section` is the section's number, or beyond them all for an absolute one.

    `other` is its visibility and what the architecture keeps beside it.
    """

    name: str
    value: int
    size: int
    type: str
    binding: str
    other: int
    section: int

    @property
    def undefined(self) -> bool:
        return self.section == _UNDEFINED


@dataclass(frozen=True, kw_only=True)
class Relocation:
    """A place that needs the address of a symbol; section and symbol are numbers."""

    section: int
    offset: int
    symbol: int
    type: int
    addend: int


@dataclass(frozen=True, kw_only=True)
class Elf:
    """A whole ELF file.

    Attributes:
        kind: ``"object"`` or ``"executable"``.
        architecture: ``"aie2"``, or that of another AI Engine.
        flags: Of the architecture, which is in the lowest four bits.
        abi: Version of ELF twice, the operating system's ABI and its version.
        stack_sizes: Bytes of stack per function, where ``.stack_sizes`` says so.
    """

    kind: str
    architecture: str
    flags: int
    abi: tuple[int, int, int, int]
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    relocations: tuple[Relocation, ...]
    stack_sizes: dict[str, int]

    @cached_property
    def functions(self) -> tuple[Symbol, ...]:
        """The defined functions, by section and address."""
        found = (s for s in self.symbols if s.type == "function" and not s.undefined)
        return tuple(sorted(found, key=lambda s: (s.section, s.value, s.name)))

    @property
    def program_size(self) -> int:
        """Bytes of program memory that the code takes."""
        return sum(section.size for section in self.sections if section.is_code)

    @property
    def data_size(self) -> int:
        """Bytes of data memory that constants and variables take, without the stack."""
        return sum(section.size for section in self.sections if section.is_data)

    @cached_property
    def undefined(self) -> dict[str, tuple[str, ...]]:
        """The functions that need each undefined symbol, by the symbol's name."""
        names = {i: s.name for i, s in enumerate(self.symbols) if s.undefined and s.name}
        users: dict[str, set[str]] = {name: set() for name in names.values()}
        for relocation in self.relocations:
            if relocation.symbol in names:
                user = self.function_at(relocation.section, relocation.offset)
                users[names[relocation.symbol]].add(user)
        return {name: tuple(sorted(found - {""})) for name, found in users.items()}

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """The sections' names, each only once."""
        return numbered(section.name for section in self.sections)

    def place(self, section: int) -> str:
        """Return what a section's number means: its title, or ``absolute``, for instance."""
        if section in _PLACES:
            return _PLACES[section]
        return self.titles[section] if section < len(self.sections) else f"section {section}"

    def groups(self) -> Iterator[tuple[Symbol | None, int, tuple[int, ...]]]:
        """Yield the groups that a linker keeps or drops whole: symbol, flags, sections."""
        for section in self.sections:
            if section.type != _GROUP or len(section.data) < 4:
                continue
            words = len(section.data) // 4
            flags, *members = unpack_from(f"<{words}I", section.data)
            symbol = self.symbols[section.info] if section.info < len(self.symbols) else None
            yield symbol, flags, tuple(members)

    def function_at(self, section: int, offset: int) -> str:
        """Return the name of the function that holds a byte of a section, or nothing.

        In an object `offset` counts from the section's start, in an executable it is the
        address.
        """
        i = bisect_right(self._starts, (section, offset)) - 1
        if i < 0:
            return ""
        function = self.functions[i]
        inside = function.section == section and offset < function.value + max(function.size, 1)
        return function.name if inside else ""

    @cached_property
    def _starts(self) -> list[tuple[int, int]]:
        return [(function.section, function.value) for function in self.functions]


def numbered(names: Iterable[str]) -> tuple[str, ...]:
    """Return names that can be told apart: the second ``.text`` is ``.text (2)``, and so on."""
    seen: Counter[str] = Counter()
    titles = []
    for name in names:
        seen[name] += 1
        titles.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(titles)


def is_elf(data: bytes) -> bool:
    """Whether `data` begins as an ELF file does."""
    return data.startswith(MAGIC)


def decode(data: bytes) -> Elf:
    """Read an AIE ELF file.

    Raises:
        UsageError: It is none, or it is cut or damaged (NPU056).
    """
    return read(Reader(data=data, what="ELF", code="NPU056"))


def read(reader: Reader) -> Elf:
    """Read the ELF file that fills `reader`; raises as :func:`decode` does."""
    header = reader.unpack(_HEADER, 0, "ELF header")
    magic, width, order, *abi = header[:6]
    kind, machine, version, entry, segments_at, sections_at, flags = header[6:13]
    if (magic, width, order) != (MAGIC, 1, 1):
        raise reader.error(0, "it is no 32-bit little-endian ELF file")
    if machine != EM_AIE:
        raise reader.error(18, f"it is for machine {machine}, not an AI Engine ({EM_AIE})")
    if kind not in _KINDS:
        raise reader.error(16, f"its type {kind} is neither object nor executable")
    _, segment_size, segment_count, section_size, section_count, names = header[13:]
    sections = _read_sections(reader, sections_at, section_size, section_count, names)
    symbols = _read_symbols(reader, sections)
    relocations = tuple(_read_relocations(reader, sections))
    return Elf(
        kind=_KINDS[kind],
        architecture=_ARCHITECTURES.get(flags & 0xF, f"flags {flags:#x}"),
        flags=flags,
        abi=(abi[0], version, *abi[1:]),
        entry=entry,
        segments=_read_segments(reader, segments_at, segment_size, segment_count),
        sections=sections,
        symbols=symbols,
        relocations=relocations,
        stack_sizes=dict(_read_stack_sizes(reader, sections, symbols, relocations)),
    )


def _read_segments(reader: Reader, at: int, size: int, count: int) -> tuple[Segment, ...]:
    if count and size != _SEGMENT.size:
        raise reader.error(at, f"program headers of {size} bytes are not known")
    if count > _MOST_SEGMENTS:
        raise reader.error(at, f"{count} program headers are more than {_MOST_SEGMENTS}")
    segments = []
    for number in range(count):
        values = reader.unpack(_SEGMENT, at + number * size, "program header")
        type_, offset, address, load_address, file_size, memory_size, flags, _ = values
        segments.append(
            Segment(
                type=type_,
                address=address,
                load_address=load_address,
                memory_size=memory_size,
                flags=flags,
                data=reader.part(offset, file_size, f"segment {number}").data,
            )
        )
    return tuple(segments)


def _read_sections(
    reader: Reader, at: int, size: int, count: int, names: int
) -> tuple[Section, ...]:
    if not count:
        return ()
    if size != _SECTION.size:
        raise reader.error(at, f"section headers of {size} bytes are not known")
    raw = [reader.unpack(_SECTION, at + i * size, "section header") for i in range(count)]
    if names >= count:
        raise reader.error(at, f"section {names} holds the names and there are {count}")
    ranges = sorted((v[4], v[4] + v[5]) for v in raw if v[1] not in (0, _NOBITS) and v[5])
    for (_, end), (start, _) in pairwise(ranges):
        if start < end:
            raise reader.error(start, "two sections overlap")
    table = reader.part(raw[names][4], raw[names][5], "section names")
    sections = []
    for name, type_, flags, address, offset, length, link, info, alignment, entry_size in raw:
        stored = type_ not in (0, _NOBITS)
        section = Section(
            name=table.text(name, "section names") if type_ else "",
            type=type_,
            flags=flags,
            address=address,
            offset=offset,
            size=length if type_ else 0,
            link=link,
            info=info,
            alignment=alignment,
            entry_size=entry_size,
            data=reader.part(offset, length, "a section").data if stored else b"",
        )
        reader.claim(offset, len(section.data), f"section {section.name}")
        sections.append(section)
    return tuple(sections)


def _read_symbols(reader: Reader, sections: tuple[Section, ...]) -> tuple[Symbol, ...]:
    table = next((section for section in sections if section.type == _SYMTAB), None)
    if table is None:
        return ()
    if table.link >= len(sections) or table.size % _SYMBOL.size:
        raise reader.error(table.offset, "the symbol table is damaged")
    names = reader.part(sections[table.link].offset, sections[table.link].size, "symbol names")
    symbols = []
    for at in range(table.offset, table.offset + table.size, _SYMBOL.size):
        name, value, size, info, other, index = _SYMBOL.unpack_from(reader.data, at)
        symbols.append(
            Symbol(
                name=names.text(name, "symbol names") if name else "",
                value=value,
                size=size,
                type=_SYMBOL_TYPES.get(info & 0xF, str(info & 0xF)),
                binding=_BINDINGS.get(info >> 4, str(info >> 4)),
                other=other,
                section=index,
            )
        )
    return tuple(symbols)


def _read_relocations(reader: Reader, sections: tuple[Section, ...]) -> Iterator[Relocation]:
    for table in sections:
        if table.type != _RELA:
            continue
        if table.info >= len(sections) or table.size % _RELOCATION.size:
            raise reader.error(table.offset, f"relocations {table.name} are damaged")
        for at in range(table.offset, table.offset + table.size, _RELOCATION.size):
            offset, info, addend = _RELOCATION.unpack_from(reader.data, at)
            yield Relocation(
                section=table.info,
                offset=offset,
                symbol=info >> 8,
                type=info & 0xFF,
                addend=addend,
            )


def _read_stack_sizes(
    reader: Reader,
    sections: tuple[Section, ...],
    symbols: tuple[Symbol, ...],
    relocations: tuple[Relocation, ...],
) -> Iterator[tuple[str, int]]:
    """Yield functions and their stack: an address and a ULEB128 number per function.

    In an object the address is a relocation against a symbol at the function, in an
    executable it is final. A compiler may write one such section per function.
    """
    functions = [s for s in symbols if s.type == "function" and not s.undefined]
    by_place = {(s.section, s.value): s.name for s in functions}
    by_address = {s.value: s.name for s in functions}
    places = {(r.section, r.offset): r for r in relocations}
    for number, section in enumerate(sections):
        if section.name != STACK_SIZES:
            continue
        at = 0
        while at < len(section.data):
            if len(section.data) - at < 5:
                raise reader.error(section.offset + at, ".stack_sizes ends in an entry")
            address = int.from_bytes(section.data[at : at + 4], "little")
            size, length = _uleb128(reader, section, at + 4)
            relocation = places.get((number, at))
            if relocation is None:
                yield by_address.get(address, f"{address:#x}"), size
            elif relocation.symbol < len(symbols):
                symbol = symbols[relocation.symbol]
                place = (symbol.section, symbol.value + relocation.addend)
                yield by_place.get(place, f"section {place[0]}+{place[1]:#x}"), size
            else:
                raise reader.error(section.offset + at, "a stack size is of no symbol")
            at += 4 + length


def _uleb128(reader: Reader, section: Section, at: int) -> tuple[int, int]:
    value = 0
    for length, byte in enumerate(section.data[at : at + 5], start=1):
        value |= (byte & 0x7F) << 7 * (length - 1)
        if byte < 0x80:
            return value, length
    raise reader.error(section.offset + at, "a stack size is cut or longer than 5 bytes")
