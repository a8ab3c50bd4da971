"""Under what conditions a time was taken: what goes into every record beside the figure."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from shutil import which

from runtime.bench.revision import revision
from runtime.xrt.driver import DriverInfo, driver_info
from runtime.xrt.stack import npu_node
from toolchain.git import UNKNOWN

ARRAY_CLOCK, CONTROLLER_CLOCK = "H Clock", "MP-NPU Clock"
"""The driver's names of the clocks."""
HOT = 90.0
"""Degrees Celsius of the processor from which times are not to be trusted; its limit is 100."""
GIVEN = "NPULAB_PROVENANCE"
"""Environment variable with JSON of what only the host of this container knows; see `of_host`."""
SAYS_WITHIN = 30.0
"""Seconds that a tool has to say what it knows."""
_POWER = Path("/sys/class/power_supply")
_LAB = Path(__file__).resolve().parents[2]
_HWMON = Path("/sys/class/hwmon")
_DRIVER = Path("/sys/module/amdxdna/version")


def provenance() -> dict[str, str]:
    """Return the versions of all layers; ``unknown`` where this machine does not tell."""
    smi = _said("xrt-smi", "examine")
    told = {
        "kernel": platform.release(),
        "driver": _read(_DRIVER),
        "firmware": driver_info().firmware or _found(r"NPU Firmware Version\s*:\s*(\S+)", smi),
        "xrt": _found(r"(?m)^\s*Version\s*:\s*(\S+)", smi),
        "python": platform.python_version(),
        "pins": _pins(),
    }
    given = os.environ.get(GIVEN)
    return {**told, **(json.loads(given) if given else of_host())}


def of_host() -> dict[str, str]:
    """Return the part of `provenance` that a container of this machine cannot tell."""
    return {
        "host": platform.node() or UNKNOWN,
        "npulab": metadata.version("npulab"),
        "commit": revision(),
    }


def conditions(driver: DriverInfo | None = None) -> dict[str, str]:
    """Return what changes a time from one hour to the next.

    Args:
        driver: What the NPU's driver says; it is asked unless given.
    """
    said = driver or driver_info()
    mode = said.power_mode or _found(
        r"(?i)power mode\s*:\s*(\S+)", _said("xrt-smi", "examine", "-r", "platform")
    )
    return {
        "power_mode": mode.lower(),
        "power_supply": _power_supply(),
        "temperature": _temperature(),
        "clock": _mhz(said.clocks.get(ARRAY_CLOCK)),
        "clock_limit": _mhz(said.most),
        "controller_clock": _mhz(said.clocks.get(CONTROLLER_CLOCK)),
        # A container sees no processes but its own.
        "other_users": UNKNOWN if GIVEN in os.environ else str(len(other_users())),
        "load": f"{os.getloadavg()[0]:.2f}",
        "processors": str(os.cpu_count() or 1),
    }


def other_users(node: Path | None = None) -> list[int]:
    """Return the processes besides this one that have the NPU open, as far as it may be seen.

    Args:
        node: The NPU's; it is looked for unless given.
    """
    node = node or npu_node()
    if not node.exists():
        return []
    own = str(os.getpid())
    processes = (one for one in Path("/proc").iterdir() if one.name.isdigit() and one.name != own)
    return sorted(int(one.name) for one in processes if _holds(one, node))


@dataclass(frozen=True)
class Objection:
    """What speaks against taking times.

    Attributes:
        found: How it is.
        cure: What to do.
    """

    found: str
    cure: str

    def __str__(self) -> str:
        return f"{self.found}: {self.cure}"


def objections(found: Mapping[str, str]) -> list[Objection]:
    """Return what speaks against taking times under these conditions.

    Args:
        found: What `conditions` returned.
    """
    says = []
    if found["power_mode"] not in ("performance", "turbo"):
        says.append(
            Objection(
                f"the power mode is {found['power_mode']}",
                "set it with 'sudo xrt-smi configure --pmode performance'",
            )
        )
    if found["power_supply"] == "battery":
        says.append(Objection("the machine runs on battery", "plug it in"))
    clock, limit = _number(found["clock"]), _number(found["clock_limit"])
    if clock and limit and clock < limit:
        says.append(
            Objection(
                f"the array's clock is {clock:g} MHz of {limit:g}",
                "set the power mode, let it cool, and end what else draws power",
            )
        )
    if (_number(found["temperature"]) or 0) >= HOT:
        says.append(
            Objection(
                f"the processor is at {found['temperature']}, near where it slows down",
                "let it cool, and clear its fan",
            )
        )
    if found["other_users"] not in ("0", UNKNOWN):
        says.append(
            Objection(
                f"other processes have the NPU open: {found['other_users']}",
                f"end them; 'sudo fuser -v {npu_node()}' lists them",
            )
        )
    processors = _number(found["processors"]) or 1
    if (_number(found["load"]) or 0) > processors / 2:
        says.append(
            Objection(
                f"the machine is busy: load {found['load']} on {processors:g} processors",
                "end other work; dispatch runs on the host",
            )
        )
    return says


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return what of the conditions that should stay did not, in words."""
    steady = ("power_mode", "power_supply", "clock", "other_users")
    return [
        f"{name.replace('_', ' ')} went from {before[name]} to {after[name]} meanwhile"
        for name in steady
        if before[name] != after[name]
    ]


def _mhz(value: int | None) -> str:
    return f"{value} MHz" if value else UNKNOWN


def _number(text: str) -> float | None:
    """Return the number that a condition starts with; None where it is not known."""
    match = re.match(r"[\d.]+", text)
    return float(match[0]) if match else None


def _holds(process: Path, node: Path) -> bool:
    try:
        return any(one.readlink() == node for one in (process / "fd").iterdir())
    except OSError:
        return False


def _power_supply() -> str:
    """Tell what feeds the machine. Sockets that nothing is plugged into feed nothing."""
    supplies = [(_read(path), path.parent) for path in sorted(_POWER.glob("*/type"))]
    plugs = [folder for kind, folder in supplies if kind in ("Mains", "USB")]
    # A USB supply says 1 or, with a voltage of its choice, 2.
    if any(_read(folder / "online") in ("1", "2") for folder in plugs):
        return "mains"
    # Mice and headsets have batteries too, of the scope "Device".
    own = [
        folder
        for kind, folder in supplies
        if kind == "Battery" and _read(folder / "scope") != "Device"
    ]
    return "battery" if own else UNKNOWN


def _temperature() -> str:
    for sensor in sorted(_HWMON.glob("*/name")):
        if _read(sensor) == "k10temp":
            value = _read(sensor.parent / "temp1_input")
            return f"{int(value) / 1000:.0f} C" if value.isdigit() else UNKNOWN
    return UNKNOWN


def _pins() -> str:
    path = _LAB / "toolchain" / "pins" / "pins.toml"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else UNKNOWN


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return UNKNOWN


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else UNKNOWN


def _said(*command: str) -> str:
    """Return what a tool prints, nothing where it is missing, fails or hangs."""
    path: Sequence[str] = (which(command[0]) or "", *command[1:])
    if not path[0]:
        return ""
    try:
        ended = subprocess.run(path, capture_output=True, timeout=SAYS_WITHIN, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.decode(errors="replace") if ended.returncode == 0 else ""
