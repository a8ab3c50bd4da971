"""Profiled runs of binaries: what ``npulab profile`` does and prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import LabError, UsageError
from npulab import arrays, figures
from npulab.binaries import call_binary
from npulab.building import error_document
from npulab.console import Column, Rows, print_cut, print_wrapped, stdout
from runtime.profiling import Profiled, Programs, Watched, profiled
from simulator.aie2.elf import load
from simulator.aie2.listing import NOP
from simulator.aie2.profile.alone import call
from simulator.aie2.profile.listener import Listener
from simulator.aie2.profile.result import CoreProfile, Line, Loop, profile_of
from simulator.clock import CLOCK_HZ
from simulator.findings import CODES, Kind, warned_of
from simulator.timeline.collect import SPANS
from toolchain.artifacts.inspect import read_bytes

if TYPE_CHECKING:
    from rich.console import Console

FUNCTIONS = 12
"""Most functions that are listed for a core."""

_NOTHING_MEASURED = "modelled, not measured"


@dataclass(frozen=True)
class Files:
    """What makes a binary: the image, its instructions, the ELF files of its cores."""

    image: Path
    instructions: Path
    elfs: tuple[Path, ...]


@dataclass(frozen=True)
class Shown:
    """A profiled run with what it took from host command to host command.

    Attributes:
        cycles: End to end; None for a function on its own, and where the run failed.
    """

    profile: Profiled
    cycles: int | None


def files_of(
    folder: Path | None, image: Path | None, instructions: Path | None, elfs: Sequence[Path]
) -> Files:
    """Return the files that are given, or those of a folder.

    Raises:
        UsageError: NPU522, a folder has not one xclbin or PDI, and one instruction file.
    """
    if folder is None:
        assert image is not None and instructions is not None  # noqa: S101, PT018 - see _misuse
        return Files(image, instructions, tuple(elfs))
    return Files(
        _only(folder, "*.xclbin", "*.pdi"),
        _only(folder, "insts*.bin"),
        tuple(elfs) or tuple(sorted(folder.glob("*.elf"))),
    )


def _only(folder: Path, *patterns: str) -> Path:
    for pattern in patterns:
        found = sorted(folder.glob(pattern))
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(path.name for path in found)
            raise _unsuitable(f"{folder} has {len(found)} files {pattern}: {names}")
    raise _unsuitable(f"{folder} has no file {' or '.join(patterns)}")


def _unsuitable(message: str) -> UsageError:
    return UsageError(
        message,
        cure="name the files: --xclbin FILE --insts FILE [--elf FILE]",
        code="NPU522",
    )


def run_binary(
    files: Files,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    checked: bool,
    spans: int = SPANS,
) -> Shown:
    """Run a binary on files, or zeros, and watch its cores.

    Raises:
        LabError: Nothing ran: a file is not what it should be.
    """
    watched = Watched(Programs(files.elfs), checked=checked)
    listener = Listener(watched, spans)
    failure, cycles = None, None
    try:
        done = call_binary(
            files.image, files.instructions, inputs, outputs, recorder=listener, code=watched
        )
        cycles = done.timing.cycles
    except LabError as error:
        if not watched.cores:
            raise
        failure = error
    title = str(files.image)
    return Shown(profiled(title, watched, listener, failure), cycles)


def call_function(
    elf: Path, name: str, inputs: Sequence[str], numbers: Sequence[int], *, checked: bool
) -> Shown:
    """Call a function of a core's program and watch it.

    Raises:
        UsageError: NPU514, NPU521: the file or the call is not what it should be.
    """
    program = load(read_bytes(elf))
    buffers = [_buffer(text) for text in inputs]
    done = call(program, name, buffers, numbers, checked=checked)
    inspector = done.inspector
    timeline = Listener(Watched(Programs())).timeline(name, CLOCK_HZ)
    return Shown(
        Profiled(
            title=f"{name} of {elf}, called once without an array",
            cores=(profile_of(inspector),),
            findings=tuple(inspector.findings()),
            failure=None,
            timeline=timeline,
        ),
        None,
    )


def _buffer(text: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if text.isdecimal():
        return np.zeros(int(text), np.uint8)
    array = np.ascontiguousarray(arrays.read_any(Path(text)))
    return array.reshape(-1).view(np.uint8).copy()


def failure_of(shown: Shown) -> LabError | None:
    """Return why the command fails: the run's failure, or the first finding that is no warning."""
    warned = warned_of() | {Kind.HAZARDS}
    errors = (one for one in shown.profile.findings if CODES.get(one.code or "") not in warned)
    return shown.profile.failure or next(errors, None)


def print_profile(shown: Shown, loops: int) -> None:
    """Print a profile, 80 columns wide, with that many hot loops of each core."""
    console, profile = stdout(), shown.profile
    console.print(profile.title, style="bold", soft_wrap=True)
    if shown.cycles is not None:
        print_wrapped(
            console,
            f"{shown.cycles:,} cycles end to end, {figures.seconds(shown.cycles / CLOCK_HZ)} at an "
            f"assumed {CLOCK_HZ / 1e9:g} GHz: {_NOTHING_MEASURED}.",
        )
    for core in profile.cores:
        _print_core(console, core, loops)
    _print_findings(console, profile.findings)


def _print_core(console: Console, core: CoreProfile, loops: int) -> None:
    total = core.cycles + core.stalled or 1
    console.print(f"\ncore of {core.tile}", style="bold")
    print_wrapped(
        console,
        f"{core.cycles:,} cycles of work, {core.stalled:,} of waiting; {_stack(core)}.",
        indent=2,
    )
    rows = Rows(
        console,
        Column("  function", 30),
        Column("calls", 9, "right"),
        Column("cycles", 11, "right"),
        Column("%", 5, "right"),
        Column("waits", 9, "right"),
        Column("banks", 6, "right"),
    )
    rows.header()
    for one in core.functions[:FUNCTIONS]:
        rows.row(
            f"  {_cut(one.name, 28)}",
            figures.count(one.calls),
            figures.count(one.cycles),
            _percent(one.cycles, total),
            figures.count(one.stalls),
            figures.count(one.conflicts),
        )
    if rest := core.functions[FUNCTIONS:]:
        console.print(f"  and {len(rest)} more with {sum(f.cycles for f in rest):,} cycles")
    _print_shares(console, "  waited for", core.stalls, total, "cycles")
    work = {str(name): count for name, count in core.classes.items()}
    if core.idle:
        work["bundles of nops"] = core.idle
    _print_shares(console, "  instructions", work, core.cycles or 1, "issued")
    for loop in core.loops[:loops]:
        _print_loop(console, loop, total)


def _stack(core: CoreProfile) -> str:
    used = f"{core.stack:,} bytes of stack at most"
    if not core.conflicts:
        return used
    return (
        f"{used}; {figures.number(core.conflicts, 'bundle')} whose loads and stores meet in a "
        "memory bank, which no cycle count contains"
    )


def _print_shares(
    console: Console, title: str, shares: dict[str, int] | Any, total: int, unit: str
) -> None:
    if not shares:
        return
    rows = Rows(console, Column(title, 30), Column(unit, 11, "right"), Column("%", 5, "right"))
    rows.header()
    for name, count in shares.items():
        rows.row(f"  {name}", figures.count(count), _percent(count, total))


def _print_loop(console: Console, loop: Loop, total: int) -> None:
    console.print(
        f"  hot loop at {loop.start:#x} in {_cut(loop.function, 28)}: {loop.turns:,} times back,"
        f" {_percent(loop.cycles, total)}%",
        style="bold",
        soft_wrap=True,
    )
    for alike in _joined(loop.lines):
        first, cycles = alike[0], sum(line.count + line.stalls for line in alike)
        times = f" x{len(alike)}" if len(alike) > 1 else ""
        stalls = sum(line.stalls for line in alike)
        waited = f" +{figures.count(stalls)} waits" if stalls else ""
        share = _percent(cycles, total)
        start = f"  {figures.count(first.count):>9} {share:>5}  {first.address:6x}: "
        print_cut(console, f"{start}{first.text}{times}{waited}")


def _joined(lines: Sequence[Line]) -> list[list[Line]]:
    """Return bundles, with nops that follow each other in one group."""
    found: list[list[Line]] = []
    for line in lines:
        last = found[-1][-1] if found else None
        if last is not None and last.text == line.text == NOP and last.count == line.count:
            found[-1].append(line)
        else:
            found.append([line])
    return found


def _print_findings(console: Console, findings: Iterable[LabError]) -> None:
    for finding in findings:
        console.print()
        print_wrapped(console, f"[{finding.code}] {finding.message}", style="yellow")
        if finding.cure:
            print_wrapped(console, f"-> {finding.cure}", indent=2)


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 2]}.."


def _percent(part: int, total: int) -> str:
    return f"{100 * part / total:.1f}"


def write_trace(shown: Shown, path: Path) -> str:
    """Write the timeline as a Chrome trace; return the file's name."""
    from simulator.timeline import chrome
    from toolchain.storage.disk import replace_file

    arrays.check_writable(path)
    replace_file(path, chrome.dumps(shown.profile.timeline).encode())
    return str(path)


def print_trace(path: str) -> None:
    """Say where the timeline is."""
    stdout().print(f"\n{path}: open it in ui.perfetto.dev", soft_wrap=True)


def document(shown: Shown) -> dict[str, Any]:
    """Return a profile as JSON."""
    profile = shown.profile
    return {
        "title": profile.title,
        "basis": "modelled",
        "clock_hz": CLOCK_HZ,
        "cycles": shown.cycles,
        "cores": [_core_document(core) for core in profile.cores],
        "findings": [error_document(finding) for finding in profile.findings],
        "errors": [error_document(profile.failure)] if profile.failure else [],
    }


def _core_document(core: CoreProfile) -> dict[str, Any]:
    return {
        "tile": str(core.tile),
        "cycles": core.cycles,
        "stall_cycles": core.stalled,
        "stack_bytes": core.stack,
        "bank_conflicts": core.conflicts,
        "functions": [
            {
                "name": one.name,
                "address": one.address,
                "calls": one.calls,
                "cycles": one.cycles,
                "stall_cycles": one.stalls,
                "bank_conflicts": one.conflicts,
            }
            for one in core.functions
        ],
        "instructions": {str(name): count for name, count in core.classes.items()},
        "nop_bundles": core.idle,
        "stalls": dict(core.stalls),
        "loops": [
            {
                "function": loop.function,
                "start": loop.start,
                "end": loop.end,
                "turns": loop.turns,
                "cycles": loop.cycles,
                "bundles": [
                    {
                        "address": line.address,
                        "count": line.count,
                        "stall_cycles": line.stalls,
                        "text": line.text,
                    }
                    for line in loop.lines
                ],
            }
            for loop in core.loops
        ],
    }
