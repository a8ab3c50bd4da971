"""Assembles a source: one unit, which is the whole program of a core."""

from __future__ import annotations

from simulator.aie2.assembler import rules
from simulator.aie2.assembler.bundling import nop_of
from simulator.aie2.assembler.expression import Expression
from simulator.aie2.assembler.items import Align, Code, Data, Item, Raw, Section, Space
from simulator.aie2.assembler.layout import Layout, pieces
from simulator.aie2.assembler.program import Block, Program, Symbol
from simulator.aie2.assembler.reader import SECTIONS, Source, read
from simulator.aie2.bundle import Bundle, Format, encode

_WORD = 32
_LOCAL = ".L"
"""Labels that begin so are left out of the symbol table, and .set numbers that no .globl names."""


def assemble(source: str, file: str = "<source>") -> Program:
    """Assemble a source.

    Args:
        source: The text of the whole program; also the listing that the disassembler prints.
        file: Its name, for messages.

    Raises:
        UsageError: A line cannot be read (NPU530), an instruction is unknown (NPU531), has
            operands that it cannot take (NPU532) or shares a slot (NPU533), a symbol is
            defined twice or not at all (NPU534), a number does not fit (NPU535), a place
            lies outside of its memory (NPU536), or a branch or a loop leads where the core
            cannot go (NPU537). The message begins ``file:line:column:``.
    """
    parsed = read(source, file)
    layout = Layout(parsed)
    text = parsed.sections[".text"]
    rules.check(text.items, layout)
    sections = [parsed.sections[name] for name in SECTIONS]
    blocks = [_block(section, layout) for section in sections if section.end > section.start]
    return Program(
        blocks=tuple(sorted(blocks, key=lambda block: block.address)),
        symbols=tuple(_symbols(parsed, layout)),
        entry=layout.lookup("__start") or 0,
        lines={item.address: item.line.line for item in text.items if isinstance(item, Code)},
    )


def _block(section: Section, layout: Layout) -> Block:
    size = section.end - section.start
    data = bytearray()
    if section.name != ".bss":
        data = bytearray(size)
        for item in pieces(section):
            piece = _bytes(item, section, layout)
            data[item.address - section.start : item.address - section.start + len(piece)] = piece
    return Block(section.name, section.start, size, bytes(data))


def _bytes(item: Item, section: Section, layout: Layout) -> bytes:
    match item:
        case Code():
            return _bundle(item, layout)
        case Data():
            return b"".join(_number(item, i, layout) for i in range(len(item.values)))
        case Raw():
            return item.data
        case Space():
            return bytes([item.fill]) * item.size
        case Align() if section.name == ".text":
            return b"".join(_nops(form) for form in item.nops)
        case _:
            return bytes(item.size)


def _bundle(item: Code, layout: Layout) -> bytes:
    def lookup(name: str) -> int | None:
        return layout.lookup(name, item.address)

    given = {part.slot: part.resolve(lookup) for part in item.parts}
    slots = item.format.slots.values()
    return encode(Bundle(item.format, {slot: given.get(slot) or nop_of(slot) for slot in slots}))


def _nops(form: Format) -> bytes:
    return encode(Bundle(form, {slot: nop_of(slot) for slot in form.slots.values()}))


def _number(item: Data, number: int, layout: Layout) -> bytes:
    expression = item.values[number]
    value = layout.value(expression, item.address + number * item.width)
    bits = 8 * item.width
    if not -(1 << bits - 1) <= value < 1 << bits:
        raise expression.text.error(
            f"{value} does not fit {item.width} bytes",
            f"Use a number from {-(1 << bits - 1)} to {(1 << bits) - 1}.",
            "NPU535",
        )
    return (value & (1 << bits) - 1).to_bytes(item.width, "little")


def _symbols(source: Source, layout: Layout) -> list[Symbol]:
    for known in (source.globals, source.sizes, source.kinds):
        for name in known:
            if layout.lookup(name) is None and name in source.globals:
                raise source.globals[name].error(
                    f"{name} is not defined",
                    "Define it as a label or with .set, in this source.",
                    "NPU534",
                )
    homes = {
        item.name: section.name
        for section in source.sections.values()
        for item in section.items
        if hasattr(item, "name")
    }
    found = []
    for name in [*source.labels, *source.values]:
        if name.startswith(_LOCAL) or not (name in homes or name in source.globals):
            continue
        size, here = source.sizes.get(name, (None, None))
        value = layout.lookup(name) or 0
        if name in source.values:
            value = _unsigned(source.values[name], value)
        found.append(
            Symbol(
                name=name,
                value=value,
                section=homes.get(name, ""),
                size=_unsigned(size, layout.value(size, here.address)) if size and here else 0,
                kind=source.kinds.get(name, "notype"),
                is_global=name in source.globals,
            )
        )
    return found


def _unsigned(expression: Expression, value: int) -> int:
    if not 0 <= value < 1 << _WORD:
        raise expression.text.error(
            f"{value} is no size or value of a symbol",
            f"Use a number from 0 to {(1 << _WORD) - 1}.",
            "NPU535",
        )
    return value
