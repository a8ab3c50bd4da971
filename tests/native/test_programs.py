"""Whole programs by the translator: fixtures, changes of engine, code that changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from errors import MissingEnvironment, UsageError
from simulator.aie2.assembler import assemble
from simulator.aie2.elf import load
from simulator.aie2.execution import pipeline
from simulator.aie2.execution.pipeline import Pipeline
from simulator.aie2.machine import Observer, ProgramMemory, Symbols, core_program
from simulator.aie2.native import engine
from simulator.aie2.native.engine import NativePipeline
from simulator.aie2.native.unit import Compile, unit_of
from simulator.array.core import CoreContext
from tests.execution import machine
from tests.execution.machine import DATA, Core
from tests.execution.test_fixtures import BINARIES, GOLDENS, SIZES, answer, example

Patch = Callable[[], None]
NOPS = "nop\n" * 5
END = f"done\n{NOPS}"
COUNTING = f"""__start:
movxm p1, #again
movxm r1, #{{turns}}
movxm p0, #{DATA}
mova r2, #0
.align 16
again:
add r2, r2, #3
jnzd r1, r1, p1
st r2, [p0, #0]
st.s8 r2, [p0, #1]
nop
nop
nop
{END}
"""


VECTORS = f"""__start:
movxm p1, #again
movxm r1, #{{turns}}
movxm p0, #{DATA}
movxm r0, #792
movxm r2, #60
.align 16
again:
vlda wl0, [p0, #0]
vmac cm0, cm0, x0, x2, r0
jnzd r1, r1, p1
vmac.f bml2, bml2, x0, x2, r2
vunpack.s16.s8 x4, wl0
vlda.ups.s32.s16 bml3, s0, [p0, #0]
vst.srs.s16.s32 bml0, s0, [p0, #0]
st.s8 r1, [p0, #1]
{END}
"""


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch, compile_code: Compile) -> None:
    """Let the cores of tests be executed by the translator."""

    def native_pipeline(
        core: CoreContext,
        code: ProgramMemory,
        entry: int,
        symbols: Symbols,
        _: Observer | None,
    ) -> Pipeline:
        return NativePipeline(core, code, entry, symbols, compile_code)

    monkeypatch.setattr(machine, "Pipeline", native_pipeline)


@pytest.mark.usefixtures("native")
@pytest.mark.parametrize("name", sorted(SIZES))
def test_a_fixture_answers_as_its_golden(name: str) -> None:
    program, data = load((BINARIES / name / "core.elf").read_bytes()), example(name, 1)
    assert answer(program, data, SIZES[name][1]) == GOLDENS[name](data)


@pytest.mark.parametrize("batch", range(100, 107))
@pytest.mark.parametrize("text", [COUNTING, VECTORS], ids=["scalar", "vector"])
def test_the_interpreter_hands_over_in_the_middle(
    monkeypatch: pytest.MonkeyPatch, compile_code: Compile, text: str, batch: int
) -> None:
    """With results, stores and branches in flight, at any place of the loop."""
    monkeypatch.setattr(pipeline, "BATCH", batch)
    monkeypatch.setattr(engine, "PATIENCE", 50)
    found = []
    for compile_ in (None, compile_code):
        core = Core()
        code = core.loaded(assemble(text.format(turns=30), "counting.s"))
        run = core_program(code, compile_code=compile_)(core.context)
        cycles = sum(request.cycles for request in run)  # type: ignore[union-attr]
        found.append((cycles, core.memory.tobytes()))
    assert found[0] == found[1]


def test_without_a_compiler_the_interpreter_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> Path:
        raise MissingEnvironment("there is none", cure="install one", code="NPU005")

    monkeypatch.setattr(engine, "PATIENCE", 4000)
    found = []
    for compile_ in (None, missing):
        core = Core()
        code = core.loaded(assemble(COUNTING.format(turns=1000), "counting.s"))
        run = core_program(code, compile_code=compile_)(core.context)
        cycles = sum(request.cycles for request in run)  # type: ignore[union-attr]
        found.append((cycles, core.memory.tobytes()))
    assert found[0] == found[1]


def test_native_code_needs_a_compiler() -> None:
    with pytest.raises(UsageError, match="NPU523"):
        core_program(ProgramMemory(), engine="native")


@pytest.mark.usefixtures("native")
def test_code_that_is_written_while_the_core_waits_is_executed() -> None:
    text = "__start:\nmova r1, #-1\nacq #48, r1\nnop\nmova r2, #{}\n" + END
    first, second = (assemble(text.format(n), "text.s") for n in (5, 6))
    core = Core(locks={48: 1})
    code = core.loaded(first)
    core.run(code, waits=lambda _: code.write(0, second.code))
    assert core["r2"] == 6


@pytest.mark.usefixtures("native")
def test_a_refusal_names_the_bundle() -> None:
    core = Core()
    text = f"__start:\nmovxm p0, #{DATA + 2}\nnop\nlda r0, [p0, #0]\n{END}"
    with pytest.raises(Exception, match=r"NPU512.* at 0x8 `lda r0, \[p0, #0\]`"):
        core.run(assemble(text, "text.s"))


def test_only_what_is_reached_is_translated() -> None:
    text = f"__start:\nj #there\n{NOPS}never:\nmova r1, #1\n.align 16\nthere:\n{END}"
    code = Core().loaded(assemble(text, "text.s"))
    unit = unit_of(bytes(code.data), code.extent, 0)
    assert unit is not None
    assert unit.count == 7
    assert unit_of(bytes(code.data), code.extent, code.extent) is None
