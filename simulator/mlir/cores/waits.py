"""Operations of a core that talk to the array: locks, fifos, streams and kernel calls."""

from __future__ import annotations

from xdsl.dialects.builtin import AnyFloat, Float32Type, IntegerType, MemRefType, VectorType
from xdsl.dialects.func import CallOp
from xdsl.ir import Attribute, Operation, SSAValue

from simulator.mlir.bd_blocks import constant
from simulator.mlir.cores.accesses import is_accessed, memref_value
from simulator.mlir.cores.emitter import Emitter
from simulator.mlir.cores.unit import CoreUnit
from simulator.mlir.cores.vectors import vector_type
from simulator.mlir.dialects.attributes import LockActionKind, LockBlockingKind
from simulator.mlir.dialects.device import DebugOp, EventOp
from simulator.mlir.dialects.objectfifo import (
    ObjectFifoAcquireOp,
    ObjectFifoReleaseOp,
    ObjectFifoSubviewAccessOp,
)
from simulator.mlir.dialects.storage import UseLockOp
from simulator.mlir.dialects.streams import (
    GetCascadeOp,
    GetStreamOp,
    PutCascadeOp,
    PutStreamOp,
)
from simulator.mlir.failure import refuse, unsupported
from simulator.mlir.layouts import flag, integer

WAITING = (
    ObjectFifoAcquireOp,
    UseLockOp,
    GetStreamOp,
    PutStreamOp,
    GetCascadeOp,
    PutCascadeOp,
    CallOp,
)
"""Operations that may yield to the array."""

CASCADE_BITS = 512
"""Bits of a cascade value of AIE2 (AMD AM020)."""


def emit_wait(out: Emitter, op: Operation, unit: CoreUnit) -> bool:
    """Add the operation if it talks to the array; tell whether it did."""
    if isinstance(op, ObjectFifoAcquireOp):
        _acquire(out, op, unit)
    elif isinstance(op, ObjectFifoReleaseOp):
        out.line(f"{unit.end(op)}.release({integer(op.size)}, {out.line_number(op)})")
    elif isinstance(op, UseLockOp):
        _use_lock(out, op, unit)
    elif isinstance(op, GetStreamOp):
        _get_stream(out, op)
    elif isinstance(op, PutStreamOp):
        _put_stream(out, op)
    elif isinstance(op, GetCascadeOp):
        _get_cascade(out, op)
    elif isinstance(op, PutCascadeOp):
        _put_cascade(out, op)
    elif isinstance(op, CallOp):
        _call(out, op, unit)
    else:
        # An access of a subview was written where the subview was acquired.
        return isinstance(op, ObjectFifoSubviewAccessOp | EventOp | DebugOp)
    return True


def _acquire(out: Emitter, op: ObjectFifoAcquireOp, unit: CoreUnit) -> None:
    end, count = unit.end(op), integer(op.size)
    with out.block(f"if need := {end}.acquire({count}, {out.line_number(op)}):"):
        out.line("yield need")
    if len(op.objects) == 1 and not isinstance(op.objects[0].type, MemRefType):
        objects = _accesses(op)
    else:
        objects = list(enumerate(op.objects))
        if len(objects) != count:
            raise refuse(
                op,
                f"acquires {count} objects and names {len(objects)}",
                code="NPU107",
                cure="give the acquire one result for each object",
            )
    expected = unit.ends[end].buffers[0].layout
    for index, value in objects:
        name = out.name(value, "object")
        out.line(f"{name} = {end}[{index}]")
        if is_accessed(value):
            out.line(f"{name}_ = {name}.data")
        what = memref_value(value, name, op)
        if what.shape != expected.shape or what.element != expected.element:
            raise refuse(
                op,
                f"@{op.fifo.root_reference.data} holds objects of {expected}, and the core takes "
                f"them as {value.type}",
                code="NPU107",
                cure="use the type of the objectFifo",
            )
        out.set(value, what)


def _accesses(op: ObjectFifoAcquireOp) -> list[tuple[int, SSAValue]]:
    """Return index and value of every access of the subview that an acquire gives."""
    result: list[tuple[int, SSAValue]] = []
    for use in op.objects[0].uses:
        access = use.operation
        if not isinstance(access, ObjectFifoSubviewAccessOp):
            raise unsupported(access, f"{access.name} of a subview")
        index = integer(access.index)
        if index >= integer(op.size):
            raise refuse(
                access,
                f"object {index} of a subview of {integer(op.size)}",
                code="NPU107",
                cure="access objects 0 to n - 1 of an acquire of n",
            )
        result.append((index, access.object))
    return sorted(result, key=lambda pair: pair[0])


def _use_lock(out: Emitter, op: UseLockOp, unit: CoreUnit) -> None:
    lock = unit.lock(op.lock, op)
    if op.blocking is not None and op.blocking.data is LockBlockingKind.NON_BLOCKING:
        raise unsupported(op, "a lock operation that does not wait")
    value = out.index(op.count, op) if op.count is not None else integer(op.value, 1)
    place = f"TileId({lock.tile.col}, {lock.tile.row}), {lock.index}"
    note = f"origin=Origin({lock.name!r}, {out.line_number(op)})"
    if op.action.data is LockActionKind.RELEASE:
        unit.releases.add(lock)
        out.line(f"core.release({place}, {value}, {note})")
    elif op.acq_en is None or flag(op.acq_en):
        equal = op.action.data is LockActionKind.ACQUIRE
        out.line(f"yield Acquire({place}, {value}, {'equal=True, ' * equal}{note})")


def _get_stream(out: Emitter, op: GetStreamOp) -> None:
    channel = constant(op.channel, op)
    request = f"yield StreamRead({channel}, 1, Origin(line={out.line_number(op)}))"
    word = f"int(({request})[0])"
    if isinstance(op.value.type, Float32Type):
        out.assign(op.value, f"bits_float({word})")
    elif isinstance(op.value.type, IntegerType) and op.value.type.width.data == 32:
        out.assign(op.value, f"i32({word})")
    else:
        raise unsupported(op, f"aie.get_stream of {op.value.type}")


def _put_stream(out: Emitter, op: PutStreamOp) -> None:
    channel = constant(op.channel, op)
    value = out.scalar(op.value, op)
    if isinstance(op.value.type, Float32Type):
        value = f"float_bits({value})"
    elif not (isinstance(op.value.type, IntegerType) and op.value.type.width.data == 32):
        raise unsupported(op, f"aie.put_stream of {op.value.type}")
    origin = f"origin=Origin(line={out.line_number(op)})"
    out.line(f"yield StreamWrite({channel}, words({value}), {origin})")


def _get_cascade(out: Emitter, op: GetCascadeOp) -> None:
    _check_cascade(op, op.value.type)
    request = f"yield CascadeRead(Origin(line={out.line_number(op)}))"
    if isinstance(op.value.type, VectorType):
        shape, dtype = vector_type(op.value.type, op)
        out.assign(op.value, f"reinterpreted(({request}), {shape}, {dtype!r})")
    else:
        out.assign(op.value, request)


def _put_cascade(out: Emitter, op: PutCascadeOp) -> None:
    _check_cascade(op, op.value.type)
    origin = f"Origin(line={out.line_number(op)})"
    out.line(f"yield CascadeWrite(cascade_words({out.scalar(op.value, op)}), {origin})")


def _check_cascade(op: Operation, type_: Attribute) -> None:
    """Refuse what is not as wide as the cascade."""
    bits = 0
    if isinstance(type_, IntegerType):
        bits = type_.width.data
    elif isinstance(type_, VectorType):
        inner = type_.get_element_type()
        if isinstance(inner, IntegerType | AnyFloat):
            bits = type_.element_count() * inner.bitwidth
    if bits != CASCADE_BITS:
        raise refuse(
            op,
            f"{op.name} of {type_}, and the cascade carries {CASCADE_BITS} bits at a time",
            code="NPU109",
            cure="use a type of 512 bits, such as vector<16xi32>",
        )


def _call(out: Emitter, op: CallOp, unit: CoreUnit) -> None:
    function, native = unit.function(op)
    results = [out.name(value, "result") for value in op.res]
    for value, name in zip(op.res, results, strict=True):
        out.set(value, name)
    target = f"{', '.join(results)} = " if results else ""
    if native:
        arguments = [_native_argument(out, op, value) for value in op.arguments]
        line = f"line={out.line_number(op)}"
        out.line(f"{target}{function}({', '.join(['core', *arguments, line])})")
        out.line(f"yield Delay({function}.cycles, {op.callee.root_reference.data!r})")
    else:
        arguments = [out.anything(value, op) for value in op.arguments]
        out.line(f"{target}yield from {function}({', '.join(['core', *arguments])})")


def _native_argument(out: Emitter, op: CallOp, value: SSAValue) -> str:
    if isinstance(value.type, MemRefType):
        return out.memref(value, op).address
    return out.scalar(value, op)
