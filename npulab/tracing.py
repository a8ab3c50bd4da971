"""One run with a recorder: what ``npulab trace`` writes and prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import LabError
from npulab import figures
from npulab.building import build_units, built, error_document
from npulab.calling import call_design, call_kernel, only
from npulab.console import Column, Rows, print_wrapped, stdout
from npulab.deadlocks import drawing_device
from runtime.verify import check
from simulator.clock import CLOCK_HZ
from simulator.timeline import wait_for
from simulator.timeline.collect import Collector
from simulator.timeline.records import Timeline
from simulator.timeline.summary import Share, Summary, summarise
from toolchain.unit import Unit

if TYPE_CHECKING:
    from rich.console import Console

    from kernels.contract import Kernel
    from npulab.profiling import Files
    from simulator.array.deadlock import WaitFor

ROWS = 24
"""Most resources that the summary lists."""

LEAST = 0.005
"""Share of a run that is worth a word."""

UNCOUNTED = "Kernel functions count 0 cycles: no contract says how long they take."


@dataclass(frozen=True, kw_only=True)
class Traced:
    """What a traced run gave.

    Attributes:
        timeline: What happened when, up to the failure if there was one.
        summary: Where time went.
        contract: The time of kernel functions is counted: it comes from a contract, or from
            their machine code.
        failure: Why the run or its output is not right.
        deadlock: Who waited for what, if the run ended in a deadlock.
    """

    timeline: Timeline
    summary: Summary
    contract: bool
    failure: LabError | None
    deadlock: WaitFor | None


def trace_kernel(variants: Sequence[Kernel], inputs: Sequence[str], limit: int) -> Traced:
    """Run a variant on files, or without any on the data of ``npulab demo``.

    Args:
        variants: The one variant.
        inputs: Files, as ``npulab run`` takes them.
        limit: Most spans to keep.

    Raises:
        LabError: Nothing ran: wrong input, or it does not build or load.
    """
    kernel, collector = only(variants), Collector(limit)
    graphs: list[WaitFor] = []
    device = drawing_device(collector, graphs.append)
    failure: LabError | None = None
    title = f"{kernel.title} on the given files"
    if inputs:
        try:
            failure = call_kernel([kernel], inputs, (), device).failure
        except LabError as error:
            failure = error
    else:
        program = device.load(built(build_units([Unit.from_kernel(kernel)])[0]))
        case = next(iter(kernel.demo()))
        title = f"{kernel.title} on {case.name}"
        failure = check(kernel, program, case).failure
    return _traced(collector, title, failure, kernel, graphs)


def trace_design(design: Path, links: Sequence[Path], inputs: Sequence[str], limit: int) -> Traced:
    """Run a design outside the lab; arguments without a file hold zeros.

    Raises:
        LabError: Nothing ran: wrong input, or it does not build or load.
    """
    collector = Collector(limit)
    graphs: list[WaitFor] = []
    failure: LabError | None = None
    try:
        call_design(design, links, inputs, (), drawing_device(collector, graphs.append))
    except LabError as error:
        failure = error
    return _traced(collector, design.name, failure, None, graphs)


def trace_binary(files: Files, inputs: Sequence[str], limit: int) -> Traced:
    """Run an xclbin with its instructions; its cores' work goes by their functions' names.

    Raises:
        LabError: Nothing ran: a file is not what it should be.
    """
    from npulab.profiling import run_binary

    shown = run_binary(files, inputs, (), checked=False, spans=limit)
    profile = shown.profile
    return Traced(
        timeline=profile.timeline,
        summary=summarise(profile.timeline),
        contract=True,
        failure=profile.failure,
        deadlock=None,
    )


def _traced(
    collector: Collector,
    title: str,
    failure: LabError | None,
    kernel: Kernel | None,
    graphs: Sequence[WaitFor],
) -> Traced:
    timeline = collector.timeline(title, CLOCK_HZ)
    if failure is not None and not timeline.tracks:
        raise failure
    ops = None if kernel is None else kernel.work().ops
    return Traced(
        timeline=timeline,
        summary=summarise(timeline, ops),
        contract=kernel is not None,
        failure=failure,
        deadlock=graphs[0] if graphs else None,
    )


def print_summary(traced: Traced) -> None:
    """Print where the time of a run went, 80 columns wide."""
    console, summary = stdout(), traced.summary
    nanoseconds = 1e9 / summary.clock_hz
    console.print(summary.title, style="bold", soft_wrap=True)
    print_wrapped(
        console,
        f"{summary.cycles:,} cycles, {figures.seconds(summary.seconds)}: modelled, not measured, "
        f"at an assumed {summary.clock_hz / 1e9:g} GHz ({nanoseconds:g} ns a cycle).",
    )
    if not traced.contract:
        print_wrapped(console, UNCOUNTED)
    console.print("\nwhere time went, in % of the run", style="bold")
    _print_shares(console, summary.shares)
    console.print("\nwhat bounds it", style="bold")
    print_wrapped(console, f"{summary.verdict()}.", indent=2)
    if len(summary.chain) > 1:
        print_wrapped(
            console,
            f"Each waits most for the next: {' -> '.join(summary.chain)}",
            indent=2,
        )
    console.print("\nrates, modelled", style="bold")
    for line in _rates(summary):
        print_wrapped(console, line, indent=2)
    if traced.deadlock is not None:
        unicode = console.encoding.startswith("utf")
        drawn = wait_for.tell(traced.deadlock, unicode=unicode)
        console.print(f"\n{drawn}", end="", soft_wrap=True)
    if summary.resolution:
        print_wrapped(
            console,
            f"\nThe trace was capped: spans and points closer than {summary.resolution:,} cycles "
            "are merged. The shares above are exact.",
        )


def _print_shares(console: Console, shares: Sequence[Share]) -> None:
    titles = ("work", "set-up", "lock", "stream", "host", "idle")
    columns = [Column(title, len(title), "right") for title in titles]
    rows = Rows(console, Column("resource", 20), *columns, Column("waits most for", 16))
    rows.header()
    alike = _alike(shares)
    for group in alike[:ROWS]:
        times = f" x{len(group)}" if len(group) > 1 else ""
        most = group[0].most
        peer = _short(most[0]) if most is not None and most[1] >= LEAST else ""
        rows.row(_short(group[0].who) + times, *_parts(group[0]), peer)
    rest = sum(map(len, alike[ROWS:]))
    if rest:
        print_wrapped(
            console,
            f"and {rest} more, none of which works more than {alike[ROWS][0].work:.0%}",
            style="dim",
        )


def _alike(shares: Sequence[Share]) -> list[list[Share]]:
    """Group the resources of one kind that the table would show alike, busiest first."""
    groups: dict[tuple[object, ...], list[Share]] = {}
    for share in shares:
        key = share.role, share.direction, share.place, _parts(share)
        groups.setdefault(key, []).append(share)
    return list(groups.values())


def _parts(share: Share) -> tuple[str, ...]:
    parts = (share.work, share.setup, share.lock, share.stream, share.host, share.idle)
    return tuple(map(_percent, parts))


def _short(who: str) -> str:
    return who.replace("core of ", "core ").replace("tile(", "(")


def _percent(share: float) -> str:
    if share <= 0:
        return "-"
    return "<1" if share < LEAST else f"{100 * share:.0f}"


def _rates(summary: Summary) -> list[str]:
    lines = []
    for what, moved, ports in (
        ("into the array", summary.read, summary.read_ports),
        ("out of it", summary.written, summary.written_ports),
    ):
        if ports:
            lines.append(
                f"{what}: {figures.size(moved)} through the shim, {summary.rate(moved):.3g} GB/s "
                f"of {summary.limit(ports):g} that {figures.number(ports, 'channel')} can move"
            )
    if summary.ops is not None and summary.cycles:
        per_cycle = summary.ops / summary.cycles
        lines.append(
            f"work: {figures.count(summary.ops)} operations by the contract, {per_cycle:.3g} a "
            f"cycle; {per_cycle / 2:.3g} MAC/cycle where all are multiply-accumulates"
        )
    lines += _bank_lines(summary)
    return lines


def _bank_lines(summary: Summary) -> list[str]:
    accesses = sum(one.accesses for one in summary.banks)
    if not accesses:
        return []
    most = sum(one.most for one in summary.banks)
    held = max(summary.banks, key=lambda one: one.core)
    line = (
        f"memory banks: at most {most:,} of {accesses:,} DMA accesses met another channel's in "
        "a bank"
    )
    if held.core:
        line += f"; the core of {held.tile} was held up {held.core:,} cycles at most"
    return [f"{line}. An estimate that no cycle count above contains"]


def document(traced: Traced, files: dict[str, str]) -> dict[str, Any]:
    """Return all of a traced run but its spans as JSON."""
    summary = traced.summary
    return {
        "title": summary.title,
        "basis": "modelled",
        "clock_hz": summary.clock_hz,
        "cycles": summary.cycles,
        "seconds": summary.seconds,
        "resources": [
            asdict(share) | {"most": share.most and {"who": share.most[0], "share": share.most[1]}}
            for share in summary.shares
        ],
        "verdict": summary.verdict(),
        "chain": list(summary.chain),
        "shim": {
            "read_bytes": summary.read,
            "read_gb_per_s": summary.rate(summary.read),
            "written_bytes": summary.written,
            "written_gb_per_s": summary.rate(summary.written),
        },
        "ops": summary.ops,
        "ops_per_cycle": summary.ops / summary.cycles if summary.ops and summary.cycles else None,
        "banks": [asdict(one) | {"tile": str(one.tile)} for one in summary.banks],
        "merged_below_cycles": summary.resolution,
        "files": files,
        "errors": [error_document(traced.failure)] if traced.failure else [],
    }
