"""Real xclbins on the fake: the program of tests/binaries/passthrough, as a host would run it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from runtime.binary import ArtifactReader
from simulator.fake_xrt import pyxrt
from simulator.fake_xrt.board import Board, install

FOLDER = Path(__file__).parent.parent / "binaries" / "passthrough"
SIZE = 16384
TO, FROM = pyxrt.xclBOSyncDirection(0), pyxrt.xclBOSyncDirection(1)
DONE, HUNG = pyxrt.ert_cmd_state(4), pyxrt.ert_cmd_state(8)


class Host:
    """What a host program makes of an xclbin, up to its buffers."""

    def __init__(self, path: Path = FOLDER / "design.xclbin", board: Board | None = None) -> None:
        self.board = install(board or Board(reader=ArtifactReader()))
        self.device = pyxrt.device(0)
        self.xclbin = pyxrt.xclbin(str(path))
        self.device.register_xclbin(self.xclbin)
        self.instructions = (FOLDER / "insts.bin").read_bytes()
        self.again()

    def again(self, name: str = "MLIR_AIE") -> None:
        """Make a context of its own, and buffers."""
        self.context = pyxrt.hw_context(self.device, self.xclbin.get_uuid())
        self.kernel = pyxrt.kernel(self.context, name)
        cacheable, host_only = pyxrt.bo.flags(1 << 24), pyxrt.bo.flags(1 << 29)
        size = len(self.instructions)
        self.program = pyxrt.bo(self.device, size, cacheable, self.kernel.group_id(1))
        self.x = pyxrt.bo(self.device, SIZE, host_only, self.kernel.group_id(3))
        self.y = pyxrt.bo(self.device, SIZE, host_only, self.kernel.group_id(4))

    def put(self, buffer: pyxrt.bo, data: bytes) -> None:
        buffer.write(data, 0)
        buffer.sync(TO)

    def got(self) -> bytes:
        self.y.sync(FROM)
        return bytes(self.y.read(SIZE, 0))

    def call(self, size: int | None = None, *buffers: pyxrt.bo) -> pyxrt.ert_cmd_state:
        words = len(self.instructions) // 4 if size is None else size
        return self.kernel(3, self.program, words, *(buffers or (self.x, self.y))).wait(100)


@pytest.fixture
def host() -> Iterator[Host]:
    yield Host()
    install(Board())


DATA = np.arange(SIZE // 4, dtype=np.int32).tobytes()


@pytest.mark.parametrize("unit", [1, 4])
def test_instructions_are_executed(host: Host, unit: int) -> None:
    host.put(host.program, host.instructions)
    host.put(host.x, DATA)
    assert host.call(len(host.instructions) // unit) == DONE
    assert host.got() == DATA
    assert host.board.findings == []
    assert host.board.seconds > 140e-6


def test_what_the_xclbin_says(host: Host) -> None:
    (kernel,) = host.xclbin.get_kernels()
    assert (kernel.get_name(), kernel.get_num_args()) == ("MLIR_AIE", 8)
    assert [memory.get_tag() for memory in host.xclbin.get_mems()] == ["HOST", "SRAM"]
    assert len(host.xclbin.get_uuid().to_string()) == 36
    host.again("MLIR_AIE:MLIRAIE")
    with pytest.raises(RuntimeError, match="No such kernel 'MLIR_EIA'"):
        host.again("MLIR_EIA")


def test_an_input_that_is_not_synchronised_arrives_stale(host: Host) -> None:
    host.put(host.program, host.instructions)
    host.put(host.x, DATA)
    assert host.call() == DONE
    host.x.write(bytes(SIZE), 0)
    assert host.call() == DONE
    assert host.got() == DATA, "the device still has what came before"


def test_an_output_that_is_not_synchronised_stays_stale(host: Host) -> None:
    host.put(host.program, host.instructions)
    host.put(host.x, DATA)
    assert host.call() == DONE
    assert bytes(host.y.read(SIZE, 0)) == bytes(SIZE)
    assert host.got() == DATA


def test_instructions_that_are_not_synchronised_hang(host: Host) -> None:
    host.program.write(host.instructions, 0)
    host.put(host.x, DATA)
    assert host.call() == HUNG
    (finding,) = host.board.findings
    assert "the device sees no instructions; was their buffer synchronised?" in str(finding)
    host.program.sync(TO)
    assert host.call() == HUNG, "a context that hung stays so"
    host.again()
    host.put(host.program, host.instructions)
    host.put(host.x, DATA)
    assert host.call() == DONE
    assert host.got() == DATA


def test_a_wrong_number_of_instructions_hangs(host: Host) -> None:
    host.put(host.program, host.instructions)
    assert host.call(7) == HUNG
    assert "the call says 7 instructions, and the buffer 300 bytes" in str(host.board.findings[0])


def test_a_buffer_that_is_too_small_hangs_and_is_named(host: Host) -> None:
    host.put(host.program, host.instructions)
    small = pyxrt.bo(host.device, 400, pyxrt.bo.flags(1 << 29), host.kernel.group_id(4))
    assert host.call(None, host.x, small) == HUNG
    assert "outside the 400 bytes of host argument 1" in str(host.board.findings[0])


def test_a_design_that_waits_for_ever_hangs_and_says_for_what(host: Host) -> None:
    """The transfer of the input is cut out: nothing ever comes back."""
    data = bytearray(host.instructions)
    length = data.index((4096).to_bytes(4, "little"))
    data[length : length + 4] = (1024).to_bytes(4, "little")
    host.put(host.program, bytes(data))
    host.put(host.x, DATA)
    assert host.call() == HUNG
    assert "deadlock" in str(host.board.findings[0])


def test_damaged_instructions_hang_and_are_named(host: Host) -> None:
    data = bytearray(host.instructions)
    data[16] = 77
    host.put(host.program, bytes(data))
    assert host.call() == HUNG
    assert "[NPU055] the instruction buffer: operation code 0x4d" in str(host.board.findings[0])


def test_contexts_have_arrays_of_their_own(host: Host) -> None:
    contexts = []
    for factor in (1, 2):
        data = (np.frombuffer(DATA, np.int32) * factor).tobytes()
        host.again()
        contexts.append(host.context)
        host.put(host.program, host.instructions)
        host.put(host.x, data)
        assert host.call() == DONE
        assert host.got() == data
    assert len({id(context._engine) for context in contexts}) == 2


def test_the_opcode_and_the_instruction_buffer_must_be_there(host: Host) -> None:
    error = pyxrt.ert_cmd_state(5)
    assert host.kernel(1, host.program, 75, host.x, host.y).wait(1) == error
    assert host.kernel(3, 0, 0, host.x, host.y).wait(1) == error


def test_files_that_are_none(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.xclbin"
    damaged.write_bytes((FOLDER / "design.xclbin").read_bytes()[:1000])
    with pytest.raises(RuntimeError, match=r"Invalid xclbin: .*damaged.xclbin: the header says"):
        Host(damaged)
    with pytest.raises(RuntimeError, match="No such file"):
        Host(tmp_path / "none.xclbin")
    with pytest.raises(RuntimeError, match=r"Invalid xclbin|too small"):
        Host(board=Board())
    install(Board())
