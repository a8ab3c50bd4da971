"""The simulated Phoenix array as a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from errors import UsageError
from kernels.compare import Poison
from kernels.contract import Arg, Array
from runtime.device import Basis, Result, Timing
from runtime.inputs import check_inputs
from toolchain.build import Build

if TYPE_CHECKING:
    from simulator import Limits, Run, Simulation
    from simulator.array.deadlock import WaitFor
    from simulator.array.recorder import Recorder

CLOCK_HZ = 1_000_000_000
"""The array clock that modelled times assume.

A Phoenix NPU runs its array at 0.8 to 1.6 GHz by power level (the `npu1_dpm_clk_table` of the
amdxdna driver: 800, 1024, 1309, 1600 MHz). 1 GHz is what AMD's 10 TOPS for it come to: 20
cores, 256 int8 multiply-accumulates a cycle each.
"""


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
        if build.target != self.target:
            raise UsageError(
                f"{build.title} is built for {build.target}, and the simulator runs host builds",
                cure=f"npulab build --target host {build.title}",
                code="NPU402",
            )
        arguments = args if args is not None else build.args
        if arguments is None:
            raise UsageError(
                f"{build.title} has no contract that says what its arguments are for",
                cure="give the arguments with their roles when you load it",
                code="NPU402",
            )
        return SimProgram(build, arguments, self._limits, self._watchers)


class SimProgram:
    """A build on a simulated array, which keeps its state from call to call as a device does."""

    def __init__(
        self, build: Build, args: tuple[Arg, ...], limits: Limits | None, watchers: Watchers
    ) -> None:
        self._build = build
        self._watchers = watchers
        self._args = args
        self._limits = limits
        self._simulation: Simulation | None = self._load()
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
        simulation = self._simulation or self._load()
        # A run that fails leaves cores and channels where they stopped: load again after it.
        self._simulation = None
        run = self._run(simulation, arrays)
        self._simulation = simulation
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

    def _run(self, simulation: Simulation, arrays: Sequence[Array]) -> Run:
        from simulator.array.deadlock import Deadlock

        try:
            return simulation.run(arrays)
        except Deadlock as error:
            draw = self._watchers.on_deadlock
            picture = draw(self._build.title, error.graph) if draw else None
            if picture is not None:
                error.details = (*error.details, f"picture: {picture}")
            raise


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
