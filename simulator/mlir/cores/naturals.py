"""Which indices cannot be negative: a Python sequence would count those from its end."""

from __future__ import annotations

from xdsl.dialects import affine, arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import AffineConstantExpr

from simulator.mlir.cores.emitter import width_of

_GROWING = (arith.AddiOp, arith.MuliOp, arith.ShLIOp)
"""Operations that give no negative number either, unless a narrow type makes them wrap."""

_CLOSED = (
    arith.DivSIOp,
    arith.DivUIOp,
    arith.FloorDivSIOp,
    arith.CeilDivSIOp,
    arith.CeilDivUIOp,
    arith.RemSIOp,
    arith.RemUIOp,
    arith.ShRSIOp,
    arith.MinSIOp,
    arith.MinUIOp,
    arith.IndexCastOp,
    arith.ExtSIOp,
)
"""Operations that give no negative number if no operand is negative."""


def is_natural(value: SSAValue) -> bool:
    """Tell whether a value is known not to be negative, wherever it comes from."""
    owner = value.owner
    if isinstance(owner, Block):
        return _is_counter(value, owner)
    if isinstance(owner, arith.ConstantOp):
        return isinstance(owner.value, IntegerAttr) and owner.value.value.data >= 0
    if isinstance(owner, arith.SelectOp):
        return is_natural(owner.lhs) and is_natural(owner.rhs)
    if isinstance(owner, arith.MaxSIOp):
        return is_natural(owner.lhs) or is_natural(owner.rhs)
    wide = isinstance(value.type, IndexType) or width_of(value.type) in (32, 64)
    closed = isinstance(owner, _CLOSED) or (wide and isinstance(owner, _GROWING))
    return closed and all(is_natural(operand) for operand in owner.operands)


def _is_counter(value: SSAValue, block: Block) -> bool:
    """Tell whether a block argument counts up from no negative number."""
    loop: Operation | None = block.parent_op()
    if not block.args or block.args[0] is not value:
        return False
    if isinstance(loop, scf.ForOp):
        return is_natural(loop.lb)
    if isinstance(loop, affine.ForOp):
        return not loop.lowerBoundOperands and all(
            isinstance(result, AffineConstantExpr) and result.value >= 0
            for result in loop.lowerBoundMap.data.results
        )
    return False
