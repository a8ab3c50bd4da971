"""Runtime sequence operations that reset DMA channels, and arm those of an objectFifo anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import DenseArrayBase
from xdsl.ir import Attribute

from simulator.array.config import ChannelId, Direction, Origin, Task, TileId
from simulator.array.geometry import TileKind
from simulator.array.host import HostRequest, PushTask, SetLock, WriteRegisters
from simulator.mlir.design import Design, symbol_name
from simulator.mlir.dialects.npu import DmaChannelResetForOp, DmaChannelResetOp
from simulator.mlir.dialects.objectfifo import ObjectFifoOp, ObjectFifoRearmBindingOp
from simulator.mlir.failure import origin, refuse
from simulator.mlir.layouts import integer
from simulator.mlir.plan import Plan, PlannedLock
from simulator.registers import register_of

_DIRECTIONS = (Direction.S2MM, Direction.MM2S)
"""As a binding numbers them."""


def reset_channel(op: DmaChannelResetOp, design: Design) -> Iterator[HostRequest]:
    """Yield the commands of ``aiex.dma_channel_reset``.

    Raises:
        CheckFailed: NPU109, the channel is a shim tile's.
    """
    tile = design.tile(op.tile, op)
    if design.geometry.kind(tile) is TileKind.SHIM:
        raise refuse(
            op,
            f"the DMA channels of shim tile {tile} have no reset",
            code="NPU109",
            cure="reset channels of core and memory tiles",
        )
    direction = Direction(op.direction.data.value)
    return _pulse(ChannelId(tile, direction, integer(op.channel)), origin(op))


def rearm(op: DmaChannelResetForOp, design: Design, plan: Plan) -> Iterator[HostRequest]:
    """Yield the commands of ``aiex.dma_channel_reset_for``: each channel of the objectFifo that
    is no shim tile's is reset, its locks get their first values, and its chain is started.

    Raises:
        CheckFailed: NPU105, it names no objectFifo; NPU109, a binding contradicts itself.
    """
    named = design.symbols.get(symbol_name(op.fifo))
    if isinstance(named, ObjectFifoRearmBindingOp):
        channels, locks = _bound(named, design, plan)
    else:
        fifo = design.symbol(op.fifo, ObjectFifoOp, op, "objectFifo")
        kind = design.geometry.kind
        channels = {
            each.id: (each.bds[0].index or 0, each.repeat)
            for each in plan.channels
            if each.operation is fifo and kind(each.id.tile) is not TileKind.SHIM
        }
        locks = [
            (lock, lock.initial)
            for lock in plan.locks
            if lock.operation is fifo and kind(lock.tile) is not TileKind.SHIM
        ]
    where = origin(op, symbol_name(op.fifo))
    for channel in channels:
        yield from _pulse(channel, where)
    for lock, value in locks:
        yield SetLock(lock.tile, lock.index or 0, value, origin(op, lock.name))
    for channel, (bd, repeat) in channels.items():
        yield PushTask(*channel, Task(bd=bd, repeat=repeat, origin=where))


def _bound(
    binding: ObjectFifoRearmBindingOp, design: Design, plan: Plan
) -> tuple[dict[ChannelId, tuple[int, int]], list[tuple[PlannedLock, int]]]:
    """Return first descriptor and repetitions by channel, and locks with their first values."""
    tiles = [design.tile(value, binding) for value in binding.channel_tiles]
    directions, numbers = _numbers(binding.channel_dirs), _numbers(binding.channel_indices)
    values = _numbers(binding.lock_inits)
    heads, repeats = _numbers(binding.head_bd_ids), _numbers(binding.repeat_counts)
    lengths_differ = not len(tiles) == len(directions) == len(numbers)
    if lengths_differ or len(values) != len(binding.locks):
        raise refuse(
            binding,
            "the binding does not give a direction and a number for each channel and a value for "
            "each lock",
            code="NPU109",
            cure="give lists of the same lengths",
        )
    channels = {}
    for position, (tile, direction, number) in enumerate(
        zip(tiles, directions, numbers, strict=True)
    ):
        limits = design.geometry.limits(tile)
        known = (limits.s2mm, limits.mm2s)
        shim = design.geometry.kind(tile) is TileKind.SHIM
        if shim or direction not in (0, 1) or not 0 <= number < known[direction]:
            raise refuse(
                binding,
                f"the binding names channel {number}, direction {direction}, of {tile}",
                code="NPU109",
                cure="name a channel of a core or memory tile, with 0 for S2MM and 1 for MM2S",
            )
        channel = ChannelId(tile, _DIRECTIONS[direction], number)
        if position < min(len(heads), len(repeats)):
            channels[channel] = heads[position], repeats[position]
        else:
            channels[channel] = _resident(binding, channel, plan)
    locks = [plan.lock(value, binding) for value in binding.locks]
    return channels, list(zip(locks, values, strict=True))


def _resident(binding: ObjectFifoRearmBindingOp, channel: ChannelId, plan: Plan) -> tuple[int, int]:
    for each in plan.channels:
        if each.id == channel:
            return each.bds[0].index or 0, each.repeat
    raise refuse(
        binding,
        f"the binding names {channel}, which no DMA program starts",
        code="NPU109",
        cure="name a channel that the design starts, or give head_bd_ids and repeat_counts",
    )


def _numbers(attribute: Attribute | None) -> Sequence[int]:
    if not isinstance(attribute, DenseArrayBase):
        return ()
    return [int(number) for number in attribute.iter_values()]


def _pulse(channel: ChannelId, where: Origin) -> Iterator[HostRequest]:
    tile: TileId = channel.tile
    register = register_of(tile, f"DMA_{channel.direction}_{channel.channel}_Ctrl")
    bit = register.encode(reset=1)[0]
    for word in (bit, 0):
        yield WriteRegisters(tile, register.offset, (word,), bit, where)
