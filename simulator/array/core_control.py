"""What programs cores have and when they run: program memories, enable and reset.

A core with machine code executes what its program memory holds; the translation of that to
a core program is handed in, so that the array knows no machine code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from errors import CheckFailed
from simulator.array.config import (
    NOWHERE,
    BufferDescriptor,
    Core,
    CoreProgram,
    Origin,
    TileId,
)
from simulator.array.geometry import Geometry, TileKind

if TYPE_CHECKING:
    from simulator.aie2.machine import ProgramMemory

OWN_MEMORY = 0x70000
"""Where a core finds its own tile's memory."""

MachineCode = Callable[[TileId, "ProgramMemory"], CoreProgram]
"""Makes the core program of a tile that executes what its program memory holds."""


def machine_code(_tile: TileId, memory: ProgramMemory) -> CoreProgram:
    """Return the program of a core that nobody watches, whose code has no symbols."""
    from simulator.aie2.machine import core_program

    return core_program(memory)


class CoreStatus(NamedTuple):
    """What the status register of a core says."""

    enabled: bool
    done: bool


class Machine(Protocol):
    """What this part needs of the array."""

    geometry: Geometry

    def start_core(self, core: Core) -> None: ...

    def stop_core(self, tile: TileId) -> None: ...

    def core_ended(self, tile: TileId) -> bool | None:
        """Whether the core's program is at its end; None where none was started."""

    def descriptors(self, tile: TileId) -> dict[int, BufferDescriptor]:
        """The buffer descriptors of a tile by number."""


class CoreControl:
    """Program memories, and the cores' enable and reset.

    Attributes:
        memories: By tile, made when first written; they keep what they hold as data memory does.
    """

    def __init__(self, machine: Machine, code: MachineCode) -> None:
        self._machine = machine
        self._code = code
        self._known: dict[TileId, Core] = {}
        self._paused: set[TileId] = set()
        self.memories: dict[TileId, ProgramMemory] = {}

    def clear(self) -> None:
        """Forget which programs cores had: another configuration is loaded."""
        self._known.clear()
        self._paused.clear()

    def note(self, core: Core) -> None:
        """Remember the program of a core, to start it anew after a reset."""
        self._known[core.tile] = core

    def write(self, tile: TileId, address: int, data: bytes) -> None:
        """Write program memory from byte `address` on.

        Raises:
            UsageError: NPU513, it does not fit.
        """
        from simulator.aie2.machine import ProgramMemory

        memory = self.memories.setdefault(tile, ProgramMemory())
        memory.write(address, data)

    def control(self, tile: TileId, *, enable: bool, reset: bool, origin: Origin = NOWHERE) -> None:
        """Let the core run or not.

        Raises:
            CheckFailed: NPU281, a core is to go on that was stopped in mid-program; NPU282, it has
                no program.
        """
        ended = self._machine.core_ended(tile)
        if reset:
            self._paused.discard(tile)
            self._machine.stop_core(tile)
        elif not enable and ended is False:
            self._machine.stop_core(tile)
            self._paused.add(tile)
        elif enable and ended is None:
            self._start(tile, origin)

    def status(self, tile: TileId) -> CoreStatus:
        """Return whether the core is enabled, and whether its program is at its end."""
        ended = self._machine.core_ended(tile)
        return CoreStatus(enabled=ended is not None, done=bool(ended))

    def _start(self, tile: TileId, origin: Origin) -> None:
        if tile in self._paused:
            raise CheckFailed(
                f"the core of {tile}{origin.bracketed} was disabled while it ran and is enabled "
                "again, and a core that goes on is not modelled",
                cure="reset the core before it is enabled again",
                code="NPU281",
            )
        memory = self.memories.get(tile)
        if memory is not None:
            memory.occupied = self._occupied(tile)
            program = self._code(tile, memory)
            self._machine.start_core(Core(tile=tile, program=program, origin=origin))
        elif tile in self._known:
            self._machine.start_core(self._known[tile])
        elif self._machine.geometry.kind(tile) is TileKind.CORE:
            raise CheckFailed(
                f"the core of {tile}{origin.bracketed} is enabled, and nothing was ever written "
                "to its program memory",
                cure="write the core's program first, as the configuration of a design does",
                code="NPU282",
            )

    def _occupied(self, tile: TileId) -> tuple[int, ...]:
        """Return the core's addresses at which its DMA's buffers in its own memory begin."""
        records = self._machine.descriptors(tile).values()
        return tuple(sorted({OWN_MEMORY + each.address for each in records if each.length}))
