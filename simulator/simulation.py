"""A design on a simulated Phoenix array."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Attribute

from errors import CheckFailed, LabError, UsageError, nearest
from simulator.array.array import Array
from simulator.array.config import Configuration
from simulator.array.host import HostRequest, HostRun, Limits
from simulator.array.recorder import Recorder, RunStats
from simulator.findings import Kind, sort_out, warned_of
from simulator.mlir.cores.native_loops import Compile
from simulator.mlir.cores.natives import Watch, stuck
from simulator.mlir.dialects.device import RuntimeSequence
from simulator.mlir.layouts import layout
from simulator.mlir.lower import Lowered, lower
from simulator.mlir.plan import Plan

_WATCH_PERIOD = 0.2
"""Seconds between two looks of the watchdog at native code."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run of a runtime sequence did.

    Attributes:
        cycles: Modelled cycles from the first host command to the last.
        host_cycles: Of these, cycles that the command processor spent in commands.
        written: For each argument a mask of its bytes that the array wrote (bool, shape
            (nbytes,)); None for one that it was not to write.
        stats: What cores, channels and routes did.
        warnings: Findings that were switched to warnings.
    """

    cycles: int
    host_cycles: int
    written: list[npt.NDArray[np.bool_] | None]
    stats: RunStats
    warnings: tuple[LabError, ...] = ()


class Simulation:
    """A design loaded on a simulated array, which keeps its state from run to run.

    Args:
        design: MLIR text in the aie dialect.
        libraries: Shared library for each object file that the design links, such as
            ``{"kernel.o": Path("kernel.so")}``. Every core gets a copy of its own.
        cycles: Cycles that a call of a kernel function is charged; 0 where it says nothing.
        limits: When a run is given up.
        source: Name of the design text in messages.
        device: Name of the ``aie.device`` to load, where the text has several.
        compile_loops: Makes shared libraries of C source, for long loops in core bodies;
            without it they run as Python, to the same bits.
        recorder: Hears of all that happens, for a timeline.
        warn: Findings that do not end a run but are in its `warnings`; those of
            :mod:`simulator.findings` unless given.
        control_overlay: Add the routes for control packets that the option
            ``--generate-ctrl-pkt-overlay`` of aiecc adds.
        watched: Look for races and for cores that read what nobody has written; a run is
            faster without.
        external: For an ``aie.external_buffer`` by its name the array that it is: C-contiguous,
            of its size in bytes, read and written in place. Those that are not given are zeros.
            Host memory like the arrays of a run, but it stays from run to run.
            Those of another device that a sequence loads are zeros, too, and cannot be given.

    Attributes:
        sources: The Python source that each core body was compiled to, by tile.

    Raises:
        UsageError: NPU101 to NPU104, NPU140, NPU141: the design is none for a Phoenix, or a
            library lacks what it links; NPU161, an array of `external` does not suit it.
        CheckFailed: NPU1xx, NPU2xx: the design contradicts itself or the array.
    """

    def __init__(
        self,
        design: str,
        libraries: Mapping[str, Path] | None = None,
        cycles: Mapping[str, int] | None = None,
        limits: Limits | None = None,
        *,
        source: str = "design.mlir",
        device: str | None = None,
        compile_loops: Compile | None = None,
        recorder: Recorder | None = None,
        warn: Iterable[Kind] | None = None,
        watched: bool = True,
        control_overlay: bool = False,
        external: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> None:
        self._lowered = lower(design, source, device, overlay=control_overlay)
        self._limits = limits or Limits()
        self._watch = Watch()
        self._libraries, self._cycles = libraries or {}, cycles or {}
        self._compile_loops = compile_loops
        self._warn = warned_of() if warn is None else frozenset(warn)
        self._external = _external_arrays(self._lowered.plan, external or {})
        self._array = Array(self._bind(self._lowered), recorder, watched=watched)
        self.sources = {program.tile: program.source for program in self._lowered.programs}

    def run(
        self,
        arrays: Sequence[npt.NDArray[Any]],
        sequence: str | None = None,
        *,
        beyond: Sequence[npt.NDArray[Any]] = (),
    ) -> Run:
        """Play a runtime sequence on host arrays.

        The run ends with the sequence. Where the device has shim DMA programs of its own, which
        no sequence need wait for, it ends when the array has come to rest after that: programs
        that go round without a lock never do, and are given up at the limits. Without any
        sequence such a device is run with no arrays.

        Args:
            arrays: One for each argument of the sequence, in its order: C-contiguous, at least
                as many bytes as the argument's memref, read and written in place. A longer one
                is warned of, for transfers may use all of it, as on the device. A scalar
                argument takes an array of one element.
            sequence: Which one, where the design has several.
            beyond: Arrays after those of the arguments, for registers that name a host
                buffer by its position: a trace often goes to one that nobody declares.

        Raises:
            UsageError: NPU160, NPU161: there is no such sequence, or the arrays do not suit it.
            CheckFailed: NPU2xx, the design did what the hardware would not survive, or would
                survive with a result that means nothing; NPU203 is a deadlock.
        """
        operation = self._lowered.sequence(sequence)
        numbers, noted = _check_arrays(operation, arrays)
        sizes = {position: array.nbytes for position, array in enumerate(arrays)}
        commands = self._lowered.commands(operation, numbers, self._bind, sizes)
        stats = self._watched(_program(commands), [*arrays, *beyond])
        error, warnings = sort_out([*noted, *stats.findings], self._warn)
        if error is not None:
            raise error
        return Run(
            cycles=stats.cycles,
            host_cycles=stats.host_cycles,
            written=list(stats.written),
            stats=stats,
            warnings=warnings,
        )

    def external(self, name: str) -> npt.NDArray[Any]:
        """Return the array that an ``aie.external_buffer`` is: the one given, never a copy.

        Raises:
            UsageError: NPU161, the device has no external buffer of that name.
        """
        if name not in self._external:
            raise _no_external(name, self._external)
        return self._external[name]

    def argument_types(self, sequence: str | None = None) -> list[Attribute]:
        """Return the types of a runtime sequence's arguments, in order.

        Raises:
            UsageError: NPU160, there is no such sequence.
        """
        return [arg.type for arg in self._lowered.sequence(sequence).body.blocks[0].args]

    def _bind(self, lowered: Lowered) -> Configuration:
        bound = lowered.bind(self._libraries, self._cycles, self._watch, self._compile_loops)
        if lowered is self._lowered:
            for name in bound.external:
                bound.external[name] = self._external[name].reshape(-1).view(np.uint8)
        return bound

    def _watched(self, program: HostRun, arrays: Sequence[npt.NDArray[Any]]) -> RunStats:
        """Run in a thread of its own, and give up on native code that never returns.

        Nothing can stop native code from outside, so its thread is left behind.
        """
        outcome: list[RunStats] = []
        failure: list[BaseException] = []

        def work() -> None:
            try:
                outcome.append(self._array.run_host(program, arrays, self._limits))
            except BaseException as error:
                failure.append(error)

        thread = threading.Thread(target=work, name="simulated array", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(_WATCH_PERIOD)
            error = stuck(self._watch, self._limits.max_seconds)
            if error is not None and thread.is_alive():
                raise error
        if failure:
            raise failure[0]
        return outcome[0]


def _program(commands: Iterable[HostRequest]) -> HostRun:
    yield from commands


def _external_arrays(
    plan: Plan, given: Mapping[str, npt.NDArray[Any]]
) -> dict[str, npt.NDArray[Any]]:
    """Return the array of each external buffer, zeros where none is given."""
    declared = {buffer.name: buffer.layout for buffer in plan.external.values()}
    for name, array in given.items():
        if name not in declared:
            raise _no_external(name, declared)
        what = declared[name]
        if array.nbytes != what.nbytes or not array.flags.c_contiguous:
            gaps = "" if array.flags.c_contiguous else " and is not C-contiguous"
            raise UsageError(
                f"external buffer {name} is {what} with {what.nbytes} bytes, and the array has "
                f"{array.nbytes}{gaps}",
                cure="pass a C-contiguous array of its size",
                code="NPU161",
            )
    zeros = {
        name: np.zeros([extent or 0 for extent in what.shape], np.dtype(what.element.numpy))
        for name, what in declared.items()
        if name not in given
    }
    return {**zeros, **given}


def _no_external(name: str, known: Iterable[str]) -> UsageError:
    names = ", ".join(known) or "none"
    return UsageError(
        f"the device has no external buffer {name}{nearest(name, list(known))}",
        cure=f"name one that the device declares: {names}",
        code="NPU161",
    )


def _check_arrays(
    operation: RuntimeSequence, arrays: Sequence[npt.NDArray[Any]]
) -> tuple[dict[int, int], list[LabError]]:
    """Compare arrays with a sequence's arguments.

    Returns:
        The scalar ones by position, and a finding for each that is longer than declared.
    """
    arguments = operation.body.blocks[0].args
    if len(arguments) != len(arrays):
        raise _unsuitable(
            f"the runtime sequence has {len(arguments)} arguments, and {len(arrays)} arrays "
            "were given"
        )
    numbers = {}
    longer: list[LabError] = []
    for position, (argument, array) in enumerate(zip(arguments, arrays, strict=True)):
        if not isinstance(argument.type, MemRefType):
            numbers[position] = int(np.asarray(array).reshape(-1)[0])
            continue
        what = layout(argument.type)
        if what is None or None in what.shape:
            continue
        compared = (
            f"argument {position} of the runtime sequence is {argument.type} with {what.nbytes} "
            f"bytes, and the array has {array.nbytes}"
        )
        if array.nbytes < what.nbytes:
            raise _unsuitable(compared)
        if array.nbytes > what.nbytes:
            longer.append(_longer(compared))
    return numbers, longer


def _longer(compared: str) -> CheckFailed:
    """Return the finding that the device does not make: a buffer longer than declared."""
    return CheckFailed(
        f"{compared}: transfers may use all of it, as on the device",
        cure="declare the argument with the size of its buffer",
        code="NPU163",
    )


def _unsuitable(message: str) -> UsageError:
    return UsageError(
        message,
        cure="pass one array for each argument, of its size",
        code="NPU161",
    )
