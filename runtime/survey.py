"""Runs every design of a folder on the simulated array and says what does not run, and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import ml_dtypes  # noqa: F401 - lets numpy know bfloat16 by its name
import numpy as np

from errors import LabError, UsageError
from runtime.expectation import Call, Expectation, Known, Values, expectation_of, values
from runtime.loops import compile_loops
from runtime.objects import compile_objects
from simulator import Limits, Simulation
from simulator.findings import kinds
from simulator.mlir.layouts import element, layout
from simulator.mlir.parse import parse_design

_MISSING_OBJECT = ("NPU140", "NPU141")
"""The simulator's codes for functions that are in no library."""


class Outcome(StrEnum):
    """How far a design came, best first."""

    RIGHT = "right"
    RAN = "ran"
    WRONG = "wrong"
    REFUSED = "refused"
    NEEDS = "needs"
    UNPARSED = "unparsed"

    @property
    def meaning(self) -> str:
        """The outcome in words."""
        return _MEANINGS[self]


_MEANINGS = {
    Outcome.RIGHT: "ran to the expected result",
    Outcome.RAN: "ran; it has no expected result",
    Outcome.WRONG: "ran to another result",
    Outcome.REFUSED: "was refused, before or while it ran",
    Outcome.NEEDS: "needs an object from outside",
    Outcome.UNPARSED: "could not be parsed",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What became of one design.

    Attributes:
        file: Its path below the surveyed folder.
        reason: Why it did not run right, on one line; empty where it did.
        code: The code of that failure, if it has one.
        cycles: Modelled cycles of all its runs.
        seconds: Wall-clock seconds that the survey spent on it.
    """

    file: str
    outcome: Outcome
    reason: str = ""
    code: str = ""
    cycles: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """A whole survey."""

    findings: Sequence[Finding]

    def count(self, *outcomes: Outcome) -> int:
        """Return how many designs came to one of the outcomes."""
        return sum(finding.outcome in outcomes for finding in self.findings)

    @property
    def parsed(self) -> int:
        """Designs that the parser took."""
        return len(self.findings) - self.count(Outcome.UNPARSED)

    @property
    def judged(self) -> int:
        """Designs that need nothing from outside and whose result is known or was never reached."""
        return len(self.findings) - self.count(Outcome.NEEDS, Outcome.RAN)

    def reasons(self) -> list[tuple[str, list[Finding]]]:
        """Return the reasons of what did not run right, the most frequent first.

        Reasons that differ only in names and numbers are one.
        """
        groups: dict[str, list[Finding]] = {}
        for finding in self.findings:
            if finding.outcome not in (Outcome.RIGHT, Outcome.RAN):
                groups.setdefault(_group(finding), []).append(finding)
        return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))


def survey(folder: Path, limits: Limits | None = None) -> Iterator[Finding]:
    """Yield what becomes of each ``.mlir`` file below `folder`, in the order of their names.

    Raises:
        UsageError: NPU310, there is none.
    """
    designs = sorted(folder.rglob("*.mlir"))
    if not designs:
        raise UsageError(
            f"{folder} has no .mlir file",
            cure="name a folder of designs",
            code="NPU310",
        )
    limit = limits or Limits(max_seconds=30)
    for design in designs:
        start = perf_counter()
        outcome, cycles, failure = _try(design, limit)
        yield Finding(
            file=str(design.relative_to(folder)),
            outcome=outcome,
            reason=_line(failure),
            code=(failure.code or "") if isinstance(failure, LabError) else "",
            cycles=cycles,
            seconds=perf_counter() - start,
        )


def _try(design: Path, limits: Limits) -> tuple[Outcome, int, Exception | str | None]:
    try:
        expected = expectation_of(design)
        text = design.read_text()
    except (LabError, OSError, UnicodeDecodeError) as error:
        return Outcome.REFUSED, 0, error
    for old, new in (expected.replace if expected else {}).items():
        text = text.replace(old, new)
    try:
        parse_design(text, design.name)
    except Exception as error:  # a survey goes on whatever one design does to the parser
        return Outcome.UNPARSED, 0, error
    if expected is not None and expected.needs:
        return Outcome.NEEDS, 0, f"needs {expected.needs}"
    try:
        with TemporaryDirectory() as folder:
            kernels = compile_objects(expected.kernels if expected else {}, Path(folder))
            cycles, difference = _run(text, design.name, expected, limits, kernels)
    except Exception as error:
        missing = isinstance(error, LabError) and error.code in _MISSING_OBJECT
        return (Outcome.NEEDS if missing else Outcome.REFUSED), 0, error
    if difference:
        return Outcome.WRONG, cycles, difference
    return (Outcome.RIGHT if _is_checked(expected) else Outcome.RAN), cycles, None


def _is_checked(expected: Expectation | None) -> bool:
    return expected is not None and any(
        argument.output for call in expected.calls for argument in call.arguments
    )


def _run(
    text: str,
    name: str,
    expected: Expectation | None,
    limits: Limits,
    libraries: Mapping[str, Path],
) -> tuple[int, str | None]:
    """Run the calls of a design; return the cycles, and the first difference in words."""
    calls = expected.calls if expected is not None and expected.calls else (Call(),)
    folder = expected.folder if expected is not None else Path()
    loaded: dict[str | None, Simulation] = {}
    results: list[list[Values]] = []
    cycles = 0
    for call in calls:
        if call.device not in loaded:
            loaded[call.device] = Simulation(
                text,
                libraries,
                limits=limits,
                source=name,
                device=call.device,
                compile_loops=compile_loops,
                warn=kinds(expected.warn) if expected is not None and expected.warn else None,
            )
        simulation = loaded[call.device]
        arrays = _arrays(simulation, call, Known(folder, [], results))
        inputs = [array.copy() for array in arrays]
        cycles += simulation.run(arrays, call.sequence).cycles
        results.append(arrays)
        known = Known(folder, inputs, results)
        for position, argument in enumerate(call.arguments):
            if argument.output:
                array = arrays[position]
                wanted = values(argument.output, len(array), array.dtype, known)
                difference = _difference(position, array, wanted, argument.any_order)
                if difference:
                    return cycles, difference
    return cycles, None


def _arrays(simulation: Simulation, call: Call, known: Known) -> list[Values]:
    """Return the arrays of a call, filled as it says."""
    arrays: list[Values] = []
    types = simulation.argument_types(call.sequence)
    if call.arguments and len(call.arguments) != len(types):
        raise UsageError(
            f"the expectation has {len(call.arguments)} arguments, the sequence {len(types)}",
            cure="give one entry for each argument of the runtime sequence",
            code="NPU309",
        )
    for position, kind in enumerate(types):
        what, scalar = layout(kind), element(kind)
        if what is not None and None not in what.shape:
            nbytes, dtype = what.nbytes, np.dtype(what.element.numpy)
        elif scalar is not None:
            nbytes, dtype = scalar.bytes, np.dtype(scalar.numpy)
        else:
            raise UsageError(
                f"argument {position} is {kind}, which no array fits",
                cure="survey designs whose arguments have fixed shapes",
                code="NPU309",
            )
        given = call.arguments[position] if call.arguments else None
        if given is not None and given.dtype:
            dtype = np.dtype(given.dtype)
        array = np.zeros(nbytes // dtype.itemsize, dtype)
        if given is not None and given.input:
            filled = values(
                given.input, len(array), dtype, Known(known.folder, arrays, known.results)
            )
            array[: len(filled)] = filled[: len(array)]
        arrays.append(array)
    return arrays


def _difference(position: int, array: Values, wanted: Values, any_order: bool) -> str | None:
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


def _line(failure: Exception | str | None) -> str:
    if failure is None:
        return ""
    if isinstance(failure, str):
        return failure
    if isinstance(failure, LabError):
        return failure.message.partition("\n")[0]
    return f"{type(failure).__name__}: {failure}".partition("\n")[0]


_PLACE = re.compile(r"^\S+?\.mlir:\d+:(?:\d+:)? ")
_NAMES = re.compile(r"@\w+|%\w+|0x[0-9a-f]+|\d+")


def _group(finding: Finding) -> str:
    plain = _PLACE.sub("", finding.reason)
    code = f"[{finding.code}] " if finding.code else ""
    return code + _NAMES.sub("N", plain)[:100]


def tally(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return a survey as plain data: counts, reasons and every design."""
    report = Report(list(findings))
    outcomes = Counter(finding.outcome for finding in report.findings)
    return {
        "designs": len(report.findings),
        "parsed": report.parsed,
        "judged": report.judged,
        "right": report.count(Outcome.RIGHT),
        "outcomes": {outcome.value: outcomes[outcome] for outcome in Outcome},
        "reasons": [
            {"reason": reason, "files": [finding.file for finding in found]}
            for reason, found in report.reasons()
        ],
        "findings": [
            {
                "file": finding.file,
                "outcome": finding.outcome.value,
                "code": finding.code,
                "reason": finding.reason,
                "cycles": finding.cycles,
                "seconds": round(finding.seconds, 4),
            }
            for finding in report.findings
        ],
    }
