"""The registers of one kind of tile, loaded from the reviewed tables beside this file."""

from __future__ import annotations

import itertools
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, NamedTuple

from errors import UsageError, nearest
from simulator.array.geometry import TileKind

WORD = 4
"""Bytes in a register word."""


class Field(NamedTuple):
    """Some bits of a register word."""

    name: str
    lsb: int
    width: int
    signed: bool = False

    @property
    def mask(self) -> int:
        return ((1 << self.width) - 1) << self.lsb

    def get(self, word: int) -> int:
        """Return the field's value in `word`."""
        value = (word & self.mask) >> self.lsb
        return value - (1 << self.width) if self.signed and value >> (self.width - 1) else value

    def put(self, value: int) -> int:
        """Return the bits of a word that give the field `value`.

        Raises:
            UsageError: The value has more bits than the field.
        """
        low = -(1 << (self.width - 1)) if self.signed else 0
        high = low + (1 << self.width) - 1
        if not low <= value <= high:
            raise UsageError(
                f"{self.name} = {value} does not fit its {self.width} bits",
                cure=f"use a value from {low} to {high}",
                code="NPU058",
            )
        return (value << self.lsb) & self.mask


@dataclass(frozen=True)
class Register:
    """One register, or one range of memory.

    Attributes:
        name: The vendor's name with its indices, such as ``"DMA_BD3"``.
        template: The name with ``{}`` for each index.
        index: The indices.
        offset: Byte offset in the tile.
        size: Bytes.
        words: The fields of each 32-bit word; empty for a plain value or a memory.
    """

    name: str
    template: str
    index: tuple[int, ...]
    offset: int
    size: int
    words: tuple[tuple[Field, ...], ...] = ()

    @property
    def is_memory(self) -> bool:
        """Whether it is a range of bytes (a memory, a wide core register), not fields."""
        return not self.words and self.size > WORD

    def decode(self, words: Mapping[int, int]) -> dict[str, int]:
        """Return the fields of the words (by position in the register) as values."""
        return {
            field.name: field.get(word)
            for position, word in sorted(words.items())
            if position < len(self.words)
            for field in self.words[position]
        }

    def encode(self, **values: int) -> list[int]:
        """Return the register's words, with every field that is not given 0.

        Raises:
            UsageError: A field is unknown (NPU057) or its value does not fit (NPU058).
        """
        words = [0] * len(self.words)
        fields = {field.name: (i, field) for i, word in enumerate(self.words) for field in word}
        for name, value in values.items():
            if name not in fields:
                raise UsageError(
                    f"{self.name} has no field {name!r}" + nearest(name, list(fields)),
                    cure=f"its fields are: {', '.join(fields) or 'none'}",
                    code="NPU057",
                )
            position, field = fields[name]
            words[position] |= field.put(value)
        return words


class TileMap:
    """The registers of one kind of tile, by offset and by name."""

    def __init__(self, kind: TileKind, registers: list[Register]) -> None:
        self.kind = kind
        self.registers = sorted(registers, key=lambda register: register.offset)

    @cached_property
    def _offsets(self) -> list[int]:
        return [register.offset for register in self.registers]

    @cached_property
    def _names(self) -> dict[str, Register]:
        return {register.name: register for register in self.registers}

    def find(self, offset: int) -> Register | None:
        """Return the register that holds the byte at `offset`, None where there is none."""
        i = bisect_right(self._offsets, offset) - 1
        if i >= 0 and offset < self.registers[i].offset + self.registers[i].size:
            return self.registers[i]
        return None

    def closest(self, offset: int) -> Register:
        """Return the register whose bytes are nearest to `offset`."""
        i = bisect_right(self._offsets, offset)
        around = self.registers[max(i - 1, 0) : i + 1]
        return min(around, key=lambda r: max(r.offset - offset, offset - r.offset - r.size))

    def named(self, name: str) -> Register:
        """Return the register of that name.

        Raises:
            UsageError: There is none (NPU057); the nearest name is proposed.
        """
        if name not in self._names:
            raise UsageError(
                f"a {self.kind} tile has no register {name!r}" + nearest(name, list(self._names)),
                cure="use a name of simulator/registers",
                code="NPU057",
            )
        return self._names[name]


_TABLES = {
    TileKind.CORE: "core.toml",
    TileKind.MEM: "memtile.toml",
    TileKind.SHIM: "shim.toml",
}


@cache
def tile_map(kind: TileKind) -> TileMap:
    """Return the map of a kind of tile; its table is read once."""
    text = (files(__package__) / _TABLES[kind]).read_text()
    table = tomllib.loads(text)
    layouts = {name: _words(layout) for name, layout in table["layouts"].items()}
    registers = [
        register
        for template, entry in table["registers"].items()
        for register in _instances(template, entry, layouts)
    ]
    return TileMap(kind, registers)


def _words(layout: Any) -> tuple[tuple[Field, ...], ...]:
    words = layout if isinstance(layout, list) else [layout]
    return tuple(
        tuple(Field(name, bits[0], bits[1], "signed" in bits) for name, bits in word.items())
        for word in words
    )


def _instances(
    template: str, entry: Mapping[str, Any], layouts: Mapping[str, tuple[tuple[Field, ...], ...]]
) -> Iterator[Register]:
    if "layout" in entry:
        words = layouts[entry["layout"]]
    else:
        words = _words(entry["fields"]) if "fields" in entry else ()
    size = entry.get("size", WORD * max(len(words), 1))
    repeats = [(*repeat, 0)[:3] for repeat in entry.get("repeat", [])]
    for steps in itertools.product(*(range(count) for count, _, _ in repeats)):
        pairs = list(zip(steps, repeats, strict=True))
        index = tuple(step + first for step, (_, _, first) in pairs)
        offset = entry["at"] + sum(step * stride for step, (_, stride, _) in pairs)
        yield Register(template.format(*index), template, index, offset, size, words)
