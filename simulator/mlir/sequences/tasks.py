"""DMA tasks of a runtime sequence: chains of descriptors that it configures itself."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from xdsl.ir import Operation, Region

from errors import CheckFailed
from simulator.array.config import (
    WORD,
    BufferDescriptor,
    ChannelId,
    Direction,
    Iteration,
    LockAction,
    Packet,
    TileId,
)
from simulator.array.geometry import Geometry
from simulator.array.host import WriteBd
from simulator.mlir.bd_blocks import BdBlock, LockStep, read_chain
from simulator.mlir.configuration import check_reach
from simulator.mlir.failure import origin, refuse
from simulator.mlir.numbering import too_few_bds, usable_bds
from simulator.mlir.patterns import to_word_pads, to_words
from simulator.mlir.sequences.host_memory import HostView
from simulator.mlir.sequences.scope import Scope
from simulator.mlir.sequences.task import Task
from simulator.mlir.sequences.transfers import Walk, host_descriptor


class TaskTable:
    """Gives descriptors of every tile out to tasks, and takes them back.

    Args:
        geometry: The device.
        taken: Descriptors that the static configuration uses, by tile.
    """

    def __init__(self, geometry: Geometry, taken: dict[TileId, set[int]]) -> None:
        self._geometry = geometry
        self._taken: dict[TileId, set[int]] = defaultdict(set)
        self._popped: dict[TileId, set[int]] = defaultdict(set)
        self._static = taken

    def free(self, task: Task) -> None:
        """Let the descriptors of a task be used again."""
        self._taken[task.channel.tile] -= set(task.bds)

    def pop(self, op: Operation, tile: TileId) -> int:
        """Take the lowest free descriptor of a tile that its even channels may execute.

        Raises:
            CheckFailed: NPU121, none is free.
        """
        number = self._free(op, ChannelId(tile, Direction.MM2S, 0))
        self._popped[tile].add(number)
        return number

    def push(self, op: Operation, tile: TileId, number: int) -> None:
        """Give a descriptor back.

        Raises:
            CheckFailed: NPU109, it was not taken.
        """
        if number not in self._popped[tile]:
            raise refuse(
                op,
                f"buffer descriptor {number} of {tile} is given back, and was not taken",
                code="NPU109",
                cure="give back what aiex.dma_bd_pool_pop gave, once",
            )
        self._popped[tile].remove(number)

    def configure(
        self,
        op: Operation,
        body: Region,
        channel: ChannelId,
        packet: Packet | None,
        scope: Scope,
        first_bd: int | None = None,
    ) -> list[WriteBd]:
        """Return the commands that write the descriptors of a task, in their order.

        With `first_bd` its first descriptor has that number, which was taken before.

        Raises:
            CheckFailed: NPU105, NPU109, NPU121, NPU124-127: see the messages.
        """
        first = body.blocks[0] if body.blocks else None
        described, again = read_chain(first, scope.number)
        blocks = [block for _, block in described]
        if not blocks:
            raise refuse(
                op,
                "a task without aie.dma_bd",
                code="NPU109",
                cure="describe what it moves",
            )
        if first_bd is not None:
            blocks[0] = replace(blocks[0], index=first_bd)
        numbers = self._number(op, channel, blocks)
        following = [*numbers[1:], None if again is None else numbers[again]]
        commands = []
        for block, number, after in zip(blocks, numbers, following, strict=True):
            shown = replace(block, packet=block.packet or packet)
            commands.append(WriteBd(channel.tile, number, _descriptor(shown, scope, after)))
        return commands

    def _number(self, op: Operation, channel: ChannelId, blocks: list[BdBlock]) -> list[int]:
        taken = self._taken[channel.tile]
        fixed = [block.index for block in blocks if block.index is not None]
        for number in fixed:
            if number in taken or fixed.count(number) > 1:
                raise refuse(
                    op,
                    f"buffer descriptor {number} of {channel.tile} belongs to another task",
                    code="NPU124",
                    cure="await or free that task first, or leave bd_id out",
                )
        taken |= set(fixed)
        numbers = []
        for block in blocks:
            numbers.append(self._free(op, channel) if block.index is None else block.index)
            taken.add(numbers[-1])
        return numbers

    def _free(self, op: Operation, channel: ChannelId) -> int:
        tile = channel.tile
        used = self._taken[tile] | self._popped[tile] | self._static.get(tile, set())
        for number in usable_bds(self._geometry, channel.tile, channel.channel):
            if number not in used:
                return number
        raise too_few_bds(self._geometry, channel.tile, channel.channel, op)


def _descriptor(block: BdBlock, scope: Scope, next_bd: int | None) -> BufferDescriptor:
    moved = scope.moved(block.buffer, block.operation)
    acquire = _lock_action(block.acquire, block, scope)
    release = _lock_action(block.release, block, scope)
    if isinstance(moved, HostView):
        return host_descriptor(
            block.operation,
            moved,
            width=block.width,
            offset=block.offset,
            walk=_walk(block),
            packet=block.packet,
            acquire=acquire,
            release=release,
            next_bd=next_bd,
        )
    op, width, dims = block.operation, block.width, block.dims
    check_reach(op, moved, block.offset, block.length, dims)
    iteration = None
    if block.iteration is not None:
        size, stride, current = block.iteration
        iteration = Iteration(size=size, stride=stride * width // WORD, current=current)
    return BufferDescriptor(
        memory=moved.tile,
        address=(moved.address or 0) + block.offset * width,
        length=block.length * width,
        dims=to_words(op, dims, width, padded=bool(block.pads)),
        pads=to_word_pads(op, block.pads, width),
        iteration=iteration,
        acquire=acquire,
        release=release,
        packet=block.packet,
        next_bd=next_bd,
        origin=origin(op, moved.name),
    )


def _lock_action(step: LockStep | None, block: BdBlock, scope: Scope) -> LockAction | None:
    if step is None:
        return None
    lock = scope.lock(step.lock, block.operation)
    return LockAction(tile=lock.tile, lock=lock.index or 0, value=step.value, equal=step.equal)


def _walk(block: BdBlock) -> Walk:
    """Return the walk of a host transfer; its length must be that of one execution."""
    if not block.dims:
        return Walk((1, 1, 1, block.length), (0, 0, 0, 1))
    if len(block.dims) > 4:
        raise _bad_length(block, f"{len(block.dims)} dimensions, and the hardware has 4")
    walk = Walk.of(block.dims)
    if walk.length != block.length:
        raise _bad_length(
            block,
            f"its length is {block.length} elements, and its inner three dimensions move "
            f"{walk.length}",
        )
    return walk


def _bad_length(block: BdBlock, problem: str) -> CheckFailed:
    return refuse(
        block.operation,
        f"the transfer contradicts itself: {problem}",
        code="NPU127",
        cure="give length = the product of the inner three sizes; the outermost of four repeats "
        "the transfer",
    )
