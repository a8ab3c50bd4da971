"""Merged designs on the fake: one context for all sequences, each with its own instructions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from errors import UsageError
from kernels.merged import Merged, designs
from runtime.verify import verify
from runtime.xrt import XrtDevice
from runtime.xrt.program import XrtProgram
from simulator.fake_xrt.board import Board
from simulator.fake_xrt.faults import Ends
from toolchain.build import Build, build
from toolchain.unit import Unit

MakeDevice = Callable[..., XrtDevice]
MERGED = designs.find("rows_bf16")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Build:
    (result,) = build([Unit.from_merged(MERGED)], root=tmp_path_factory.mktemp("build"))
    assert result.build is not None, result.errors
    return result.build


def loaded(device: XrtDevice, made: Build, merged: Merged = MERGED) -> dict[str, XrtProgram]:
    return device.load_merged(made, {name: one.args() for name, one in merged.sequences.items()})


def test_all_sequences_are_right_in_one_context(
    rows: Build, make_device: MakeDevice, board: Board
) -> None:
    programs = loaded(make_device(), rows)
    for _ in range(2):
        for name, part in MERGED.sequences.items():
            report = verify(part, programs[name], part.demo())
            assert report.ok, [str(case.failure) for case in report.cases]
            assert board.contexts == 1


def test_a_sequence_has_its_own_instructions_and_buffers(
    rows: Build, make_device: MakeDevice, board: Board
) -> None:
    programs = loaded(make_device(), rows)
    contents = {program._instructions for program in programs.values()}
    assert len(contents) == len(MERGED.sequences)
    part = MERGED.sequences["layernorm_bf16"]
    case = next(part.demo())
    norm = programs["layernorm_bf16"]
    norm.release()
    norm._instructions = programs["softmax_bf16"]._instructions
    report = verify(part, norm, [case])
    assert not report.ok, "the instructions say which sequence runs, and nothing else does"
    assert "buffers" in str(board.findings[0])


def test_a_sequence_that_hangs_takes_the_context_of_all_with_it(
    rows: Build, make_device: MakeDevice, board: Board
) -> None:
    programs = loaded(make_device(), rows)
    part = MERGED.sequences["gelu_bf16"]
    board.script(Ends("ERT_CMD_STATE_TIMEOUT"))
    assert not verify(part, programs["gelu_bf16"], part.demo()).ok
    for name, one in MERGED.sequences.items():
        assert verify(one, programs[name], one.demo()).ok, name
    assert board.contexts == 1


def test_a_sequence_that_is_not_there_is_refused(rows: Build, make_device: MakeDevice) -> None:
    args = MERGED.sequences["layernorm_bf16"].args()
    with pytest.raises(UsageError, match=r"has no insts_layernorm\.bin") as caught:
        make_device().load_merged(rows, {"layernorm": args})
    assert caught.value.code == "NPU424"


def test_one_sequence_of_several_has_to_be_named(rows: Build, make_device: MakeDevice) -> None:
    args = MERGED.sequences["layernorm_bf16"].args()
    with pytest.raises(UsageError, match=r"has no insts\.bin"):
        make_device().load(rows, args)
