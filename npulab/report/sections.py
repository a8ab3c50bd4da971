"""The sections of the page, in order: each is a function of what was gathered.

A section is a template with what it needs. One that has nothing to say returns None; to add
one, write its function and its template, and put it into `SECTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from npulab.report import charts
from npulab.report.gather import Data, Variant, problems
from npulab.report.plan import Plan, plan
from npulab.report.records import ErrorRecord
from npulab.report.timelines import TimelineRecord
from runtime.bench.record import Record
from runtime.model import DISPATCH_S, Prediction
from runtime.model.picture import roofline_svg
from simulator.clock import CLOCK_HZ
from simulator.mlir.resources import TileUse


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        id: Its anchor.
        title: Its heading.
        template: Its file in ``templates/``.
        values: What the template is given beside the data.
    """

    id: str
    title: str
    template: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What sections are made of.

    Attributes:
        data: What was gathered.
        timelines: Of runs, by the variant's title; a sentence where one could not be run.
        predictions: Of the performance model, by the variant's title.
    """

    data: Data
    timelines: dict[str, TimelineRecord | str] = field(default_factory=dict)
    predictions: dict[str, Prediction] = field(default_factory=dict)


@dataclass(frozen=True)
class Series:
    """Timings that can be compared: what they are of, and their picture."""

    title: str
    basis: str
    notes: str
    records: tuple[Record, ...]
    svg: str


@dataclass(frozen=True)
class Trouble:
    """All that went wrong with a variant in one run of a command, in order."""

    variant: Variant
    what: str
    when: str
    errors: list[ErrorRecord] = field(default_factory=list)


def results(report: Report) -> Section:
    """Return the matrix of variants and targets."""
    return Section("results", "Results", "results.html.j2", {"targets": report.data.targets})


def trouble(report: Report) -> Section:
    """Return what failed, what was wrong, what was warned of, and the deadlocks drawn."""
    found: dict[tuple[str, str], Trouble] = {}
    for variant, what, when, error in problems(report.data.variants):
        one = found.setdefault((variant.title, what), Trouble(variant, what, when))
        one.errors.append(error)
    warnings = [
        (variant, warning)
        for variant in report.data.variants
        for record in variant.found
        for warning in record.warnings
    ]
    values = {"errors": list(found.values()), "warnings": warnings}
    return Section("problems", "Problems", "problems.html.j2", values)


def accuracy(report: Report) -> Section:
    """Return how far from the golden models each variant's elements are."""
    rows = []
    for variant in report.data.variants:
        if variant.test is None:
            continue
        counts = charts.steps_of(variant.test)
        if counts:
            unit, small = charts.unit_of(variant.test), charts.small_of(variant.test)
            rows.append((variant, unit, counts, _shown(counts), small))
    return Section("accuracy", "Accuracy", "accuracy.html.j2", {"rows": rows, "bands": BANDS})


BANDS = ("exact", "1", "2", "3\u20134", "5\u20138", "over 8")
"""Distances that the overview of accuracy tells apart."""


def _shown(counts: tuple[int, ...]) -> list[tuple[str, int, float]]:
    """Return name, elements and percentage of each of `BANDS`."""
    sums = (counts[0], counts[1], counts[2], counts[3] + counts[4], counts[5], sum(counts[6:]))
    total = sum(counts) or 1
    return [(band, part, 100 * part / total) for band, part in zip(BANDS, sums, strict=True)]


def kernels(report: Report) -> Section:
    """Return all that is known of each variant: cases, errors, array, resources, timeline."""
    details = {variant.title: _detail(report, variant) for variant in report.data.variants}
    values = {"details": details, "steps": charts.step_labels(), "shares": charts.share_labels()}
    return Section("kernels", "Kernels", "kernels.html.j2", values)


@dataclass(frozen=True)
class Detail:
    """The drawings of a variant; None for what there is no data of."""

    plan: Plan | None
    tiles: list[list[TileUse]]
    histogram: str | None
    timeline: TimelineRecord | str | None


def _detail(report: Report, variant: Variant) -> Detail:
    taken, record = variant.resources, variant.test
    groups: dict[tuple[object, ...], list[TileUse]] = {}
    for tile in taken.tiles if taken else ():
        key = (tile.kind, tile.memory, tile.stack, tile.locks, tile.bds, tile.mm2s, tile.s2mm)
        groups.setdefault((*key, tile.functions, len(tile.buffers)), []).append(tile)
    counts = charts.steps_of(record) if record else ()
    limit = record.limit if record and record.unit in ("steps", "ULP") else None
    return Detail(
        plan=plan(variant.title, taken) if taken else None,
        tiles=list(groups.values()),
        histogram=charts.histogram(variant.title, counts, limit) if counts else None,
        timeline=report.timelines.get(variant.title),
    )


def model(report: Report) -> Section | None:
    """Return what the performance model says, and its roofline: the largest of each kernel."""
    known = {variant.title: variant for variant in report.data.variants}
    rows = [(known[title], one, known[title].cycles) for title, one in report.predictions.items()]
    if not rows:
        return None
    largest = {variant.kernel: one for variant, one, _ in rows}
    values = {
        "rows": rows,
        "roofline": roofline_svg(list(largest.values()), style=False),
        "clock": CLOCK_HZ / 1e9,
        "dispatch": DISPATCH_S,
    }
    return Section("model", "Model", "model.html.j2", values)


def history(report: Report) -> Section:
    """Return the timings of ``npulab bench`` over time."""
    records = sorted(report.data.timings, key=lambda record: (record.series, record.time))
    found = []
    for key, group in groupby(records, key=lambda record: record.series):
        kernel, device, basis, host, mode = key
        series = tuple(group)
        notes = ", ".join(filter(None, (device, host, mode)))
        found.append(Series(kernel, basis, notes, series, charts.history(kernel, series)))
    return Section("history", "Timings", "history.html.j2", {"series": found})


def provenance(_report: Report) -> Section:
    """Return what the figures were made with."""
    return Section("provenance", "Provenance", "provenance.html.j2")


SECTIONS: tuple[Callable[[Report], Section | None], ...] = (
    results,
    trouble,
    accuracy,
    kernels,
    model,
    history,
    provenance,
)
