"""A block of a DMA program: one buffer descriptor with its locks and packet header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import IntegerAttr
from xdsl.dialects.cf import BranchOp
from xdsl.ir import Block, Operation, OpResult, SSAValue

from simulator.array.config import Packet
from simulator.mlir.dialects.attributes import LockActionKind
from simulator.mlir.dialects.dma import DmaBdOp, DmaBdPacketOp, NextBdOp
from simulator.mlir.dialects.storage import UseLockOp
from simulator.mlir.dialects.syntax import DYNAMIC
from simulator.mlir.failure import next_operand, no_pad_value, refuse, unsupported
from simulator.mlir.layouts import flag, integer, layout, optional_integer

Evaluate = Callable[[SSAValue, Operation], int]
"""Gives the number behind an SSA value, or refuses with the operation that wants it."""


@dataclass(frozen=True)
class LockStep:
    """An acquire or release of a descriptor: the lock, how much, and whether exactly so much."""

    lock: SSAValue
    value: int
    equal: bool


@dataclass(frozen=True, kw_only=True)
class BdBlock:
    """A buffer descriptor as a block of a DMA program says it; counts are in elements."""

    operation: DmaBdOp
    buffer: SSAValue
    width: int
    offset: int
    length: int
    dims: tuple[tuple[int, int], ...]
    pads: tuple[tuple[int, int], ...]
    iteration: tuple[int, int, int] | None
    acquire: LockStep | None
    release: LockStep | None
    packet: Packet | None
    index: int | None


def constant(value: SSAValue, user: Operation) -> int:
    """Return the number of an ``arith.constant``.

    Raises:
        CheckFailed: NPU109, the value is not a constant integer.
    """
    if isinstance(value, OpResult) and isinstance(value.op, ConstantOp):
        number = value.op.value
        if isinstance(number, IntegerAttr):
            return number.value.data
    raise refuse(
        user,
        f"{user.name} needs a constant number here",
        code="NPU109",
        cure="use the result of an arith.constant",
    )


def read_block(block: Block, evaluate: Evaluate) -> BdBlock | None:
    """Return the descriptor that a block describes, None for a block without ``aie.dma_bd``."""
    operations = list(block.ops)
    transfers = [op for op in operations if isinstance(op, DmaBdOp)]
    if not transfers:
        return None
    if len(transfers) > 1:
        raise refuse(
            transfers[1],
            "a second aie.dma_bd in one block",
            code="NPU109",
            cure="give each buffer descriptor a block of its own, joined by aie.next_bd",
        )
    acquires, releases = _lock_steps(operations, evaluate)
    return _read_transfer(
        transfers[0],
        evaluate,
        next(acquires, None),
        next(releases, None),
        next(_packet_headers(operations), None),
    )


def read_chain(
    first: Block | None, evaluate: Evaluate
) -> tuple[list[tuple[Block, BdBlock]], int | None]:
    """Follow a chain of descriptors.

    Returns:
        The blocks that describe a transfer, in the order of execution and each once; and
        which of them the last leads back to, None if the chain ends.
    """
    blocks: list[Block] = []
    block = first
    while block is not None and block not in blocks:
        blocks.append(block)
        block = successor(block)
    described = [(each, read_block(each, evaluate)) for each in blocks]
    chain = [(each, bd) for each, bd in described if bd is not None]
    if block is None or not chain:
        return chain, None
    before = sum(bd is not None for _, bd in described[: blocks.index(block)])
    return chain, before if before < len(chain) else None


def successor(block: Block) -> Block | None:
    """Return the block of the next descriptor, None where the chain ends."""
    last = block.last_op
    if isinstance(last, NextBdOp | BranchOp):
        return last.successors[0]
    return None


def _lock_steps(
    operations: list[Operation], evaluate: Evaluate
) -> tuple[Iterator[LockStep], Iterator[LockStep]]:
    acquires, releases = [], []
    for op in operations:
        if not isinstance(op, UseLockOp):
            continue
        value = evaluate(op.count, op) if op.count is not None else integer(op.value, 1)
        action = op.action.data
        step = LockStep(op.lock, value, action is LockActionKind.ACQUIRE)
        if action is LockActionKind.RELEASE:
            releases.append(step)
        elif op.acq_en is None or flag(op.acq_en):
            acquires.append(step)
        if max(len(acquires), len(releases)) > 1:
            raise refuse(
                op,
                "a buffer descriptor acquires one lock and releases one",
                code="NPU109",
                cure="leave one acquire and one release in the block",
            )
    return iter(acquires), iter(releases)


def _packet_headers(operations: list[Operation]) -> Iterator[Packet]:
    for op in operations:
        if isinstance(op, DmaBdPacketOp):
            yield Packet(id=op.packet_id.value.data, type=op.packet_type.value.data)
        elif isinstance(op, DmaBdOp) and op.packet is not None:
            kind, number = op.packet.data
            yield Packet(id=number, type=kind)


def _read_transfer(
    op: DmaBdOp,
    evaluate: Evaluate,
    acquire: LockStep | None,
    release: LockStep | None,
    packet: Packet | None,
) -> BdBlock:
    what = layout(op.buffer.type)
    if what is None:
        raise unsupported(op, f"a transfer of {op.buffer.type}")
    if integer(op.pad_value):
        raise no_pad_value(op)
    values = iter(op.values)

    def number(static: int) -> int:
        return evaluate(next_operand(values, op), op) if static == DYNAMIC else static

    offset = number(integer(op.offset))
    length = number(integer(op.len, what.size if None not in what.shape else 0))
    dims = op.dimensions.data if op.dimensions else ()
    sizes = [number(size) for size, _ in dims]
    strides = [number(stride) for _, stride in dims]
    return BdBlock(
        operation=op,
        buffer=op.buffer,
        width=what.element.bytes,
        offset=offset,
        length=length,
        dims=tuple(zip(sizes, strides, strict=True)),
        pads=op.pad_dimensions.data if op.pad_dimensions else (),
        iteration=op.iteration.data if op.iteration else None,
        acquire=acquire,
        release=release,
        packet=packet,
        index=optional_integer(op.bd_id),
    )
