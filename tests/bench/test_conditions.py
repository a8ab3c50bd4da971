"""What this machine tells of itself, from files and tools that may be anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.bench import conditions

BATTERY = {"type": "Battery", "present": "1"}
MOUSE = {"type": "Battery", "scope": "Device"}
SOCKET = {"type": "USB", "online": "0"}


@pytest.mark.parametrize(
    ("supplies", "found"),
    [
        ({}, "unknown"),
        ({"ucsi-source-psy-USBC000:001": SOCKET}, "unknown"),
        ({"hidpp_battery_0": MOUSE, "ucsi-source-psy-USBC000:001": SOCKET}, "unknown"),
        ({"AC": {"type": "Mains", "online": "1"}, "BAT0": BATTERY}, "mains"),
        ({"AC": {"type": "Mains", "online": "0"}, "BAT0": BATTERY}, "battery"),
        ({"BAT0": BATTERY, "ucsi1": SOCKET, "ucsi2": {"type": "USB", "online": "2"}}, "mains"),
        ({"BAT0": BATTERY, "ucsi1": SOCKET}, "battery"),
        ({"BAT0": BATTERY}, "battery"),
    ],
)
def test_a_battery_feeds_a_machine_that_has_one_and_is_not_plugged_in(
    supplies: dict[str, dict[str, str]],
    found: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, files in supplies.items():
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_text(f"{content}\n")
    monkeypatch.setattr(conditions, "_POWER", tmp_path)
    assert conditions.conditions()["power_supply"] == found


@pytest.mark.parametrize(
    "script",
    ["#!/no/such/interpreter\n", "#!/bin/sh\nexec sleep 60\n", "#!/bin/sh\nexit 1\n"],
    ids=["broken", "hangs", "fails"],
)
def test_a_tool_that_does_not_answer_tells_nothing(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "xrt-smi"
    tool.write_text(script)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(conditions, "SAYS_WITHIN", 0.2)
    assert conditions.provenance()["xrt"] == "unknown"


def test_what_a_tool_says_need_not_be_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "xrt-smi"
    tool.write_text("#!/bin/sh\nprintf '\\377\\nVersion : 2.25\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert conditions.provenance()["xrt"] == "2.25"
