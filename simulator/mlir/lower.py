"""A design text, lowered: everything that the array needs, in one object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xdsl.ir import Block, Operation, Region

from errors import UsageError, nearest
from simulator.array.config import Configuration, TileId
from simulator.array.host import HostRequest
from simulator.mlir.configuration import configure
from simulator.mlir.control_overlay import control_overlay
from simulator.mlir.cores.native_loops import Compile
from simulator.mlir.cores.natives import Watch
from simulator.mlir.cores.program import CoreProgram, compile_cores
from simulator.mlir.declared import lower_declared
from simulator.mlir.design import Design
from simulator.mlir.dialects.device import RuntimeSequence, RuntimeSequenceOp
from simulator.mlir.dma_programs import lower_dma_programs
from simulator.mlir.fifo_dmas import lower_fifos
from simulator.mlir.numbering import number_bds, number_locks
from simulator.mlir.placement import place_buffers
from simulator.mlir.plan import Plan
from simulator.mlir.routes import lower_routes
from simulator.mlir.sequences.player import Player

Bind = Callable[["Lowered"], Configuration]
"""Gives a lowered device's configuration with its cores' functions bound."""


def unbound(lowered: Lowered) -> Configuration:
    """Return a configuration without its cores, for who only looks at the commands."""
    return lowered.configuration


@dataclass(frozen=True)
class Lowered:
    """A design that is ready to be loaded.

    Attributes:
        configuration: What to load, without the cores.
        programs: The cores' programs, whose native functions are not bound yet.
        taken: Descriptors that the configuration uses, by tile.
        devices: The devices of the same text that are lowered so far, by name.
        overlay: Whether routes for control packets were added to each of them.
    """

    design: Design
    plan: Plan
    configuration: Configuration
    programs: list[CoreProgram]
    taken: dict[TileId, set[int]]
    devices: dict[str, Lowered] = field(repr=False)
    overlay: bool = False

    def bind(
        self,
        libraries: Mapping[str, Path],
        cycles: Mapping[str, int],
        watch: Watch,
        compile_loops: Compile | None = None,
    ) -> Configuration:
        """Return the whole configuration, with the functions of `libraries` in the cores."""
        bound = [program.core(libraries, cycles, watch, compile_loops) for program in self.programs]
        self.configuration.cores[:] = bound
        return self.configuration

    def sequence(self, name: str | None) -> RuntimeSequence:
        """Return a runtime sequence by its name, or the only one.

        A design that has none, but shim DMA programs of its own, gets an empty one.

        Raises:
            UsageError: NPU160, there is none of that name, or several and no name is given.
        """
        known = self.design.sequences
        if name is None and len(known) == 1:
            return next(iter(known.values()))
        if name is not None and name in known:
            return known[name]
        if name is None and not known and self.configuration.external:
            return RuntimeSequenceOp.build(regions=[Region(Block())])
        names = ", ".join(known) or "none"
        problem = (
            f"has no runtime sequence {name!r}{nearest(name, list(known))}"
            if name is not None
            else f"has {len(known)} runtime sequences, and none was chosen"
        )
        raise UsageError(
            f"{self.design.source} {problem}",
            cure=f"choose one of: {names}",
            code="NPU160",
        )

    def commands(
        self,
        sequence: RuntimeSequence,
        numbers: dict[int, int] | None = None,
        bind: Bind = unbound,
        sizes: Mapping[int, int] | None = None,
    ) -> Iterator[HostRequest]:
        """Yield the host commands of a runtime sequence.

        Args:
            sequence: One of the design's.
            numbers: Values of its scalar arguments, by position.
            bind: Gives the configuration of a device that the sequence loads, with its cores.
            sizes: Bytes of the arrays that its arguments are, by position; without them the
                types of the arguments say where a transfer must end.
        """
        return self.player(bind, numbers or {}, sizes).play(sequence)

    def player(
        self, bind: Bind, numbers: dict[int, int], sizes: Mapping[int, int] | None = None
    ) -> Player:
        """Return a player of the design's sequences; see :meth:`commands`."""

        def load(name: str, user: Operation) -> tuple[Player, Configuration]:
            other = self.other(name, user)
            return other.player(bind, {}), bind(other)

        return Player(self.design, self.plan, self.taken, numbers, load, sizes)

    def other(self, name: str, user: Operation) -> Lowered:
        """Return another device of the same text, lowered once.

        Raises:
            CheckFailed: NPU105, there is none of that name; others as :func:`lower`.
        """
        if name not in self.devices:
            other = self.design.other(name, user)
            self.devices[name] = _lower(other, self.devices, overlay=self.overlay)
        return self.devices[name]


def lower(
    text: str,
    source: str = "design.mlir",
    device: str | None = None,
    *,
    overlay: bool = False,
) -> Lowered:
    """Parse a design and lower it to what the array loads.

    Args:
        text: MLIR in the aie dialect.
        source: Name of the text in messages.
        device: Which of its devices; see :meth:`simulator.mlir.design.Design.parse`.
        overlay: Add the routes for control packets, see :mod:`simulator.mlir.control_overlay`.

    Raises:
        UsageError: NPU101 to NPU104, NPU113: the text is no design for a Phoenix.
        CheckFailed: NPU105 to NPU143: the design contradicts itself or asks for more than
            the array has; the message names its line.
    """
    return _lower(Design.parse(text, source, device), {}, overlay=overlay)


def _lower(design: Design, devices: dict[str, Lowered], *, overlay: bool) -> Lowered:
    plan = Plan()
    lower_declared(design, plan)
    lower_dma_programs(design, plan)
    lower_fifos(design, plan)
    lower_routes(design, plan)
    if overlay:
        plan.routes += control_overlay(set(design.tiles.values()), plan.routes)
    number_locks(design.geometry, plan)
    taken = number_bds(design.geometry, plan)
    place_buffers(design, plan)
    configuration = configure(design, plan)
    programs = compile_cores(design, plan)
    devices[design.name] = Lowered(design, plan, configuration, programs, taken, devices, overlay)
    return devices[design.name]
