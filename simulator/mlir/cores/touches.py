"""Which bytes a core body reads and writes between two places where it may wait.

The array looks for races and for reads of what nobody has written
(:mod:`simulator.array.core_watch`). Telling it of every load and store would cost more than
they do, so a body tells of them together: once after each run of operations that does not
wait, the loops in it included, with the bounds of each access. What is under a condition
inside such a loop may not happen: its stores count as written, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from xdsl.dialects import affine, arith, memref, scf
from xdsl.dialects.builtin import MemRefType
from xdsl.dialects.func import CallOp
from xdsl.ir import Block, Operation, OpResult, SSAValue

from simulator.mlir.cores.accesses import VIEWS
from simulator.mlir.cores.emitter import Emitter
from simulator.mlir.cores.values import Index, MemRefValue, product, total
from simulator.mlir.cores.vectors import window
from simulator.mlir.cores.waits import WAITING
from simulator.mlir.dialects.memref import CopyOp
from simulator.mlir.dialects.objectfifo import ObjectFifoReleaseOp

SYNCHRONISING = (*WAITING, ObjectFifoReleaseOp)
"""Operations before which a body tells of its accesses."""

_HARMLESS = (
    CallOp,
    memref.AssumeAlignmentOp,
    memref.DeallocOp,
    memref.DimOp,
    scf.YieldOp,
    scf.ConditionOp,
)
"""Operations on memrefs that read and write nothing, or tell of it themselves."""

_PASSED_ON = (arith.IndexCastOp, arith.ExtSIOp, arith.ExtUIOp, arith.TruncIOp)

Bounds = tuple[Index, Index]
"""The least and the greatest value of a number, as numbers or expressions."""


class _Touch(NamedTuple):
    """Elements [low, high] of a block, all of it where `low` is None: read or written."""

    block: str
    low: Index | None
    high: Index | None
    mode: str
    line: int


class _Access(NamedTuple):
    memory: SSAValue
    indices: Sequence[SSAValue] | None
    mode: str
    more: int = 0


def waits(operation: Operation) -> bool:
    """Tell whether an operation, or one in its regions, may wait or release."""
    return any(isinstance(op, SYNCHRONISING) for op in operation.walk())


def emit_touches(out: Emitter, run: Sequence[Operation], block: Block) -> None:
    """Tell the array of the accesses of a run of operations of `block`."""
    touches: dict[_Touch, None] = {}
    for operation in run:
        for op in operation.walk():
            for access in _accesses(op):
                touch = _touch(out, op, access, block)
                if touch is not None:
                    touches.setdefault(touch)
    for touch in _merged(touches):
        low = "0" if touch.low is None else touch.low
        high = -1 if touch.high is None else touch.high
        out.line(f"touch(core, {touch.block}, {low}, {high}, {touch.mode!r}, {touch.line})")


def _accesses(op: Operation) -> Iterator[_Access]:
    if not any(isinstance(value.type, MemRefType) for value in op.operands):
        return
    accessed = window(op)
    if accessed is not None:
        place, indices, more, mode = accessed
        yield _Access(place, indices, mode, more)
    elif isinstance(op, memref.LoadOp):
        yield _Access(op.memref, op.indices, "r")
    elif isinstance(op, memref.StoreOp):
        yield _Access(op.memref, op.indices, "w")
    elif isinstance(op, affine.LoadOp):
        yield _Access(op.memref, None, "r")
    elif isinstance(op, affine.StoreOp):
        yield _Access(op.memref, None, "w")
    elif isinstance(op, CopyOp):
        yield _Access(op.source, None, "r")
        yield _Access(op.destination, None, "w")
    elif not isinstance(op, (*VIEWS, *_HARMLESS)) and not op.regions:
        for value in op.operands:
            if isinstance(value.type, MemRefType):
                yield _Access(value, None, "m")


def _touch(out: Emitter, op: Operation, access: _Access, block: Block) -> _Touch | None:
    """Return what to tell of an access at the end of `block`, None if that is told elsewhere."""
    if not out.knows(access.memory):
        return None
    value = out.memref(access.memory, op)
    home, certain = _home(op, _owner_block(access.memory))
    if home is not block:
        return None
    mode = access.mode
    if not certain:
        if mode == "r":
            return None
        mode = "m"
    low: Index | None = None
    high: Index | None = None
    bounds = None if access.indices is None else _place(out, op, value, access.indices, block)
    if bounds is not None:
        low, high = bounds[0], total(bounds[1], access.more)
    return _Touch(value.name, low, high, mode, out.line_number(op))


def _owner_block(value: SSAValue) -> Block | None:
    """Return the block that makes the memory behind a memref known."""
    while isinstance(value, OpResult) and isinstance(value.op, VIEWS):
        value = value.op.operands[0]
    owner = value.owner
    return owner if isinstance(owner, Block) else owner.parent


def _home(op: Operation, owner: Block | None) -> tuple[Block | None, bool]:
    """Return where an access is told, and whether it is sure to happen until there."""
    block, conditions, certain = op.parent, 0, True
    home = block
    while block is not None and block is not owner:
        parent = block.parent_op()
        if parent is None or waits(parent):
            break
        if isinstance(parent, scf.ForOp | affine.ForOp):
            home, certain = parent.parent, conditions == 0
        elif isinstance(parent, scf.IfOp | scf.IndexSwitchOp):
            conditions += 1
        else:
            break
        block = parent.parent
    return home, certain


def _place(
    out: Emitter, op: Operation, value: MemRefValue, indices: Sequence[SSAValue], block: Block
) -> Bounds | None:
    """Return the bounds of an access in elements of its memory, None if they are not known."""
    low = high = value.offset
    if isinstance(value.offset, str) and not value.offset.isidentifier():
        return None
    for index, stride in zip(indices, value.strides, strict=True):
        bounds = _bounds(out, index, op, block)
        if bounds is None or not isinstance(stride, int) or stride < 0:
            return None
        low = total(low, product(bounds[0], stride))
        high = total(high, product(bounds[1], stride))
    return low, high


def _bounds(out: Emitter, value: SSAValue, user: Operation, block: Block) -> Bounds | None:
    """Return the bounds of a number over all turns of the loops inside of `block`."""
    owner = value.owner
    if isinstance(owner, arith.ConstantOp) or not _is_inside(value, block):
        if not out.knows(value):
            return None
        known = out.index(value, user)
        return known, known
    if isinstance(owner, Block):
        return _turns(out, value, owner, block)
    if isinstance(owner, _PASSED_ON):
        return _bounds(out, owner.operands[0], user, block)
    if isinstance(owner, arith.AddiOp | arith.MuliOp):
        left, right = (_bounds(out, each, user, block) for each in owner.operands)
        if left is None or right is None:
            return None
        if isinstance(owner, arith.AddiOp):
            return total(left[0], right[0]), total(left[1], right[1])
        if left[0] == left[1] and isinstance(left[0], int):
            left, right = right, left
        factor = right[0]
        if right[0] == right[1] and isinstance(factor, int) and factor >= 0:
            return product(left[0], factor), product(left[1], factor)
    return None


def _turns(out: Emitter, value: SSAValue, body: Block, block: Block) -> Bounds | None:
    """Return the bounds of a loop's variable."""
    loop = body.parent_op()
    if not isinstance(loop, scf.ForOp) or value is not body.args[0]:
        return None
    low, high, step = (_bounds(out, each, loop, block) for each in (loop.lb, loop.ub, loop.step))
    if low is None or high is None or step is None:
        return None
    first, end, by = low[0], high[1], step[0]
    if not isinstance(first, int) or not isinstance(end, int) or not isinstance(by, int):
        return None
    return (first, first + (end - 1 - first) // by * by) if by > 0 and end > first else None


def _is_inside(value: SSAValue, block: Block) -> bool:
    """Tell whether a value is made in a region inside of `block`."""
    owner = value.owner
    inner = owner if isinstance(owner, Block) else owner.parent
    while inner is not None and inner is not block:
        parent = inner.parent_op()
        inner = None if parent is None else parent.parent
        if inner is block:
            return True
    return False


def _merged(touches: dict[_Touch, None]) -> list[_Touch]:
    """Join touches of one block and mode that continue each other."""
    merged: list[_Touch] = []
    for touch in touches:
        last = merged[-1] if merged else None
        if (
            last is not None
            and (last.block, last.mode) == (touch.block, touch.mode)
            and isinstance(last.high, int)
            and isinstance(touch.low, int)
            and isinstance(last.low, int)
            and isinstance(touch.high, int)
            and last.low <= touch.low <= last.high + 1
        ):
            merged[-1] = last._replace(high=max(last.high, touch.high))
        else:
            merged.append(touch)
    return merged
