"""What every device offers: load a build, call it with arrays, get outputs and timing.

The simulator (`runtime.sim`) is one implementation; what drives a device (`runtime.verify`,
the tests, the command line) is written against these protocols only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kernels.compare import Poison
from kernels.contract import Arg, Array
from toolchain.build import Build


class Basis(StrEnum):
    """Where a time comes from. A figure is never printed without it."""

    MODELLED = "modelled"
    MEASURED = "measured"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The time of one call, in seconds, split by where it went.

    Attributes:
        dispatch: Getting the command to the device and its completion back; None where the
            device has no such thing.
        transfer: Copies or cache synchronisation between the host's arrays and the device;
            None likewise.
        run: From the first instruction of the runtime sequence to its last wait.
        cycles: `run` in cycles of the array's clock, where the device counts them.
        basis: Whether the device measured these times or a model gave them.
    """

    dispatch: float | None
    transfer: float | None
    run: float
    cycles: int | None
    basis: Basis


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one call gave.

    Attributes:
        outputs: Every argument that the kernel writes, by name, with its shape and dtype.
        poison: What the outputs held before the run (the outputs that are inputs too apart).
        written: Per output a mask of the bytes that the device wrote, flat in memory order,
            or None where the device cannot tell.
    """

    outputs: Mapping[str, Array]
    poison: Poison
    written: Mapping[str, NDArray[np.bool_] | None]
    timing: Timing


class Program(Protocol):
    """A build that is loaded on a device and can be called many times."""

    @property
    def args(self) -> tuple[Arg, ...]:
        """The arguments in the order of the runtime sequence."""

    def __call__(self, *inputs: Array) -> Result:
        """Run once. Outputs are poisoned before the run, so that none is right by accident.

        Args:
            inputs: One array per argument that is read, in argument order.

        Raises:
            UsageError: An input's count, shape or dtype is not the argument's.
            CheckFailed: The design misbehaved on the device (deadlock, time limit, ...).
        """


class Device(Protocol):
    """Something that runs builds."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def target(self) -> str:
        """The build target whose artifacts it runs."""

    def load(self, build: Build, args: tuple[Arg, ...] | None = None) -> Program:
        """Prepare `build` for calls.

        Args:
            build: A build for this device's `target`.
            args: The arguments, for a build that has no contract; others bring their own.

        Raises:
            UsageError: The build has no arguments, or is for another target.
        """
