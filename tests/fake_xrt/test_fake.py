"""The fake behaves like the device: what is not synchronised is not there, what hangs stays so."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.fake_xrt import pyxrt
from simulator.fake_xrt.board import Board, install

TO = pyxrt.xclBOSyncDirection(0)
FROM = pyxrt.xclBOSyncDirection(1)


@pytest.fixture
def device() -> pyxrt.device:
    install(Board())
    return pyxrt.device(0)


def buffer(device: pyxrt.device, size: int = 64) -> pyxrt.bo:
    return pyxrt.bo(device, size, pyxrt.bo.flags(1 << 29), 0x10000)


def test_a_buffer_has_two_sides(device: pyxrt.device) -> None:
    bo = buffer(device)
    view = np.frombuffer(bo.map(), np.uint8)
    view[:] = 7
    bo.sync(FROM)
    assert not view.any(), "what never went to the device comes back as the device has it"
    bo.write(bytes([5] * 8), 8)
    bo.sync(TO)
    view[:] = 0
    bo.sync(FROM, 8, 8)
    assert bo.read(8, 8).tolist() == [5] * 8
    assert bo.read(8, 0).tolist() == [0] * 8
    half = pyxrt.bo(bo, 32, 8)
    assert half.read(1, 0).tolist() == [5]
    assert (half.size(), half.address()) == (32, bo.address() + 8)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda bo: bo.write(bytes(65), 0),
        lambda bo: bo.write(b"a", 64),
        lambda bo: bo.read(8, 60),
        lambda bo: bo.read(-1, 0),
        lambda bo: bo.sync(TO, 65, 0),
        lambda bo: bo.sync(pyxrt.xclBOSyncDirection(2)),
        lambda bo: pyxrt.bo(bo, 65, 0),
    ],
)
def test_access_outside_a_buffer_is_refused(device: pyxrt.device, wrong: object) -> None:
    with pytest.raises(RuntimeError):
        wrong(buffer(device))  # type: ignore[operator]


def test_a_buffer_of_no_bytes_is_refused(device: pyxrt.device) -> None:
    with pytest.raises(RuntimeError, match="CREATE_BO IOCTL failed"):
        buffer(device, 0)


def test_the_way_of_fpgas_is_refused(device: pyxrt.device) -> None:
    with pytest.raises(RuntimeError, match="Operation not supported"):
        device.load_xclbin("design.xclbin")


def test_what_the_fake_has_not_it_says() -> None:
    with pytest.raises(NotImplementedError, match="the fake has no"):
        pyxrt.elf("a.elf")


def test_it_says_that_it_is_a_fake(device: pyxrt.device) -> None:
    assert "FAKE" in device.get_info(pyxrt.xrt_info_device.__members__["name"])


def test_without_a_device_it_says_what_the_real_one_says() -> None:
    install(Board(devices=0))
    assert pyxrt.enumerate_devices() == 0
    with pytest.raises(RuntimeError, match="No such device with index '0'"):
        pyxrt.device(0)
