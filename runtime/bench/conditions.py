"""Under what conditions a time was taken: what goes into every record beside the figure."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from shutil import which

from runtime.xrt.stack import NODE

UNKNOWN = "unknown"
_POWER = Path("/sys/class/power_supply")
_HWMON = Path("/sys/class/hwmon")
_DRIVER = Path("/sys/module/amdxdna/version")
_LAB = Path(__file__).resolve().parents[2]


def provenance() -> dict[str, str]:
    """Return the versions of all layers; ``unknown`` where this machine does not tell."""
    smi = _said("xrt-smi", "examine")
    return {
        "host": platform.node() or UNKNOWN,
        "kernel": platform.release(),
        "driver": _read(_DRIVER),
        "firmware": _found(r"NPU Firmware Version\s*:\s*(\S+)", smi),
        "xrt": _found(r"(?m)^\s*Version\s*:\s*(\S+)", smi),
        "python": platform.python_version(),
        "npulab": metadata.version("npulab"),
        "commit": _said("git", "-C", str(_LAB), "rev-parse", "HEAD").strip() or UNKNOWN,
        "pins": _pins(),
    }


def conditions() -> dict[str, str]:
    """Return what changes a time from one hour to the next."""
    return {
        "power_mode": _found(
            r"(?i)power mode\s*:\s*(\S+)", _said("xrt-smi", "examine", "-r", "platform")
        ),
        "power_supply": _power_supply(),
        "temperature": _temperature(),
        "other_users": str(len(other_users())),
        "load": f"{os.getloadavg()[0]:.2f}",
    }


def other_users(node: Path = NODE) -> list[int]:
    """Return the processes besides this one that have the NPU open, as far as it may be seen."""
    if not node.exists():
        return []
    own = str(os.getpid())
    processes = (one for one in Path("/proc").iterdir() if one.name.isdigit() and one.name != own)
    return sorted(int(one.name) for one in processes if _holds(one, node))


def objections(found: dict[str, str]) -> list[str]:
    """Return what speaks against taking times under these conditions.

    Args:
        found: What `conditions` returned.
    """
    says = []
    if found["power_mode"] not in ("Performance", "performance", "Turbo", "turbo"):
        says.append(
            f"power mode is {found['power_mode']}: set it with "
            "'xrt-smi configure --pmode performance'"
        )
    if found["power_supply"] == "battery":
        says.append("the machine runs on battery")
    if found["other_users"] not in ("0", UNKNOWN):
        says.append(f"{found['other_users']} other processes have the NPU open")
    return says


def _holds(process: Path, node: Path) -> bool:
    try:
        return any(one.readlink() == node for one in (process / "fd").iterdir())
    except OSError:
        return False


def _power_supply() -> str:
    for supply in sorted(_POWER.glob("*/online")):
        return "mains" if _read(supply) == "1" else "battery"
    return UNKNOWN


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
    """Return what a tool prints, nothing where it is missing or fails."""
    path: Sequence[str] = (which(command[0]) or "", *command[1:])
    if not path[0]:
        return ""
    ended = subprocess.run(path, capture_output=True, text=True, timeout=30, check=False)
    return ended.stdout if ended.returncode == 0 else ""
