"""Scalar arithmetic: one Python expression for each operation of arith and math."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IndexType, IntegerAttr, IntegerType
from xdsl.ir import Attribute, Operation

from simulator.mlir.cores.emitter import Emitter, is_number, rounding, width_of
from simulator.mlir.failure import unsupported
from simulator.mlir.layouts import element

_WRAPPED = {arith.AddiOp: "+", arith.SubiOp: "-", arith.MuliOp: "*"}
_BITWISE = {arith.AndIOp: "&", arith.OrIOp: "|", arith.XOrIOp: "^"}
_CHOICES = {
    arith.MaxSIOp: "max",
    arith.MinSIOp: "min",
    arith.MaximumfOp: "max",
    arith.MinimumfOp: "min",
    arith.MaxnumfOp: "max",
    arith.MinnumfOp: "min",
}
_FLOATS = {arith.AddfOp: "+", arith.SubfOp: "-", arith.MulfOp: "*"}
_INTEGER_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "<", "<=", ">", ">=")
_FIRST_UNSIGNED = 6
_FLOAT_COMPARISONS = {
    1: "{a} == {b}",
    2: "{a} > {b}",
    3: "{a} >= {b}",
    4: "{a} < {b}",
    5: "{a} <= {b}",
    6: "{a} < {b} or {a} > {b}",
    7: "{a} == {a} and {b} == {b}",
    8: "not ({a} < {b} or {a} > {b})",
    9: "not {a} <= {b}",
    10: "not {a} < {b}",
    11: "not {a} >= {b}",
    12: "not {a} > {b}",
    13: "{a} != {b}",
    14: "{a} != {a} or {b} != {b}",
}
_MATH = {
    math.SqrtOp: "math.sqrt({a})",
    math.RsqrtOp: "1.0 / math.sqrt({a})",
    math.ExpOp: "math.exp({a})",
    math.Exp2Op: "2.0 ** {a}",
    math.LogOp: "math.log({a})",
    math.Log2Op: "math.log2({a})",
    math.SinOp: "math.sin({a})",
    math.CosOp: "math.cos({a})",
    math.TanhOp: "math.tanh({a})",
    math.ErfOp: "math.erf({a})",
    math.AbsFOp: "abs({a})",
    math.FloorOp: "float(math.floor({a}))",
    math.CeilOp: "float(math.ceil({a}))",
    math.AbsIOp: "abs({a})",
    math.PowFOp: "{a} ** {b}",
    math.FmaOp: "{a} * {b} + {c}",
}


def emit_scalar(out: Emitter, op: Operation) -> bool:
    """Add the operation if it computes with scalars; tell whether it did."""
    if isinstance(op, arith.ConstantOp):
        return _constant(out, op)
    if not op.results or not all(is_number(value.type) for value in op.operands):
        return False
    for emit in (_integers, _division, _conversion, _floats, _comparison, _shift):
        expression = emit(out, op)
        if expression is not None:
            out.define(op.results[0], expression)
            return True
    return False


def _constant(out: Emitter, op: arith.ConstantOp) -> bool:
    if isinstance(op.value, IntegerAttr):
        number = op.value.value.data
        width = width_of(op.result.type)
        if width == 1:
            number &= 1
        elif width is not None and number >= 1 << (width - 1):
            number -= 1 << width
        out.set(op.result, number)
        return True
    if isinstance(op.value, FloatAttr):
        value = op.value.value.data
        finite = value - value == 0
        out.set(op.result, value if finite else f"float('{value}')")
        return True
    return False


def _operands(out: Emitter, op: Operation) -> list[str]:
    return [out.scalar(value, op) for value in op.operands]


def wrapped(expression: str, type_: Attribute) -> str:
    """Return an expression reduced to the width of an integer type."""
    width = width_of(type_)
    if width is None:
        return expression
    return f"{expression} & 1" if width == 1 else f"i{width}({expression})"


def unsigned(expression: str, type_: Attribute) -> str:
    """Return an integer's bits read as an unsigned number."""
    width = width_of(type_)
    if width == 1:
        return expression
    return f"({expression} & {hex((1 << (width or 64)) - 1)})"


def _integers(out: Emitter, op: Operation) -> str | None:
    kind = type(op)
    if kind in _WRAPPED:
        left, right = _operands(out, op)
        return wrapped(f"{left} {_WRAPPED[kind]} {right}", op.results[0].type)
    if kind in _BITWISE:
        left, right = _operands(out, op)
        return f"{left} {_BITWISE[kind]} {right}"
    if kind in _CHOICES:
        return f"{_CHOICES[kind]}({', '.join(_operands(out, op))})"
    if isinstance(op, arith.MaxUIOp | arith.MinUIOp):
        name = "max" if isinstance(op, arith.MaxUIOp) else "min"
        left, right = (unsigned(text, op.results[0].type) for text in _operands(out, op))
        return wrapped(f"{name}({left}, {right})", op.results[0].type)
    if isinstance(op, arith.SelectOp):
        condition, then, otherwise = _operands(out, op)
        return f"{then} if {condition} else {otherwise}"
    return None


_DIVISIONS: dict[type[Operation], Callable[[str, str], str]] = {
    arith.DivSIOp: lambda a, b: f"quotient({a}, {b})",
    arith.RemSIOp: lambda a, b: f"remainder({a}, {b})",
    arith.FloorDivSIOp: lambda a, b: f"{a} // {b}",
    arith.CeilDivSIOp: lambda a, b: f"-(-{a} // {b})",
}
_UNSIGNED_DIVISIONS: dict[type[Operation], Callable[[str, str], str]] = {
    arith.DivUIOp: lambda a, b: f"{a} // {b}",
    arith.RemUIOp: lambda a, b: f"{a} % {b}",
    arith.CeilDivUIOp: lambda a, b: f"-(-{a} // {b})",
}


def _division(out: Emitter, op: Operation) -> str | None:
    kind = type(op)
    if kind in _DIVISIONS:
        return wrapped(_DIVISIONS[kind](*_operands(out, op)), op.results[0].type)
    if kind in _UNSIGNED_DIVISIONS:
        left, right = (unsigned(text, op.results[0].type) for text in _operands(out, op))
        return wrapped(_UNSIGNED_DIVISIONS[kind](left, right), op.results[0].type)
    return None


def _shift(out: Emitter, op: Operation) -> str | None:
    if not isinstance(op, arith.ShLIOp | arith.ShRSIOp | arith.ShRUIOp):
        return None
    left, right = _operands(out, op)
    if isinstance(op, arith.ShLIOp):
        return wrapped(f"{left} << {right}", op.results[0].type)
    if isinstance(op, arith.ShRSIOp):
        return f"{left} >> {right}"
    return wrapped(f"{unsigned(left, op.results[0].type)} >> {right}", op.results[0].type)


def _conversion(out: Emitter, op: Operation) -> str | None:
    if len(op.operands) != 1:
        return None
    source, target = op.operands[0].type, op.results[0].type
    (value,) = _operands(out, op)
    if isinstance(op, arith.ExtSIOp | arith.IndexCastOp | arith.SIToFPOp):
        number = f"-{value}" if width_of(source) == 1 else value
        if isinstance(op, arith.SIToFPOp):
            return _rounded(f"float({number})", target)
        narrows = isinstance(source, IndexType) and isinstance(target, IntegerType)
        return wrapped(number, target) if narrows else number
    if isinstance(op, arith.ExtUIOp):
        return unsigned(value, source)
    if isinstance(op, arith.UIToFPOp):
        return _rounded(f"float({unsigned(value, source)})", target)
    if isinstance(op, arith.TruncIOp):
        return wrapped(value, target)
    if isinstance(op, arith.FPToSIOp | arith.FPToUIOp):
        return wrapped(f"int({value})", target)
    if isinstance(op, arith.ExtFOp):
        return value
    if isinstance(op, arith.TruncFOp):
        return _rounded(value, target)
    if isinstance(op, arith.BitcastOp):
        return _bitcast(op, value)
    return None


def _bitcast(op: arith.BitcastOp, value: str) -> str:
    names = [element(type_) for type_ in (op.input.type, op.result.type)]
    pair = tuple(what.name if what else "" for what in names)
    functions = {
        ("f32", "i32"): "float_bits({})",
        ("i32", "f32"): "bits_float({})",
        ("bf16", "i16"): "i16(to_bf16({}))",
        ("i16", "bf16"): "from_bf16({} & 0xFFFF)",
    }
    if pair not in functions:
        raise unsupported(op, f"arith.bitcast from {op.input.type} to {op.result.type}")
    return functions[pair].format(value)


def _floats(out: Emitter, op: Operation) -> str | None:
    target = op.results[0].type
    kind = type(op)
    if kind in _FLOATS:
        left, right = _operands(out, op)
        return _rounded(f"{left} {_FLOATS[kind]} {right}", target)
    if isinstance(op, arith.DivfOp):
        left, right = _operands(out, op)
        return _rounded(f"divided({left}, {right})", target)
    if isinstance(op, arith.NegfOp):
        return f"-{_operands(out, op)[0]}"
    if kind in _MATH:
        names = dict(zip("abc", _operands(out, op), strict=False))
        return _rounded(_MATH[kind].format(**names), target)
    return None


def _rounded(expression: str, type_: Attribute) -> str:
    function = rounding(type_)
    return f"{function}({expression})" if function else expression


def _comparison(out: Emitter, op: Operation) -> str | None:
    if isinstance(op, arith.CmpiOp):
        predicate = op.predicate.value.data
        left, right = _operands(out, op)
        if predicate >= _FIRST_UNSIGNED:
            left, right = (unsigned(text, op.lhs.type) for text in (left, right))
        elif width_of(op.lhs.type) == 1 and predicate > 1:
            left, right = f"-{left}", f"-{right}"
        return f"{left} {_INTEGER_COMPARISONS[predicate]} {right}"
    if isinstance(op, arith.CmpfOp):
        predicate = op.predicate.value.data
        if predicate in (0, 15):
            return str(predicate == 15)
        left, right = _operands(out, op)
        return _FLOAT_COMPARISONS[predicate].format(a=left, b=right)
    return None
