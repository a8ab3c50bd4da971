"""What an array notices that the hardware would survive, and a right design seldom does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from errors import CheckFailed
from simulator.array.config import NOWHERE, Buffer, Origin, TileId
from simulator.array.memory import HostBuffer, Memory

if TYPE_CHECKING:
    from simulator.array.channel import Channel
    from simulator.array.descriptor import Descriptor


class Findings:
    """The findings of a run, and the buffers whose names they need.

    Attributes:
        found: What was found in this run.
    """

    def __init__(self, buffers: Sequence[Buffer]) -> None:
        self._buffers = buffers
        self.found: list[CheckFailed] = []

    def unwritten(self, descriptor: Descriptor) -> None:
        """Note that a DMA sends words that nobody has written."""
        self.found.append(
            CheckFailed(
                f"{descriptor} sends memory that nobody had written",
                cure="check its offset and length, and the initial value of the lock it acquires",
                code="NPU219",
            )
        )

    def name(self, memory: Memory | HostBuffer, byte: int) -> str:
        """Return `` (buffer a, line 7)`` for a byte of a tile's memory that a buffer has."""
        if isinstance(memory, Memory):
            for buffer in self._at(memory.tile, byte):
                return Origin(f"buffer {buffer.name}", buffer.origin.line).bracketed
        return ""

    def bounds(self, tile: TileId, byte: int) -> list[tuple[int, int]]:
        """Return first byte and end of each buffer that has a byte of a tile's memory."""
        found = self._at(tile, byte)
        return [(buffer.address, buffer.address + buffer.size) for buffer in found]

    def _at(self, tile: TileId, byte: int) -> list[Buffer]:
        return [
            buffer
            for buffer in self._buffers
            if buffer.tile == tile and 0 <= byte - buffer.address < buffer.size
        ]


def _origin(channel: Channel) -> Origin:
    return NOWHERE if channel.task is None else channel.task.origin


def unfinished(channels: Iterable[Channel]) -> list[CheckFailed]:
    """Return a finding for each of these channels that is still at work when the host has ended."""
    return [
        CheckFailed(
            f"the host program has ended, and {channel.name}{_origin(channel).bracketed} has "
            f"{count} unfinished task{'s' * (count > 1)}",
            cure="wait for the last task of each output, and send no more than is received",
            code="NPU220",
        )
        for channel in channels
        if (count := channel.unfinished()) and not channel.between
    ]
