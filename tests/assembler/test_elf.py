"""The ELF file of an assembled program, as other readers see it."""

from __future__ import annotations

import io

from elftools.elf.elffile import ELFFile

from simulator.aie2.assembler import assemble, write_elf
from simulator.aie2.elf import load
from toolchain.artifacts import elf

SOURCE = """
        .globl  __start
        .type   __start, @function
        nop
__start:
        movxm   p0, #table
        .size   __start, . - __start
inner:  nop
        .data
        .type   table, @object
table:  .word   1, 2, 3
        .size   table, 12
        .bss
        .globl  buffer
buffer: .space  100
"""


def test_the_labs_reader_finds_what_was_written() -> None:
    found = elf.decode(write_elf(assemble(SOURCE)))
    assert (found.kind, found.architecture, found.entry) == ("executable", "aie2", 2)
    assert [(s.address, len(s.data), s.memory_size, s.flags) for s in found.segments] == [
        (0, 10, 10, 5),
        (0x70400, 12, 12, 6),
        (0x70420, 0, 100, 6),
    ]
    assert [(s.name, s.address, s.size) for s in found.sections[1:4]] == [
        (".text", 0, 10),
        (".data", 0x70400, 12),
        (".bss", 0x70420, 100),
    ]
    assert found.sections[2].data == b"\1\0\0\0\2\0\0\0\3\0\0\0"
    assert [(s.name, s.value, s.size, s.type, s.binding) for s in found.symbols[1:]] == [
        ("inner", 8, 0, "notype", "local"),
        ("table", 0x70400, 12, "object", "local"),
        ("__start", 2, 6, "function", "global"),
        ("buffer", 0x70420, 0, "notype", "global"),
    ]


def test_pyelftools_reads_it_too() -> None:
    found = ELFFile(io.BytesIO(write_elf(assemble(SOURCE))))
    assert (found["e_machine"], found["e_flags"], found["e_type"]) == (264, 2, "ET_EXEC")
    assert [section.name for section in found.iter_sections()] == [
        *("", ".text", ".data", ".bss", ".symtab", ".shstrtab", ".strtab"),
    ]
    table = found.get_section_by_name(".symtab")
    assert table["sh_info"] == 3
    assert [table.get_symbol(i)["st_info"]["bind"] for i in (2, 3)] == ["STB_LOCAL", "STB_GLOBAL"]


def test_the_simulators_loader_takes_it() -> None:
    program = load(write_elf(assemble(SOURCE)))
    assert program.entry == 2
    assert program.objects["table"] == (0x70400, 12)
    assert program.symbols.describe(8) == "0x8 (inner)"


def test_every_byte_of_the_file_is_accounted_for() -> None:
    from toolchain.artifacts.inspect import inspect_bytes

    assert inspect_bytes(write_elf(assemble(SOURCE)), "core.elf").problems == ()


def test_an_empty_source_is_an_empty_program() -> None:
    found = elf.decode(write_elf(assemble("// nothing")))
    assert (found.segments, found.program_size) == ((), 0)
