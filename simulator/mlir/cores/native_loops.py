"""Long loops of a core body as C: one function for each, in place of the Python loop.

A loop qualifies if it neither waits nor calls anything, its trip counts are known, and all
that is in it are integer and single-precision operations on memrefs of static shape. What
does not qualify stays Python; both compute the same bits. Every access is compared with the
memory it goes to, so a loop can write nowhere else.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from xdsl.dialects import arith, memref, scf
from xdsl.dialects.builtin import Float32Type, FloatAttr, IndexType, IntegerAttr, IntegerType
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from simulator.mlir.cores.emitter import Emitter
from simulator.mlir.cores.values import MemRefValue

WORTHWHILE = 20_000
"""Turns in all from which a loop is compiled: fewer are done sooner than a compiler starts."""

TOO_LONG = 1 << 33
"""Turns from which a loop is left to Python, which can be interrupted."""

PRELUDE = """#include <stdint.h>
#ifdef __cplusplus
#define LOOP extern "C"
#else
#define LOOP
#endif

"""

_ARITHMETIC = {
    arith.AddiOp: "+",
    arith.SubiOp: "-",
    arith.MuliOp: "*",
    arith.AndIOp: "&",
    arith.OrIOp: "|",
    arith.XOrIOp: "^",
    arith.AddfOp: "+",
    arith.SubfOp: "-",
    arith.MulfOp: "*",
}
_SIGNED_BY_CONSTANT = {arith.DivSIOp: "/", arith.RemSIOp: "%", arith.ShRSIOp: ">>"}
_UNSIGNED_BY_CONSTANT = {
    arith.DivUIOp: "/",
    arith.RemUIOp: "%",
    arith.ShLIOp: "<<",
    arith.ShRUIOp: ">>",
}
_SHIFTS = (arith.ShLIOp, arith.ShRSIOp, arith.ShRUIOp)
_CASTS = (arith.IndexCastOp, arith.ExtSIOp, arith.TruncIOp)
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_ELEMENTS = {
    "i8": "int8_t",
    "i16": "int16_t",
    "i32": "int32_t",
    "i64": "int64_t",
    "f32": "float",
}


Compile = Callable[[str], Path]
"""Makes a shared library of C source. Signed integers must wrap (``-fwrapv``), and products
must not be fused with sums (``-ffp-contract=off``)."""


class _Unsuited(Exception):
    """Something that stays Python."""


@dataclass(frozen=True)
class NativeLoop:
    """A loop as a C function that returns 0, or 1 where an index is out of its memory.

    Attributes:
        symbol: Its name.
        source: Its definition.
        arguments: Python expressions of its arguments.
        floats: For each argument whether it is a ``float``; others are 64-bit integers.
    """

    symbol: str
    source: str
    arguments: tuple[str, ...]
    floats: tuple[bool, ...]


def translate(op: scf.ForOp, symbol: str, out: Emitter) -> NativeLoop | None:
    """Return a loop as C, None if it does not qualify.

    Args:
        op: The outermost loop; it gives no results.
        symbol: A name for the function.
        out: Knows what the values are that come from around the loop.
    """
    turns = _turns(op)
    if op.res or turns is None or not WORTHWHILE <= turns < TOO_LONG:
        return None
    writer = _Writer(out, op)
    try:
        writer.loop(op)
    except _Unsuited:
        return None
    parameters = ", ".join(writer.parameters.values())
    source = f"LOOP int {symbol}({parameters}) {{\n{writer.text}    return 0;\n}}\n"
    return NativeLoop(symbol, source, tuple(writer.parameters), tuple(writer.floats))


def _turns(op: scf.ForOp) -> int | None:
    """Return how often the innermost bodies run, None if that is not known."""
    bounds = [_constant(value) for value in (op.lb, op.ub, op.step)]
    low, high, step = bounds
    if low is None or high is None or step is None or step <= 0:
        return None
    own = max(0, -((low - high) // step))
    inner = [_turns(loop) for loop in op.body.block.ops if isinstance(loop, scf.ForOp)]
    known = [turns for turns in inner if turns is not None]
    return None if len(known) < len(inner) else own * max(1, sum(known))


def _constant(value: SSAValue) -> int | None:
    owner = value.owner
    if isinstance(owner, arith.ConstantOp) and isinstance(owner.value, IntegerAttr):
        return owner.value.value.data
    return None


@dataclass
class _Writer:
    """Writes the C statements of one loop.

    Attributes:
        parameters: C declarations by the Python expression of the argument.
    """

    out: Emitter
    user: Operation
    parameters: dict[str, str] = field(default_factory=dict)
    floats: list[bool] = field(default_factory=list)
    text: str = ""
    _names: dict[SSAValue, str] = field(default_factory=dict)
    _depth: int = 1

    def loop(self, op: scf.ForOp) -> None:
        block = op.body.block
        low, high, step = (self._value(value) for value in (op.lb, op.ub, op.step))
        carried = [self._new(value) for value in block.args[1:]]
        for name, value, argument in zip(carried, op.iter_args, block.args[1:], strict=True):
            self._line(f"{_type(argument.type)} {name} = {self._value(value)};")
        turn = self._new(block.args[0])
        self._line(f"for (int64_t {turn} = {low}; {turn} < {high}; {turn} += {step}) {{")
        self._body(block, carried)
        self._line("}")
        for result, name in zip(op.res, carried, strict=True):
            self._names[result] = name

    def _body(self, block: Block, targets: Sequence[str]) -> None:
        self._depth += 1
        for op in block.ops:
            if isinstance(op, scf.YieldOp):
                self._yield(op, targets)
            else:
                self._operation(op)
        self._depth -= 1

    def _yield(self, op: scf.YieldOp, targets: Sequence[str]) -> None:
        """Assign all at once: one yielded value may be what another variable held."""
        values = [self._value(value) for value in op.operands]
        fresh = [f"y{len(self._names)}_{number}" for number in range(len(values))]
        for name, value, operand in zip(fresh, values, op.operands, strict=True):
            self._line(f"{_type(operand.type)} {name} = {value};")
        for target, name in zip(targets, fresh, strict=True):
            self._line(f"{target} = {name};")

    def _operation(self, op: Operation) -> None:
        if isinstance(op, scf.ForOp):
            self.loop(op)
        elif isinstance(op, scf.IfOp):
            self._if(op)
        elif isinstance(op, memref.LoadOp):
            self._define(op.results[0], self._place(op.memref, op.indices, op))
        elif isinstance(op, memref.StoreOp):
            self._line(f"{self._place(op.memref, op.indices, op)} = {self._value(op.value)};")
        elif not isinstance(op, arith.ConstantOp):
            self._define(op.results[0], self._expression(op))

    def _if(self, op: scf.IfOp) -> None:
        names = [self._new(value) for value in op.output]
        for name, value in zip(names, op.output, strict=True):
            self._line(f"{_type(value.type)} {name} = 0;")
        self._line(f"if ({self._value(op.cond)}) {{")
        self._region(op.true_region, names)
        self._line("} else {")
        self._region(op.false_region, names)
        self._line("}")

    def _region(self, region: Region, names: Sequence[str]) -> None:
        for block in region.blocks:
            self._body(block, names)

    def _expression(self, op: Operation) -> str:
        values = [self._value(value) for value in op.operands]
        kind = type(op)
        if kind in _ARITHMETIC:
            return f"{values[0]} {_ARITHMETIC[kind]} {values[1]}"
        if isinstance(op, arith.MaxSIOp | arith.MinSIOp):
            sign = ">" if isinstance(op, arith.MaxSIOp) else "<"
            return f"{values[0]} {sign} {values[1]} ? {values[0]} : {values[1]}"
        if isinstance(op, arith.SelectOp):
            return f"{values[0]} ? {values[1]} : {values[2]}"
        if kind in _SIGNED_BY_CONSTANT:
            return f"{values[0]} {_SIGNED_BY_CONSTANT[kind]} {_safe(op)}"
        if kind in _UNSIGNED_BY_CONSTANT:
            left = f"(u{_type(op.operands[0].type)}){values[0]}"
            return f"{left} {_UNSIGNED_BY_CONSTANT[kind]} {_safe(op)}"
        if isinstance(op, arith.ExtUIOp):
            unsigned = "" if op.operands[0].type == IntegerType(1) else "u"
            return f"({unsigned}{_type(op.operands[0].type)}){values[0]}"
        if isinstance(op, arith.CmpiOp) and op.predicate.value.data < len(_COMPARISONS):
            if op.lhs.type != IntegerType(1):
                sign = _COMPARISONS[op.predicate.value.data]
                return f"{values[0]} {sign} {values[1]}"
        elif isinstance(op, _CASTS) and op.operands[0].type != IntegerType(1):
            return values[0]
        raise _Unsuited

    def _place(self, of: SSAValue, indices: Sequence[SSAValue], op: Operation) -> str:
        """Return the C expression of an element, after a check that it is there."""
        known = self.out.memref(of, op)
        if known.element.name not in _ELEMENTS or of in self._names:
            raise _Unsuited
        steps = [*known.strides, known.offset]
        if not all(isinstance(step, int) for step in steps):
            raise _Unsuited
        terms = [f"{self._value(i)} * {s}" for i, s in zip(indices, known.strides, strict=True)]
        memory, size = self._memory(known)
        place = self._new(None)
        self._line(f"int64_t {place} = {' + '.join([str(known.offset), *terms])};")
        self._line(f"if ((uint64_t){place} >= (uint64_t){size}) return 1;")
        return f"(({_ELEMENTS[known.element.name]} *){memory})[{place}]"

    def _memory(self, known: MemRefValue) -> tuple[str, str]:
        address = self._parameter(f"{known.name}.address", "int64_t")
        return address, self._parameter(f"len({known.data})", "int64_t")

    def _parameter(self, expression: str, type_: str) -> str:
        if expression not in self.parameters:
            self.floats.append(type_ == "float")
            self.parameters[expression] = f"{type_} p{len(self.parameters)}"
        return self.parameters[expression].rpartition(" ")[2]

    def _value(self, value: SSAValue) -> str:
        name = self._names.get(value)
        if name is not None:
            return name
        type_ = _type(value.type)
        owner = value.owner
        constant = owner.value if isinstance(owner, arith.ConstantOp) else None
        if isinstance(constant, IntegerAttr):
            return f"(({type_}){constant.value.data}LL)"
        if isinstance(constant, FloatAttr) and isfinite(constant.value.data):
            return f"({constant.value.data!r}f)"
        outside = self.out.scalar(value, self.user)
        kind = "float" if type_ == "float" else "int64_t"
        return f"(({type_}){self._parameter(outside, kind)})"

    def _define(self, value: SSAValue, expression: str) -> None:
        type_ = _type(value.type)
        name = self._new(value)
        self._line(f"{type_} {name} = ({type_})({expression});")

    def _new(self, value: SSAValue | None) -> str:
        name = f"v{len(self._names)}_{len(self.text)}"
        if value is not None:
            self._names[value] = name
        return name

    def _line(self, text: str) -> None:
        self.text += "    " * self._depth + text + "\n"


def _safe(op: Operation) -> int:
    """Return the constant by which an operation divides or shifts.

    With any other divisor a loop stays Python, which says what is wrong with it.
    """
    number, type_ = _constant(op.operands[1]), op.operands[1].type
    width = type_.width.data if isinstance(type_, IntegerType) else 64
    if number is None or width == 1:
        raise _Unsuited
    lowest, highest = (0, width - 1) if isinstance(op, _SHIFTS) else (1, (1 << (width - 1)) - 1)
    if not lowest <= number <= highest:
        raise _Unsuited
    return number


def _type(type_: Attribute) -> str:
    if isinstance(type_, IndexType):
        return "int64_t"
    if isinstance(type_, Float32Type):
        return "float"
    if isinstance(type_, IntegerType):
        if type_.width.data == 1:
            return "int"
        name = f"i{type_.width.data}"
        if name in _ELEMENTS:
            return _ELEMENTS[name]
    raise _Unsuited


def bind(library: Path, loops: Sequence[NativeLoop]) -> dict[str, Any]:
    """Return the functions of a library of loops by name, ready to be called."""
    loaded = ctypes.CDLL(str(library))
    functions = {}
    for loop in loops:
        function = getattr(loaded, loop.symbol)
        function.argtypes = [ctypes.c_float if real else ctypes.c_int64 for real in loop.floats]
        function.restype = ctypes.c_int
        functions[loop.symbol] = function
    return functions
