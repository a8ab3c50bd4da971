"""A machine without an NPU: one line and exit code 3, never green."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from errors import CheckFailed, UsageError
from runtime.canary import check_canary
from runtime.devices import DEVICES, open_device
from runtime.xrt import XrtDevice, fake_stack
from runtime.xrt.stack import NODE
from simulator.fake_xrt.board import Board
from simulator.fake_xrt.faults import Spoiled

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(NODE.exists(), reason="this machine has an NPU")
def test_hwtests_end_with_exit_code_3_and_one_line() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "hwtests"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    said = (ended.stdout + ended.stderr).strip().splitlines()
    assert len(said) == 1, said
    assert "no NPU on this machine" in said[0]
    assert "NPU410" in said[0]


def test_a_device_of_no_known_name_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean sim") as caught:
        open_device("sin")
    assert caught.value.code == "NPU441"


@pytest.mark.parametrize("command", ["bench", "health"])
def test_the_commands_offer_every_device(command: str) -> None:
    (option,) = [
        one
        for one in import_module(f"npulab.commands.{command}").command.params
        if one.name == "device"
    ]
    assert set(option.type.choices) == set(DEVICES)
    assert option.default == "xrt"


@pytest.mark.parametrize("name", [name for name in DEVICES if name != "xrt"])
def test_the_canary_lives(name: str) -> None:
    assert check_canary(open_device(name)) > 1000


@pytest.mark.parametrize("fault", [Spoiled.ZERO, Spoiled.STALE, Spoiled.BANK])
def test_the_canary_dies_of_what_spoils_outputs(fault: Spoiled) -> None:
    board = Board()
    device = XrtDevice(fake_stack(board))
    board.script(*[fault] * 3)  # zeros are right where the input is zero
    with pytest.raises(CheckFailed, match="canary") as caught:
        check_canary(device)
    assert caught.value.code == "NPU442"
