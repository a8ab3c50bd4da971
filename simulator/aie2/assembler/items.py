"""What a section is made of, before and after it has addresses."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.aie2.assembler.bundling import Slots, sizes
from simulator.aie2.assembler.expression import Expression
from simulator.aie2.assembler.matching import Parsed
from simulator.aie2.assembler.source import Text
from simulator.aie2.bundle import Format


@dataclass
class Code:
    """A bundle."""

    line: Text
    parts: tuple[Parsed, ...]
    slots: Slots
    address: int = 0
    format: Format = field(init=False)

    def __post_init__(self) -> None:
        found = sizes(self.slots)
        self.format = found[min(found)]

    @property
    def size(self) -> int:
        return self.format.pattern.width // 8


@dataclass
class Data:
    """Numbers of `width` bytes each."""

    line: Text
    width: int
    values: tuple[Expression, ...]
    address: int = 0

    @property
    def size(self) -> int:
        return self.width * len(self.values)


@dataclass
class Raw:
    """Bytes that are known already."""

    line: Text
    data: bytes
    address: int = 0

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass
class Space:
    """Bytes of one value, as many as an expression of what stands above says."""

    line: Text
    count: Expression
    fill: int = 0
    address: int = 0
    size: int = 0


@dataclass
class Align:
    """Moves the address on to a multiple of `boundary`; in code with nops."""

    line: Text
    boundary: int
    address: int = 0
    nops: tuple[Format, ...] = ()
    size: int = 0


@dataclass
class Org:
    """Moves the address on to the value of an expression."""

    line: Text
    target: Expression
    address: int = 0
    size: int = 0


@dataclass
class Label:
    """Names the address."""

    line: Text
    name: str
    address: int = 0
    size: int = 0


Item = Code | Data | Raw | Space | Align | Org | Label


@dataclass
class Section:
    """A section of the source: its pieces in order.

    Attributes:
        start: Its address, after layout.
        end: The address behind it, after layout.
    """

    name: str
    items: list[Item] = field(default_factory=list)
    start: int = 0
    end: int = 0
