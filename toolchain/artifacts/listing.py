"""Configuration as text: one line per command or operation, registers by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from errors import UsageError
from simulator.array.config import TileId
from simulator.registers import describe, resolve
from toolchain.artifacts import cdo, operations, writes
from toolchain.artifacts.cdo import Cdo
from toolchain.artifacts.insts import Transaction, value_names
from toolchain.artifacts.operations import Operation
from toolchain.artifacts.writes import RegisterWrite

Problem = Callable[[str], None]
"""Takes note of a write to an address that has no register."""


def list_cdo(config: Cdo, problem: Problem) -> list[str]:
    """Return the lines of a CDO's commands."""
    return [
        f"{number:5} {cdo.name_of(command.opcode):14} {line}".rstrip()
        for number, command in enumerate(config.commands)
        for line in _command(command, problem)
    ]


def list_transaction(transaction: Transaction, problem: Problem) -> list[str]:
    """Return the lines of an instruction file's operations."""
    return [
        f"{number:5} {operation.mnemonic:14} {line}".rstrip()
        for number, operation in enumerate(transaction.operations)
        for line in operation_lines(operation, problem)
    ]


def _command(command: cdo.Command, problem: Problem) -> list[str]:
    write = writes.of_command(command)
    if write is not None:
        return _write(write, problem)
    if isinstance(command, cdo.MaskPoll):
        place = _place(command.address, problem)
        return [_poll(place, command.mask, command.value) + f" within {command.timeout} ms"]
    return [f"{len(command.payload)} words" if command.payload else ""]


def operation_lines(operation: Operation, problem: Problem) -> list[str]:
    """Return the lines of one operation, without number and name."""
    write = writes.of_operation(operation)
    if write is not None:
        return _write(write, problem)
    match operation:
        case operations.MaskPoll(address=address, mask=mask, value=value):
            return [_poll(_place(address, problem), mask, value)]
        case operations.Sync():
            return [_sync(operation)]
        case operations.AddressPatch(address=address, argument=argument, offset=offset):
            return [f"{_place(address, problem)} += argument {argument} + {offset:#x}"]
    values = (f"{name} = {getattr(operation, name):#x}" for name in value_names(type(operation)))
    return [", ".join(values)]


def _write(write: RegisterWrite, problem: Problem) -> list[str]:
    try:
        return describe(write.address, write.words, write.mask)
    except UsageError as error:
        problem(error.message)
        return [f"{write.address:#x} (no register): {_hex(write.words)}"]


def _place(address: int, problem: Problem) -> str:
    try:
        return str(resolve(address))
    except UsageError as error:
        problem(error.message)
        return f"{address:#x} (no register)"


def _poll(place: str, mask: int, value: int) -> str:
    return f"until {place} & {mask:#x} == {value:#x}"


def _sync(sync: operations.Sync) -> str:
    channel = f"{'MM2S' if sync.direction else 'S2MM'} {sync.channel}"
    tiles = str(TileId(sync.column, sync.row))
    if (sync.columns, sync.rows) != (1, 1):
        tiles += f" and {sync.columns} x {sync.rows} tiles from it"
    return f"token of {tiles} {channel}"


def _hex(words: Sequence[int]) -> str:
    shown = " ".join(f"{word:#x}" for word in words[:8])
    return shown if len(words) <= 8 else f"{shown} ... ({len(words)} words)"
