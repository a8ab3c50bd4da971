"""Views of host buffers in a runtime sequence: an argument, and where in it a memref lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects import memref
from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import Operation, SSAValue

from simulator.mlir.dialects.memref import CastOp
from simulator.mlir.failure import next_operand, unsupported
from simulator.mlir.layouts import layout

Evaluate = Callable[[SSAValue, Operation], int]


@dataclass(frozen=True)
class HostView:
    """Part of a host buffer.

    Attributes:
        argument: Which argument of the runtime sequence.
        offset: First byte.
        nbytes: Bytes of the whole argument: of the array that is there, else as its type
            says, and 0 if it does not say.
    """

    argument: int
    offset: int
    nbytes: int


def follow_view(op: Operation, source: HostView, evaluate: Evaluate) -> HostView | None:
    """Return what a view operation makes of a host buffer, None for another operation.

    Raises:
        CheckFailed: NPU130, the view is not contiguous.
    """
    if isinstance(op, CastOp | memref.AssumeAlignmentOp | memref.MemorySpaceCastOp):
        return source
    if isinstance(op, memref.CollapseShapeOp | memref.ExpandShapeOp):
        return source
    if not isinstance(op, memref.SubviewOp | memref.ReinterpretCastOp):
        return None
    what = layout(op.operands[0].type)
    if what is None or None in what.strides:
        raise unsupported(op, f"{op.name} of {op.operands[0].type}")
    if any(step not in (1, DYNAMIC_INDEX) for step in op.static_strides.get_values()[-1:]):
        raise unsupported(op, f"{op.name} with gaps")
    dynamic = iter(op.offsets)
    offsets = [
        evaluate(next_operand(dynamic, op), op) if number == DYNAMIC_INDEX else number
        for number in op.static_offsets.get_values()
    ]
    strides = what.strides if isinstance(op, memref.SubviewOp) else (1,)
    elements = sum(offset * (stride or 0) for offset, stride in zip(offsets, strides, strict=True))
    return HostView(source.argument, source.offset + elements * what.element.bytes, source.nbytes)
