"""What a wrong output is, or where it is wrong, said only where the data leave no doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from kernels.contract import Array
from kernels.contract.tolerance import is_float

Same = Callable[[Array, Array], bool]

_ENOUGH = 8
"""Elements from which a regularity is no chance: with 8, one in 256 at most."""

_SHIFTS = 64
"""The furthest shift that is looked for, in elements."""

_PROBE = 256
"""Elements that are compared before all of a large output is."""


def content(actual: Array, expected: Array, same: Same) -> str:
    """Return what the whole of a wrong output is, as a phrase, or an empty string.

    Args:
        actual: The output.
        expected: Its golden values, of the same shape and dtype.
        same: Whether two arrays agree within the tolerance.
    """
    if actual.size < _ENOUGH:
        return ""
    if uniform := _uniform(actual):
        return uniform
    for phrase, moved in _moved(expected):
        if not same(moved, expected) and same(actual, moved):
            return phrase
    return _shifted(actual, expected, same) or _recomputed(actual, expected, same)


def _uniform(actual: Array) -> str:
    flat = actual.reshape(-1)
    if is_float(actual.dtype) and np.isnan(flat).all():
        return "every element is NaN"
    if (flat != flat[0]).any():
        return ""
    if not flat[0]:
        return "the output is all zeros: no data reached it, or the core never ran"
    return f"every element is {flat[0]}"


def _moved(expected: Array) -> Iterator[tuple[str, Array]]:
    """Yield the golden values in other orders that layouts and transfers easily give."""
    flat = expected.reshape(-1)
    if expected.ndim == 2:
        yield "the matrix is transposed", expected.T.reshape(expected.shape)
    yield "the order of the elements is reversed", flat[::-1].reshape(expected.shape)
    if flat.size % 2 == 0:
        halves = np.roll(flat, flat.size // 2)
        yield "the two halves are swapped", halves.reshape(expected.shape)
    if expected.dtype.itemsize > 1:
        swapped = np.ascontiguousarray(expected).view(f"u{expected.dtype.itemsize}").byteswap()
        yield "the bytes of every element are in reverse order", swapped.view(expected.dtype)


def _shifted(actual: Array, expected: Array, same: Same) -> str:
    """Find a shift without wrap-around; what lies outside the overlap may be anything."""
    out, gold = actual.reshape(-1), expected.reshape(-1)
    for shift in range(1, min(_SHIFTS, out.size // 2) + 1):
        for late, early, word in ((out, gold, "later"), (gold, out, "earlier")):
            moved, still = late[shift:], early[:-shift]
            if not (same(moved[:_PROBE], still[:_PROBE]) and same(moved, still)):
                continue
            if not same(gold[shift:], gold[:-shift]):
                elements = "element" if shift == 1 else "elements"
                return f"shifted: every value is {shift} {elements} {word} than it should be"
    return ""


def _recomputed(actual: Array, expected: Array, same: Same) -> str:
    if expected.dtype.kind in "iu":
        offsets = np.unique(actual - expected)  # wraps, as the kernel's integers do
        if offsets.size == 1:
            return f"every element is {_signed(offsets):+,} off"
    with np.errstate(all="ignore"):
        negated = -expected if expected.dtype.kind != "b" else expected
    if not same(negated, expected) and same(actual, negated):
        return "every element has the wrong sign"
    if np.array_equal(np.sort(actual.reshape(-1)), np.sort(expected.reshape(-1))):
        return "the right values are there, in another order"
    return ""


def _signed(offsets: Array) -> int:
    return int(offsets.view(f"i{offsets.dtype.itemsize}")[0])


def location(bad: NDArray[np.bool_]) -> str:
    """Return where the bad elements lie, as a phrase, or an empty string."""
    places = np.flatnonzero(bad)
    if places.size == bad.size and bad.size > 1:
        return "every element is wrong"
    if places.size < 2:
        return ""
    return _progression(places, bad.size) or _line(bad) or _region(places, bad.size)


def _progression(places: NDArray[np.intp], size: int) -> str:
    """Name bad elements that follow each other at one distance, with none left out."""
    steps = np.unique(np.diff(places))
    if steps.size > 1:
        return ""
    first, last, step = int(places[0]), int(places[-1]), int(steps[0])
    if step == 1:
        return _run(first, last, size)
    whole = first < step and last + step >= size and places.size > 2
    return f"every {_ordinal(step)} element, from {first} on" if whole else ""


def _run(first: int, last: int, size: int) -> str:
    if first == 0:
        share = "the first half" if 2 * (last + 1) == size else f"the first {last + 1:,} elements"
        return f"exactly {share}"
    if last == size - 1:
        share = "the second half" if 2 * first == size else f"everything from element {first:,} on"
        return f"exactly {share}"
    return f"exactly the elements {first:,} to {last:,}"


def _line(bad: NDArray[np.bool_]) -> str:
    """Name the row or column of a matrix that holds all bad elements."""
    if bad.ndim != 2 or min(bad.shape) < 2:
        return ""
    rows, columns = (np.flatnonzero(bad.any(axis=axis)) for axis in (1, 0))
    if rows.size == 1:
        return f"all in row {int(rows[0])}"
    return f"all in column {int(columns[0])}" if columns.size == 1 else ""


def _region(places: NDArray[np.intp], size: int) -> str:
    if places.size < _ENOUGH:
        return ""
    for modulus in (64, 32, 16, 8, 4, 2):
        rests = np.unique(places % modulus)
        if rests.size == 1 and modulus <= size // 2:
            return f"only elements whose number is {int(rests[0])} modulo {modulus}"
    if places[0] >= (size + 1) // 2:
        return "all in the second half"
    return "all in the first half" if places[-1] < size // 2 else ""


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"} if number % 100 not in (11, 12, 13) else {}
    return f"{number}{endings.get(number % 10, 'th')}"
