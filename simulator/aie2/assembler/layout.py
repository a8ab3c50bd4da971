"""Gives every piece of a source its address."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.aie2.assembler.expression import Expression
from simulator.aie2.assembler.items import Align, Code, Item, Label, Org, Section, Space
from simulator.aie2.assembler.padding import filling, lengthened
from simulator.aie2.assembler.program import (
    DATA_END,
    DATA_START,
    PROGRAM_BYTES,
    STACK_BYTES,
)
from simulator.aie2.assembler.reader import SECTIONS, Source
from simulator.aie2.assembler.source import Text

_DATA_ALIGNMENT = 32
"""Where a data section begins that no .org moves: vectors of 256 bits are aligned to it."""

_MOST_LENGTHENED = 32
"""Bundles before an alignment that may be made longer."""

_EVEN = 2

_MOST_NESTED = 16
"""Symbols of .set that one of them may be defined through."""


class Layout:
    """The addresses of labels, and the values of symbols."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.addresses: dict[str, int] = {}
        end = DATA_START + STACK_BYTES
        for name in SECTIONS:
            section = source.sections[name]
            if name == ".text":
                self._place(section, 0, PROGRAM_BYTES)
            elif section.items:
                begin = -(-end // _DATA_ALIGNMENT) * _DATA_ALIGNMENT
                self._place(section, begin, DATA_END)
                end = section.end

    def lookup(self, name: str, here: int | None = None, depth: int = 0) -> int | None:
        """Return the value of a symbol; ``.`` is `here`."""
        if name == ".":
            return here
        if name in self.addresses:
            return self.addresses[name]
        value = self.source.values.get(name)
        if value is None:
            return None
        if depth > _MOST_NESTED:
            raise value.text.error(
                f"{name} is defined by itself, or through more than {_MOST_NESTED} others",
                "Give it a number, or a label.",
                "NPU534",
            )
        return value.value(lambda other: self.lookup(other, here, depth + 1))

    def value(self, expression: Expression, here: int) -> int:
        """Return an expression's value at an address.

        Raises:
            UsageError: A symbol in it is not defined, or not yet (NPU534).
        """
        return expression.value(lambda name: self.lookup(name, here))

    def _place(self, section: Section, start: int, limit: int) -> None:
        at = start
        section.start = start
        run: list[Code] = []
        begun = False
        for item in section.items:
            item.address = at
            self._measure(section, item, run)
            if isinstance(item, Org) and not begun:
                section.start = item.address + item.size
            at = item.address + item.size
            if isinstance(item, Code):
                run.append(item)
            elif item.size or isinstance(item, Label | Align):
                run.clear()
            if isinstance(item, Label) and item.name:
                self.addresses[item.name] = at
            begun = begun or not isinstance(item, Org | Label)
            _check(item.line, section, at, limit)
        section.end = at

    def _measure(self, section: Section, item: Item, run: list[Code]) -> None:
        """Set the size, and for an alignment the formats, of a piece at its address."""
        if isinstance(item, Space):
            item.size = self.value(item.count, item.address)
            if item.size < 0:
                raise item.line.error(
                    f"a space of {item.size} bytes is none", "Give 0 or more.", "NPU530"
                )
        elif isinstance(item, Org):
            target = self.value(item.target, item.address)
            item.size = target - item.address
            if item.size < 0:
                raise item.line.error(
                    f"{target:#x} lies before this place, {item.address:#x}",
                    "Order what stands in a section by address.",
                    "NPU536",
                )
        elif isinstance(item, Align) and section.name == ".text":
            _align_code(item, run[-_MOST_LENGTHENED:])
        elif isinstance(item, Align):
            item.size = -item.address % item.boundary


def _align_code(item: Align, run: list[Code]) -> None:
    """Lengthen the bundles before an alignment, or put nops where that does not do."""
    start = run[0].address if run else item.address
    formats = lengthened([code.slots for code in run], start, item.boundary)
    if formats is None:
        item.size = -item.address % item.boundary
        if item.size % _EVEN == 0:
            item.nops = tuple(filling(item.size))
        return
    for code, form in zip(run, formats, strict=True):
        code.address = start
        code.format = form
        start += code.size
    item.address = start


def _check(line: Text, section: Section, at: int, limit: int) -> None:
    if at > limit:
        raise line.error(
            f"{section.name} reaches {at:#x}, past the end of its memory at {limit:#x}",
            f"Program memory has {PROGRAM_BYTES} bytes from 0; data memory lies from"
            f" {DATA_START:#x} to {DATA_END:#x}.",
            "NPU536",
        )


def pieces(section: Section) -> Iterator[Item]:
    """Yield what takes bytes from where the section begins."""
    return (item for item in section.items if item.address >= section.start and item.size)
