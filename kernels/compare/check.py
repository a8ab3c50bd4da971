"""The comparison: form first, then what was written, then NaN, then values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compare.pattern import content, location
from kernels.compare.poison import Poison
from kernels.compare.result import Comparison, Element, Finding, Number, OutputResult
from kernels.contract import Arg, Array, Role, Spread, Tolerance
from kernels.contract.tolerance import distance, is_float

Mask = NDArray[np.bool_]

SHOWN = 5
"""How many bad elements a result lists."""


def compare(
    actual: Mapping[str, Array],
    expected: Mapping[str, Array],
    args: Sequence[Arg],
    tolerance: Tolerance,
    *,
    poison: Poison | None,
    written: Mapping[str, Mask | None] | None,
    spreads: Mapping[str, Array] | None = None,
) -> Comparison:
    """Compare every output of a run with its golden model.

    An output is right only when it is there under its name, has the contract's shape and dtype,
    is not empty, was written whole, and every one of its elements is within the tolerance.
    NaN matches only NaN. The golden model's outputs are held to the same form.

    Args:
        actual: What the device gave, by argument name; exactly the written arguments.
        expected: What the golden model gave, by argument name.
        args: The kernel's arguments; those that are written are compared.
        tolerance: How far a value may be off.
        poison: What the outputs held before the run; None if they held nothing known.
        written: For each output, which of its bytes the device wrote, as a flat mask; None
            for an output, or for all, where the device does not tell.
        spreads: Those of the kernel, `Kernel.spreads`; a tolerance that needs them refuses to
            do without.

    Returns:
        One result per output, and one per array that is no output.
    """
    outputs = [arg for arg in args if arg.role.is_written]
    results = [
        _output(
            arg,
            actual,
            expected,
            tolerance.with_spread((spreads or {}).get(arg.name)),
            poison,
            (written or {}).get(arg.name),
        )
        for arg in outputs
    ]
    names = {arg.name for arg in outputs}
    results += [
        OutputResult(
            name=name,
            finding=Finding.UNEXPECTED,
            message="is no output of the contract, whose outputs are " + ", ".join(sorted(names)),
            total=0,
        )
        for name in actual
        if name not in names
    ]
    return Comparison(tuple(results) or (_nothing(),))


def _nothing() -> OutputResult:
    message = "the contract declares no output, so nothing was compared"
    return OutputResult(name="(none)", finding=Finding.EMPTY, message=message, total=0)


def _output(
    arg: Arg,
    actual: Mapping[str, Array],
    expected: Mapping[str, Array],
    tolerance: Tolerance,
    poison: Poison | None,
    written: Mask | None,
) -> OutputResult:
    fault = _golden_fault(expected.get(arg.name), arg) or _form_fault(actual.get(arg.name), arg)
    if arg.size == 0:
        fault = Finding.EMPTY, "has no elements, so nothing was compared"
    if fault:
        finding, message = fault
        return OutputResult(name=arg.name, finding=finding, message=message, total=arg.size)
    pair = _Pair(arg, np.asarray(actual[arg.name]), np.asarray(expected[arg.name]), tolerance)
    bad = pair.bad()
    unwritten = np.zeros(arg.shape, np.bool_)
    if arg.role is Role.INOUT:
        pass  # it starts with data, of which the kernel may leave any part
    elif written is not None:
        unwritten = ~_elements(written, arg)
    elif poison:
        unwritten = _certain(poison.left_in(pair.actual) & bad, bad, arg.dtype.itemsize)
    return pair.result(bad | unwritten, unwritten)


def _golden_fault(values: Array | None, arg: Arg) -> tuple[Finding, str] | None:
    fault = _form_fault(values, arg)
    return (Finding.GOLDEN, f"the golden model's output {fault[1]}") if fault else None


def _form_fault(values: Array | None, arg: Arg) -> tuple[Finding, str] | None:
    """Return what is wrong with an array before any value is looked at."""
    if values is None:
        return Finding.MISSING, "is missing"
    form = np.asarray(values)
    if form.shape != arg.shape:
        emptiness = "is empty: it " if form.size == 0 else ""
        return (
            Finding.SHAPE,
            f"{emptiness}has the shape {form.shape}, and the contract says {arg.shape}",
        )
    if form.dtype != arg.dtype:
        return (
            Finding.DTYPE,
            f"has the dtype {form.dtype.name}, and the contract says {arg.dtype.name}",
        )
    return None


def _elements(written: Mask, arg: Arg) -> Mask:
    """Return which elements were written whole, from a mask of bytes."""
    if written.size != arg.nbytes:
        raise ValueError(f"{arg.name}: a mask of {written.size} bytes for {arg.nbytes} bytes")
    each_byte = np.asarray(written, np.bool_).reshape(*arg.shape, arg.dtype.itemsize)
    whole: Mask = np.logical_and.reduce(each_byte, axis=-1)
    return whole


def _certain(left: Mask, bad: Mask, itemsize: int) -> Mask:
    """Return `left`, or nothing where the poison found may be chance.

    A wrong byte equals its byte of poison once in 256: some bytes must be left, and far more
    than that share of the bad elements.
    """
    count = int(left.sum())
    return left if count * itemsize >= 4 and count > bad.sum() / 32 else np.zeros_like(left)


@dataclass(frozen=True)
class _Pair:
    """An output and its golden values, of one shape and dtype."""

    arg: Arg
    actual: Array
    expected: Array
    tolerance: Tolerance

    def bad(self) -> Mask:
        """Return which elements are out of tolerance; an error that is NaN is."""
        outside: Mask = ~(self.errors <= self.tolerance.limit)
        return outside

    @cached_property
    def errors(self) -> Array:
        """Every element's error in the tolerance's unit."""
        return self.tolerance.error(self.actual, self.expected)

    def result(self, bad: Mask, unwritten: Mask) -> OutputResult:
        """Return the verdict, given the wrong elements and those of them never written."""
        nan = bad & _is_nan(self.actual) & ~_is_nan(self.expected) & ~unwritten
        places = np.flatnonzero(bad)
        diagnosis = ""
        if places.size:
            same = self._same if not unwritten.any() else None
            diagnosis = (content(self.actual, self.expected, same) if same else "") or location(bad)
        return OutputResult(
            name=self.arg.name,
            finding=_finding(bad, unwritten, nan),
            message=self._message(int(bad.sum()), int(unwritten.sum()), int(nan.sum())),
            total=self.arg.size,
            compared=self.actual.size,
            bad=int(bad.sum()),
            unwritten=int(unwritten.sum()),
            nan=int(nan.sum()),
            first=self._described(places[:SHOWN]),
            worst=self._worst(),
            unit="ULP" if is_float(self.arg.dtype) else "steps",
            tolerance=str(self.tolerance),
            diagnosis=diagnosis,
        )

    def _same(self, left: Array, right: Array) -> bool:
        tolerance = self.tolerance
        if isinstance(tolerance, Spread) and tolerance.spread is not None:
            # What has moved is at another's place: the largest spread does for all.
            tolerance = tolerance.with_spread(np.nanmax(tolerance.spread, initial=0))
        return bool((tolerance.error(left, right) <= tolerance.limit).all())

    def _message(self, bad: int, unwritten: int, nan: int) -> str:
        of = f"of {self.arg.size:,} elements"
        if unwritten:
            others = f", {bad - unwritten:,} others wrong" if bad > unwritten else ""
            return f"{unwritten:,} {of} never written{others}"
        if nan:
            others = f", {bad - nan:,} others wrong" if bad > nan else ""
            return f"{nan:,} {of} NaN where a number belongs{others}"
        if bad:
            return f"{bad:,} {of} wrong"
        return f"{self.arg.size:,} {of} right"

    def _worst(self) -> Element | None:
        errors = np.nan_to_num(self.errors.reshape(-1), nan=np.inf, posinf=np.inf)
        place = int(errors.argmax())
        return self._described(np.array([place]))[0] if errors[place] > 0 else None

    def _described(self, places: NDArray[np.intp]) -> tuple[Element, ...]:
        actual, expected = (side.reshape(-1)[places] for side in (self.actual, self.expected))
        steps = distance(actual, expected, signed_zeros=True)
        errors = self.errors.reshape(-1)[places]
        return tuple(
            Element(
                index=tuple(int(i) for i in np.unravel_index(int(place), self.arg.shape)),
                actual=_number(actual[row]),
                expected=_number(expected[row]),
                steps=float(steps[row]),
                error=float(errors[row]),
            )
            for row, place in enumerate(places)
        )


def _finding(bad: Mask, unwritten: Mask, nan: Mask) -> Finding | None:
    if unwritten.any():
        return Finding.NEVER_WRITTEN
    if nan.any():
        return Finding.NAN
    return Finding.VALUES if bad.any() else None


def _is_nan(values: Array) -> Mask:
    with np.errstate(invalid="ignore"):
        return np.isnan(values) if is_float(values.dtype) else np.zeros(values.shape, np.bool_)


def _number(value: Any) -> Number:
    """Return a numpy scalar as the Python number with the shortest decimals that mean it."""
    return float(str(value)) if is_float(value.dtype) else int(value)
