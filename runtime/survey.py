"""Runs every design of a folder on the simulated array and says what does not run, and why."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from errors import LabError, UsageError
from runtime.expectation import Expectation, expectation_of
from runtime.judged_runs import judge, replaced
from runtime.objects import compile_objects
from simulator import Limits
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
        find = _find_apart if _has_kernels(design) else _find
        yield find(folder, design, limit)


def _has_kernels(design: Path) -> bool:
    try:
        expected = expectation_of(design)
    except LabError:
        return False
    return expected is not None and bool(expected.kernels)


def _find_apart(folder: Path, design: Path, limits: Limits) -> Finding:
    """Run a design in a process of its own, so that a kernel that crashes ends only that."""
    done = subprocess.run(
        (sys.executable, "-m", __name__, str(folder), str(design)),
        input=json.dumps(asdict(limits)),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=False,
    )
    if done.returncode == 0:
        found = json.loads(done.stdout)
        return Finding(**{**found, "outcome": Outcome(found["outcome"])})
    return Finding(
        file=str(design.relative_to(folder)),
        outcome=Outcome.REFUSED,
        reason="a kernel of the design ended its process: it reads or writes outside of what it "
        "was given",
        code="NPU311",
    )


def _find(folder: Path, design: Path, limits: Limits) -> Finding:
    start = perf_counter()
    outcome, cycles, failure = _try(design, limits)
    return Finding(
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
    text = replaced(text, expected)
    try:
        parse_design(text, design.name)
    except Exception as error:  # a survey goes on whatever one design does to the parser
        return Outcome.UNPARSED, 0, error
    if expected is not None and expected.needs:
        return Outcome.NEEDS, 0, f"needs {expected.needs}"
    try:
        with TemporaryDirectory() as folder:
            kernels = compile_objects(expected.kernels if expected else {}, Path(folder))
            cycles, difference = judge(text, design, expected, limits, kernels)
    except Exception as error:
        missing = isinstance(error, LabError) and error.code in _MISSING_OBJECT
        return (Outcome.NEEDS if missing else Outcome.REFUSED), 0, error
    if difference:
        return Outcome.WRONG, cycles, difference
    return (Outcome.RIGHT if _is_checked(expected) else Outcome.RAN), cycles, None


def _is_checked(expected: Expectation | None) -> bool:
    if expected is None:
        return False
    return expected.same_as is not None or any(
        argument.output for call in expected.calls for argument in call.arguments
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


if __name__ == "__main__":  # one design, for _find_apart
    _folder, _design = map(Path, sys.argv[1:])
    _found = _find(_folder, _design, Limits(**json.load(sys.stdin)))
    sys.stdout.write(json.dumps(asdict(_found)))
