"""Runs of builds as timelines for the page: simulated once, kept beside the other records."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import msgspec

from errors import LabError
from kernels.contract import Kernel
from npulab.report import kept
from npulab.report.records import FOLDER
from runtime.sim import SimDevice, Watchers
from runtime.verify import check
from simulator.clock import CLOCK_HZ
from simulator.timeline import drawing
from simulator.timeline.collect import Collector
from simulator.timeline.summary import summarise
from toolchain.build import Build

WIDTH = 336
"""Pixels: what a phone of 360 shows beside a margin."""

SPANS = 20_000
"""Spans to keep of a run; a drawing has far fewer pixels."""

_RECTANGLE = re.compile(
    r'<rect x="([\d.e+-]+)" y="([\d.e+-]+)" width="([\d.e+-]+)" height="([\d.e+-]+)" '
    r'class="(work|set-up|lock|stream|host)">(?:<title>[^<]*</title></rect>)\n?'
)


class TimelineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A drawn run of a build on real input.

    Attributes:
        case: The data.
        cycles: Of the run, modelled.
        verdict: What bounds it.
        svg: The drawing, without its style.
    """

    case: str
    cycles: int
    verdict: str
    svg: str


def timeline(root: Path, kernel: Kernel) -> TimelineRecord | LabError | None:
    """Return a variant's timeline, simulated unless that of the same build is kept.

    Args:
        root: The build folder.
        kernel: The variant.

    Returns:
        None where it is not built, the error where it cannot be run.
    """
    try:
        build = Build.open(kept.folder(root, kernel))
    except LabError:
        return None
    key = kept.key(build)
    path = root / FOLDER / "timeline" / kernel.kernel_name() / f"{kernel.label}.json"
    found = kept.load(path, key, TimelineRecord)
    if found is None:
        try:
            found = _run(build, kernel)
        except LabError as error:
            return error
        kept.save(path, key, found)
    return found


def _run(build: Build, kernel: Kernel) -> TimelineRecord:
    collector = Collector(SPANS)
    program = SimDevice(watchers=Watchers(recorder=collector)).load(build)
    case = next(iter(kernel.demo()))
    failure = check(kernel, program, case).failure
    line = collector.timeline(f"{kernel.title} on {case.name}", CLOCK_HZ)
    if failure is not None and not line.tracks:
        raise failure
    return TimelineRecord(
        case=case.name,
        cycles=line.cycles,
        verdict=summarise(line, kernel.work().ops).verdict(),
        svg=compact(drawing.draw(line, WIDTH, style=False)),
    )


def compact(svg: str) -> str:
    """Return a drawing with one path for each kind of span in place of its rectangles.

    That is a fifth of the size. What is lost is what spans say when they are pointed at, which
    ``npulab trace`` shows better.
    """
    shapes: dict[str, list[str]] = defaultdict(list)
    for x, y, width, height, style in _RECTANGLE.findall(svg):
        shapes[style].append(f"M{x} {y}h{width}v{height}h-{width}z")
    paths = "".join(f'<path class="{style}" d="{"".join(d)}"/>\n' for style, d in shapes.items())
    return _RECTANGLE.sub("", svg).replace("</svg>", f"{paths}</svg>")
