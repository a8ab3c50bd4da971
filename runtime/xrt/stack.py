"""What an `XrtDevice` stands on: the real pyxrt and its clock, or the fake with its own."""

from __future__ import annotations

import importlib
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import UsageError
from runtime.device import Basis
from runtime.xrt.failures import failure
from toolchain.aie2.options import INSTRUCTIONS, XCLBIN
from toolchain.build import Build

if TYPE_CHECKING:
    from simulator.fake_xrt.board import Board

NODE = Path("/dev/accel/accel0")
"""What the amdxdna driver makes of the first NPU."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A module with pyxrt's surface, and what its times are worth.

    Attributes:
        module: pyxrt, or its fake.
        name: What reports call the device.
        target: The build target whose artifacts it runs.
        basis: Whether `now` is a clock or a model.
        now: Seconds since some moment.
        files: Gives the xclbin and the instructions of a build.
    """

    module: Any
    name: str
    target: str
    basis: Basis
    now: Callable[[], float]
    files: Callable[[Build], tuple[Path, Path]]


def real_stack(node: Path = NODE) -> Stack:
    """Return the stack of this machine.

    Raises:
        MissingEnvironment: NPU410 no NPU, NPU411 no pyxrt.
    """
    if not node.exists():
        raise failure("NPU410", f"no NPU on this machine: {node} is not there")
    try:
        pyxrt = importlib.import_module("pyxrt")
    except ImportError as error:
        raise failure("NPU411", f"this Python cannot import pyxrt: {error}") from error
    return Stack(
        module=pyxrt,
        name="NPU",
        target="aie2",
        basis=Basis.MEASURED,
        now=time.perf_counter,
        files=_built,
    )


def fake_stack(board: Board | None = None) -> Stack:
    """Return the fake: the simulated array behind pyxrt's surface.

    It takes host builds and, on a board with a reader, real xclbins with their instructions.

    Args:
        board: The fake device, which scripts faults; a faultless one that reads real xclbins
            unless given.
    """
    from runtime.binary import ArtifactReader
    from simulator.fake_xrt import board as boards
    from simulator.fake_xrt import pyxrt

    board = boards.install(board or boards.Board(reader=ArtifactReader()))
    folder = tempfile.mkdtemp(prefix="fake-xrt-")
    weakref.finalize(board, shutil.rmtree, folder, ignore_errors=True)

    def files(build: Build) -> tuple[Path, Path]:
        return _packaged(build, Path(folder))

    return Stack(
        module=pyxrt,
        name="fake NPU",
        target="host",
        basis=Basis.MODELLED,
        now=board.now,
        files=files,
    )


def _built(build: Build) -> tuple[Path, Path]:
    """Return the files that aiecc wrote."""
    files = build.folder / XCLBIN, build.folder / INSTRUCTIONS
    for path in files:
        if not path.is_file():
            raise failure("NPU424", f"{build.title} has no {path.name} in {path.parent}")
    return files


def _packaged(build: Build, folder: Path) -> tuple[Path, Path]:
    """Write what the fake loads, from a host build."""
    from simulator.fake_xrt import package

    if build.args is None:
        raise UsageError(
            f"{build.title} has no contract that says what its arguments are",
            cure="run it on the simulator",
            code="NPU402",
        )
    place = folder / build.title
    place.mkdir(parents=True, exist_ok=True)
    return package.write(
        place,
        design=build.design,
        libraries=build.libraries,
        cycles=build.cycles,
        sizes=[arg.nbytes for arg in build.args],
    )
