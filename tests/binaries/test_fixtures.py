"""The committed binaries are those of their sources, and the simulated array runs them right."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from errors import CheckFailed
from kernels.compare import compare
from kernels.contract import Arg, Exact, Role
from runtime import binary
from simulator.aie2.assembler import assemble, write_elf
from simulator.binary.commands import RegisterWrite
from toolchain.artifacts import insts, writes, xclbin

HERE = Path(__file__).parent
NAMES = sorted(path.parent.name for path in HERE.glob("*/core.s"))
MOST_BYTES = 30_000


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    """The modules beside this file, by name."""
    names = ("design", "fixtures", "goldens")
    kept = {name: sys.modules.get(name) for name in names}
    found = {}
    for name in names:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        found[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found[name])
    yield found
    for name, module in kept.items():
        if module is None:
            del sys.modules[name]
        else:
            sys.modules[name] = module


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def design_of(modules: dict[str, ModuleType], name: str):  # noqa: ANN201 - a module's own class
    return next(design for design in modules["fixtures"].DESIGNS if design.name == name)


def test_every_folder_has_a_design_a_golden_and_small_files(
    modules: dict[str, ModuleType],
) -> None:
    assert sorted(design.name for design in modules["fixtures"].DESIGNS) == NAMES
    assert sorted(modules["goldens"].GOLDENS) == NAMES
    assert all(path.stat().st_size < MOST_BYTES for path in HERE.rglob("*") if path.is_file())


def test_the_program_is_that_of_its_source(name: str) -> None:
    source = (HERE / name / "core.s").read_text()
    assert write_elf(assemble(source)) == (HERE / name / "core.elf").read_bytes()


def test_the_instructions_are_those_of_the_design(
    modules: dict[str, ModuleType], name: str
) -> None:
    made = modules["design"].instructions(design_of(modules, name))
    assert insts.encode(made) == (HERE / name / "insts.bin").read_bytes()


def _plain(write: RegisterWrite) -> tuple[int, tuple[int, ...], int]:
    return write.address, tuple(write.words), write.mask


def test_the_xclbin_holds_the_designs_commands(modules: dict[str, ModuleType], name: str) -> None:
    program = assemble((HERE / name / "core.s").read_text())
    design, maker = design_of(modules, name), modules["design"]
    made = (maker.load(program), maker.configure(design, program), maker.enable())
    file = xclbin.decode((HERE / name / "design.xclbin").read_bytes())
    ((pdi,),) = ([entry.pdi for entry in part.pdis] for part in file.partitions)
    # bootgen joins the files, puts nops before blocks, and makes a write of a block of one word.
    wanted = [_plain(write) for write in writes.of_cdos(made)]
    found = [_plain(write) for write in writes.of_cdos(pdi.cdos)]
    assert found == wanted


def test_the_simulated_array_answers_as_the_golden_does(
    modules: dict[str, ModuleType], name: str
) -> None:
    design, goldens = design_of(modules, name), modules["goldens"]
    program = binary.load(HERE / name / "design.xclbin", HERE / name / "insts.bin")
    for call in range(2):
        objects = [goldens.example(name, call * design.objects + i) for i in range(design.objects)]
        given = np.frombuffer(b"".join(objects), np.uint8).copy()
        answer = np.full(design.output_bytes * design.objects, 0xA5, np.uint8)
        run = program(given, answer)
        assert answer.tobytes() == b"".join(goldens.GOLDENS[name](data) for data in objects)
        assert run.written[1] is not None
        assert run.written[1].all()


def test_the_miscompiled_program_differs_by_one_load(modules: dict[str, ModuleType]) -> None:
    goldens = modules["goldens"]
    data = goldens.example("call_delay", 1)
    assert goldens.call_delay(data) != goldens.call_delay_miscompiled(data)
    lines = [
        sorted(
            line.split("//")[0].strip()
            for line in (HERE / folder / "core.s").read_text().splitlines()
            if line.split("//")[0].strip() not in ("", "nop")
        )
        for folder in ("call_delay", "call_delay_miscompiled")
    ]
    assert lines[0] == lines[1]


def test_the_miscompiled_program_is_caught_as_wrong_numbers(
    modules: dict[str, ModuleType],
) -> None:
    """Held against the golden model of what its source means, as every kernel's output is."""
    data = b"".join(modules["goldens"].example("call_delay", number) for number in (1, 2))
    golden = b"".join(modules["goldens"].call_delay(data[at : at + 256]) for at in (0, 256))
    answer = np.full(512, 0xA5, np.uint8)
    folder = HERE / "call_delay_miscompiled"
    program = binary.load(folder / "design.xclbin", folder / "insts.bin")
    run = program(np.frombuffer(data, np.uint8).copy(), answer)
    words = np.frombuffer(golden, "<i4")
    comparison = compare(
        {"y": answer.view(np.int32)},
        {"y": words},
        [Arg("y", Role.OUT, words.shape, np.dtype(np.int32))],
        Exact(reason="words are multiplied modulo 2^32"),
        poison=None,
        written={"y": run.written[1]},
    )
    with pytest.raises(CheckFailed) as failure:
        comparison.require("call_delay_miscompiled")
    assert str(failure.value).splitlines()[:3] == [
        "[NPU308] call_delay_miscompiled: y: 128 of 128 elements wrong",
        "      index  actual     expected          steps",
        "      [0]         0   1802022653  1,802,022,653",
    ]
    assert "the output is all zeros: no data reached it, or the core never ran" in str(
        failure.value
    )
