"""Memory operations of a core: loads, stores, and views of memrefs."""

from __future__ import annotations

from xdsl.dialects import affine, memref
from xdsl.dialects.builtin import DYNAMIC_INDEX, DenseIntOrFPElementsAttr, MemRefType
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr

from simulator.mlir.cores.affine import map_results
from simulator.mlir.cores.emitter import Emitter
from simulator.mlir.cores.naturals import is_natural
from simulator.mlir.cores.values import Index, MemRefValue, product, total
from simulator.mlir.design import Design
from simulator.mlir.dialects.memref import CastOp, CopyOp, GlobalOp
from simulator.mlir.failure import next_operand, unsupported
from simulator.mlir.layouts import Element, Layout, layout

VIEWS = (
    CastOp,
    memref.SubviewOp,
    memref.ReinterpretCastOp,
    memref.CollapseShapeOp,
    memref.ExpandShapeOp,
    memref.MemorySpaceCastOp,
)


def memref_value(value: SSAValue, name: str, user: Operation) -> MemRefValue:
    """Return the memref of static shape that a variable holds."""
    what = static_layout(value, user)
    return MemRefValue(
        name=name,
        element=what.element,
        offset=0,
        shape=tuple(extent or 0 for extent in what.shape),
        strides=tuple(stride or 0 for stride in what.strides),
    )


def static_layout(value: SSAValue, user: Operation) -> Layout:
    """Return the layout of a memref value.

    Raises:
        CheckFailed: NPU130, its shape is not known or its elements are not scalars.
    """
    what = layout(value.type)
    if what is None or None in what.shape:
        raise unsupported(user, f"{user.name} of {value.type}")
    return what


def is_accessed(value: SSAValue) -> bool:
    """Tell whether elements of a memref are read or written in the core itself."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, VIEWS):
            if any(is_accessed(result) for result in op.results):
                return True
        elif op.name not in ("func.call", "memref.assume_alignment"):
            return True
    return False


def emit_access(out: Emitter, op: Operation, design: Design) -> bool:
    """Add the operation if it is one on memory; tell whether it was."""
    if isinstance(op, memref.LoadOp | affine.LoadOp):
        source = out.memref(op.memref, op)
        place = _place(out, op, source)
        raw = f"{source.data}[{place}]"
        out.assign(op.results[0], _loaded(raw, source.element, op))
    elif isinstance(op, memref.StoreOp | affine.StoreOp):
        target = out.memref(op.memref, op)
        place = _place(out, op, target)
        value = _stored(out.scalar(op.value, op), target.element, op)
        out.line(f"{target.data}[{place}] = {value}")
    elif isinstance(op, CopyOp):
        _copy(out, op)
    elif isinstance(op, memref.AllocOp | memref.AllocaOp):
        _allocate(out, op)
    elif isinstance(op, memref.GetGlobalOp):
        _global(out, op, design)
    elif isinstance(op, memref.AssumeAlignmentOp):
        for result in op.results:
            out.set(result, out.memref(op.operands[0], op))
    elif isinstance(op, VIEWS):
        out.set(op.results[0], _view(out, op))
    else:
        return isinstance(op, memref.DeallocOp)
    return True


def _place(
    out: Emitter,
    op: memref.LoadOp | memref.StoreOp | affine.LoadOp | affine.StoreOp,
    accessed: MemRefValue,
) -> Index:
    """Return where in its memory an access goes, checked unless it cannot be negative."""
    given = tuple(out.index(value, op) for value in op.indices)
    natural = accessed.natural and all(is_natural(value) for value in op.indices)
    if isinstance(op, affine.LoadOp | affine.StoreOp) and op.map is not None:
        given = map_results(op.map.data, given)
        natural = natural and all(isinstance(each, AffineDimExpr) for each in op.map.data.results)
    place = accessed.position(given)
    return place if natural else f"natural({place})"


def _loaded(raw: str, element: Element, op: Operation) -> str:
    if element.name == "f16":
        raise unsupported(op, "a load of f16")
    return f"from_bf16({raw})" if element.name == "bf16" else raw


def _stored(value: str, element: Element, op: Operation) -> str:
    if element.name == "f16":
        raise unsupported(op, "a store of f16")
    return f"to_bf16({value})" if element.name == "bf16" else value


def _copy(out: Emitter, op: CopyOp) -> None:
    source, target = out.memref(op.source, op), out.memref(op.destination, op)
    if not (source.is_dense and target.is_dense):
        raise unsupported(op, "memref.copy of a memref with gaps")
    size: Index = 1
    for extent in source.shape:
        size = product(size, extent)
    to, of = (
        f"{side.data}[{side.offset if side.natural else f'natural({side.offset})'}"
        f":{total(side.offset, size)}]"
        for side in (target, source)
    )
    out.line(f"{to} = {of}")


def _allocate(out: Emitter, op: memref.AllocOp | memref.AllocaOp) -> None:
    what = static_layout(op.memref, op)
    name = out.name(op.memref, "local")
    out.line(f"{name} = Block.private({_element(what.element)}, bytes({what.nbytes}))")
    out.line(f"{name}_ = {name}.data")
    out.set(op.memref, memref_value(op.memref, name, op))


def _global(out: Emitter, op: memref.GetGlobalOp, design: Design) -> None:
    declared = design.symbol(op.name_, GlobalOp, op, "memref.global")
    initial = declared.initial_value
    what = static_layout(op.memref, op)
    content = bytes(what.nbytes)
    if isinstance(initial, DenseIntOrFPElementsAttr):
        content = initial.data.data
    name = out.name(op.memref, "constant")
    out.line(f"{name} = Block.private({_element(what.element)}, {content!r})")
    out.line(f"{name}_ = {name}.data")
    out.set(op.memref, memref_value(op.memref, name, op))


def _element(element: Element) -> str:
    return repr(element)


def _view(out: Emitter, op: Operation) -> MemRefValue:
    source = out.memref(op.operands[0], op)
    if isinstance(op, memref.SubviewOp):
        return _subview(out, op, source)
    if isinstance(op, memref.ReinterpretCastOp):
        offsets, sizes, strides = _mixed(out, op)
        return source.view(offsets[0], sizes, strides, natural=_is_natural(op))
    result = op.results[0].type
    what = layout(result)
    if isinstance(op, CastOp | memref.MemorySpaceCastOp):
        return source
    if not isinstance(result, MemRefType) or what is None or not source.is_dense:
        raise unsupported(op)
    if None in what.shape or None in what.strides:
        raise unsupported(op, f"{op.name} to {result}")
    shape = tuple(extent or 0 for extent in what.shape)
    strides = tuple(stride or 0 for stride in what.strides)
    return source.view(source.offset, shape, strides, natural=source.natural)


def _subview(out: Emitter, op: memref.SubviewOp, source: MemRefValue) -> MemRefValue:
    offsets, sizes, steps = _mixed(out, op)
    place = source.position(offsets)
    strides = tuple(
        product(step, stride) for step, stride in zip(steps, source.strides, strict=True)
    )
    result = layout(op.result.type)
    if result is not None and len(result.shape) < len(sizes):
        kept = _kept_dimensions(sizes, result.shape)
        sizes = tuple(sizes[axis] for axis in kept)
        strides = tuple(strides[axis] for axis in kept)
    return source.view(place, sizes, strides, natural=source.natural and _is_natural(op))


def _is_natural(op: memref.SubviewOp | memref.ReinterpretCastOp) -> bool:
    """Tell whether a view is known to start and step in no negative direction."""
    fixed = (*op.static_offsets.get_values(), *op.static_strides.get_values())
    return all(number >= 0 or number == DYNAMIC_INDEX for number in fixed) and all(
        is_natural(value) for value in (*op.offsets, *op.strides)
    )


def _kept_dimensions(sizes: tuple[Index, ...], wanted: tuple[int | None, ...]) -> list[int]:
    """Return which dimensions of a subview its type keeps: it may drop those of size 1."""
    kept: list[int] = []
    for axis, size in enumerate(sizes):
        left = len(wanted) - len(kept)
        matches = left and wanted[len(kept)] in (size, None)
        if matches or (left and len(sizes) - axis <= left):
            kept.append(axis)
    return kept


def _mixed(
    out: Emitter, op: memref.SubviewOp | memref.ReinterpretCastOp
) -> tuple[tuple[Index, ...], tuple[Index, ...], tuple[Index, ...]]:
    """Return offsets, sizes and strides of an operation, static and dynamic ones merged."""

    def merged(static: tuple[int, ...], dynamic: list[SSAValue]) -> tuple[Index, ...]:
        values = iter(dynamic)
        return tuple(
            number if number != DYNAMIC_INDEX else out.index(next_operand(values, op), op)
            for number in static
        )

    return (
        merged(op.static_offsets.get_values(), list(op.offsets)),
        merged(op.static_sizes.get_values(), list(op.sizes)),
        merged(op.static_strides.get_values(), list(op.strides)),
    )
