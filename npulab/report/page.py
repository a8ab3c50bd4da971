"""The page: sections and their templates, put together to one HTML text."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from npulab import figures
from npulab.report import charts
from npulab.report.gather import Data
from npulab.report.records import VariantRecord
from npulab.report.sections import SECTIONS, Report
from simulator.clock import CLOCK_HZ
from simulator.timeline import picture

TEMPLATES = Path(__file__).parent / "templates"

WORDS = {
    "right": "right",
    "wrong": "wrong",
    "failed": "build failed",
    "partial": "interrupted",
    "untested": "not tested",
}
"""The states of a variant."""


def render(report: Report) -> str:
    """Return the page as HTML: one text that needs nothing else, and no script to be read."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        figures=figures,
        words=WORDS,
        worst=worst,
        moment=moment,
        used_bins=used_bins,
        unit_of=charts.unit_of,
        small_of=charts.small_of,
    )
    environment.filters["svg"] = Markup
    sections = [section for make in SECTIONS if (section := make(report)) is not None]
    states = [variant.state for variant in report.data.variants]
    return environment.get_template("page.html.j2").render(
        data=report.data,
        sections=sections,
        states={state: states.count(state) for state in WORDS if state in states},
        elements=sum(
            case.compared
            for variant in report.data.variants
            for record in variant.found
            for case in record.cases
        ),
        clock=CLOCK_HZ / 1e9,
        tools=_tools(report.data),
        style=Markup(_read("style.css") + picture.stylesheet()),  # noqa: S704, the lab's own text
        script=Markup(_read("script.js")),  # noqa: S704, likewise
    )


def worst(record: VariantRecord) -> str:
    """Return the largest error of a variant's cases beside what is allowed."""
    found = [out.worst for case in record.cases for out in case.outputs]
    if not found:
        return ""
    if None in found:
        return "infinite"
    return figures.error(max(one for one in found if one is not None), record.limit, record.unit)


def used_bins(record: VariantRecord) -> list[int]:
    """Return the bins of `kernels.compare.histogram.STEPS` that hold any element."""
    counts = charts.steps_of(record)
    return [index for index, count in enumerate(counts) if count]


def moment(iso: str) -> str:
    """Return a time as people read it: ``21 November 2026, 13:46 UTC``."""
    when = datetime.fromisoformat(iso)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def _tools(data: Data) -> list[tuple[str, str]]:
    """Return the tools of all builds, each version once."""
    found = {
        (f"{name} ({target})", version)
        for variant in data.variants
        for target, build in variant.builds.items()
        if build.manifest
        for name, version in build.manifest.tools.items()
    }
    return sorted(found)


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
