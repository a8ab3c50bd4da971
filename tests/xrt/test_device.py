"""XrtDevice on the fake: right numbers, contexts within the pool, every failure named."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from errors import CheckFailed, LabError, MissingEnvironment, UsageError, catalogue
from kernels.contract import Array, Kernel
from runtime.device import Basis, Device
from runtime.verify import verify
from runtime.xrt import XrtDevice, fake_stack, real_stack
from runtime.xrt import stack as stacks
from runtime.xrt.failures import of_exception, of_state, of_warnings
from simulator.fake_xrt import pyxrt
from simulator.fake_xrt.board import Board, install
from simulator.fake_xrt.faults import Ends, Fault, Refused, Spoiled, Step
from toolchain.build import Build
from toolchain.docker import device as nodes
from toolchain.docker.device import Node

MakeDevice = Callable[..., XrtDevice]


def test_every_case_is_right_and_nothing_is_called_measured(
    kernels: list[Kernel], builds: list[Build], make_device: MakeDevice
) -> None:
    device: Device = make_device()
    for kernel, build in zip(kernels, builds, strict=True):
        report = verify(kernel, device.load(build), kernel.cases())
        assert report.ok, [str(case.failure) for case in report.cases]
        results = [case.result for case in report.cases]
        assert all(result and result.timing.basis is Basis.MODELLED for result in results)


def test_contexts_stay_within_the_limit_and_come_back(
    kernels: list[Kernel], builds: list[Build], make_device: MakeDevice, board: Board
) -> None:
    device = make_device(contexts=2)
    programs = [device.load(build) for build in builds]
    assert len(programs) > 2
    for _ in range(2):
        for kernel, program in zip(kernels, programs, strict=True):
            assert verify(kernel, program, kernel.demo()).ok
            assert device.contexts == board.contexts == 2


def test_a_context_is_shared_by_programs_of_one_xclbin(
    builds: list[Build], make_device: MakeDevice, board: Board
) -> None:
    device = make_device()
    programs = [device.load(builds[0]) for _ in range(3)]
    assert board.contexts == 1
    del programs
    device.close()
    assert board.contexts == 0


def test_where_others_hold_the_pool_own_contexts_are_given_back_first(
    builds: list[Build], make_device: MakeDevice, board: Board
) -> None:
    device = make_device(contexts=4)
    board.foreign = board.pool - 1
    for build in builds[:3]:
        device.load(build)
        assert device.contexts == 1
    board.foreign = board.pool
    device.close()
    with pytest.raises(CheckFailed, match="no hardware context is free") as caught:
        device.load(builds[0])
    assert caught.value.code == "NPU420"


STATES = {
    "ERT_CMD_STATE_TIMEOUT": "NPU430",
    "ERT_CMD_STATE_ERROR": "NPU431",
    "ERT_CMD_STATE_ABORT": "NPU432",
    "ERT_CMD_STATE_NORESPONSE": "NPU433",
    "ERT_CMD_STATE_SKERROR": "NPU434",
    "ERT_CMD_STATE_SKCRASHED": "NPU435",
    "ERT_CMD_STATE_NEW": "NPU436",
    "ERT_CMD_STATE_QUEUED": "NPU436",
}
AT_RUN: list[tuple[Fault, str]] = [
    *((Ends(state), code) for state, code in STATES.items()),
    (Refused(Step.EXECUTE, 5), "NPU437"),
    (Refused(Step.EXECUTE, 22), "NPU437"),
    (Refused(Step.EXECUTE, 19), "NPU438"),
]


@pytest.mark.parametrize(("fault", "code"), AT_RUN, ids=str)
def test_a_fault_of_a_run_is_named_and_the_next_run_is_right(
    fault: Fault,
    code: str,
    kernels: list[Kernel],
    builds: list[Build],
    make_device: MakeDevice,
    board: Board,
    inputs: Sequence[Array],
) -> None:
    program = make_device().load(builds[0])
    board.script(fault)
    with pytest.raises(LabError) as caught:
        program(*inputs)
    assert caught.value.code == code
    assert board.contexts == 0, "a context that failed is not kept"
    assert verify(kernels[0], program, kernels[0].demo()).ok


@pytest.mark.parametrize("fault", [fault for fault, _ in AT_RUN[:2]], ids=str)
def test_a_fault_of_a_runlist_is_named(
    fault: Fault,
    builds: list[Build],
    make_device: MakeDevice,
    board: Board,
    inputs: Sequence[Array],
) -> None:
    program = make_device().load(builds[0])
    board.script(fault)
    with pytest.raises(LabError) as caught:
        program.batch([inputs, inputs])
    assert caught.value.code == dict(AT_RUN)[fault]
    assert len(program.batch([inputs, inputs])) == 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Refused(Step.CONTEXT, 2), "NPU420"),
        (Refused(Step.CONTEXT, 22, status=0x2000003), "NPU420"),
        (Refused(Step.CONTEXT, 22), "NPU421"),
        (Refused(Step.CONTEXT, 13), "NPU412"),
        (Refused(Step.CONTEXT, 95), "NPU414"),
        (Refused(Step.CONFIGURE, 62), "NPU422"),
        (Refused(Step.BUFFER, 12), "NPU413"),
        (Refused(Step.BUFFER, 22), "NPU427"),
        (Spoiled.BANK, "NPU440"),
    ],
    ids=str,
)
def test_a_fault_of_loading_is_named(
    fault: Fault, code: str, builds: list[Build], make_device: MakeDevice, board: Board
) -> None:
    board.script(fault)
    device = make_device()
    with pytest.raises(LabError) as caught:
        device.load(builds[0])
    assert caught.value.code == code
    assert board.contexts == 0


@pytest.mark.parametrize(
    ("fault", "says"), [(Spoiled.ZERO, "zero"), (Spoiled.STALE, "never written")]
)
def test_outputs_that_the_device_did_not_compute_are_told(
    fault: Fault,
    says: str,
    kernels: list[Kernel],
    builds: list[Build],
    make_device: MakeDevice,
    board: Board,
) -> None:
    program = make_device().load(builds[0])
    assert verify(kernels[0], program, kernels[0].demo()).ok
    board.script(fault)
    (case,) = verify(kernels[0], program, kernels[0].demo()).cases
    assert case.failure is not None
    assert says in str(case.failure)


def test_every_state_but_completed_has_an_entry() -> None:
    entries = catalogue.load()
    for state in pyxrt.ert_cmd_state.__members__:
        code = of_state(state, "it").code
        assert code in entries
        assert (code == "NPU439") == (state == "ERT_CMD_STATE_COMPLETED")


def test_what_is_unknown_is_called_unknown_with_its_text() -> None:
    error = of_exception(RuntimeError("flux capacitor"), "it")
    assert error.code == "NPU439"
    assert error.details == ("flux capacitor",)
    assert of_warnings("[XRT] WARNING: something else\n", "it") is None


def test_instructions_of_another_design_hang_and_are_named(
    builds: list[Build], board: Board, inputs: Sequence[Array]
) -> None:
    stack = fake_stack(board)
    own, other = stack.files(builds[0], ""), stack.files(builds[1], "")
    own[1].write_bytes(other[1].read_bytes())
    crossed = type(stack)(**{**vars(stack), "files": lambda *_: own})
    program = XrtDevice(crossed, timeout=0.5).load(builds[0])
    before = board.seconds
    with pytest.raises(CheckFailed, match="did not end in time"):
        program(*inputs)
    assert board.seconds - before == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("content", [b"", b"abc"])
def test_instructions_that_are_no_words_are_refused(
    content: bytes, builds: list[Build], board: Board
) -> None:
    stack = fake_stack(board)
    xclbin, insts = stack.files(builds[0], "")
    insts.write_bytes(content)
    spoiled = type(stack)(**{**vars(stack), "files": lambda *_: (xclbin, insts)})
    with pytest.raises(UsageError) as caught:
        XrtDevice(spoiled).load(builds[0])
    assert caught.value.code == "NPU425"


def test_a_file_that_is_no_xclbin_is_refused(builds: list[Build], board: Board) -> None:
    stack = fake_stack(board)
    xclbin, insts = stack.files(builds[0], "")
    xclbin.write_bytes(b"\0\1\2")
    spoiled = type(stack)(**{**vars(stack), "files": lambda *_: (xclbin, insts)})
    with pytest.raises(UsageError) as caught:
        XrtDevice(spoiled).load(builds[0])
    assert caught.value.code == "NPU424"


def test_more_arguments_than_the_xclbin_has_never_reach_xrt(
    kernels: list[Kernel], builds: list[Build], make_device: MakeDevice
) -> None:
    args = kernels[0].args()
    with pytest.raises(UsageError) as caught:
        make_device().load(builds[0], args * 3)
    assert caught.value.code == "NPU426"


def test_streams_and_runlists_give_what_calls_give(
    builds: list[Build], make_device: MakeDevice, inputs: Sequence[Array]
) -> None:
    program = make_device().load(builds[0])
    x, table = inputs
    calls = [(np.roll(x, shift), table) for shift in range(5)]
    one_by_one = [program(*call).outputs["y"] for call in calls]
    for results in (list(program.stream(calls)), program.batch(calls)):
        assert np.array_equal([result.outputs["y"] for result in results], one_by_one)
    assert program.batch([]) == list(program.stream([])) == []


def test_a_runlist_saves_dispatches(
    builds: list[Build], make_device: MakeDevice, inputs: Sequence[Array]
) -> None:
    program = make_device().load(builds[0])
    single = program(*inputs).timing.run
    assert program.batch([inputs] * 8)[0].timing.run < single / 4


def test_a_machine_without_npu_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(MissingEnvironment) as caught:
        XrtDevice(fake_stack(Board(devices=0)))
    assert caught.value.code == "NPU410"
    with pytest.raises(MissingEnvironment) as caught:
        real_stack(node=tmp_path / "accel0")
    assert caught.value.code == "NPU410"


def test_an_npu_behind_another_accelerator_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyxrt", pyxrt)
    found: list[Node] = []
    monkeypatch.setattr(nodes, "npu_nodes", lambda: found)
    monkeypatch.setattr(stacks, "NODE", tmp_path / "accel0")
    with pytest.raises(MissingEnvironment, match="no NPU on this machine"):
        real_stack()
    (tmp_path / "accel1").touch()
    found.append(Node(tmp_path / "accel1", 7))
    assert real_stack().target == "aie2"


def test_cancelling_gives_the_context_back(
    builds: list[Build], make_device: MakeDevice, board: Board, inputs: Sequence[Array]
) -> None:
    program = make_device().load(builds[0])
    program.cancel()
    assert board.contexts == 0
    assert program(*inputs).outputs


def test_the_real_stack_takes_the_files_that_aiecc_writes(
    builds: list[Build], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyxrt", pyxrt)
    stack = real_stack(node=tmp_path)
    assert stack.target == "aie2"
    folder = tmp_path / "build"
    folder.mkdir()
    made = Build(folder, builds[0].manifest)
    for name in ("design.xclbin", "insts.bin"):
        with pytest.raises(UsageError, match=f"has no {name}") as caught:
            stack.files(made, "")
        assert caught.value.code == "NPU424"
        (folder / name).write_bytes(b"")
    assert [path.name for path in stack.files(made, "")] == ["design.xclbin", "insts.bin"]


def test_a_host_build_is_not_for_the_npu(
    builds: list[Build], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, board: Board
) -> None:
    monkeypatch.setitem(sys.modules, "pyxrt", pyxrt)
    install(board)
    device = XrtDevice(real_stack(node=tmp_path))
    with pytest.raises(UsageError, match="built for host, and the NPU runs aie2") as caught:
        device.load(builds[0])
    assert caught.value.code == "NPU402"


def test_a_context_on_which_something_runs_is_not_given_back(
    kernels: list[Kernel],
    builds: list[Build],
    make_device: MakeDevice,
    board: Board,
    inputs: Sequence[Array],
) -> None:
    device = make_device(contexts=1)
    program, other = device.load(builds[0]), device.load(builds[1])
    golden = kernels[0].golden({"x": inputs[0], "table": inputs[1]})["y"]
    count = 0
    for result in program.stream([inputs] * 3):
        assert np.array_equal(result.outputs["y"], golden)
        assert verify(kernels[1], other, kernels[1].demo()).ok
        count += 1
    assert count == 3
    assert board.contexts <= 2


def test_what_was_cancelled_is_told_as_aborted(
    builds: list[Build], make_device: MakeDevice, board: Board, inputs: Sequence[Array]
) -> None:
    program = make_device().load(builds[0])
    results = program.stream([inputs] * 3)
    next(results)
    program.cancel()
    with pytest.raises(CheckFailed) as caught:
        next(results)
    assert caught.value.code == "NPU432"
    assert board.contexts <= 1


def test_a_stream_that_is_left_keeps_no_context(
    builds: list[Build], make_device: MakeDevice, board: Board, inputs: Sequence[Array]
) -> None:
    device = make_device(contexts=1)
    results = device.load(builds[0]).stream([inputs] * 3)
    next(results)
    results.close()
    device.load(builds[1])
    assert device.contexts == board.contexts == 1
