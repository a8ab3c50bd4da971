"""Comparison of ELF files: all that a core is loaded with or a linker takes, and nothing else."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import pytest

from errors import LabError
from simulator.aie2.assembler import assemble, write_elf
from toolchain.artifacts import elf
from toolchain.artifacts.diff import Difference

Bytes = Callable[[str], bytes]
Compare = Callable[[bytes, bytes], Difference]

SECTION = {"type": 4, "flags": 8, "address": 12, "size": 20, "info": 28, "align": 32}
SEGMENT = {"address": 8, "load address": 12, "memory": 20, "flags": 24, "align": 28}
SYMBOL = {"name": 0, "value": 4, "size": 8, "info": 12, "other": 13, "section": 14}


@pytest.fixture
def object_file(fixture_bytes: Bytes) -> bytes:
    """A compiler's object."""
    return fixture_bytes("object.o")


@pytest.fixture(scope="module")
def program() -> bytes:
    """A linked program: code at 0, data at 0x70400."""
    return write_elf(
        assemble("main: mova r0, #1; mov r1, #2\nnop\n.global x\n.data\nx: .word 7, 8\n")
    )


def section(data: bytes, name: str, field: str) -> int:
    """Return where in the file a field of a section's header is."""
    number = [one.name for one in elf.decode(data).sections].index(name)
    return int(struct.unpack_from("<I", data, 32)[0]) + 40 * number + SECTION[field]


def segment(data: bytes, number: int, field: str) -> int:
    """Return where in the file a field of a segment's header is."""
    return int(struct.unpack_from("<I", data, 28)[0]) + 32 * number + SEGMENT[field]


def symbol(data: bytes, name: str, field: str) -> int:
    """Return where in the file a field of a symbol is."""
    content = elf.decode(data)
    table = next(one for one in content.sections if one.name == ".symtab")
    return table.offset + 16 * [one.name for one in content.symbols].index(name) + SYMBOL[field]


def relocation(data: bytes, number: int) -> int:
    """Return where in the file a relocation of the function ``user`` is."""
    table = next(one for one in elf.decode(data).sections if one.name == ".rela.text.user")
    return table.offset + 12 * number


def put(data: bytes, offset: int, layout: str, *values: int | bytes) -> bytes:
    """Return `data` with values of a layout written over it."""
    changed = bytearray(data)
    struct.pack_into(layout, changed, offset, *values)
    return bytes(changed)


def shown(difference: Difference) -> list[str]:
    return [str(change) for change in difference.changes]


@pytest.mark.parametrize(
    ("at", "layout", "value", "change"),
    [
        (8, "<i", 64, "0x18 in user: leaf (type 19) -> leaf + 64 (type 19)"),
        (4, "<B", 18, "0x18 in user: leaf (type 19) -> leaf (type 18)"),
        (4, "<I", 19 | 20 << 8, "0x18 in user: leaf (type 19) -> table (type 19)"),
        (4, "<I", 19 | 11 << 8, "0x18 in user: leaf (type 19) -> .text.leaf (type 19)"),
        (4, "<I", 19 | 99 << 8, "0x18 in user: leaf (type 19) -> symbol 99 + 0 (type 19)"),
    ],
)
def test_relocations(
    at: int, layout: str, value: int, change: str, object_file: bytes, compare: Compare
) -> None:
    changed = put(object_file, relocation(object_file, 0) + at, layout, value)
    assert shown(compare(object_file, changed)) == [
        f"section .text.user: 1 relocations differ, the first at {change}"
    ]


def test_places_of_relocations(object_file: bytes, compare: Compare) -> None:
    moved = put(object_file, relocation(object_file, 0), "<I", 0x10)
    assert shown(compare(object_file, moved)) == [
        "section .text.user: 2 relocations differ,"
        " the first at 0x10 in user: none -> leaf (type 19)"
    ]
    twice = put(object_file, relocation(object_file, 0), "<I", 36)
    assert shown(compare(moved, twice)) == [
        "section .text.user: 2 relocations differ,"
        " the first at 0x10 in user: leaf (type 19) -> none"
    ]
    other = put(object_file, relocation(object_file, 0), "<IIi", 36, 19 | 17 << 8, 4)
    assert shown(compare(twice, other)) == [
        "section .text.user: 1 relocations differ, the first at 0x24 in user:"
        " leaf (type 19), then leaf (type 19) -> leaf + 4 (type 19), then leaf (type 19)"
    ]


@pytest.mark.parametrize(
    ("name", "field", "layout", "value", "change"),
    [
        ("table", "value", "<I", 8, "symbol.table.value: '0x0' -> '0x8'"),
        ("table", "size", "<I", 12, "symbol.table.size: 16 -> 12"),
        ("table", "info", "<B", 0x21, "symbol.table.binding: 'global' -> 'weak'"),
        ("table", "info", "<B", 0x10, "symbol.table.type: 'object' -> 'notype'"),
        ("table", "other", "<B", 2, "symbol.table.visibility: 0 -> 2"),
        ("table", "section", "<H", 5, "symbol.table.section: '.data' -> '.text.user'"),
        ("table", "section", "<H", 0xFFF1, "symbol.table.section: '.data' -> 'absolute'"),
        ("sqrtf", "info", "<B", 0x20, "undefined.sqrtf: 'user' -> 'user (weak)'"),
    ],
)
def test_symbols_of_objects(
    name: str,
    field: str,
    layout: str,
    value: int,
    change: str,
    object_file: bytes,
    compare: Compare,
) -> None:
    changed = put(object_file, symbol(object_file, name, field), layout, value)
    assert shown(compare(object_file, changed)) == [change]


@pytest.mark.parametrize(
    ("name", "field", "value", "changes"),
    [
        (".data", "address", 64, ["section .data address: 0x0 -> 0x40"]),
        (".data", "align", 32, ["section .data alignment: 0x4 -> 0x20"]),
        (".data", "flags", 2, ["section .data flags: 0x3 -> 0x2"]),
        (".data", "type", 14, ["section .data type: 0x1 -> 0xe"]),
        (".data", "flags", 0, ["data_size: 16 -> 0", "- section .data = 16 bytes at 0x0"]),
        (
            ".data",
            "size",
            12,
            [
                "data_size: 16 -> 12",
                "section .data bytes: 16 -> 12",
            ],
        ),
    ],
)
def test_sections_of_objects(
    name: str, field: str, value: int, changes: list[str], object_file: bytes, compare: Compare
) -> None:
    changed = put(object_file, section(object_file, name, field), "<I", value)
    assert shown(compare(object_file, changed)) == changes


def test_the_order_in_which_a_linker_lays_sections(object_file: bytes, compare: Compare) -> None:
    data, leaf = (section(object_file, name, "type") - 4 for name in (".data", ".text.leaf"))
    changed = bytearray(object_file)
    changed[data : data + 40] = object_file[leaf : leaf + 40]
    changed[leaf : leaf + 40] = object_file[data : data + 40]
    assert (
        "order of the sections: .text.leaf, .text.user, .data -> .data, .text.user, .text.leaf"
        in shown(compare(object_file, bytes(changed)))
    )


def grouped(data: bytes, flags: int, member: int) -> bytes:
    """Return an object in which the attributes are a group instead, named after ``leaf``."""
    (attributes,) = (s for s in elf.decode(data).sections if s.name == ".riscv.attributes")
    data = put(data, section(data, ".riscv.attributes", "type"), "<I", 17)
    data = put(data, section(data, ".riscv.attributes", "info"), "<I", 17)
    data = put(data, section(data, ".riscv.attributes", "size"), "<I", 8)
    return put(data, attributes.offset, "<2I", flags, member)


def test_groups_of_sections(object_file: bytes, compare: Compare) -> None:
    before = grouped(object_file, 1, 2)
    for flags, member, after in (
        (0, 2, ".text.leaf (flags 0x0)"),
        (1, 5, ".text.user (flags 0x1)"),
    ):
        assert shown(compare(before, grouped(object_file, flags, member))) == [
            f"group.leaf: '.text.leaf (flags 0x1)' -> '{after}'"
        ]


@pytest.mark.parametrize(
    ("at", "value", "changes"),
    [
        (
            lambda data: section(data, ".data", "address"),
            0x74000,
            ["section .data address: 0x70400 -> 0x74000"],
        ),
        (
            lambda data: segment(data, 1, "address"),
            0x74000,
            ["segment 1 address: 0x70400 -> 0x74000"],
        ),
        (
            lambda data: segment(data, 1, "load address"),
            0x74000,
            ["segment 1 load address: 0x70400 -> 0x74000"],
        ),
        (lambda data: segment(data, 1, "memory"), 64, ["segment 1 memory: 8 bytes -> 64 bytes"]),
        (lambda data: segment(data, 1, "flags"), 4, ["segment 1 flags: 0x6 -> 0x4"]),
        (
            lambda data: symbol(data, "x", "value"),
            0x70404,
            ["symbol.x.value: '0x70400' -> '0x70404'"],
        ),
        (lambda _: 24, 6, ["entry: 0 -> 6"]),
        (lambda _: 36, 0x12, ["flags: '0x2' -> '0x12'"]),
        (lambda _: 20, 2, ["abi[1]: 1 -> 2"]),
    ],
)
def test_programs(
    at: Callable[[bytes], int],
    value: int,
    changes: list[str],
    program: bytes,
    compare: Compare,
) -> None:
    assert shown(compare(program, put(program, at(program), "<I", value))) == changes


def test_data_that_is_placed_elsewhere(program: bytes, compare: Compare) -> None:
    """All addresses of the data moved at once, as by another linker script."""
    changed = program.replace(struct.pack("<I", 0x70400), struct.pack("<I", 0x74400))
    found = shown(compare(program, changed))
    assert found == [
        "symbol.x.value: '0x70400' -> '0x74400'",
        "section .data address: 0x70400 -> 0x74400",
        "segment 1 address: 0x70400 -> 0x74400",
        "segment 1 load address: 0x70400 -> 0x74400",
    ]


def test_a_segment_that_nothing_loads_any_more(program: bytes, compare: Compare) -> None:
    start = segment(program, 1, "address") - 8
    assert shown(compare(program, put(program, start, "<I", 4))) == [
        "- segment 1 = 8 bytes at 0x70400"
    ]


def test_bytes_are_told_once_and_without_sections_too(program: bytes, compare: Compare) -> None:
    at = program.index(struct.pack("<2I", 7, 8))
    changed = put(program, at, "<I", 9)
    assert shown(compare(program, changed)) == [
        "section .data: 1 bytes differ, the first at 0x0: 0x07 -> 0x09"
    ]
    stripped = [put(put(data, 32, "<I", 0), 48, "<2H", 0, 0) for data in (program, changed)]
    assert shown(compare(*stripped)) == [
        "segment 1: 1 bytes differ, the first at 0x0: 0x07 -> 0x09"
    ]


def later(data: bytes, count: int) -> bytes:
    """Return an object whose content is `count` bytes further behind its header."""
    (headers,) = struct.unpack_from("<I", data, 32)
    changed = bytearray(data[:52] + bytes(count) + data[52:])
    struct.pack_into("<I", changed, 32, headers + count)
    for number in range(1, len(elf.decode(data).sections)):
        (offset,) = struct.unpack_from("<I", data, headers + 40 * number + 16)
        struct.pack_into("<I", changed, headers + count + 40 * number + 16, offset + count)
    return bytes(changed)


def renamed(data: bytes) -> bytes:
    """Return an object whose table of names has them in another order."""
    content = elf.decode(data)
    table = next(one for one in content.sections if one.name == ".strtab")
    names = b"\0" + b"\0".join(table.data.strip(b"\0").split(b"\0")[::-1]) + b"\0"
    assert len(names) == table.size
    assert names != table.data
    changed = put(data, table.offset, f"<{table.size}s", names)
    symbols = next(one for one in content.sections if one.name == ".symtab")
    for number, one in enumerate(content.symbols):
        if one.name:
            name = names.index(b"\0" + one.name.encode() + b"\0") + 1
            changed = put(changed, symbols.offset + 16 * number, "<I", name)
    return changed


def renumbered(data: bytes) -> bytes:
    """Return an object whose symbols ``leaf`` and ``table`` have changed places."""
    content = elf.decode(data)
    numbers = [[one.name for one in content.symbols].index(name) for name in ("leaf", "table")]
    other = dict(zip(numbers, numbers[::-1], strict=True))
    table = next(one for one in content.sections if one.name == ".symtab")
    changed = data
    for old, new in other.items():
        changed = put(changed, table.offset + 16 * new, "<16s", table.data[16 * old :][:16])
    for number in range(5):
        at = relocation(data, number) + 4
        (info,) = struct.unpack_from("<I", data, at)
        changed = put(changed, at, "<I", info & 0xFF | other.get(info >> 8, info >> 8) << 8)
    return changed


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: later(data, 16),
        renamed,
        renumbered,
        lambda data: put(data, symbol(data, "$x", "value"), "<I", 2),
        lambda data: data.replace(b"object.c", b"sample.c"),
        lambda data: put(data, section(data, ".symtab", "align"), "<I", 8),
    ],
    ids=["offsets", "order of names", "order of symbols", "label", "source", "alignment"],
)
def test_what_has_no_effect_is_not_told(
    edit: Callable[[bytes], bytes], object_file: bytes, compare: Compare
) -> None:
    changed = edit(object_file)
    assert changed != object_file
    difference = compare(object_file, changed)
    assert (difference.changes, difference.identity) == ((), ())


def test_alignments_of_a_program_are_of_the_past(program: bytes, compare: Compare) -> None:
    for at in (segment(program, 1, "align"), section(program, ".data", "align")):
        assert compare(program, put(program, at, "<I", 64)).same


def test_what_only_people_read_is_told_apart(object_file: bytes, compare: Compare) -> None:
    (attributes,) = (s for s in elf.decode(object_file).sections if s.name == ".riscv.attributes")
    changed = put(object_file, attributes.offset + 3, "<B", 99)
    difference = compare(object_file, changed)
    assert difference.same
    (change,) = difference.identity
    assert change.where == "section .riscv.attributes: 1 bytes differ, the first at 0x3"
    without = put(object_file, section(object_file, ".riscv.attributes", "size"), "<I", 0)
    (change,) = compare(object_file, without).identity
    assert str(change) == "- section .riscv.attributes = 111 bytes at 0x0"


def counting(data: bytes) -> Iterator[int]:
    """Yield the bytes of an object that all have an effect: of what is loaded, and of its links."""
    content = elf.decode(data)
    for one in content.sections:
        if one.is_loaded and one.size:
            yield from range(one.offset, one.offset + one.size)
            for field, size in (("type", 4), ("flags", 4), ("address", 4), ("size", 4)):
                start = section(data, one.name, field)
                yield from range(start, start + size)
    yield from range(relocation(data, 0), relocation(data, 5))
    for name in ("leaf", "user", "table"):
        start = symbol(data, name, "name")
        yield from range(start, start + 16)


@pytest.mark.parametrize("mask", [0xFF, 1])
def test_each_byte_that_counts(mask: int, object_file: bytes, compare: Compare) -> None:
    """A changed byte is a difference, or the file is refused."""
    unseen = []
    places = set(counting(object_file))
    assert len(places) > 300
    for at in sorted(places):
        try:
            same = compare(object_file, put(object_file, at, "<B", object_file[at] ^ mask)).same
        except LabError:
            same = False
        if same:
            unseen.append(hex(at))
    assert unseen == []
