"""The newest session of a store against the sessions before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from errors import UsageError
from runtime.bench.gate import LEAST, Change, Verdict, compare, compare_exact
from runtime.bench.record import CHANGED, Record

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
        history: Medians of the newest sessions of its like, oldest first, its own last; seconds.
    """

    kernel: str
    record: Record
    sessions: int
    history: tuple[float, ...]
    change: Change | None

    @property
    def verdict(self) -> Verdict:
        """The finding in a word."""
        return self.change.verdict if self.change else Verdict.UNCLEAR

    @property
    def says(self) -> str:
        """The finding in words."""
        if self.change is None:
            return "cannot tell, no older timings of its like"
        return str(self.change)


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session that was judged: all of it on one device, host and power mode.

    Attributes:
        findings: One for each variant that it has, at least one.
        missing: Variants that the sessions before had and it has not: not timed, or wrong.
    """

    findings: tuple[Finding, ...]
    missing: tuple[str, ...]

    @property
    def title(self) -> str:
        """What its times are, and where and when they were taken."""
        first = self.findings[0].record
        _, device, basis, host, mode = first.series
        return (
            f"{basis} on the {device}, host {host or 'unknown'}, power mode {mode or 'unknown'}, "
            f"{first.time[:16].replace('T', ' ')}, commit {short(first.commit)}"
        )

    @property
    def tally(self) -> str:
        """How many variants came out how."""
        verdicts = [one.verdict for one in self.findings]
        counts = [(verdicts.count(verdict), verdict.value) for verdict in Verdict]
        parts = ", ".join(f"{count:,} {name}" for count, name in counts if count)
        return f"{len(verdicts):,} variant{'s' if len(verdicts) != 1 else ''}: {parts}"


def judge_newest(
    records: Sequence[Record], baseline: Sequence[Record] | None = None, *, host: str = ""
) -> Session:
    """Compare each record of the newest session with those before it.

    Args:
        records: Oldest first.
        baseline: What to compare with; those of `records` before the session unless given.
        host: Whose newest session it is to be, if it has one at all.

    Raises:
        UsageError: NPU447: there are no records.
    """
    if not records:
        raise UsageError(
            "there are no timings to compare", cure="take some: npulab bench", code="NPU447"
        )
    own = [record for record in records if record.provenance.get("host", "") == host]
    last = (own or records)[-1]
    session = {one.series: one for one in records if one.session_key == last.session_key}
    series = by_series(records if baseline is None else baseline)
    return Session(
        findings=tuple(finding(one, series.get(one.series, ())) for one in session.values()),
        missing=_missing(last, series, {one.kernel for one in session.values()}),
    )


def by_series(records: Sequence[Record]) -> dict[tuple[str, ...], list[Record]]:
    """Return records by what they must have in common to be compared."""
    series: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        series.setdefault(record.series, []).append(record)
    return series


def finding(record: Record, series: Sequence[Record]) -> Finding:
    """Compare a record with the others of its series.

    Args:
        record: What is judged.
        series: The others, oldest first; itself among them or not.
    """
    before = [one for one in series if one is not record]
    sessions, change = judge(record, before)
    drawn = [*before, record][-HISTORY:]
    return Finding(
        kernel=record.kernel,
        record=record,
        sessions=sessions,
        history=tuple(one.summary.median for one in drawn),
        change=change,
    )


def judge(record: Record, before: Sequence[Record]) -> tuple[int, Change | None]:
    """Return with how many sessions a record was compared, and what came of it.

    Args:
        record: What is judged.
        before: The others of its series, oldest first.
    """
    compared = _baseline(record, before)
    if record.exact and (exact := [one for one in compared if one.exact]):
        # Without noise the last one tells all; those before it are of other states of the model.
        return 1, compare_exact(exact[-1].summary.median, record.summary.median)
    sessions = [one.samples for one in compared if len(one.samples) >= LEAST][-SESSIONS:]
    return len(sessions), compare(sessions, record.samples) if sessions else None


def _baseline(record: Record, before: Sequence[Record]) -> Sequence[Record]:
    """Return the sessions that a record is to be compared with.

    Sessions of the same commit are no baseline for it: a second look would hide a slowdown. Nor
    are those of sources that no commit has. Where there are no others, they must do.
    """
    others = [one for one in before if one.commit != record.commit]
    committed = [one for one in others if one.committed]
    return committed or others or before


def _missing(
    last: Record, series: Mapping[tuple[str, ...], Sequence[Record]], there: set[str]
) -> tuple[str, ...]:
    """Return the variants that the last `SESSIONS` sessions before had and this one has not."""
    like = [
        one for key, sessions in series.items() if key[1:] == last.series[1:] for one in sessions
    ]
    keys = {one.session_key: None for one in sorted(like, key=lambda one: one.time)}
    keys.pop(last.session_key, None)
    recent = set(list(keys)[-SESSIONS:])
    names = {one.kernel for one in like if one.session_key in recent}
    return tuple(sorted(names - there))


def exit_code(session: Session) -> int:
    """Return 1 if anything is slower, 4 if anything is unclear, else 0."""
    verdicts = {one.verdict for one in session.findings}
    if Verdict.SLOWER in verdicts:
        return SLOWER
    return UNCLEAR if Verdict.UNCLEAR in verdicts else 0


def short(commit: str) -> str:
    """Return a commit as people write it, with what says that files were changed since."""
    name, dirty, _ = commit.partition(CHANGED)
    return name[:8] + dirty


def sparkline(values: Sequence[float]) -> str:
    """Return the last values as a row of bars; changes below 1% are not drawn as any.

    Args:
        values: Oldest first, above 0.
    """
    last = values[-HISTORY:]
    low = min(last)
    step = max((max(last) - low) / (len(_BARS) - 1), low / 100)
    return "".join(_BARS[round((value - low) / step)] for value in last)


def markdown(session: Session) -> str:
    """Return a table for a job's page."""
    lines = [
        f"### Timings, {session.title}",
        "",
        f"{session.tally}.",
        "",
        "| variant | median | change | samples | sessions before | history |",
        "|---|---:|---|---:|---:|---|",
    ]
    for one in session.findings:
        median = one.record.summary.median
        lines.append(
            f"| {one.kernel} | {median * 1e6:.1f} us | {one.says} | "
            f"{len(one.record.samples)} | {one.sessions} | {sparkline(one.history)} |"
        )
    if session.missing:
        lines += ["", f"In sessions before, and not in this one: {', '.join(session.missing)}."]
    return "\n".join(lines) + "\n\n"
