"""The simulated Phoenix array as a device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kernels.compare import Poison
from kernels.contract import Arg, Array
from runtime.device import Basis, Result, Timing
from runtime.inputs import arguments, check_inputs, check_target
from simulator.clock import CLOCK_HZ
from toolchain.build import Build

if TYPE_CHECKING:
    from simulator import Limits, Run, Simulation
    from simulator.array.deadlock import WaitFor
    from simulator.array.recorder import Recorder


@dataclass(frozen=True, kw_only=True)
class Watchers:
    """Who hears of what a run does.

    Attributes:
        recorder: Hears of all that happens, for a timeline; without one a run is faster.
        on_deadlock: Draws the wait-for graph of the program of that title; the error names
            the file that it returns, if any.
    """

    recorder: Recorder | None = None
    on_deadlock: Callable[[str, WaitFor], Path | None] | None = None


class SimDevice:
    """Runs host builds on the simulated array. Nothing in it is measured.

    Args:
        limits: When a run is given up; the simulator's own limits unless given.
        watchers: Who hears of what the runs do; nobody unless given.
    """

    name = "simulator"
    target = "host"

    def __init__(self, limits: Limits | None = None, watchers: Watchers | None = None) -> None:
        self._limits = limits
        self._watchers = watchers or Watchers()

    def load(self, build: Build, args: tuple[Arg, ...] | None = None) -> SimProgram:
        """See `runtime.device.Device.load`."""
        check_target(build, self.name, self.target)
        found = arguments(build, args)
        return SimProgram(LoadedArray(build, self._limits, self._watchers), found)

    def load_merged(
        self, build: Build, sequences: Mapping[str, tuple[Arg, ...]]
    ) -> dict[str, SimProgram]:
        """Prepare a design with several runtime sequences: one array, a program for each.

        Args:
            build: A host build.
            sequences: The arguments of each runtime sequence, by its name.

        Raises:
            UsageError: The build is for another target.
        """
        check_target(build, self.name, self.target)
        array = LoadedArray(build, self._limits, self._watchers)
        return {name: SimProgram(array, args, name) for name, args in sequences.items()}


class LoadedArray:
    """A build on a simulated array: what a hardware context is on a device.

    It keeps its state from call to call, as a device does, and between the programs that share
    it.
    """

    def __init__(self, build: Build, limits: Limits | None, watchers: Watchers) -> None:
        self._build = build
        self._limits = limits
        self._watchers = watchers
        self._simulation: Simulation | None = self._load()

    def run(self, arrays: Sequence[Array], sequence: str | None) -> Run:
        """Play a runtime sequence on host arrays; see `simulator.Simulation.run`."""
        simulation = self._simulation or self._load()
        # A run that fails leaves cores and channels where they stopped: load again after it.
        self._simulation = None
        run = self._watched(simulation, arrays, sequence)
        self._simulation = simulation
        return run

    def _load(self) -> Simulation:
        from runtime.loops import compile_loops
        from simulator import Limits, Simulation

        build = self._build
        return Simulation(
            build.design,
            build.libraries,
            build.cycles,
            self._limits or Limits(),
            compile_loops=compile_loops,
            recorder=self._watchers.recorder,
        )

    def _watched(
        self, simulation: Simulation, arrays: Sequence[Array], sequence: str | None
    ) -> Run:
        from simulator.array.deadlock import Deadlock

        try:
            return simulation.run(arrays, sequence)
        except Deadlock as error:
            draw = self._watchers.on_deadlock
            picture = draw(self._build.title, error.graph) if draw else None
            if picture is not None:
                error.details = (*error.details, f"picture: {picture}")
            raise


class SimProgram:
    """A runtime sequence of a loaded array.

    Args:
        array: The array, which other programs may share.
        args: The sequence's arguments.
        sequence: Its name; None where the design has only one.
    """

    def __init__(
        self, array: LoadedArray, args: tuple[Arg, ...], sequence: str | None = None
    ) -> None:
        self._array = array
        self._args = args
        self._sequence = sequence
        self._calls = 0

    @property
    def args(self) -> tuple[Arg, ...]:
        """See `runtime.device.Program`."""
        return self._args

    def __call__(self, *inputs: Array) -> Result:
        """See `runtime.device.Program`."""
        self._calls += 1
        poison = Poison(self._calls)
        arrays = _buffers(self._args, inputs, poison)
        run = self._array.run(arrays, self._sequence)
        results = zip(self._args, arrays, run.written, strict=True)
        written = [(arg, array, mask) for arg, array, mask in results if arg.role.is_written]
        return Result(
            outputs={arg.name: array for arg, array, _ in written},
            poison=poison,
            written={
                arg.name: np.zeros(arg.nbytes, np.bool_) if mask is None else mask
                for arg, _, mask in written
            },
            timing=Timing(
                dispatch=None,
                transfer=None,
                run=run.cycles / CLOCK_HZ,
                cycles=run.cycles,
                basis=Basis.MODELLED,
            ),
        )

    def batch(self, calls: Sequence[Sequence[Array]]) -> list[Result]:
        """Run many calls as one command, as `runtime.xrt.program.XrtProgram.batch` does."""
        for inputs in calls:
            check_inputs([arg for arg in self._args if arg.role.is_read], inputs)
        return [self(*inputs) for inputs in calls]


def _buffers(args: Sequence[Arg], inputs: Sequence[Array], poison: Poison) -> list[Array]:
    """Return one buffer per argument: a copy of its input, or poison."""
    check_inputs([arg for arg in args if arg.role.is_read], inputs)
    given = iter(inputs)
    buffers = []
    for arg in args:
        if arg.role.is_read:
            buffers.append(np.array(next(given), order="C"))
        else:
            buffer = np.empty(arg.shape, arg.dtype)
            poison.fill(buffer)
            buffers.append(buffer)
    return buffers
