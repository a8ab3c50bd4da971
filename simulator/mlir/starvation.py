"""Transfers that can never begin, found without running the design.

A DMA channel whose first descriptor waits for a lock that nothing in the design releases, or
whose port no stream reaches, stands still from the start. What register writes and control
packets do is not known beforehand: a design with any is left to the run.
"""

from __future__ import annotations

from collections.abc import Iterable

from errors import CheckFailed
from simulator.array.checks import describe
from simulator.array.config import (
    BufferDescriptor,
    Channel,
    Direction,
    LockAction,
    Port,
    PortKind,
    TileId,
)
from simulator.array.host import HostRequest, SetLock, WriteBd, WriteMemory, WriteRegisters
from simulator.mlir.dialects.device import CoreOp
from simulator.mlir.lower import Lowered


def check_starvation(lowered: Lowered, commands: Iterable[HostRequest]) -> None:
    """Refuse a channel that can never begin what it is started with.

    Args:
        lowered: The design.
        commands: Those of all its runtime sequences.

    Raises:
        CheckFailed: NPU225, nobody releases the lock that it waits for; NPU226, no route
            connects its port.
    """
    configuration = lowered.configuration
    ends = {port for route in configuration.routes for port in route.destinations}
    starts = {route.source for route in configuration.routes}
    released = _released(lowered, commands)
    if released is None or any(port.kind is PortKind.CONTROL for port in ends):
        return
    for channel in configuration.channels:
        if not channel.tasks:
            continue
        port = Port(channel.tile, PortKind.DMA, channel.channel)
        sends = channel.direction is Direction.MM2S
        if port not in (starts if sends else ends):
            raise _unrouted(channel, port)
        index = channel.tasks[0].bd
        bd = configuration.bds.get(channel.tile, {}).get(index)
        if bd is not None and bd.acquire is not None:
            _check_lock(lowered, channel, index, bd, bd.acquire, released)


def _released(lowered: Lowered, commands: Iterable[HostRequest]) -> set[tuple[TileId, int]] | None:
    """Return all locks that somebody releases or sets, None where that cannot be told."""
    programs = {program.tile for program in lowered.programs}
    if any(
        op.elf_file is not None and lowered.design.tile(op.tile, op) not in programs
        for op in lowered.design.each(CoreOp)
    ):
        return None
    bds = [bd for tile in lowered.configuration.bds.values() for bd in tile.values()]
    locks = {
        (lock.tile, lock.index or 0)
        for program in lowered.programs
        for lock in program.unit.releases
    }
    for command in commands:
        if isinstance(command, WriteRegisters | WriteMemory):
            return None
        if isinstance(command, SetLock):
            locks.add((command.tile, command.lock))
        elif isinstance(command, WriteBd):
            bds.append(command.content)
    return locks | {(bd.release.tile, bd.release.lock) for bd in bds if bd.release is not None}


def _check_lock(
    lowered: Lowered,
    channel: Channel,
    index: int,
    bd: BufferDescriptor,
    acquire: LockAction,
    released: set[tuple[TileId, int]],
) -> None:
    place = acquire.tile, acquire.lock
    locks = {(lock.tile, lock.index): lock for lock in lowered.configuration.locks}
    lock = locks.get(place)
    initial = 0 if lock is None else lock.initial
    suits = initial == acquire.value if acquire.equal else initial >= acquire.value
    if place in released or suits:
        return
    name = f" ({lock.name})" if lock is not None and lock.name else ""
    raise CheckFailed(
        f"{channel.tile} {channel.direction}:{channel.channel} can never begin: "
        f"{describe(channel.tile, index, bd)} waits for lock {acquire.lock} of {acquire.tile}"
        f"{name} {'==' if acquire.equal else '>='} {acquire.value}, which starts at {initial}, "
        "and nothing in the design releases it",
        cure="release the lock after its object was used, or correct the acquire",
        code="NPU225",
    )


def _unrouted(channel: Channel, port: Port) -> CheckFailed:
    verb = "leaves" if channel.direction is Direction.MM2S else "leads to"
    return CheckFailed(
        f"{channel.tile} {channel.direction}:{channel.channel}{channel.origin.bracketed} can "
        f"never begin: no route {verb} {port}",
        cure="route the stream, or remove the transfer",
        code="NPU226",
    )
