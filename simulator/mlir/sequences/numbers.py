"""Scalar arithmetic in a runtime sequence, computed as it is played."""

from __future__ import annotations

import operator
from collections.abc import Callable

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation

from simulator.mlir.cores.memory import quotient, remainder

_BINARY: dict[type[Operation], Callable[[int, int], int]] = {
    arith.AddiOp: operator.add,
    arith.SubiOp: operator.sub,
    arith.MuliOp: operator.mul,
    arith.DivSIOp: quotient,
    arith.DivUIOp: operator.floordiv,
    arith.RemSIOp: remainder,
    arith.RemUIOp: operator.mod,
    arith.FloorDivSIOp: operator.floordiv,
    arith.CeilDivSIOp: lambda a, b: -(-a // b),
    arith.CeilDivUIOp: lambda a, b: -(-a // b),
    arith.MinSIOp: min,
    arith.MaxSIOp: max,
    arith.AndIOp: operator.and_,
    arith.OrIOp: operator.or_,
    arith.ShLIOp: operator.lshift,
    arith.ShRSIOp: operator.rshift,
}
_SAME = (arith.IndexCastOp, arith.ExtSIOp, arith.ExtUIOp, arith.TruncIOp)
_COMPARISONS: tuple[Callable[[int, int], bool], ...] = (
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
)


def compute(op: Operation, operands: list[int]) -> int | None:
    """Return what an operation on integers gives, None for one that is no such operation."""
    if isinstance(op, arith.ConstantOp):
        return op.value.value.data if isinstance(op.value, IntegerAttr) else None
    if isinstance(op, _SAME):
        return operands[0]
    if isinstance(op, arith.CmpiOp):
        return int(_COMPARISONS[op.predicate.value.data](*operands))
    if isinstance(op, arith.SelectOp):
        return operands[1] if operands[0] else operands[2]
    function = _BINARY.get(type(op))
    return function(*operands) if function is not None else None
