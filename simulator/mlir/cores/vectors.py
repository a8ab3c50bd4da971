"""Operations on vectors in a core body: calls of :mod:`simulator.mlir.cores.vector_values`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import DYNAMIC_INDEX, DenseIntOrFPElementsAttr, IndexType, VectorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineDimExpr

from simulator.mlir.cores.emitter import Emitter
from simulator.mlir.cores.values import Index, MemRefValue, product, total
from simulator.mlir.cores.vector_values import ELEMENTWISE
from simulator.mlir.dialects.vector import ShapeCastOp, SplatOp
from simulator.mlir.failure import next_operand, unsupported
from simulator.mlir.layouts import element

_UNKNOWN = ("float16",)


def emit_vector(out: Emitter, op: Operation) -> bool:
    """Add the operation if it computes with vectors; tell whether it did.

    Raises:
        CheckFailed: NPU130, it masks, or its vectors have elements that the source lacks.
    """
    if not any(isinstance(value.type, VectorType) for value in (*op.operands, *op.results)):
        return False
    emit = _EMITTERS.get(op.name)
    if emit is not None:
        emit(out, op)
    elif isinstance(op, arith.ConstantOp):
        _constant(out, op)
    elif op.name in ELEMENTWISE and len(op.results) == 1:
        _, dtype = vector_type(op.results[0].type, op)
        operands = ", ".join(out.scalar(value, op) for value in op.operands)
        out.assign(op.results[0], f"compute({op.name!r}, {dtype!r}, {operands})")
    else:
        return False
    return True


def vector_type(type_: Attribute, user: Operation) -> tuple[tuple[int, ...], str]:
    """Return the shape of a vector and the numpy name of its elements.

    Raises:
        CheckFailed: NPU130, it is none that numpy can hold.
    """
    if isinstance(type_, VectorType):
        inner = type_.get_element_type()
        what = element(inner)
        scalable = any(bool(flag.value.data) for flag in type_.scalable_dims.data)
        if what is not None and what.numpy not in _UNKNOWN and not scalable:
            name = "int64" if isinstance(inner, IndexType) else what.numpy
            return tuple(type_.get_shape()), name
    raise unsupported(user, f"{user.name} of {type_}")


def _constant(out: Emitter, op: arith.ConstantOp) -> None:
    shape, dtype = vector_type(op.result.type, op)
    value = op.value
    if not isinstance(value, DenseIntOrFPElementsAttr):
        raise unsupported(op, f"a constant of {op.result.type}")
    if dtype == "bool" or value.is_splat():
        values = [int(each) if dtype == "bool" else each for each in value.get_values()]
        text = repr(values[0]) if value.is_splat() else repr(tuple(values))
        text = f"float({text!r})" if text in ("nan", "inf", "-inf") else text
        out.assign(op.result, f"vector_of({text}, {shape}, {dtype!r})")
    else:
        out.assign(op.result, f"constant_vector({value.data.data!r}, {shape}, {dtype!r})")


def _load(out: Emitter, op: vector.LoadOp) -> None:
    shape, dtype = vector_type(op.result.type, op)
    source = out.memref(op.base, op)
    place = source.position(tuple(out.index(value, op) for value in op.indices))
    steps = _tuple(_innermost(source, len(shape), op))
    out.assign(op.result, f"load_vector({source.name}, {place}, {shape}, {steps}, {dtype!r})")


def _store(out: Emitter, op: vector.StoreOp) -> None:
    shape, _ = vector_type(op.vector.type, op)
    target = out.memref(op.base, op)
    place = target.position(tuple(out.index(value, op) for value in op.indices))
    steps = _tuple(_innermost(target, len(shape), op))
    out.line(f"store_vector({target.name}, {place}, {steps}, {out.scalar(op.vector, op)})")


def _innermost(memory: MemRefValue, rank: int, op: Operation) -> tuple[Index, ...]:
    if rank > len(memory.strides):
        raise unsupported(op, f"{op.name} of more dimensions than its memref has")
    return memory.strides[len(memory.strides) - rank :]


def _transfer(
    out: Emitter, op: vector.TransferReadOp | vector.TransferWriteOp, memory: MemRefValue
) -> tuple[Index, str, str]:
    """Return place, strides and room of a transfer; no room where it is in bounds."""
    if op.mask is not None:
        raise unsupported(op, f"{op.name} under a mask")
    indices = tuple(out.index(value, op) for value in op.indices)
    steps: list[Index] = []
    room: list[Index] = []
    for result in op.permutation_map.data.results:
        if isinstance(result, AffineDimExpr):
            axis = result.position
            steps.append(memory.strides[axis])
            room.append(total(memory.shape[axis], product(-1, indices[axis])))
        elif isinstance(result, AffineConstantExpr) and isinstance(op, vector.TransferReadOp):
            steps.append(0)
            room.append(1 << 31)
        else:
            raise unsupported(op, f"{op.name} along {result}")
    inside = op.in_bounds is not None and all(bool(flag.value.data) for flag in op.in_bounds.data)
    return memory.position(indices), _tuple(steps), "" if inside else _tuple(room)


def _transfer_read(out: Emitter, op: vector.TransferReadOp) -> None:
    shape, dtype = vector_type(op.result.type, op)
    source = out.memref(op.source, op)
    place, steps, room = _transfer(out, op, source)
    call = f"{source.name}, {place}, {shape}, {steps}, {dtype!r}"
    if room:
        padding = out.scalar(op.padding, op)
        out.assign(op.result, f"load_within({call}, {room}, {padding})")
    else:
        out.assign(op.result, f"load_vector({call})")


def _transfer_write(out: Emitter, op: vector.TransferWriteOp) -> None:
    vector_type(op.vector.type, op)
    target = out.memref(op.source, op)
    place, steps, room = _transfer(out, op, target)
    call = f"{target.name}, {place}, {steps}, {out.scalar(op.vector, op)}"
    out.line(f"store_within({call}, {room})" if room else f"store_vector({call})")


def _spread(out: Emitter, op: vector.BroadcastOp | SplatOp) -> None:
    shape, dtype = vector_type(op.results[0].type, op)
    source = out.scalar(op.operands[0], op)
    out.assign(op.results[0], f"vector_of({source}, {shape}, {dtype!r})")


def _position(out: Emitter, op: vector.ExtractOp | vector.InsertOp) -> str:
    dynamic = iter(op.dynamic_position)
    position = [
        out.index(next_operand(dynamic, op), op) if number == DYNAMIC_INDEX else number
        for number in op.static_position.get_values()
    ]
    return "".join(f", {each}" for each in position)


def _extract(out: Emitter, op: vector.ExtractOp) -> None:
    vector_type(op.vector.type, op)
    out.assign(op.result, f"extracted({out.scalar(op.vector, op)}{_position(out, op)})")


def _insert(out: Emitter, op: vector.InsertOp) -> None:
    vector_type(op.dest.type, op)
    source, target = out.scalar(op.source, op), out.scalar(op.dest, op)
    out.assign(op.result, f"inserted({source}, {target}{_position(out, op)})")


def _reinterpret(out: Emitter, op: ShapeCastOp | vector.BitcastOp | arith.BitcastOp) -> None:
    vector_type(op.operands[0].type, op)
    shape, dtype = vector_type(op.results[0].type, op)
    source = out.scalar(op.operands[0], op)
    out.assign(op.results[0], f"reinterpreted({source}, {shape}, {dtype!r})")


def _reduce(out: Emitter, op: vector.ReductionOp) -> None:
    vector_type(op.vector.type, op)
    operands = ", ".join(out.scalar(value, op) for value in op.operands)
    out.assign(op.dest, f"reduced({op.kind.data.value!r}, {operands})")


def _shuffle(out: Emitter, op: vector.ShuffleOp) -> None:
    vector_type(op.result.type, op)
    sources = f"{out.scalar(op.v1, op)}, {out.scalar(op.v2, op)}"
    mask = ", ".join(map(str, op.mask.get_values()))
    out.assign(op.result, f"shuffled({sources}, {mask})")


def _compare(out: Emitter, op: arith.CmpiOp | arith.CmpfOp) -> None:
    vector_type(op.lhs.type, op)
    function = "compare" if isinstance(op, arith.CmpiOp) else "compare_floats"
    operands = f"{out.scalar(op.lhs, op)}, {out.scalar(op.rhs, op)}"
    out.assign(op.result, f"{function}({op.predicate.value.data}, {operands})")


def _tuple(values: Sequence[Index]) -> str:
    return "(" + "".join(f"{value}, " for value in values) + ")"


_EMITTERS: dict[str, Callable[[Emitter, Any], None]] = {
    arith.BitcastOp.name: _reinterpret,
    arith.CmpfOp.name: _compare,
    arith.CmpiOp.name: _compare,
    ShapeCastOp.name: _reinterpret,
    SplatOp.name: _spread,
    vector.BitcastOp.name: _reinterpret,
    vector.BroadcastOp.name: _spread,
    vector.ExtractOp.name: _extract,
    vector.InsertOp.name: _insert,
    vector.LoadOp.name: _load,
    vector.ReductionOp.name: _reduce,
    vector.ShuffleOp.name: _shuffle,
    vector.StoreOp.name: _store,
    vector.TransferReadOp.name: _transfer_read,
    vector.TransferWriteOp.name: _transfer_write,
}


def window(op: Operation) -> tuple[SSAValue, Sequence[SSAValue] | None, int, str] | None:
    """Return the memory that an operation on vectors accesses.

    Returns:
        The memref, the indices of the first element (None: it may be any), how many follow
        in the innermost dimension, and ``r`` or ``w``; None for another operation.
    """
    if isinstance(op, vector.LoadOp | vector.StoreOp):
        value = op.result if isinstance(op, vector.LoadOp) else op.vector
        shape = value.type.get_shape() if isinstance(value.type, VectorType) else ()
        flat = len(shape) == 1
        mode = "r" if isinstance(op, vector.LoadOp) else "w"
        return op.base, op.indices if flat else None, shape[0] - 1 if flat else 0, mode
    if isinstance(op, vector.TransferReadOp | vector.TransferWriteOp):
        return op.source, None, 0, "rw"[isinstance(op, vector.TransferWriteOp)]
    return None
