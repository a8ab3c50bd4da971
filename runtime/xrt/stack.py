"""What an `XrtDevice` stands on: the real pyxrt and its clock, or the fake with its own."""

from __future__ import annotations

import importlib
import math
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import LabError
from runtime.device import Basis
from runtime.xrt.failures import failure
from toolchain.aie2.options import XCLBIN, instructions
from toolchain.build import Build

if TYPE_CHECKING:
    from simulator.fake_xrt.board import Board

NODE = Path("/dev/accel/accel0")
"""What the amdxdna driver makes of the first NPU, where no other accelerator came before."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A module with pyxrt's surface, and what its times are worth.

    Attributes:
        module: pyxrt, or its fake.
        name: What reports call the device.
        target: The build target whose artifacts it runs.
        basis: Whether `now` is a clock or a model.
        now: Seconds since some moment.
        files: Gives the xclbin of a build, and the instructions of the runtime sequence of that
            name; the only one of a design is asked for without a name.
    """

    module: Any
    name: str
    target: str
    basis: Basis
    now: Callable[[], float]
    files: Callable[[Build, str], tuple[Path, Path]]


def npu_node() -> Path:
    """Return the node of this machine's first NPU, by its PCI identity.

    Where none has it, `NODE`: whether what is there is an NPU, XRT then says.
    """
    from toolchain.docker.device import npu_nodes

    return next((node.path for node in npu_nodes()), NODE)


def real_stack(node: Path | None = None) -> Stack:
    """Return the stack of this machine.

    Args:
        node: The NPU's; it is looked for unless given.

    Raises:
        MissingEnvironment: NPU410 no NPU, NPU411 no pyxrt.
    """
    node = node or npu_node()
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

    def files(build: Build, sequence: str) -> tuple[Path, Path]:
        return _packaged(build, sequence, Path(folder))

    return Stack(
        module=pyxrt,
        name="fake NPU",
        target="host",
        basis=Basis.MODELLED,
        now=board.now,
        files=files,
    )


def _built(build: Build, sequence: str) -> tuple[Path, Path]:
    """Return the files that aiecc wrote."""
    files = build.folder / XCLBIN, build.folder / instructions(sequence)
    for path in files:
        if not path.is_file():
            raise _lacking(build, path)
    return files


def _packaged(build: Build, sequence: str, folder: Path) -> tuple[Path, Path]:
    """Write what the fake loads, from a host build."""
    from simulator.fake_xrt import package

    place = folder / build.title
    place.mkdir(parents=True, exist_ok=True)
    xclbin, insts = package.write(
        place,
        design=build.design,
        libraries=build.libraries,
        cycles=build.cycles,
        sequences=_sizes(build),
    )
    if sequence not in insts:
        raise _lacking(build, place / instructions(sequence))
    return xclbin, insts[sequence]


def _sizes(build: Build) -> dict[str, list[int]]:
    """Return the bytes of the arguments of each runtime sequence, as the design declares them."""
    found = build.resources["sequences"]
    return {
        one["name"] if len(found) > 1 else "": [
            math.prod(arg["shape"] or ()) * np.dtype(arg["dtype"]).itemsize
            for arg in one["arguments"]
        ]
        for one in found
    }


def _lacking(build: Build, path: Path) -> LabError:
    return failure("NPU424", f"{build.title} has no {path.name} in {path.parent}")
