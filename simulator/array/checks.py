"""Refusals: what the hardware does not have, and where a descriptor would reach too far.

Checks run when the array is told something, not when it acts on it, so the error names
what was asked for. Each returns nothing or raises CheckFailed.
"""

from __future__ import annotations

from collections.abc import Collection

from errors import CheckFailed
from simulator.array.config import (
    WORD,
    BufferDescriptor,
    ChannelId,
    Configuration,
    Direction,
    LockAction,
    Origin,
    Port,
    PortKind,
    Task,
    TileId,
)
from simulator.array.geometry import LOCK_MAX, TASK_QUEUE_DEPTH, Geometry, TileKind, TileLimits
from simulator.array.pattern import last_word, walk

MAX_REPEAT = 255
"""Largest repeat count of a task (8 bits, aie-rt `XAie_DmaChannelSetStartQueue`)."""

MAX_ITERATION = 64
"""Largest iteration size of a BD (6 bits)."""

PACKET_IDS = 32
"""Packet ids: 5 bits."""

_CORE_PORTS = 1
"""Stream ports of a core each way (AM020, AIE-ML Interfaces)."""

_LOCAL_ONLY = 4
"""From this channel on a memory tile's DMA reaches only its own memory and locks (AM020)."""

_BD_BANK = 24
"""BDs 0..23 of a memory tile serve its even channels, 24..47 the odd ones (AMD XD100)."""


def check_device(geometry: Geometry, configuration: Configuration) -> None:
    """Refuse a configuration for more columns than the array has."""
    columns = Geometry.named(configuration.device).columns
    if columns > geometry.columns:
        raise _absent(
            f"a configuration for device {configuration.device} is loaded on {geometry.name}, "
            f"which has {geometry.columns} columns"
        )


def check_tile(geometry: Geometry, tile: TileId, what: str) -> None:
    """Refuse a tile that the device does not have; `what` starts the message."""
    if tile not in geometry:
        raise _absent(
            f"{what}: {tile} does not exist, device {geometry.name} has columns "
            f"0..{geometry.columns - 1} and rows 0..5"
        )


def check_core(geometry: Geometry, tile: TileId, what: str) -> None:
    """Refuse a tile that has no core."""
    check_tile(geometry, tile, what)
    if geometry.kind(tile) is not TileKind.CORE:
        raise _absent(f"{what}: {tile} has no core, it is a {geometry.kind(tile)} tile")


def check_lock(geometry: Geometry, tile: TileId, lock: int, what: str) -> None:
    """Refuse a lock number that the tile does not have."""
    check_tile(geometry, tile, what)
    count = geometry.limits(tile).locks
    if not 0 <= lock < count:
        raise _absent(f"{what}: {tile} has no lock {lock}, it has 0..{count - 1}")


def check_lock_value(value: int, what: str) -> None:
    """Refuse a value that no lock can hold."""
    if not 0 <= value <= LOCK_MAX:
        raise CheckFailed(
            f"{what}: value {value} is outside 0..{LOCK_MAX}",
            cure="a lock counts in 6 bits; count objects, not bytes",
            code="NPU204",
        )


def check_channel(geometry: Geometry, channel: ChannelId, what: str) -> None:
    """Refuse a DMA channel that the tile does not have."""
    check_tile(geometry, channel.tile, what)
    limits = geometry.limits(channel.tile)
    count = limits.mm2s if channel.direction is Direction.MM2S else limits.s2mm
    if not 0 <= channel.channel < count:
        raise _absent(
            f"{what}: {channel.tile} has no {channel.direction} channel {channel.channel}, "
            f"it has 0..{count - 1}"
        )


def check_port(geometry: Geometry, port: Port, direction: Direction, what: str) -> None:
    """Refuse a stream port that the tile does not have, or to which nothing listens.

    Args:
        geometry: The device.
        port: The port.
        direction: MM2S where a route starts there, S2MM where one ends.
        what: Starts the message.
    """
    check_tile(geometry, port.tile, what)
    if port.kind is PortKind.DMA:
        check_channel(geometry, ChannelId(port.tile, direction, port.channel), what)
    elif port.kind in (PortKind.CORE, PortKind.CASCADE):
        check_core(geometry, port.tile, what)
        if not 0 <= port.channel < _CORE_PORTS:
            raise _absent(f"{what}: {port} does not exist, a core has one such port each way")
    elif port.kind is PortKind.TRACE and direction is Direction.S2MM:
        raise CheckFailed(
            f"{what}: words that arrive at {port} would have an effect that is not modelled",
            cure="end the route in a DMA channel, a core or a tile's control port",
            code="NPU216",
        )


def check_packet_id(packet_id: int, what: str) -> None:
    """Refuse an id that does not fit a packet header."""
    if not 0 <= packet_id < PACKET_IDS:
        raise _absent(f"{what}: packet id {packet_id} is outside 0..{PACKET_IDS - 1}")


def check_range(size: int, address: int, length: int, what: str) -> None:
    """Refuse bytes ``[address, address + length)`` outside a memory of `size` bytes."""
    if address < 0 or address + length > size:
        raise CheckFailed(
            f"{what}: bytes {address}..{address + length - 1} are outside the {size} bytes there",
            cure="check the address and the size",
            code="NPU205",
        )


def check_descriptor(geometry: Geometry, tile: TileId, index: int, bd: BufferDescriptor) -> None:
    """Refuse a BD that cannot be written as asked, or that would leave its tile's memory."""
    what = describe(tile, index, bd)
    check_tile(geometry, tile, what)
    limits = geometry.limits(tile)
    for number in (index, bd.next_bd):
        if number is not None and not 0 <= number < limits.bds:
            raise _absent(f"{what}: {tile} has no BD {number}, it has 0..{limits.bds - 1}")
    _check_form(what, bd, limits, geometry.kind(tile))
    reached = geometry.reachable(tile).values() if geometry.kind(tile) is TileKind.MEM else (tile,)
    for action in (bd.acquire, bd.release):
        if action is not None:
            _check_action(geometry, action, reached, what)
    if bd.memory is None:
        return
    if bd.memory not in geometry.moved_from(tile):
        raise CheckFailed(
            f"{what}: its DMA does not reach the memory of {bd.memory}",
            cure="a DMA reaches its own tile's memory, that of a memory tile also its east and "
            "west neighbour's",
            code="NPU209",
        )
    check_bounds(geometry.limits(bd.memory).memory, bd, what)


def reach(bd: BufferDescriptor) -> int:
    """Return the end of the last word that a BD touches in any iteration, in bytes."""
    first = bd.address // WORD
    padding = any(pad.before or pad.after for pad in bd.pads)
    if padding:
        last = first + sum((dim.size - 1) * dim.stride for dim in bd.dims)
    else:
        length = bd.length // WORD
        last = last_word(first, walk(bd.dims, length), length)
    if bd.iteration is not None:
        last += (bd.iteration.size - 1) * bd.iteration.stride
    return (last + 1) * WORD


def check_bounds(size: int, bd: BufferDescriptor, what: str) -> None:
    """Refuse a BD of which some word, in some iteration, lies outside `size` bytes."""
    end = reach(bd)
    if bd.address < 0 or end > size:
        raise CheckFailed(
            f"{what}: it reaches bytes {bd.address}..{end - 1}, outside the {size} bytes of "
            + addressed(bd),
            cure="check offset, sizes and strides; the outermost dimension goes on until the "
            "length is reached",
            code="NPU205",
        )


def addressed(bd: BufferDescriptor) -> str:
    """Name the memory that a BD addresses."""
    if bd.external is not None:
        return f"external buffer {bd.external}"
    return f"host argument {bd.host_arg}" if bd.memory is None else f"{bd.memory}'s memory"


def check_task(geometry: Geometry, channel: ChannelId, task: Task, what: str) -> None:
    """Refuse a task that the channel cannot queue."""
    count = geometry.limits(channel.tile).bds
    if not 0 <= task.bd < count:
        raise _absent(f"{what}: {channel.tile} has no BD {task.bd}, it has 0..{count - 1}")
    if not 0 <= task.repeat <= MAX_REPEAT:
        raise _malformed(f"{what}: repeat count {task.repeat} is outside 0..{MAX_REPEAT}")


def check_queue(channel: ChannelId, tasks: int, origin: Origin) -> None:
    """Refuse more tasks at the start than a channel's queue holds."""
    if tasks > TASK_QUEUE_DEPTH:
        raise _malformed(
            f"{channel}{origin.bracketed} is to start with {tasks} tasks, its queue holds "
            f"{TASK_QUEUE_DEPTH}"
        )


def check_use(geometry: Geometry, channel: ChannelId, index: int, bd: BufferDescriptor) -> None:
    """Refuse a BD that this channel of its tile cannot execute."""
    what = f"{channel} executes {describe(channel.tile, index, bd)}"
    if channel.direction is Direction.S2MM and any(pad.before or pad.after for pad in bd.pads):
        raise _malformed(f"{what}: only an MM2S channel pads")
    if geometry.kind(channel.tile) is not TileKind.MEM:
        return
    if (index >= _BD_BANK) != channel.channel % 2:
        raise _malformed(f"{what}: even channels of a memory tile use BDs 0..23, odd ones 24..47")
    elsewhere = {bd.memory, *(lock.tile for lock in (bd.acquire, bd.release) if lock)}
    if channel.channel >= _LOCAL_ONLY and elsewhere - {channel.tile}:
        raise _malformed(
            f"{what}: channels 4 and 5 of a memory tile reach only its own memory and locks"
        )


def describe(tile: TileId, index: int, bd: BufferDescriptor) -> str:
    """Name a BD for a message: ``BD 3 of tile(0,1) (of_in, line 7)``."""
    return f"BD {index} of {tile}{bd.origin.bracketed}"


def _check_form(what: str, bd: BufferDescriptor, limits: TileLimits, kind: TileKind) -> None:
    if bd.length <= 0 or bd.length % WORD or bd.address % WORD:
        raise CheckFailed(
            f"{what}: address {bd.address} and length {bd.length} must be multiples of {WORD} "
            "bytes, the length more than 0",
            cure="streams carry 32-bit words: pad the buffer to a multiple of 4 bytes",
            code="NPU206",
        )
    if bd.length // WORD > limits.length:
        raise _malformed(f"{what}: {bd.length} bytes, it can move {limits.length * WORD} at most")
    if len(bd.dims) > limits.dims:
        raise _malformed(f"{what}: {len(bd.dims)} dimensions, this tile's DMA has {limits.dims}")
    if any(dim.size < 1 or dim.stride < 0 for dim in bd.dims):
        raise _malformed(f"{what}: sizes must be positive and strides not negative")
    step = bd.iteration
    if step is not None and not (
        1 <= step.size <= MAX_ITERATION and 0 <= step.current < step.size and step.stride >= 0
    ):
        raise _malformed(f"{what}: iteration must have size 1..{MAX_ITERATION}, current below it")
    if bd.packet is not None and not (0 <= bd.packet.id < PACKET_IDS and 0 <= bd.packet.type < 8):
        raise _malformed(f"{what}: packet id must be in 0..{PACKET_IDS - 1}, type in 0..7")
    in_host = bd.host_arg is not None or bd.external is not None
    if (bd.memory is None) != (kind is TileKind.SHIM) or (bd.memory is None) != in_host:
        raise _malformed(f"{what}: a shim BD addresses a host argument, any other a tile's memory")
    _check_pads(what, bd, kind)


def _check_pads(what: str, bd: BufferDescriptor, kind: TileKind) -> None:
    if not any(pad.before or pad.after for pad in bd.pads):
        return
    if kind is not TileKind.MEM:
        raise _malformed(f"{what}: only a memory tile's DMA pads")
    if len(bd.pads) != len(bd.dims) or any(min(pad) < 0 for pad in bd.pads):
        raise _malformed(f"{what}: one padding, not negative, for each dimension")
    words = 1
    for dim, pad in zip(bd.dims, bd.pads, strict=True):
        words *= pad.before + dim.size + pad.after
    if bd.length > words * WORD:
        raise _malformed(
            f"{what}: length {bd.length} is more than the {words * WORD} bytes of its padded "
            "dimensions"
        )


def _check_action(
    geometry: Geometry, action: LockAction, reached: Collection[TileId], what: str
) -> None:
    check_lock(geometry, action.tile, action.lock, what)
    check_lock_value(action.value, what)
    if action.tile not in reached:
        raise CheckFailed(
            f"{what}: its DMA does not reach lock {action.lock} of {action.tile}",
            cure="a DMA reaches its own tile's locks, that of a memory tile also its east and "
            "west neighbour's",
            code="NPU209",
        )


def _absent(message: str) -> CheckFailed:
    return CheckFailed(message, cure="use what the tile has (see `npulab show`)", code="NPU210")


def _malformed(message: str) -> CheckFailed:
    return CheckFailed(
        message, cure="change the descriptor to what this tile's DMA can do", code="NPU209"
    )
