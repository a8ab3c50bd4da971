"""Chains on the fake: one command for all steps, what passes between them left on the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from errors import CheckFailed
from kernels import registry
from kernels.contract import Array, Role
from kernels.merged import designs
from runtime.runlist import Output, Runlist, Step
from runtime.xrt import XrtDevice
from runtime.xrt.program import XrtProgram
from simulator.fake_xrt import memory
from simulator.fake_xrt.board import DISPATCH, Board
from simulator.fake_xrt.faults import Ends
from toolchain.build import Build, build
from toolchain.unit import Unit

MakeDevice = Callable[..., XrtDevice]
MERGED = designs.find("rows_bf16")
TINY = 1e-12
"""Seconds: sums of modelled times differ in the last bits."""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Build:
    (result,) = build([Unit.from_merged(MERGED)], root=tmp_path_factory.mktemp("build"))
    assert result.build is not None, result.errors
    return result.build


@pytest.fixture
def programs(rows: Build, make_device: MakeDevice) -> dict[str, XrtProgram]:
    args = {name: one.args() for name, one in MERGED.sequences.items()}
    return make_device().load_merged(rows, args)


@pytest.fixture
def given() -> tuple[Array, ...]:
    """Inputs of the normalisation, then the residual."""
    norm, add = (MERGED.sequences[name] for name in ("layernorm_bf16", "add_residual"))
    inputs = next(norm.demo()).inputs
    read = [inputs[arg.name] for arg in norm.args() if arg.role.is_read]
    return (*read, next(add.demo()).inputs["residual"])


def chain(programs: dict[str, XrtProgram], given: tuple[Array, ...]) -> Runlist:
    """The normalisation, then the residual twice."""
    add = programs["add_residual"]
    return Runlist(
        [
            Step(programs["layernorm_bf16"], given[:-1]),
            Step(add, (Output(0, "y"), given[-1])),
            Step(add, (Output(1, "y"), Output(0, "y"))),
        ]
    )


def expected(programs: dict[str, XrtProgram], given: tuple[Array, ...]) -> list[Array]:
    """What the calls give one by one."""
    normed = programs["layernorm_bf16"](*given[:-1]).outputs["y"]
    once = programs["add_residual"](normed, given[-1]).outputs["y"]
    return [normed, once, programs["add_residual"](once, normed).outputs["y"]]


def test_it_is_one_dispatch_with_the_results_of_its_calls(
    programs: dict[str, XrtProgram], given: tuple[Array, ...], board: Board
) -> None:
    start = board.seconds
    one_by_one = expected(programs, given)
    apart = board.seconds - start
    runlist = chain(programs, given)
    assert runlist.is_one_command
    for _ in range(2):
        start, runs = board.seconds, board.runs
        results = runlist()
        assert board.runs - runs == 3
        assert abs(apart - (board.seconds - start) - 2 * DISPATCH) < TINY
        for result, golden in zip(results, one_by_one, strict=True):
            np.testing.assert_array_equal(result.outputs["y"], golden)
    assert board.contexts == 1


def test_inputs_are_taken_as_they_are_at_the_call(
    programs: dict[str, XrtProgram], given: tuple[Array, ...]
) -> None:
    runlist = chain(programs, given)
    runlist()
    given[-1][...] = 0
    results = runlist()
    normed, once = (results[number].outputs["y"] for number in range(2))
    np.testing.assert_array_equal(normed, once)


def test_what_passes_between_steps_never_comes_from_the_host(
    programs: dict[str, XrtProgram], given: tuple[Array, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three inputs, the residual and three poisoned outputs go up; the six other places do not."""
    runlist = chain(programs, given)
    runlist()
    up: list[int] = []
    sync = memory.BufferObject.sync

    def counted(self: memory.BufferObject, direction: object, *more: object) -> None:
        if "TO_DEVICE" in str(direction):
            up.append(1)
        sync(self, direction, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(memory.BufferObject, "sync", counted)
    runlist()
    steps = [programs["layernorm_bf16"], programs["add_residual"], programs["add_residual"]]
    assert len(up) == sum(len(program.args) for program in steps) - 3


def test_a_step_that_hangs_is_named_and_the_next_call_is_right(
    programs: dict[str, XrtProgram], given: tuple[Array, ...], board: Board
) -> None:
    golden = expected(programs, given)
    runlist = chain(programs, given)
    board.script(Ends("ERT_CMD_STATE_TIMEOUT"))
    with pytest.raises(CheckFailed) as caught:
        runlist()
    assert caught.value.code == "NPU430"
    assert board.contexts == 0, "the failure does not keep the context"
    np.testing.assert_array_equal(runlist()[2].outputs["y"], golden[2])


def test_it_outlives_its_context(
    programs: dict[str, XrtProgram], given: tuple[Array, ...], board: Board
) -> None:
    golden = expected(programs, given)
    runlist = chain(programs, given)
    runlist()
    programs["add_residual"].contexts.close()
    assert board.contexts == 0
    np.testing.assert_array_equal(runlist()[2].outputs["y"], golden[2])


def test_programs_of_several_xclbins_are_called_one_by_one(
    builds: list[Build], make_device: MakeDevice, board: Board
) -> None:
    device = make_device()
    made = [one for one in builds if one.title.startswith("passthrough/")]
    copies = [device.load(one) for one in made[:2]]
    sizes = [program.args[0].size for program in copies]
    data = [np.arange(size).astype(np.uint8) for size in sizes]
    runlist = Runlist([Step(*pair) for pair in zip(copies, [(one,) for one in data], strict=True)])
    assert not runlist.is_one_command
    for result, golden in zip(runlist(), data, strict=True):
        np.testing.assert_array_equal(result.outputs[copies[0].args[-1].name], golden)
    assert board.contexts == 2


def test_a_step_that_works_in_place_on_a_result_is_called_by_itself(
    builds: list[Build], make_device: MakeDevice
) -> None:
    """In one buffer it would overwrite what the step before is to return."""
    kernel = registry.find("passthrough/1024")[0]
    made = next(one for one in builds if one.title == kernel.title)
    device = make_device()
    first, *others = kernel.args()
    plain = device.load(made)
    in_place = device.load(made, (replace(first, role=Role.INOUT), *others))
    data = np.arange(first.size).astype(first.dtype)
    assert Runlist(
        [Step(plain, (data,)), Step(plain, (Output(0, others[-1].name),))]
    ).is_one_command
    runlist = Runlist([Step(plain, (data,)), Step(in_place, (Output(0, others[-1].name),))])
    assert not runlist.is_one_command
    np.testing.assert_array_equal(runlist()[0].outputs[others[-1].name], data)
