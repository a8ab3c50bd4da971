"""Images and instructions at work: the array that runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy.typing as npt

from errors import UsageError
from simulator.array.array import Array
from simulator.array.config import NOWHERE, Configuration, Origin
from simulator.array.core_control import MachineCode, machine_code
from simulator.array.host import HostRun, Limits
from simulator.array.recorder import Recorder, RunStats
from simulator.binary.commands import Command
from simulator.binary.instructions import play


class Executable:
    """The images of one file on one array, which keeps its state from run to run.

    Args:
        images: Configurations by number.
        first: The image that is loaded at the start.
        limits: When a run is given up.
        recorder: Hears of all that happens, for a timeline.
        code: Makes the programs of cores that execute their program memory.

    Attributes:
        array: The array.
        loaded: The number of the image that was loaded last from outside.

    Raises:
        CheckFailed: NPU2xx, the image configures what the array does not have.
        UsageError: NPU286, there is no such image.
    """

    def __init__(
        self,
        images: Mapping[int, Configuration],
        first: int,
        *,
        limits: Limits | None = None,
        recorder: Recorder | None = None,
        code: MachineCode = machine_code,
    ) -> None:
        self._images = images
        self._limits = limits or Limits()
        self.loaded = first
        self.array = Array(self._image(first, NOWHERE), recorder, code=code)

    def load(self, image: int) -> None:
        """Configure the array from another image; only memories keep their content."""
        self.array.load(self._image(image, NOWHERE))
        self.loaded = image

    def run(self, instructions: Iterable[Command], arrays: Sequence[npt.NDArray[Any]]) -> RunStats:
        """Play instructions on host arrays, in the order of the call's buffers.

        Args:
            instructions: What an instruction file holds.
            arrays: C-contiguous, any dtype, read and written in place.

        Raises:
            CheckFailed: NPU2xx, as :meth:`simulator.array.array.Array.run_host`.
            UsageError: NPU213, the arrays do not suit the instructions.
        """
        return self.play(play(instructions, self._image), arrays)

    def play(self, program: HostRun, arrays: Sequence[npt.NDArray[Any]]) -> RunStats:
        """Run a host program; see :meth:`run`."""
        return self.array.run_host(program, arrays, self._limits)

    def _image(self, number: int, origin: Origin) -> Configuration:
        if number not in self._images:
            raise UsageError(
                f"there is no image {number}{origin.bracketed}",
                cure=f"the file has: {', '.join(map(str, self._images)) or 'none'}",
                code="NPU286",
            )
        return self._images[number]
