"""Vectors as the Python source of a core computes with them: numpy arrays.

Integers wrap and floating-point numbers round as their element type does: float32 by numpy,
bfloat16 by ml_dtypes, to nearest even after each operation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import ml_dtypes  # noqa: F401 - lets numpy know bfloat16 by its name
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from simulator.array.memory import Words
from simulator.mlir.cores.memory import Block

Vector: TypeAlias = npt.NDArray[Any]


def load_vector(
    block: Block, place: int, shape: Sequence[int], strides: Sequence[int], dtype: str
) -> Vector:
    """Return a copy of elements of a memory; place and strides count elements.

    Raises:
        IndexError: They do not all lie in the memory.
    """
    return _window(block, place, shape, strides, dtype).copy()


def store_vector(block: Block, place: int, strides: Sequence[int], vector: Vector) -> None:
    """Write the elements of a vector to a memory; place and strides count elements.

    Raises:
        IndexError: They do not all lie in the memory.
    """
    _window(block, place, vector.shape, strides, vector.dtype.name)[...] = vector


def load_within(
    block: Block,
    place: int,
    shape: Sequence[int],
    strides: Sequence[int],
    dtype: str,
    room: Sequence[int],
    padding: float,
) -> Vector:
    """As :func:`load_vector`, with `padding` beyond the first `room` elements of a dimension."""
    result = np.full(shape, padding, np.dtype(dtype))
    inside = [max(0, min(extent, left)) for extent, left in zip(shape, room, strict=True)]
    if all(inside):
        part = tuple(slice(0, count) for count in inside)
        result[part] = _window(block, place, inside, strides, dtype)
    return result


def store_within(
    block: Block, place: int, strides: Sequence[int], vector: Vector, room: Sequence[int]
) -> None:
    """As :func:`store_vector`, without what is beyond `room` elements of a dimension."""
    inside = [max(0, min(extent, left)) for extent, left in zip(vector.shape, room, strict=True)]
    if all(inside):
        part = tuple(slice(0, count) for count in inside)
        store_vector(block, place, strides, vector[part])


def _window(
    block: Block, place: int, shape: Sequence[int], strides: Sequence[int], dtype: str
) -> Vector:
    reach = sum((extent - 1) * step for extent, step in zip(shape, strides, strict=True))
    if place < 0 or place + reach >= len(block.data):
        raise IndexError(
            f"a vector of elements {place} to {place + reach} of a memory of {len(block.data)}"
        )
    flat = np.frombuffer(block.data, np.uint8).view(np.dtype(dtype))
    return as_strided(flat[place:], shape, [step * flat.itemsize for step in strides])


def vector_of(values: Any, shape: Sequence[int], dtype: str) -> Vector:
    """Return one number, or a vector, stretched to a shape."""
    return np.array(np.broadcast_to(np.asarray(values).astype(dtype), shape))


def constant_vector(content: bytes, shape: Sequence[int], dtype: str) -> Vector:
    """Return a constant from its bytes."""
    return np.frombuffer(content, np.dtype(dtype)).reshape(shape).copy()


def extracted(vector: Vector, *position: int) -> Any:
    """Return an element as a Python number, or a part as a vector.

    Raises:
        IndexError: The position is outside of the vector.
    """
    _check_position(vector, position)
    found = vector[position]
    return found.copy() if isinstance(found, np.ndarray) and found.ndim else _number(found)


def inserted(source: Any, vector: Vector, *position: int) -> Vector:
    """Return the vector with an element, or a part, replaced.

    Raises:
        IndexError: The position is outside of the vector.
    """
    _check_position(vector, position)
    result = vector.copy()
    result[position] = source
    return result


def _check_position(vector: Vector, position: Sequence[int]) -> None:
    if any(not 0 <= at < extent for at, extent in zip(position, vector.shape, strict=False)):
        raise IndexError(f"position {list(position)} of a vector of shape {list(vector.shape)}")


def _number(value: Any) -> float:
    """Return an element as the source computes with it: bool and integers as int."""
    item = np.asarray(value)
    return float(item) if item.dtype.kind not in "biu" else int(item)


def reinterpreted(vector: Vector, shape: Sequence[int], dtype: str) -> Vector:
    """Return the same bits in another shape and element type."""
    return np.ascontiguousarray(vector).reshape(-1).view(np.dtype(dtype)).reshape(shape).copy()


def shuffled(left: Vector, right: Vector, *mask: int) -> Vector:
    """Return elements of two vectors, numbered through; -1 leaves one open, here 0."""
    joined = np.concatenate((np.atleast_1d(left), np.atleast_1d(right)))
    result = joined[[max(number, 0) for number in mask]]
    result[[position for position, number in enumerate(mask) if number < 0]] = 0
    return result


def reduced(kind: str, vector: Vector, *start: Any) -> float:
    """Return all elements combined, one after another from the first on; `start` comes last."""
    combine = _REDUCTIONS[kind]
    elements = [*vector.reshape(-1), *(np.asarray(each).astype(vector.dtype) for each in start)]
    with np.errstate(all="ignore"):
        return _number(functools.reduce(combine, (np.asarray(each) for each in elements)))


def compute(name: str, dtype: str, *operands: Any) -> Vector:
    """Return what an operation of arith, math or vector gives, element by element.

    Raises:
        ZeroDivisionError: An integer is divided by zero.
    """
    with np.errstate(all="ignore"):
        result = np.asarray(_OPERATIONS[name](*operands))
        if dtype == "bool" and result.dtype != bool:
            result = (result & 1) != 0
        return result.astype(np.dtype(dtype), copy=False)


def compare(predicate: int, left: Vector, right: Vector) -> Vector:
    """Return the comparison of two vectors of integers, a vector of bool."""
    if predicate >= len(_COMPARISONS):
        predicate -= len(_COMPARISONS) - 2
        left, right = _unsigned(left), _unsigned(right)
    return np.asarray(_COMPARISONS[predicate](left, right))


def compare_floats(predicate: int, left: Vector, right: Vector) -> Vector:
    """Return the comparison of two vectors of floating-point numbers, a vector of bool.

    Predicates are numbered as MLIR's: a bit each for equal, greater, less and unordered.
    """
    a, b = left.astype(np.float64), right.astype(np.float64)
    chosen = np.zeros(a.shape, bool)
    for wanted, found in zip(_FLOAT_PREDICATES[predicate], (a == b, a > b, a < b), strict=True):
        chosen |= found if wanted else False
    return chosen | np.isnan(a) | np.isnan(b) if predicate > _LAST_ORDERED else chosen


def cascade_words(vector: Vector) -> Words:
    """Return a 512-bit vector as the 16 words that go to the cascade."""
    return np.ascontiguousarray(vector).reshape(-1).view(np.uint32).copy()


def _unsigned(vector: Vector) -> Vector:
    if vector.dtype.kind != "i":
        return vector
    return vector.view(np.dtype(f"uint{8 * vector.itemsize}"))


def _checked(divide: Callable[[Vector, Vector], Vector]) -> Callable[[Vector, Vector], Vector]:
    def divided(left: Vector, right: Vector) -> Vector:
        if not right.all():
            raise ZeroDivisionError("integer division of a vector by zero")
        return divide(left, right)

    return divided


def _toward_zero(left: Vector, right: Vector) -> Vector:
    down = left // right
    exact = down * right == left
    return np.asarray(down + (~exact & ((left < 0) != (right < 0))).astype(down.dtype))


def _of_unsigned(
    function: Callable[[Vector, Vector], Vector],
) -> Callable[[Vector, Vector], Vector]:
    def applied(left: Vector, right: Vector) -> Vector:
        return np.asarray(function(_unsigned(left), _unsigned(right))).view(left.dtype)

    return applied


def _in_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compute with double precision; the result is rounded to the element type afterwards."""

    def computed(*operands: Vector) -> Any:
        return function(*(operand.astype(np.float64) for operand in operands))

    return computed


def _sign_extended(vector: Vector) -> Vector:
    return -vector.astype(np.int8) if vector.dtype == bool else vector


def _to_integer(vector: Vector) -> Vector:
    return np.trunc(vector.astype(np.float64)).astype(np.int64)


def _as_is(vector: Vector) -> Vector:
    return vector


def _to_float(vector: Vector) -> Vector:
    return vector.astype(np.float64)


_LAST_ORDERED = 7
_EQUAL_GREATER_LESS = ("000", "100", "010", "110", "001", "101", "011", "111")
_FLOAT_PREDICATES = tuple(
    tuple(bit == "1" for bit in bits)
    for bits in (
        *_EQUAL_GREATER_LESS,
        *_EQUAL_GREATER_LESS[1:7],
        _EQUAL_GREATER_LESS[0],
        _EQUAL_GREATER_LESS[7],
    )
)
"""Which of equal, greater and less each predicate takes; from 8 on also what is unordered."""

_COMPARISONS: tuple[Callable[[Vector, Vector], Any], ...] = (
    np.equal,
    np.not_equal,
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
)

_REDUCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": np.add,
    "mul": np.multiply,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "minsi": np.minimum,
    "maxsi": np.maximum,
    "minui": _of_unsigned(np.minimum),
    "maxui": _of_unsigned(np.maximum),
    "minnumf": np.fmin,
    "maxnumf": np.fmax,
    "minimumf": np.minimum,
    "maximumf": np.maximum,
}

_OPERATIONS: dict[str, Callable[..., Any]] = {
    "arith.addi": np.add,
    "arith.subi": np.subtract,
    "arith.muli": np.multiply,
    "arith.andi": np.bitwise_and,
    "arith.ori": np.bitwise_or,
    "arith.xori": np.bitwise_xor,
    "arith.maxsi": np.maximum,
    "arith.minsi": np.minimum,
    "arith.maxui": _of_unsigned(np.maximum),
    "arith.minui": _of_unsigned(np.minimum),
    "arith.divsi": _checked(_toward_zero),
    "arith.remsi": _checked(np.fmod),
    "arith.floordivsi": _checked(np.floor_divide),
    "arith.divui": _checked(_of_unsigned(np.floor_divide)),
    "arith.remui": _checked(_of_unsigned(np.remainder)),
    "arith.shli": np.left_shift,
    "arith.shrsi": np.right_shift,
    "arith.shrui": _of_unsigned(np.right_shift),
    "arith.select": np.where,
    "arith.addf": np.add,
    "arith.subf": np.subtract,
    "arith.mulf": np.multiply,
    "arith.divf": np.divide,
    "arith.negf": np.negative,
    "arith.maximumf": np.maximum,
    "arith.minimumf": np.minimum,
    "arith.maxnumf": np.fmax,
    "arith.minnumf": np.fmin,
    "arith.extsi": _sign_extended,
    "arith.extui": _unsigned,
    "arith.trunci": _as_is,
    "arith.index_cast": _as_is,
    "arith.sitofp": lambda vector: _to_float(_sign_extended(vector)),
    "arith.uitofp": lambda vector: _to_float(_unsigned(vector)),
    "arith.fptosi": _to_integer,
    "arith.fptoui": _to_integer,
    "arith.extf": _as_is,
    "arith.truncf": _as_is,
    "vector.fma": _in_double(lambda a, b, c: a * b + c),
    "math.fma": _in_double(lambda a, b, c: a * b + c),
    "math.absf": np.abs,
    "math.absi": np.abs,
    "math.ceil": _in_double(np.ceil),
    "math.cos": _in_double(np.cos),
    "math.exp": _in_double(np.exp),
    "math.exp2": _in_double(np.exp2),
    "math.floor": _in_double(np.floor),
    "math.log": _in_double(np.log),
    "math.log2": _in_double(np.log2),
    "math.rsqrt": _in_double(lambda a: 1.0 / np.sqrt(a)),
    "math.sin": _in_double(np.sin),
    "math.sqrt": _in_double(np.sqrt),
    "math.tanh": _in_double(np.tanh),
}

ELEMENTWISE = frozenset(_OPERATIONS)
"""Names of the operations that :func:`compute` knows."""
