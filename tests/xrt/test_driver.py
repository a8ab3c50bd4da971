"""What the driver is asked, held against a stand-in for its ioctl."""

from __future__ import annotations

import ctypes
import errno
import struct
from pathlib import Path

import pytest

from runtime.xrt.driver import NOTHING, REQUEST, driver_info

CLOCKS = struct.pack("=16sII16sII", b"MP-NPU Clock", 847, 0, b"H Clock", 1600, 0)
ANSWERS = {
    3: CLOCKS,
    8: struct.pack("=4I", 1, 5, 2, 380),
    9: bytes([3]) + bytes(7),
    12: struct.pack("=5Q", 1600, 10, 6, 0, 0),
}


class Driver:
    """A driver that knows some parameters and refuses the others."""

    def __init__(self, answers: dict[int, bytes]) -> None:
        self.answers = answers

    def __call__(self, handle: int, request: int, argument: bytearray) -> int:
        assert handle >= 0
        assert request == 0xC0106447
        parameter, size, address = struct.unpack("=IIQ", argument)
        if parameter not in self.answers:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        answer = self.answers[parameter]
        assert len(answer) == size
        ctypes.memmove(address, answer, size)
        return 0


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "accel0"
    path.write_bytes(b"")
    return path


def test_the_request_is_the_one_of_the_driver() -> None:
    assert REQUEST == 0xC0106447


def test_everything_that_the_driver_tells(node: Path) -> None:
    found = driver_info(node, Driver(ANSWERS))
    assert found.clocks == {"MP-NPU Clock": 847, "H Clock": 1600}
    assert found.most == 1600
    assert found.power_mode == "performance"
    assert found.firmware == "1.5.2.380"


@pytest.mark.parametrize("known", [[], [3], [9], [3, 8, 9]])
def test_an_older_driver_tells_less(known: list[int], node: Path) -> None:
    found = driver_info(node, Driver({number: ANSWERS[number] for number in known}))
    assert bool(found.clocks) == (3 in known)
    assert (found.firmware is None) == (8 not in known)
    assert (found.power_mode is None) == (9 not in known)
    assert found.most is None


def test_a_mode_that_is_not_known_here_has_no_name(node: Path) -> None:
    assert driver_info(node, Driver({9: bytes([9]) + bytes(7)})).power_mode is None


def test_clocks_that_stand_still_are_not_told(node: Path) -> None:
    still = struct.pack("=16sII16sII", b"MP-NPU Clock", 0, 0, b"", 5, 0)
    assert driver_info(node, Driver({3: still})).clocks == {}


def test_no_node_and_no_such_ioctl_say_nothing(node: Path, tmp_path: Path) -> None:
    assert driver_info(tmp_path / "nowhere") == NOTHING
    assert driver_info(node) == NOTHING, "a file answers no ioctl"
