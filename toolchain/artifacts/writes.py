"""What a configuration does to registers, whatever carries it: CDO commands or operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simulator.binary.commands import TILE_WORDS, Fill, RegisterWrite
from toolchain.artifacts import cdo, operations
from toolchain.artifacts.cdo import Cdo
from toolchain.artifacts.operations import Operation

__all__ = ["TILE_WORDS", "Fill", "RegisterWrite", "of_cdos", "of_command", "of_operation"]


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
