"""What SSA values become in the Python source of a core."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.mlir.layouts import Element, dense_strides

Index = int | str
"""A number, or a Python expression for one."""


@dataclass(frozen=True)
class MemRefValue:
    """A memref: which Python object holds its memory, and where its elements lie in it.

    Attributes:
        name: Variable with a :class:`simulator.mlir.cores.memory.Block`.
        offset: First element.
        shape: Extents, as numbers or expressions.
        strides: Steps in elements, as numbers or expressions.
        whole: Whether it is all of its memory, and not a view.
        natural: Whether its offset is known not to be negative.
    """

    name: str
    element: Element
    offset: Index
    shape: tuple[Index, ...]
    strides: tuple[Index, ...]
    whole: bool = True
    natural: bool = True

    @property
    def data(self) -> str:
        """Variable with the typed view of the memory, for loads and stores."""
        return f"{self.name}_"

    @property
    def address(self) -> str:
        """Expression for the native address of the first element, checked for a view."""
        if self.whole:
            return f"{self.name}.address"
        reach: Index = 1
        for extent, stride in zip(self.shape, self.strides, strict=True):
            steps = extent - 1 if isinstance(extent, int) else f"({extent} - 1)"
            reach = total(reach, product(steps, stride))
        return f"{self.name}.reach({self.offset}, {reach})"

    @property
    def is_dense(self) -> bool:
        """Whether the elements are known to lie one after the other."""
        if not all(isinstance(extent, int) for extent in self.shape):
            return False
        extents = [extent for extent in self.shape if isinstance(extent, int)]
        wanted = dense_strides(extents)
        pairs = zip(extents, self.strides, wanted, strict=True)
        return all(extent == 1 or stride == want for extent, stride, want in pairs)

    def position(self, indices: tuple[Index, ...]) -> Index:
        """Return where an element lies."""
        place: Index = self.offset
        for index, stride in zip(indices, self.strides, strict=True):
            place = total(place, product(index, stride))
        return place

    def view(
        self,
        offset: Index,
        shape: tuple[Index, ...],
        strides: tuple[Index, ...],
        *,
        natural: bool,
    ) -> MemRefValue:
        """Return another view of the same memory."""
        return replace(
            self, offset=offset, shape=shape, strides=strides, whole=False, natural=natural
        )


def total(left: Index, right: Index) -> Index:
    """Return left + right, computed now where both are numbers."""
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    if left == 0:
        return right
    return left if right == 0 else f"{left} + {right}"


def product(left: Index, right: Index) -> Index:
    """Return left * right, computed now where both are numbers."""
    if isinstance(left, int) and isinstance(right, int):
        return left * right
    if 0 in (left, right):
        return 0
    if left == 1 or right == 1:
        return right if left == 1 else left
    return f"{_factor(left)} * {_factor(right)}"


def _factor(index: Index) -> Index:
    simple = isinstance(index, int) or index.isidentifier() or _is_enclosed(index)
    return index if simple else f"({index})"


def _is_enclosed(text: str) -> bool:
    """Tell whether one pair of parentheses encloses all of `text`."""
    if not text.startswith("("):
        return False
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position == len(text) - 1
    return False
