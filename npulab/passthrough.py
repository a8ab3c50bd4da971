"""What a host must have for its NPU to be passed into a container. Only looks."""

from __future__ import annotations

import os
import platform
import re
import resource
from pathlib import Path

from npulab.machine import Check

KERNEL_WANTED = (6, 14)
"""The first mainline Linux with the driver amdxdna."""

DRIVER = Path("/sys/module/amdxdna")
IOMMU_GROUPS = Path("/sys/kernel/iommu_groups")
ACCEL = Path("/sys/class/accel")
MEMLOCK_WANTED = 1 << 30
"""Bytes: several times what all buffers of the largest kernel take."""


def examine() -> list[Check]:
    """Run every check, in the order in which they must be cured."""
    return [check() for check in (_kernel, _iommu, _driver, _firmware, _group, _memlock)]


def _check(name: str, ok: bool, found: str, cure: str) -> Check:
    return Check(name=name, ok=ok, needed=False, found=found, cure=cure)


def _kernel() -> Check:
    release = platform.release()
    numbers = tuple(int(part) for part in re.findall(r"\d+", release)[:2])
    cure = "install Linux 6.14 or later, or AMD's out-of-tree driver"
    return _check("Linux >= 6.14", numbers >= KERNEL_WANTED, release, cure)


def _iommu() -> Check:
    groups = sum(1 for _ in IOMMU_GROUPS.glob("*"))
    found = f"{groups} groups" if groups else "off: no IOMMU groups"
    return _check(
        "IOMMU", groups > 0, found, "enable it in the firmware settings; boot without amd_iommu=off"
    )


def _driver() -> Check:
    version = _read(DRIVER / "version") or _read(DRIVER / "srcversion")
    there = DRIVER.is_dir()
    found = f"amdxdna {version or 'of the kernel'}" if there else "amdxdna is not loaded"
    return _check("NPU driver", there, found, "modprobe amdxdna, and read what dmesg says of it")


def _firmware() -> Check:
    versions = [_read(path) for path in sorted(ACCEL.glob("accel*/device/fw_version"))]
    # The attribute is amdxdna's own: drivers/accel/amdxdna/amdxdna_sysfs.c of Linux.
    found = ", ".join(version for version in versions if version)
    cure = (
        "install the firmware amdnpu/1502_00/npu.sbin (linux-firmware), then load the driver again"
    )
    return _check("NPU firmware", bool(found), found or "no NPU tells its firmware's version", cure)


def _group() -> Check:
    from toolchain.docker.device import npu_nodes

    nodes = npu_nodes()
    groups = {node.group for node in nodes}
    mine = {*os.getgroups(), os.getegid()}
    ok = bool(nodes) and (groups <= mine or os.geteuid() == 0)
    found = ", ".join(f"{node.path} of group {node.group}" for node in nodes) or "no NPU node"
    return _check("NPU group", ok, found, "join it (usually render), then log in again")


def _memlock() -> Check:
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    ok = hard == resource.RLIM_INFINITY or hard >= MEMLOCK_WANTED
    found = "unlimited" if hard == resource.RLIM_INFINITY else f"at most {hard >> 10:,} KiB"
    cure = "raise memlock in /etc/security/limits.conf, and LimitMEMLOCK of the engine's service"
    return _check("locked memory", ok, found, cure)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
