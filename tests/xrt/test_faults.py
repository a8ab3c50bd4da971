"""Every fault that can be scripted ends in an entry of the catalogue, never in "unknown"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from errno import errorcode
from pathlib import Path

import numpy as np
import pytest

from errors import CheckFailed, LabError, UsageError, catalogue
from kernels.contract import Arg, Array, Kernel, Role
from runtime.binary import ArtifactReader
from runtime.verify import verify
from runtime.xrt import XrtDevice, fake_stack
from runtime.xrt.failures import of_state
from runtime.xrt.program import XrtProgram
from simulator.fake_xrt import pyxrt
from simulator.fake_xrt.board import Board
from simulator.fake_xrt.faults import Ends, Fault, Refused, Spoiled, Step
from toolchain.build import Build

MakeDevice = Callable[..., XrtDevice]
UNKNOWN = "NPU439"
BINARY = Path(__file__).parents[1] / "binaries" / "passthrough"
SIZE = 16384
STATES = [name for name in pyxrt.ert_cmd_state.__members__ if name != "ERT_CMD_STATE_COMPLETED"]
ERRNOS = (1, 2, 5, 6, 11, 12, 13, 16, 19, 22, 28, 62, 95, 108, 110)
"""What the driver's source returns from the four ioctls."""
REFUSALS = [Refused(step, errno) for step in Step for errno in ERRNOS]
NOAVAIL = Refused(Step.CONTEXT, 22, status=0x2000003)


def name_of(fault: Ends | Refused) -> str:
    if isinstance(fault, Ends):
        return fault.state
    return f"{fault.step.name}-{errorcode[fault.errno]}-{fault.status:x}"


@pytest.mark.parametrize("fault", [*map(Ends, STATES), *REFUSALS, NOAVAIL], ids=name_of)
def test_it_ends_in_the_catalogue_and_the_next_call_is_right(
    fault: Fault,
    kernels: list[Kernel],
    builds: list[Build],
    make_device: MakeDevice,
    board: Board,
    inputs: Sequence[Array],
) -> None:
    device = make_device()
    board.script(fault)
    with pytest.raises(LabError) as caught:
        device.load(builds[0])(*inputs)
    code = caught.value.code
    assert code in catalogue.load()
    assert code != UNKNOWN
    assert caught.value.cure
    assert board.contexts == 0, "a context that failed is not kept"
    assert verify(kernels[0], device.load(builds[0]), kernels[0].demo()).ok


@pytest.mark.parametrize(("fault", "code"), [(Spoiled.ZERO, "NPU308"), (Spoiled.STALE, "NPU306")])
def test_outputs_that_were_not_computed_have_their_own_entries(
    fault: Fault,
    code: str,
    kernels: list[Kernel],
    builds: list[Build],
    make_device: MakeDevice,
    board: Board,
) -> None:
    program = make_device().load(builds[0])
    board.script(fault)
    (case,) = verify(kernels[0], program, kernels[0].demo()).cases
    assert case.failure is not None
    assert case.failure.code == code
    assert code in catalogue.load()


def loaded(builds: list[Build], board: Board, instructions: Path, size: int = SIZE) -> XrtProgram:
    """Load the binary with other instructions, or for an output of another size."""
    files = BINARY / "design.xclbin", instructions
    device = XrtDevice(replace(fake_stack(board), files=lambda *_: files), timeout=0.5)
    uint8 = np.dtype(np.uint8)
    args = (Arg("x", Role.IN, (SIZE,), uint8), Arg("y", Role.OUT, (size,), uint8))
    return device.load(builds[0], args)


@pytest.fixture
def reading() -> Board:
    """A board that reads real xclbins."""
    return Board(reader=ArtifactReader())


def test_a_real_xclbin_runs_its_instructions(builds: list[Build], reading: Board) -> None:
    program = loaded(builds, reading, BINARY / "insts.bin")
    x = np.arange(SIZE, dtype=np.uint8)
    assert np.array_equal(program(x).outputs["y"], x)
    assert reading.findings == []


@pytest.mark.parametrize(
    ("where", "value", "says"),
    [
        (16, 77, "operation code 0x4d"),
        (12, 1, "the call says 75 instructions, and the buffer 257 bytes"),
    ],
)
def test_damaged_instructions_time_out_and_the_fake_says_why(
    where: int, value: int, says: str, builds: list[Build], reading: Board, tmp_path: Path
) -> None:
    data = bytearray((BINARY / "insts.bin").read_bytes())
    data[where] = value
    damaged = tmp_path / "insts.bin"
    damaged.write_bytes(data)
    program = loaded(builds, reading, damaged)
    with pytest.raises(CheckFailed) as caught:
        program(np.zeros(SIZE, np.uint8))
    assert caught.value.code == of_state("ERT_CMD_STATE_TIMEOUT", "").code
    assert says in str(reading.findings[0])


def test_instructions_that_are_cut_short_never_reach_the_device(
    builds: list[Build], reading: Board, tmp_path: Path
) -> None:
    cut = tmp_path / "insts.bin"
    cut.write_bytes((BINARY / "insts.bin").read_bytes()[:-1])
    with pytest.raises(UsageError, match="no whole number of words") as caught:
        loaded(builds, reading, cut)
    assert caught.value.code == "NPU425"


def test_a_buffer_smaller_than_the_transfer_is_a_timeout(
    builds: list[Build], reading: Board
) -> None:
    program = loaded(builds, reading, BINARY / "insts.bin", size=400)
    with pytest.raises(CheckFailed) as caught:
        program(np.zeros(SIZE, np.uint8))
    assert caught.value.code == "NPU430"
    assert "outside the 400 bytes of host argument 1" in str(reading.findings[0])
