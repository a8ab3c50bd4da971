"""Timings as JSON documents, as `npulab bench`, `--history` and `npulab gate` print them.

Times are in seconds. Every document that has times says what they are: `basis`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from runtime.bench.compare import Finding, Session
from runtime.bench.gate import Change
from runtime.bench.history import History
from runtime.bench.record import Record

Document = dict[str, Any]


def record_document(record: Record) -> Document:
    """Return a record with what it amounts to; the samples themselves are in the store."""
    fields: Document = json.loads(msgspec.json.encode(record))
    del fields["samples"]
    summary = msgspec.to_builtins(record.summary)
    return {
        **fields,
        **summary,
        "spread": record.summary.spread,
        "array": record.array,
        "array_error": record.array_error,
        "dispatch": record.dispatch,
        "of_peak": record.of_peak,
        "of_bound": record.of_bound,
    }


def history_document(series: Sequence[History]) -> Document:
    """Return series with their points, oldest first."""
    return {
        "series": [
            {
                **_like(one),
                "points": [
                    {**msgspec.to_builtins(point), "gate": _change(point.gate)}
                    for point in one.points
                ],
            }
            for one in series
        ]
    }


def session_document(session: Session) -> Document:
    """Return what the gate says of a session."""
    record = session.findings[0].record
    _, device, basis, host, power_mode = record.series
    return {
        "device": device,
        "basis": basis,
        "host": host,
        "power_mode": power_mode,
        "session": record.session,
        "time": record.time,
        "commit": record.commit,
        "findings": [_finding(one) for one in session.findings],
        "missing": list(session.missing),
    }


def _finding(one: Finding) -> Document:
    return {
        "kernel": one.kernel,
        "verdict": one.verdict.value,
        "says": one.says,
        "median": one.record.summary.median,
        "samples": len(one.record.samples),
        "sessions": one.sessions,
        "change": _change(one.change),
        "history": list(one.history),
    }


def _change(change: Change | None) -> Document | None:
    return msgspec.to_builtins(change) if change else None


def _like(series: History) -> Document:
    return {
        "kernel": series.kernel,
        "device": series.device,
        "basis": series.basis,
        "host": series.host,
        "power_mode": series.power_mode,
    }
