"""What an array is configured to do, as values that can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

from simulator.array.array import Array
from simulator.array.config import NOWHERE, BufferDescriptor, ChannelId, Direction, Port, TileId


class Link(NamedTuple):
    """One destination of a route."""

    source: Port
    destination: Port
    packet_id: int | None
    keep_header: bool

    def __str__(self) -> str:
        packet = "" if self.packet_id is None else f" packet {self.packet_id}"
        return f"{self.source} -> {self.destination}{packet}"


class Queued(NamedTuple):
    """A task of a channel."""

    bd: int
    repeat: int
    token: bool


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The configuration of an array, without what it has moved so far.

    Attributes:
        locks: Values that are not 0, by tile and number.
        descriptors: By tile and number, without the lines that they come from.
        tasks: The tasks of each channel that has some, the one at work first.
        links: The destinations of all routes.
    """

    locks: Mapping[tuple[TileId, int], int]
    descriptors: Mapping[tuple[TileId, int], BufferDescriptor]
    tasks: Mapping[ChannelId, tuple[Queued, ...]]
    links: frozenset[Link]

    def differences(self, other: Snapshot) -> list[str]:
        """Return what `other` has differently, a line each; nothing where both agree."""
        lines = []
        for part in fields(self):
            mine, theirs = getattr(self, part.name), getattr(other, part.name)
            if isinstance(mine, frozenset):
                lines += [f"links: only the first has {link}" for link in sorted(mine - theirs)]
                lines += [f"links: only the second has {link}" for link in sorted(theirs - mine)]
            else:
                lines += _differences(part.name, mine, theirs)
        return lines


def snapshot(array: Array) -> Snapshot:
    """Return what `array` is configured to do now."""
    tiles = array.geometry.tiles()
    descriptors = {
        (tile, index): replace(record, origin=NOWHERE)
        for tile in tiles
        for index, record in array.descriptors(tile).items()
    }
    locks = {
        (tile, index): value
        for tile in tiles
        for index in range(array.geometry.limits(tile).locks)
        if (value := array.lock_value(tile, index))
    }
    return Snapshot(
        locks=locks,
        descriptors=descriptors,
        tasks=dict(_tasks(array)),
        links=frozenset(_links(array)),
    )


def _tasks(array: Array) -> Iterator[tuple[ChannelId, tuple[Queued, ...]]]:
    for tile in array.geometry.tiles():
        limits = array.geometry.limits(tile)
        for direction, count in ((Direction.MM2S, limits.mm2s), (Direction.S2MM, limits.s2mm)):
            for number in range(count):
                channel = array.channel(ChannelId(tile, direction, number))
                tasks = ([] if channel.task is None else [channel.task]) + list(channel.queue)
                if tasks:
                    yield channel.id, tuple(Queued(t.bd, t.repeat, t.token) for t in tasks)


def _links(array: Array) -> Iterator[Link]:
    for source, outlet in array.fabric.outlets.items():
        if not outlet.packets:
            yield from (Link(source, inlet.port, None, False) for inlet in outlet.inlets)
        for packet, branches in outlet.packets.items():
            for branch in branches:
                yield Link(source, branch.inlet.port, packet, branch.keep_header)


def _differences(name: str, mine: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> Iterator[str]:
    for key in sorted({*mine, *theirs}):
        first, second = mine.get(key), theirs.get(key)
        if first != second:
            where = " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
            yield f"{name}: {where}: {first} and {second}"
