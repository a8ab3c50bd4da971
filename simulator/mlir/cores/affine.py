"""Affine maps as Python expressions."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
    AffineSymExpr,
)

from simulator.mlir.cores.values import Index, product, total


def map_results(affine_map: AffineMap, operands: Sequence[Index]) -> tuple[Index, ...]:
    """Return the results of a map for dimensions and symbols given in this order."""
    dims = list(operands[: affine_map.num_dims])
    symbols = list(operands[affine_map.num_dims :])
    return tuple(_expression(result, dims, symbols) for result in affine_map.results)


def _expression(expr: AffineExpr, dims: list[Index], symbols: list[Index]) -> Index:
    if isinstance(expr, AffineConstantExpr):
        return expr.value
    if isinstance(expr, AffineDimExpr):
        return dims[expr.position]
    if isinstance(expr, AffineSymExpr):
        return symbols[expr.position]
    if not isinstance(expr, AffineBinaryOpExpr):
        raise TypeError(f"unknown affine expression {expr}")
    left = _expression(expr.lhs, dims, symbols)
    right = _expression(expr.rhs, dims, symbols)
    if expr.kind is AffineBinaryOpKind.Add:
        return total(left, right)
    if expr.kind is AffineBinaryOpKind.Mul:
        return product(left, right)
    if expr.kind is AffineBinaryOpKind.Mod:
        return f"({left}) % ({right})"
    if expr.kind is AffineBinaryOpKind.FloorDiv:
        return f"({left}) // ({right})"
    return f"-(-({left}) // ({right}))"
