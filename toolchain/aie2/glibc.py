"""Whether the wheels' programs can run on this machine at all."""

from __future__ import annotations

import os
import re
import sys

from errors import MissingEnvironment
from toolchain.pins.lockfile import Wheel

_TAG = re.compile(r"manylinux_(\d+)_(\d+)_(\w+?)(?:\.|-|$)")


def check(wheels: tuple[Wheel, ...]) -> None:
    """Check that this machine is one that every wheel was made for.

    Raises:
        MissingEnvironment: NPU037, its processor, system or C library is another or older.
    """
    here = _version()
    for wheel in wheels:
        tags = _TAG.findall(wheel.file_name.removesuffix(".whl"))
        if not tags:
            continue
        machine = tags[0][2]
        needed = min((int(major), int(minor)) for major, minor, _ in tags)
        if sys.platform != "linux" or os.uname().machine != machine:
            raise _unfit(wheel, f"Linux on {machine}", f"{sys.platform} on {os.uname().machine}")
        if here is None or here < needed:
            found = "no glibc" if here is None else f"glibc {here[0]}.{here[1]}"
            raise _unfit(wheel, f"glibc {needed[0]}.{needed[1]} or later", found)


def _version() -> tuple[int, int] | None:
    """Return the version of glibc, None where the C library is another."""
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (OSError, ValueError):
        return None
    found = re.fullmatch(r"glibc (\d+)\.(\d+).*", text)
    return (int(found[1]), int(found[2])) if found else None


def _unfit(wheel: Wheel, needed: str, found: str) -> MissingEnvironment:
    return MissingEnvironment(
        f"{wheel.name} {wheel.version} needs {needed}, and this machine has {found}",
        cure="build in a container of Debian bookworm or later, or for the simulator "
        "(--target host)",
        code="NPU037",
    )
