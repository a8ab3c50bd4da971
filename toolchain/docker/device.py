"""What a container of the NPU gets, and nothing more: its nodes, their groups, locked memory.

The NPU is found by its PCI identity (1022:1502, the Phoenix and Hawk Point NPU of the PCI id
database), so that other accelerators on the machine stay outside.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import MissingEnvironment, UsageError

VENDOR, DEVICE = "0x1022", "0x1502"
SYSFS = Path("/sys/class/accel")
DEVICES = Path("/dev/accel")
UNLIMITED = -1


@dataclass(frozen=True)
class Node:
    """A character device and the group that may open it."""

    path: Path
    group: int


def npu_nodes(sysfs: Path = SYSFS, devices: Path = DEVICES) -> list[Node]:
    """Return the nodes of all NPUs of this machine.

    Args:
        sysfs: The kernel's list of accelerators: a folder per node with ``device/vendor`` and
            ``device/device``.
        devices: Where the nodes are.
    """
    found = []
    for entry in sorted(sysfs.glob("accel*")):
        node = devices / entry.name
        if _read(entry / "device/vendor") == VENDOR and _read(entry / "device/device") == DEVICE:
            found += node_of(node)
    return found


def node_of(path: Path) -> list[Node]:
    """Return the node at `path`; nothing where there is no character device."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [Node(path, status.st_gid)] if stat.S_ISCHR(status.st_mode) else []


def refuse_none(nodes: list[Node]) -> None:
    """Raise where no NPU was found.

    Raises:
        MissingEnvironment: NPU481, there is no node.
    """
    if not nodes:
        raise MissingEnvironment(
            "no NPU on this machine: no node in /dev/accel belongs to PCI device 1022:1502",
            cure="npulab doctor says what is missing; the simulated array needs none",
            code="NPU481",
        )


def device_options(nodes: list[Node], memlock: int | None = None) -> dict[str, Any]:
    """Return the further arguments of a container that gets `nodes`; see `container.Spec`.

    Args:
        nodes: Of :func:`npu_nodes`.
        memlock: Bytes of memory that it may lock; ``$NPULAB_MEMLOCK`` or unlimited unless given.

    Raises:
        MissingEnvironment: There is no node.
        UsageError: ``$NPULAB_MEMLOCK`` is no number.
    """
    refuse_none(nodes)
    from docker.types import Ulimit

    limit = _memlock() if memlock is None else memlock
    return {
        # rw, without m: the container opens the node, and makes no others.
        "devices": [f"{node.path}:{DEVICES / node.path.name}:rw" for node in nodes],
        "group_add": sorted({str(node.group) for node in nodes}),
        "ulimits": [Ulimit(name="memlock", soft=limit, hard=limit)],
    }


def _memlock() -> int:
    text = os.environ.get("NPULAB_MEMLOCK", str(UNLIMITED))
    try:
        return int(text)
    except ValueError:
        raise UsageError(
            f"NPULAB_MEMLOCK is {text!r}, and it is to be a number of bytes, -1 for no limit",
            cure="set it to the engine's hard limit, or unset it",
            code="NPU480",
        ) from None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
