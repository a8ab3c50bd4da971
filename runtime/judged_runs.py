"""Runs a design as its expectation says, and compares what it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes  # noqa: F401 - lets numpy know bfloat16 by its name
import numpy as np
from xdsl.ir import Attribute

from errors import UsageError
from runtime.expectation import Argument, Call, Expectation, Known, Values, values
from runtime.loops import compile_loops
from simulator import Limits, Simulation
from simulator.findings import kinds
from simulator.mlir.layouts import element, layout


def replaced(text: str, expected: Expectation | None) -> str:
    """Return a design text with the replacements of its expectation."""
    for old, new in (expected.replace if expected else {}).items():
        text = text.replace(old, new)
    return text


def judge(
    text: str,
    design: Path,
    expected: Expectation | None,
    limits: Limits,
    libraries: Mapping[str, Path],
) -> tuple[int, str | None]:
    """Run a design; return its cycles, and the first difference to what is expected in words.

    Args:
        text: The design, with what is replaced in it.
        design: Its file, named in messages.
        expected: What it is to do; without it runs once on zeros.
        limits: When a run is given up.
        libraries: What it links.

    Raises:
        UsageError: NPU309, the expectation does not suit the design; as
            :class:`simulator.Simulation`.
        CheckFailed: As :meth:`simulator.Simulation.run`.
    """
    runs = _Runs(text, design.name, expected, limits, libraries)
    difference = runs.play(check=True)
    if difference or expected is None or expected.same_as is None:
        return runs.cycles, difference
    other = expected.same_as
    if not other.is_file():
        raise UsageError(
            f"{other}: there is no such design",
            cure="name the other form of the design relative to the expectation",
            code="NPU309",
        )
    first = _Runs(replaced(other.read_text(), expected), other.name, expected, limits, libraries)
    first.play(check=False)
    return runs.cycles, _same(runs, first, other.name)


def _same(runs: _Runs, first: _Runs, name: str) -> str | None:
    """Compare all that two forms of a design left, byte for byte."""
    if not (runs.wrote and first.wrote):
        return f"nothing was written that could be compared with {name}"
    for number, (left, right) in enumerate(zip(runs.results, first.results, strict=True)):
        for position, (one, two) in enumerate(zip(left, right, strict=True)):
            if one.nbytes != two.nbytes:
                return f"argument {position} has {one.nbytes} bytes, that of {name} {two.nbytes}"
            wrong = np.flatnonzero(one.view(np.uint8) != two.view(np.uint8))
            if len(wrong):
                return (
                    f"run {number}, argument {position}: {len(wrong)} of {one.nbytes} bytes "
                    f"differ from those of {name}, the first at {wrong[0]}"
                )
    return None


@dataclass
class _Runs:
    """The calls of an expectation on one design.

    Attributes:
        cycles: Modelled cycles of all of them.
        results: What each left in its arguments.
        wrote: Whether the array wrote any argument.
    """

    text: str
    name: str
    expected: Expectation | None
    limits: Limits
    libraries: Mapping[str, Path]

    def __post_init__(self) -> None:
        self._loaded: dict[str | None, Simulation] = {}
        self.results: list[list[Values]] = []
        self.cycles = 0
        self.wrote = False

    def play(self, *, check: bool) -> str | None:
        """Run all calls; with `check` up to the first difference, which is returned."""
        calls: Sequence[Call] = (self.expected.calls if self.expected else ()) or (Call(),)
        folder = self.expected.folder if self.expected else Path()
        for call in calls:
            simulation = self._load(call)
            arrays = _arrays(simulation, call, Known(folder, [], self.results))
            inputs = [array.copy() for array in arrays]
            declared = len(simulation.argument_types(call.sequence))
            ran = simulation.run(arrays[:declared], call.sequence, beyond=arrays[declared:])
            self.cycles += ran.cycles
            self.wrote |= any(mask is not None and bool(mask.any()) for mask in ran.written)
            self.results.append(arrays)
            if check:
                difference = _wrong(call, arrays, Known(folder, inputs, self.results))
                if difference:
                    return difference
        return None

    def _load(self, call: Call) -> Simulation:
        if call.device not in self._loaded:
            warn = self.expected.warn if self.expected else ""
            self._loaded[call.device] = Simulation(
                self.text,
                self.libraries,
                limits=self.limits,
                source=self.name,
                device=call.device,
                compile_loops=compile_loops,
                control_overlay=self.expected is not None and self.expected.control_overlay,
                warn=kinds(warn) if warn else None,
            )
        return self._loaded[call.device]


def _wrong(call: Call, arrays: Sequence[Values], known: Known) -> str | None:
    for position, argument in enumerate(call.arguments):
        if argument.output:
            array = arrays[position]
            wanted = values(argument.output, len(array), array.dtype, known)
            difference = _difference(position, array, wanted, any_order=argument.any_order)
            if difference:
                return difference
    return None


def _arrays(simulation: Simulation, call: Call, known: Known) -> list[Values]:
    """Return the arrays of a call, filled as it says."""
    arrays: list[Values] = []
    types = simulation.argument_types(call.sequence)
    extra = call.arguments[len(types) :]
    if call.arguments and (
        len(call.arguments) < len(types) or not all(each.dtype and each.elements for each in extra)
    ):
        raise UsageError(
            f"the expectation has {len(call.arguments)} arguments, the sequence {len(types)}",
            cure="give one entry for each argument of the runtime sequence, and dtype and "
            "elements to those that it does not declare",
            code="NPU309",
        )
    kinds: list[Attribute | None] = [*types, *[None] * len(extra)]
    for position, kind in enumerate(kinds):
        given = call.arguments[position] if call.arguments else None
        array = _zeros(position, kind, given)
        dtype = array.dtype
        if given is not None and given.input:
            filled = values(
                given.input, len(array), dtype, Known(known.folder, arrays, known.results)
            )
            array[: len(filled)] = filled[: len(array)]
        arrays.append(array)
    return arrays


def _zeros(position: int, kind: Attribute | None, given: Argument | None) -> Values:
    """Return the array of an argument, as long as its type or its expectation says."""
    what = None if kind is None else layout(kind)
    scalar = None if kind is None else element(kind)
    dtype = np.dtype(given.dtype) if given is not None and given.dtype else None
    elements = 0 if given is None else given.elements
    if what is not None and None not in what.shape:
        nbytes, dtype = what.nbytes, dtype or np.dtype(what.element.numpy)
    elif scalar is not None:
        nbytes, dtype = scalar.bytes, dtype or np.dtype(scalar.numpy)
    elif dtype is not None and elements:
        nbytes = 0
    else:
        raise UsageError(
            f"argument {position} is {kind}, which no array fits",
            cure="survey designs whose arguments have fixed shapes, or give dtype and elements",
            code="NPU309",
        )
    return np.zeros(max(nbytes // dtype.itemsize, elements), dtype)


def _difference(position: int, array: Values, wanted: Values, *, any_order: bool) -> str | None:
    if len(wanted) == 0 or len(wanted) > len(array):
        return f"argument {position} has {len(array)} elements, {len(wanted)} are expected"
    if any_order:
        array, wanted = np.sort(array[: len(wanted)]), np.sort(wanted)
    wrong = np.flatnonzero(array[: len(wanted)] != wanted)
    if not len(wrong):
        return None
    first = int(wrong[0])
    return (
        f"argument {position}: {len(wrong)} of {len(wanted)} elements differ, the first at "
        f"{first}: {array[first]} instead of {wanted[first]}"
    )
