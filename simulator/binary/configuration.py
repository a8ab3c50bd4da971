"""The commands of a configuration file as what the array loads."""

from __future__ import annotations

from collections.abc import Iterable

from errors import CheckFailed
from simulator.array.config import Configuration, Origin
from simulator.array.geometry import ROWS
from simulator.array.host import PollRegister, WriteRegisters
from simulator.binary.commands import (
    TILE_WORDS,
    Command,
    LoadImage,
    Patch,
    Poll,
    RegisterWrite,
    Skipped,
    Sync,
    Unmodelled,
)
from simulator.registers import tile_of
from simulator.registers.address import COLUMNS

MOST_WORDS = COLUMNS * ROWS * TILE_WORDS
"""Words that one configuration may set: what the address range of the whole array has."""


def configuration(
    commands: Iterable[Command], device: str = "npu1", what: str = "CDO command"
) -> Configuration:
    """Return the configuration that commands make; the array does it when it loads it.

    Args:
        commands: What one image holds, in order.
        device: Geometry name: how many columns the image is for.
        what: What a command is called in messages, before its number.

    Raises:
        CheckFailed: NPU284, a command is none that a configuration can have; NPU285, they set
            more words than the array has.
    """
    steps: list[WriteRegisters | PollRegister] = []
    left = MOST_WORDS
    for number, command in enumerate(commands):
        origin = Origin(f"{what} {number}")
        match command:
            case RegisterWrite(address, words, mask):
                left -= len(words)
                tile, offset = tile_of(address)
                steps.append(WriteRegisters(tile, offset, words, mask, origin))
            case Poll(address, value, mask):
                steps.append(PollRegister(*tile_of(address), mask, value, origin))
            case Skipped():
                pass
            case Unmodelled() | Patch() | Sync() | LoadImage():
                raise unplayable(command, origin)
        if left < 0:
            raise CheckFailed(
                f"the configuration sets more than {MOST_WORDS} words{origin.bracketed}, which is "
                "all that the array has",
                cure="check that the artifact was built for npu1 (Phoenix) and is whole",
                code="NPU285",
            )
    return Configuration(device=device, writes=steps)


def unplayable(command: Command, origin: Origin) -> CheckFailed:
    """Return the error of a command that cannot be done where it stands (NPU284)."""
    name = command.name if isinstance(command, Unmodelled) else type(command).__name__.lower()
    return CheckFailed(
        f"{name}{origin.bracketed} is not modelled",
        cure="see docs/architecture.md for what the simulated array runs of a binary",
        code="NPU284",
    )
