"""What the report computes of builds, kept beside the records until a build or the lab changes."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

import kernels
import runtime
import simulator
from kernels.contract import Kernel
from npulab.report import records
from runtime.sim import SimDevice
from toolchain.artifact import Build
from toolchain.storage import disk
from toolchain.storage import records as stored

KeptT = TypeVar("KeptT")


class _Kept(msgspec.Struct, frozen=True):
    """A result and what it was computed from."""

    key: str
    result: msgspec.Raw


def key(build: Build) -> str:
    """Return what a result about a build depends on: the build, and the code that runs it."""
    return hashlib.sha256((records.digest(build.manifest) + _code()).encode()).hexdigest()


def folder(root: Path, kernel: Kernel) -> Path:
    """Return the folder of a variant's build for the simulator."""
    return root / SimDevice.target / kernel.kernel_name() / kernel.label


def load(path: Path, wanted: str, kind: type[KeptT]) -> KeptT | None:
    """Return a kept result; None where there is none of that key."""
    kept = stored.decode(disk.read_if_there(path), _Kept)
    return stored.decode(bytes(kept.result), kind) if kept and kept.key == wanted else None


def save(path: Path, wanted: str, result: object) -> None:
    """Keep a result.

    Raises:
        MissingEnvironment: The disk refuses.
    """
    content = msgspec.Raw(msgspec.json.encode(result))
    disk.replace_file(path, msgspec.json.encode(_Kept(wanted, content)))


@cache
def _code() -> str:
    """Return a hash of the sources of kernels, of the simulator and of what drives it."""
    total = hashlib.sha256()
    for package in (kernels, simulator, runtime):
        place = Path(next(iter(package.__path__)))
        for path in sorted(place.rglob("*.py")):
            total.update(str(path.relative_to(place)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
