"""What a configuration does to registers, whatever carries it: CDO commands or operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import overload

from simulator.registers.address import FULL
from toolchain.artifacts import cdo, operations
from toolchain.artifacts.cdo import Cdo
from toolchain.artifacts.operations import Operation

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
    """Consecutive words set from `address` on; with a mask only the bits it covers."""

    address: int
    words: Sequence[int]
    mask: int = FULL


def of_command(command: cdo.Command) -> RegisterWrite | None:
    """Return the write that a CDO command makes, None where it makes none."""
    match command:
        case cdo.Write(address=address, value=value):
            return RegisterWrite(address, (value,))
        case cdo.MaskWrite(address=address, value=value, mask=mask):
            return RegisterWrite(address, (value,), mask)
        case cdo.DmaWrite(address=address, data=data):
            return RegisterWrite(address, data)
        case cdo.BlockSet(address=address, value=value, count=count):
            return RegisterWrite(address, Fill(value, min(count, TILE_WORDS)))
    return None


def of_operation(operation: Operation) -> RegisterWrite | None:
    """Return the write that an operation makes, None where it makes none."""
    match operation:
        case operations.Write(address=address, value=value):
            return RegisterWrite(address, (value,))
        case operations.MaskWrite(address=address, value=value, mask=mask):
            return RegisterWrite(address, (value,), mask)
        case operations.BlockWrite(address=address):
            return RegisterWrite(address, operation.words)
    return None


def of_cdos(cdos: Iterable[Cdo]) -> Iterator[RegisterWrite]:
    """Yield the writes of CDOs, in order."""
    for config in cdos:
        for command in config.commands:
            if (write := of_command(command)) is not None:
                yield write
