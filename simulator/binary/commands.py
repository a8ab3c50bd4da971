"""What a configuration or an instruction file tells the array, whatever carries it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TypeAlias, overload

from simulator.registers.address import FULL

TILE_WORDS = 1 << 18
"""32-bit words in a tile's address range: no write is longer."""


@dataclass(frozen=True)
class Fill(Sequence[int]):
    """The same word many times, without holding it many times."""

    value: int
    times: int

    def __len__(self) -> int:
        return self.times

    def __iter__(self) -> Iterator[int]:
        return repeat(self.value, self.times)

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> Fill: ...

    def __getitem__(self, index: int | slice) -> int | Fill:
        if isinstance(index, slice):
            return Fill(self.value, len(range(self.times)[index]))
        range(self.times)[index]
        return self.value


@dataclass(frozen=True)
class RegisterWrite:
    """Consecutive words set from `address` on; with a mask only the bits it covers.

    Addresses are those of the array: column, row and offset in the tile.
    """

    address: int
    words: Sequence[int]
    mask: int = FULL


@dataclass(frozen=True)
class Poll:
    """Wait until a register, masked, equals `value`."""

    address: int
    value: int
    mask: int = FULL


@dataclass(frozen=True)
class Patch:
    """Let the shim descriptor whose address word is at `address` move an argument of the call.

    Attributes:
        argument: The argument's place among the buffers of the call, from 0.
        offset: Bytes from its start.
    """

    address: int
    argument: int
    offset: int


@dataclass(frozen=True)
class Sync:
    """Wait for a task's token of a channel of each tile of a rectangle; 0 is S2MM, 1 MM2S."""

    column: int
    row: int
    direction: int
    channel: int
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True)
class LoadImage:
    """Configure the array from another image of the same file."""

    image: int


@dataclass(frozen=True)
class Skipped:
    """Something without effect in the model: padding, time stamps, points of preemption."""

    name: str


@dataclass(frozen=True)
class Unmodelled:
    """Something whose effect the model lacks; to play it is an error that names it."""

    name: str


Command: TypeAlias = RegisterWrite | Poll | Patch | Sync | LoadImage | Skipped | Unmodelled
