"""From the plan of a design to the records that configure the array."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from xdsl.ir import Operation

from simulator.array.config import (
    WORD,
    Buffer,
    BufferDescriptor,
    Channel,
    ChannelId,
    Configuration,
    Lock,
    LockAction,
    Task,
    TileId,
)
from simulator.mlir.design import Design
from simulator.mlir.failure import origin, refuse
from simulator.mlir.patterns import highest, pattern_text, to_word_pads, to_words
from simulator.mlir.plan import (
    ExternalBuffer,
    LockUse,
    Plan,
    PlannedBd,
    PlannedBuffer,
    PlannedChannel,
    PlannedLock,
)


def configure(design: Design, plan: Plan) -> Configuration:
    """Return the configuration of a plan whose buffers and locks have their places; no cores.

    External buffers that some channel moves hold zeros.

    Raises:
        CheckFailed: NPU125, NPU126: a descriptor moves parts of words or reaches outside of
            its buffer.
    """
    return Configuration(
        device=design.device,
        buffers=[buffer_record(buffer) for buffer in plan.buffers],
        locks=[lock_record(lock) for lock in plan.locks],
        bds=_descriptors(plan),
        channels=_channels(plan),
        routes=list(plan.routes),
        external={
            bd.buffer.name: np.zeros(bd.buffer.layout.nbytes, np.uint8)
            for channel in plan.channels
            for bd in channel.bds
            if isinstance(bd.buffer, ExternalBuffer)
        },
    )


def buffer_record(buffer: PlannedBuffer) -> Buffer:
    """Return the array's record of a placed buffer."""
    return Buffer(
        tile=buffer.tile,
        name=buffer.name,
        address=buffer.address or 0,
        size=buffer.layout.nbytes,
        initial=buffer.initial,
        origin=origin(buffer.operation, buffer.name),
    )


def lock_record(lock: PlannedLock) -> Lock:
    """Return the array's record of a numbered lock."""
    return Lock(
        tile=lock.tile,
        index=lock.index or 0,
        initial=lock.initial,
        name=lock.name,
        origin=origin(lock.operation, lock.name),
    )


def _channels(plan: Plan) -> list[Channel]:
    """Return every channel once; a DMA program may start it several times, one after another."""
    queues: dict[ChannelId, list[PlannedChannel]] = defaultdict(list)
    for channel in plan.channels:
        queues[channel.id].append(channel)
    return [
        Channel(
            tile=identity.tile,
            direction=identity.direction,
            channel=identity.channel,
            tasks=tuple(_task(start.bds[0], start.repeat) for start in starts),
            origin=origin(starts[0].operation),
        )
        for identity, starts in queues.items()
    ]


def _task(first: PlannedBd, repeat: int) -> Task:
    return Task(bd=first.index or 0, repeat=repeat, origin=origin(first.operation))


def _descriptors(plan: Plan) -> dict[TileId, dict[int, BufferDescriptor]]:
    result: dict[TileId, dict[int, BufferDescriptor]] = defaultdict(dict)
    for channel in plan.channels:
        for bd in channel.bds:
            result[channel.id.tile][bd.index or 0] = _descriptor(bd)
    return dict(result)


def _descriptor(bd: PlannedBd) -> BufferDescriptor:
    width = bd.buffer.layout.element.bytes
    check_reach(bd.operation, bd.buffer, bd.offset, bd.length, bd.dims)
    placed = bd.buffer if isinstance(bd.buffer, PlannedBuffer) else None
    iteration = bd.iteration
    if iteration is not None:
        iteration = replace(iteration, stride=iteration.stride * width // WORD)
    return BufferDescriptor(
        memory=None if placed is None else placed.tile,
        address=(0 if placed is None else placed.address or 0) + bd.offset * width,
        length=bd.length * width,
        dims=to_words(bd.operation, bd.dims, width, padded=bool(bd.pads)),
        pads=to_word_pads(bd.operation, bd.pads, width),
        iteration=iteration,
        acquire=lock_action(bd.acquire),
        release=lock_action(bd.release),
        packet=bd.packet,
        next_bd=None if bd.next is None else bd.next.index,
        external=bd.buffer.name if placed is None else None,
        origin=origin(bd.operation, bd.buffer.name),
    )


def lock_action(use: LockUse | None) -> LockAction | None:
    """Return the array's record of a lock step."""
    if use is None:
        return None
    return LockAction(
        tile=use.lock.tile, lock=use.lock.index or 0, value=use.value, equal=use.equal
    )


def check_reach(
    operation: Operation,
    buffer: PlannedBuffer | ExternalBuffer,
    offset: int,
    length: int,
    dims: Sequence[tuple[int, int]],
) -> None:
    """Refuse a transfer that leaves its buffer, though it may stay in the tile's memory.

    Raises:
        CheckFailed: NPU126.
    """
    size = buffer.layout.size
    last = offset + (highest(dims) if dims else length - 1)
    if offset >= 0 and last < size:
        return
    pattern = f" with pattern {pattern_text(dims)}" if dims else f" for {length} elements"
    raise refuse(
        operation,
        f"offset {offset}{pattern} reaches element {last} of {buffer.name}, which has {size}",
        code="NPU126",
        cure="check offset, length, sizes and strides; they count elements",
    )
