"""What this machine has of what the lab can use. Only looks: it installs and starts nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from errors import LabError
from npulab import figures

DOCKER_TIMEOUT = 2.0
DISK_WANTED = 1 << 29
"""Bytes free for the cache and the outputs: several times what all kernels take."""


TOOLCHAIN_LACKS = {
    "NPU024": "not yet pinned for this Python",
    "NPU038": "no xclbinutil, which packs for aiecc",
    "NPU039": "pinned, and not installed",
    "NPU069": "altered since it was installed",
}
"""What a missing AIE2 toolchain lacks, by the error's code."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line of `npulab doctor`.

    Attributes:
        needed: Whether the lab cannot do its main job without it.
        found: What was found, or what is missing.
        cure: What to do where it is missing.
    """

    name: str
    ok: bool
    needed: bool
    found: str
    cure: str


def examine() -> list[Check]:
    """Run every check, the lab's own needs first."""
    checks: tuple[Callable[[], Check], ...] = (
        _python,
        _packages,
        _compiler,
        _disk,
        _docker,
        _aie2_toolchain,
        _npu,
        _pyxrt,
    )
    return [check() for check in checks]


def container_engine() -> str:
    """Return the version and the socket of the engine that a build would take here.

    Raises:
        ConnectionError: None answers, or it is too old; the text says why.
    """
    from toolchain.docker import engine

    try:
        path = engine.find().removeprefix("unix://")
    except LabError as error:
        barred = any("Permission denied" in line for line in error.details)
        raise ConnectionError(
            "this user may not use the engine" if barred else error.message
        ) from None
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(DOCKER_TIMEOUT)
            connection.connect(path)
            connection.sendall(b"GET /version HTTP/1.0\r\nHost: docker\r\n\r\n")
            answer = connection.makefile("rb").read()
        said = json.loads(answer.partition(b"\r\n\r\n")[2])
        version, api = str(said["Version"]), str(said["ApiVersion"])
    except (OSError, ValueError, KeyError):
        raise ConnectionError(f"no container engine answers at {path}") from None
    if engine.is_too_old(api):
        raise ConnectionError(
            f"version {version} at {path} speaks API {api}, and the lab needs {engine.API}"
        )
    return f"version {version} at {path}"


def _python() -> Check:
    version = sys.version_info
    return Check(
        name="python",
        ok=(3, 11) <= version[:2] <= (3, 13),
        needed=True,
        found=f"{version.major}.{version.minor}.{version.micro}",
        cure="install Python 3.11, 3.12 or 3.13 and make the environment with it",
    )


def _packages() -> Check:
    import importlib.metadata

    required = importlib.metadata.requires("npulab") or []
    names = re.findall(r"^[\w.-]+(?=[^;]*$)", "\n".join(required), re.MULTILINE)
    installed = {dist.name.lower().replace("_", "-") for dist in importlib.metadata.distributions()}
    missing = [name for name in names if name.lower().replace("_", "-") not in installed]
    return Check(
        name="packages",
        ok=not missing,
        needed=True,
        found=f"not installed: {', '.join(missing)}" if missing else f"all {len(names)} installed",
        cure="python -m pip install --require-hashes -r requirements/lab.txt",
    )


def _compiler() -> Check:
    from toolchain.host import compiler
    from toolchain.storage.store import Store
    from toolchain.work.runner import LocalRunner

    try:
        pin, cure, ok = compiler.find(Store(), LocalRunner()).pin, "", True
    except LabError as error:
        pin, cure, ok = error.message, error.cure or "", False
    return Check(name="C++ compiler", ok=ok, needed=True, found=pin.split(" sha256:")[0], cure=cure)


def _disk() -> Check:
    """Look at the folders that builds go to, or the nearest parent that exists."""
    from toolchain.build import default_root
    from toolchain.storage.store import Store

    problems, least = [], sys.maxsize
    for folder in (default_root(), Store().root):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(there, os.W_OK):
            problems.append(f"{there} may not be written")
        free = shutil.disk_usage(there).free
        least = min(least, free)
        if free < DISK_WANTED:
            problems.append(f"{figures.size(free)} free in {there}")
    return Check(
        name="disk",
        ok=not problems,
        needed=True,
        found="; ".join(problems) or f"{figures.size(least)} free for outputs and cache",
        cure=f"have {figures.size(DISK_WANTED)} free, or point NPULAB_BUILD and NPULAB_CACHE "
        "to folders that may be written",
    )


def _docker() -> Check:
    cure = "install docker.io 19.03 or later, start dockerd, and join the group docker"
    try:
        found, ok = container_engine(), True
    except ConnectionError as error:
        found, ok = str(error), False
    return Check(name="engine", ok=ok, needed=False, found=found, cure=cure)


def _aie2_toolchain() -> Check:
    from toolchain.aie2 import target
    from toolchain.storage.store import Store

    try:
        installed = target.find(Store())
        installed.check()
    except LabError as error:
        found = TOOLCHAIN_LACKS.get(error.code or "", error.message)
        cure, ok = error.cure or "", False
    else:
        versions = (f"{wheel.name} {wheel.version}" for wheel in installed.wheels)
        found, cure, ok = ", ".join(versions), "", True
    return Check(name="AIE2 toolchain", ok=ok, needed=False, found=found, cure=cure)


def _npu() -> Check:
    """Look for the device node that the amdxdna driver makes (mainline Linux from 6.14)."""
    from toolchain.docker import device

    nodes = device.npu_nodes()
    closed = [node for node in nodes if not os.access(node.path, os.R_OK | os.W_OK)]
    if not nodes:
        found = "no node in /dev/accel is an NPU's (PCI 1022:1502)"
        cure = "needs a Ryzen AI processor and the amdxdna driver (Linux 6.14 or later)"
    elif closed:
        found = f"{closed[0].path} may not be opened by this user"
        cure = f"join the group that owns it (gid {closed[0].group}, usually render)"
    else:
        found, cure = ", ".join(str(node.path) for node in nodes), ""
    return Check(name="NPU", ok=bool(nodes) and not closed, needed=False, found=found, cure=cure)


def _pyxrt() -> Check:
    import importlib.util

    from toolchain.docker import image, recipes
    from toolchain.storage.store import Store

    found = None
    if spec := importlib.util.find_spec("pyxrt"):
        found = str(spec.origin)
    else:
        with suppress(LabError):  # without a checkout there are no images
            found = image.require(recipes.find("xrt"), Store()).tag
    return Check(
        name="XRT",
        ok=found is not None,
        needed=False,
        found=found or "this Python has no module pyxrt, and there is no XRT image",
        cure="make the image that has it, for npulab hw: npulab images xrt; or install XRT with "
        "its amdxdna shim (Debian: python3-xrt, libxrt-npu2)",
    )
