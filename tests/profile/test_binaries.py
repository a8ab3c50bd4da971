"""Profiles of the committed binaries: what is counted, who waits, what is found wrong."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import pytest

from errors import UsageError
from runtime.profiling import Profiled, Programs
from simulator.aie2.machine import ProgramMemory
from simulator.aie2.profile.classes import Class
from simulator.array.config import TileId
from simulator.array.recorder import Doing
from tests.profile.conftest import BINARIES, BYTES

Run = Callable[..., Profiled]


def test_cycles_go_to_functions(run: Run) -> None:
    (core,) = run("gelu_int8").cores
    found = {one.name: (one.calls, one.cycles, one.stalls) for one in core.functions}
    # 6 + 7 * 512 bundles in each of two calls, and the setting up of the loop.
    assert found["gelu"][:2] == (2, 14364)
    assert found["main"][:2] == (1, 29)
    assert found["__start"] == (1, 6, 0)
    assert core.cycles == sum(cycles for _, cycles, _ in found.values())
    assert core.stack == 32


def test_instructions_go_to_classes(run: Run) -> None:
    (core,) = run("gelu_int8").cores
    assert core.classes[Class.LOAD] == 2 * 512 * 2
    assert core.classes[Class.PART_STORE] == 2 * 512
    assert core.classes[Class.WAIT] == 8
    assert Class.VECTOR not in core.classes


def test_waits_have_reasons_and_all_cycles_are_accounted_for(run: Run) -> None:
    profile = run("gelu_int8")
    (core,) = profile.cores
    assert set(core.stalls) == {"lock 1 of tile(0,2)", "lock 2 of tile(0,2)"}
    (track,) = (track for track in profile.timeline.tracks if track.name == "core")
    assert core.cycles == track.cycles[Doing.WORK]
    assert core.stalled == track.cycles[Doing.LOCK] + track.cycles[Doing.SETUP]


def test_a_hot_loop_is_annotated(run: Run) -> None:
    (core,) = run("gelu_int8").cores
    (loop,) = core.loops
    assert (loop.function, loop.turns) == ("gelu", 2 * 511)
    assert loop.cycles == 2 * 512 * 14
    assert loop.lines[0].text == "lda.u8 r2, [p0], #1"
    assert {line.count for line in loop.lines} == {1024}


def test_functions_without_an_elf_file_go_by_their_addresses(run: Run) -> None:
    (core,) = run("gelu_int8", named=False).cores
    assert [one.name for one in core.functions] == ["fn_c0", "fn_30", "__start"]


def test_the_timeline_names_functions(run: Run) -> None:
    timeline = run("gelu_int8").timeline
    (track,) = (track for track in timeline.tracks if track.name == "core")
    work = [span.what for span in track.spans if span.doing is Doing.WORK]
    assert [name for name, _ in groupby(work)] == [
        "__start",
        "main",
        "gelu",
        "main",
        "gelu",
        "main",
    ]
    (span,) = (span for span in track.spans if span.what == "gelu" and span.start < 5000)
    assert span.end - span.start == 7182


def test_watching_changes_no_cycle(run: Run) -> None:
    watched, counted = (run("gelu_int8", checked=checked) for checked in (True, False))
    assert watched.timeline.cycles == counted.timeline.cycles
    assert watched.cores == counted.cores


def test_a_load_in_delay_slots_that_comes_too_late_is_named(run: Run) -> None:
    findings = run("call_delay_miscompiled").findings
    assert [(one.code, one.message) for one in findings] == [
        (
            "NPU517",
            f"tile(0,2) reads r1 6 cycles before {place} `lda r1, [p2, #0]` delivers it: 0xc0 "
            "(scale) `mov r5, r1` gets the old value, in another function than the one that "
            "asked for the new one",
        )
        for place in ("0x64 (main+0x34)", "0x9c (main+0x6c)")
    ]


@pytest.mark.parametrize("name", [name for name in BYTES if name != "call_delay_miscompiled"])
def test_right_code_has_no_findings(run: Run, name: str) -> None:
    assert run(name).findings == ()


def test_names_of_another_program_are_refused() -> None:
    programs = Programs([BINARIES / "gelu_int8" / "core.elf"])
    with pytest.raises(UsageError) as refusal:
        programs.symbols(TileId(0, 2), ProgramMemory())
    assert refusal.value.code == "NPU520"
    assert "gelu_int8/core.elf is another program than the one of tile(0,2)'s core" in str(
        refusal.value
    )
