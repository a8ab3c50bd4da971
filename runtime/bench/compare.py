"""The newest record of each variant against its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from errors import UsageError
from runtime.bench.gate import LEAST, Change, Verdict, compare
from runtime.bench.record import Record

SESSIONS = 10
"""Sessions of the baseline that are looked at, the newest ones."""
HISTORY = 20
"""Sessions of the history that are drawn."""
_BARS = "▁▂▃▄▅▆▇█"
SLOWER = 1
UNCLEAR = 4
"""Exit codes of the gate; 2 and 3 mean what they mean everywhere in the lab."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What became of a variant.

    Attributes:
        sessions: Older sessions that it was compared with.
        change: None where there is nothing to compare with.
        history: Medians of all sessions of its like, oldest first, its own last; seconds.
    """

    kernel: str
    record: Record
    sessions: int
    history: tuple[float, ...]
    change: Change | None

    @property
    def says(self) -> str:
        """The finding in words."""
        if self.change is None:
            return "cannot tell, no older timings of its like"
        return str(self.change)


def compare_stores(new: Sequence[Record], old: Sequence[Record] | None = None) -> list[Finding]:
    """Compare the newest record of each series with those before it.

    Args:
        new: Records, oldest first.
        old: The baseline's; those of `new` before the newest unless given.

    Raises:
        UsageError: NPU447: there are no records.
    """
    if not new:
        raise UsageError(
            "there are no timings to compare", cure="take some: npulab bench", code="NPU447"
        )
    newest = {record.series: record for record in new}
    return [_finding(record, new if old is None else old) for record in newest.values()]


def _finding(record: Record, records: Sequence[Record]) -> Finding:
    before = [one for one in records if one.series == record.series and one is not record]
    # Sessions of the same commit are no baseline for it: a second look would hide a slowdown.
    others = [one for one in before if one.commit != record.commit]
    compared = others or before
    sessions = [one.samples for one in compared if len(one.samples) >= LEAST][-SESSIONS:]
    return Finding(
        kernel=record.kernel,
        record=record,
        sessions=len(sessions),
        history=tuple(one.summary.median for one in (*before, record)),
        change=compare(sessions, record.samples) if sessions else None,
    )


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 1 if anything is slower, 4 if anything is unclear, else 0."""
    verdicts = {one.change.verdict if one.change else Verdict.UNCLEAR for one in findings}
    if Verdict.SLOWER in verdicts:
        return SLOWER
    return UNCLEAR if Verdict.UNCLEAR in verdicts else 0


def sparkline(values: Sequence[float]) -> str:
    """Return the last values as a row of bars; changes below 1% are not drawn as any.

    Args:
        values: Oldest first, above 0.
    """
    last = values[-HISTORY:]
    low = min(last)
    step = max((max(last) - low) / (len(_BARS) - 1), low / 100)
    return "".join(_BARS[round((value - low) / step)] for value in last)


def markdown(findings: Sequence[Finding]) -> str:
    """Return a table for a job's page."""
    first = findings[0].record
    lines = [
        f"### Timings on the {first.device} ({first.basis})",
        "",
        "| variant | median | change | samples | sessions before | history |",
        "|---|---:|---|---:|---:|---|",
    ]
    for one in findings:
        median = one.record.summary.median
        lines.append(
            f"| {one.kernel} | {median * 1e6:.1f} us | {one.says} | "
            f"{len(one.record.samples)} | {one.sessions} | {sparkline(one.history)} |"
        )
    return "\n".join(lines) + "\n\n"
