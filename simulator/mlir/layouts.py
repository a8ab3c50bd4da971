"""Element types and memrefs of a design: sizes, shapes and their Python and C counterparts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerAttr,
    IntegerType,
    MemRefType,
    NoneAttr,
    Signedness,
    StridedLayoutAttr,
)
from xdsl.ir import Attribute


@dataclass(frozen=True)
class Element:
    """An element type of a memref.

    Attributes:
        name: As MLIR spells it, such as ``bf16``.
        bytes: Its size in memory.
        code: `struct` and `memoryview` format of the raw value: a signed integer for a
            signless one, the 16 raw bits for bf16.
        is_float: Whether values are floating-point numbers.
        numpy: Name of the numpy (or ml_dtypes) dtype.
    """

    name: str
    bytes: int
    code: str
    is_float: bool
    numpy: str


_FLOATS = {
    BFloat16Type: Element("bf16", 2, "H", True, "bfloat16"),
    Float16Type: Element("f16", 2, "e", True, "float16"),
    Float32Type: Element("f32", 4, "f", True, "float32"),
    Float64Type: Element("f64", 8, "d", True, "float64"),
}
_CODES = {8: "b", 16: "h", 32: "i", 64: "q"}


def element(type_: Attribute) -> Element | None:
    """Return what is known of an element type, None for one that no buffer can hold."""
    if isinstance(type_, IndexType):
        return Element("index", 4, "i", False, "int32")
    if isinstance(type_, IntegerType):
        width = type_.width.data
        if width == 1:
            return Element("i1", 1, "b", False, "bool")
        if width not in _CODES:
            return None
        unsigned = type_.signedness.data is Signedness.UNSIGNED
        code = _CODES[width].upper() if unsigned else _CODES[width]
        return Element(str(type_), width // 8, code, False, f"{'u' * unsigned}int{width}")
    return _FLOATS.get(type(type_))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Layout:
    """A memref's shape and where its elements lie, counted in elements; None is dynamic."""

    element: Element
    shape: tuple[int | None, ...]
    strides: tuple[int | None, ...]
    offset: int | None

    @property
    def size(self) -> int:
        """Number of elements of a memref of static shape."""
        return math.prod(extent or 0 for extent in self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of a dense memref of static shape."""
        return self.size * self.element.bytes

    def __str__(self) -> str:
        dims = "".join(f"{'?' if extent is None else extent}x" for extent in self.shape)
        return f"memref<{dims}{self.element.name}>"


def layout(type_: Attribute) -> Layout | None:
    """Return the layout of a memref type; None for other types and unknown elements."""
    if not isinstance(type_, MemRefType):
        return None
    what = element(type_.element_type)
    if what is None:
        return None
    shape = tuple(_static(extent) for extent in type_.get_shape())
    if isinstance(type_.layout, StridedLayoutAttr):
        strides = tuple(_number(stride) for stride in type_.layout.strides.data)
        return Layout(what, shape, strides, _number(type_.layout.offset))
    return Layout(what, shape, dense_strides(shape), 0)


def dense_strides(shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return row-major strides; outside of a dynamic dimension they are dynamic too."""
    strides: list[int | None] = []
    step: int | None = 1
    for extent in reversed(shape):
        strides.append(step)
        step = None if step is None or extent is None else step * extent
    return tuple(reversed(strides))


def _static(extent: int) -> int | None:
    return None if extent < 0 else extent


def _number(attribute: Attribute) -> int | None:
    if isinstance(attribute, NoneAttr):
        return None
    data: int = attribute.data  # type: ignore[attr-defined]
    return data


def integer(attribute: Attribute | None, default: int = 0) -> int:
    """Return the value of an integer attribute, `default` where there is none."""
    return attribute.value.data if isinstance(attribute, IntegerAttr) else default


def optional_integer(attribute: Attribute | None) -> int | None:
    """Return the value of an integer attribute, None where there is none.

    An attribute of 0 is false to Python, so `if attribute` cannot tell the two.
    """
    return None if attribute is None else integer(attribute)


def flag(attribute: Any) -> bool:
    """Return whether a boolean attribute is set (absent means no)."""
    if attribute is None:
        return False
    return bool(integer(attribute, 1))
