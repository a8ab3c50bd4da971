"""Instruction files as host programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from simulator.array.config import Configuration, Direction, Origin, TileId
from simulator.array.host import (
    AwaitToken,
    HostRequest,
    HostRun,
    PatchAddress,
    PollRegister,
    Reconfigure,
    WriteRegisters,
)
from simulator.binary.commands import Command, LoadImage, Patch, Poll, RegisterWrite, Skipped, Sync
from simulator.binary.configuration import unplayable
from simulator.registers import tile_of

Images = Callable[[int, Origin], Configuration]
"""Gives the image of a number; the origin is the instruction that loads it."""


def play(commands: Iterable[Command], images: Images) -> HostRun:
    """Play instructions, as the NPU's controller does.

    Args:
        commands: The instructions, in order.
        images: What they can load.

    Raises while it is played:
        CheckFailed: NPU284, an instruction is not modelled; whatever `images` raises.
    """
    for number, command in enumerate(commands):
        yield from _requests(command, images, Origin(f"instruction {number}"))


def _requests(command: Command, images: Images, origin: Origin) -> Iterator[HostRequest]:
    match command:
        case RegisterWrite(address, words, mask):
            tile, offset = tile_of(address)
            yield WriteRegisters(tile, offset, words, mask, origin)
        case Poll(address, value, mask):
            yield PollRegister(*tile_of(address), mask, value, origin)
        case Patch(address, argument, offset):
            tile, at = tile_of(address)
            yield PatchAddress(tile, at, argument, offset, origin)
        case Sync():
            yield from _tokens(command, origin)
        case LoadImage(image):
            yield Reconfigure(images(image, origin))
        case Skipped():
            pass
        case _:
            raise unplayable(command, origin)


def _tokens(command: Sync, origin: Origin) -> Iterator[AwaitToken]:
    direction = Direction.MM2S if command.direction else Direction.S2MM
    for column in range(command.column, command.column + command.columns):
        for row in range(command.row, command.row + command.rows):
            yield AwaitToken(TileId(column, row), direction, command.channel, origin)
