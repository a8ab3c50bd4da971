"""AIE ELF files: held against pyelftools and against what the compiler was told."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from errors import UsageError
from toolchain.artifacts import elf
from toolchain.artifacts.binary import UNNAMED, Ledger, Reader

Bytes = Callable[[str], bytes]


def executable(*segments: tuple[int, bytes, int]) -> bytes:
    """Return a linked program: an address, data and flags for each segment."""
    count = len(segments)
    at = 52 + 32 * count
    headers, bodies = b"", b""
    for address, data, flags in segments:
        size = len(data)
        place = at + len(bodies)
        headers += struct.pack("<8I", 1, place, address, address, size, size + 8, flags, 4)
        bodies += data
    head = struct.pack(
        "<16sHHIIIIIHHHHHH",
        b"\x7fELF\x01\x01\x01" + bytes(9),
        *(2, 264, 1, 0, 52, 0, 2, 52, 32, count, 40, 0, 0),
    )
    return head + headers + bodies


def test_pyelftools_reads_the_same(fixture_bytes: Bytes) -> None:
    data = fixture_bytes("object.o")
    ours, theirs = elf.decode(data), ELFFile(io.BytesIO(data))
    assert [(s.name, s.size, s.flags, s.data) for s in ours.sections if s.type != 8] == [
        (s.name, s["sh_size"], s["sh_flags"], s.data() if s["sh_type"] != "SHT_NULL" else b"")
        for s in theirs.iter_sections()
        if s["sh_type"] != "SHT_NOBITS"
    ]
    table = theirs.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    assert [(s.name, s.value, s.size) for s in ours.symbols] == [
        (s.name, s["st_value"], s["st_size"]) for s in table.iter_symbols()
    ]
    relocations = [
        (relocation["r_offset"], relocation["r_info_sym"], relocation["r_addend"])
        for section in theirs.iter_sections()
        if section["sh_type"] == "SHT_RELA"
        for relocation in section.iter_relocations()
    ]
    assert [(r.offset, r.symbol, r.addend) for r in ours.relocations] == relocations


def test_what_the_source_says(fixture_bytes: Bytes) -> None:
    content = elf.decode(fixture_bytes("object.o"))
    assert (content.kind, content.architecture) == ("object", "aie2")
    assert [function.name for function in content.functions] == ["leaf", "user"]
    assert content.undefined == {"sqrtf": ("user",)}
    assert content.program_size == sum(function.size for function in content.functions)
    assert content.data_size == 16
    # Eight and a hundred words on the stack, and what the calling convention adds.
    assert 32 <= content.stack_sizes["leaf"] < 64
    assert 400 <= content.stack_sizes["user"] < 464


def test_every_byte_is_accounted_for(fixture_bytes: Bytes) -> None:
    data = fixture_bytes("object.o")
    ledger = Ledger()
    elf.read(Reader(data=data, what="ELF", code="NPU056", ledger=ledger))
    spans = ledger.close(data)
    assert UNNAMED not in {span.name for span in spans}
    assert b"".join(data[span.offset : span.end] for span in spans) == data


def test_an_executable() -> None:
    content = elf.decode(executable((0, b"code" * 4, 5), (0x70400, b"data", 6)))
    assert content.kind == "executable"
    assert [(s.address, s.data, s.memory_size) for s in content.segments] == [
        (0, b"code" * 4, 24),
        (0x70400, b"data", 12),
    ]
    assert content.functions == ()
    assert content.undefined == {}


def _put(data: bytes, offset: int, layout: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(layout, changed, offset, *values)
    return bytes(changed)


@pytest.mark.parametrize(
    ("offset", "layout", "value", "problem"),
    [
        (4, "<B", 2, "no 32-bit little-endian ELF"),
        (5, "<B", 2, "no 32-bit little-endian ELF"),
        (18, "<H", 62, "it is for machine 62, not an AI Engine"),
        (16, "<H", 3, "its type 3 is neither object nor executable"),
        (32, "<I", 1 << 30, "section header needs 40 bytes and 0 are left"),
        (46, "<H", 64, "section headers of 64 bytes are not known"),
        (48, "<H", 0xFFFF, "section header needs 40 bytes"),
        (50, "<H", 0x7FFF, "section 32767 holds the names"),
    ],
)
def test_damaged_headers_are_named(
    offset: int, layout: str, value: int, problem: str, fixture_bytes: Bytes
) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        elf.decode(_put(fixture_bytes("object.o"), offset, layout, value))
    assert caught.value.code == "NPU056"


@pytest.mark.parametrize(
    ("name", "offset", "value", "problem"),
    [
        (".symtab", 24, 99, "the symbol table is damaged"),
        (".symtab", 20, 17, "the symbol table is damaged"),
        (".symtab", 16, 1 << 30, "a section needs"),
        (".rela.text.user", 28, 99, "relocations .rela.text.user are damaged"),
        (".strtab", 16, 0, "two sections overlap"),
        (".text.leaf", 0, 1 << 20, "section names is not a NUL-terminated string"),
    ],
)
def test_damaged_sections_are_named(
    name: str, offset: int, value: int, problem: str, fixture_bytes: Bytes
) -> None:
    data = fixture_bytes("object.o")
    content = elf.decode(data)
    number = next(i for i, section in enumerate(content.sections) if section.name == name)
    at = struct.unpack_from("<I", data, 32)[0] + 40 * number
    with pytest.raises(UsageError, match=problem) as caught:
        elf.decode(_put(data, at + offset, "<I", value))
    assert caught.value.code == "NPU056"


def test_damaged_stack_sizes_are_named(fixture_bytes: Bytes) -> None:
    data = fixture_bytes("object.o")
    section = next(s for s in elf.decode(data).sections if s.name == ".stack_sizes")
    with pytest.raises(UsageError, match="cut or longer than 5 bytes"):
        elf.decode(_put(data, section.offset + 4, "<B", 0x80))


def test_damaged_segments_are_named() -> None:
    data = executable((0, b"code", 5))
    for offset, layout, value, problem in (
        (56, "<I", 1 << 30, "segment 0 needs 4 bytes"),
        (42, "<H", 48, "program headers of 48 bytes"),
        (44, "<H", 9, "program header needs 32 bytes"),
        (44, "<H", 9999, "9999 program headers are more than 64"),
    ):
        with pytest.raises(UsageError, match=problem) as caught:
            elf.decode(_put(data, offset, layout, value))
        assert caught.value.code == "NPU056"
