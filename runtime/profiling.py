"""What a profiled run of a binary showed, with the names of its cores' functions.

::

    watched = Watched(Programs([Path("main_core_0_2.elf")]))
    listener = Listener(watched)
    load(image, instructions, recorder=listener, code=watched)(x, y)
    profiled("design", watched, listener).cores[0].functions     # cycles, longest first
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from errors import LabError, UsageError
from simulator.aie2.elf import LinkedProgram, load
from simulator.aie2.machine import ProgramMemory, Symbols
from simulator.aie2.profile.inspector import Inspectors
from simulator.aie2.profile.listener import Listener
from simulator.aie2.profile.result import CoreProfile, profile_of
from simulator.array.config import CoreProgram, TileId
from simulator.clock import CLOCK_HZ
from simulator.timeline.records import Timeline
from toolchain.artifacts.inspect import read_bytes

_CORE = re.compile(r"core_(\d+)_(\d+)\.elf$")
"""How aiecc names the program of a core: by its column and row."""


@dataclass(frozen=True, kw_only=True)
class Profiled:
    """What a profiled run showed. All cycles are modelled.

    Attributes:
        title: What ran.
        cores: Those that ran machine code, by tile.
        findings: What looks wrong in their machine code.
        failure: Why the run was given up.
        timeline: What happened when, up to a failure.
    """

    title: str
    cores: tuple[CoreProfile, ...]
    findings: tuple[LabError, ...]
    failure: LabError | None
    timeline: Timeline


class Programs:
    """The ELF files of cores, for the names of their functions.

    Args:
        files: ELF files: of the core that the name says (``main_core_0_2.elf``), else of
            every core.

    Raises:
        UsageError: NPU514, one is no linked AIE2 program.
    """

    def __init__(self, files: Iterable[Path] = ()) -> None:
        self._by_tile: dict[TileId | None, tuple[Path, LinkedProgram]] = {}
        for path in files:
            found = _CORE.search(path.name)
            tile = TileId(int(found[1]), int(found[2])) if found else None
            self._by_tile[tile] = path, load(read_bytes(path))

    def symbols(self, tile: TileId, code: ProgramMemory) -> Symbols | None:
        """Return the names of a core's functions, None where no file has them.

        Raises:
            UsageError: NPU520, the file is of another program than the core's.
        """
        path, program = self._by_tile.get(tile) or self._by_tile.get(None) or (None, None)
        if program is None:
            return None
        for address, data in program.code:
            if bytes(code.data[address : address + len(data)]) != data:
                raise UsageError(
                    f"{path} is another program than the one of {tile}'s core: their bytes"
                    f" differ within the {len(data):,} from {address:#x} on",
                    cure="give the ELF file of the same build, its tile in its name:"
                    f" core_{tile.col}_{tile.row}.elf",
                    code="NPU520",
                )
        return program.symbols


class Watched(Inspectors):
    """Inspectors of cores whose functions' names come from ELF files."""

    def __init__(self, programs: Programs, *, checked: bool = True) -> None:
        super().__init__(checked=checked)
        self._programs = programs

    def __call__(self, tile: TileId, memory: ProgramMemory) -> CoreProgram:
        """See :data:`simulator.array.core_control.MachineCode`."""
        if tile not in self.cores:
            found = self._programs.symbols(tile, memory)
            if found is not None:
                self.names[tile] = found
        return super().__call__(tile, memory)


def profiled(
    title: str,
    inspectors: Inspectors,
    listener: Listener,
    failure: LabError | None = None,
) -> Profiled:
    """Return what the inspectors and the recorder of a run saw.

    Args:
        title: What ran.
        inspectors: Those of its cores.
        listener: Its recorder.
        failure: Why it was given up.
    """
    cores = [core for _, core in sorted(inspectors.cores.items())]
    return Profiled(
        title=title,
        cores=tuple(profile_of(core) for core in cores),
        findings=tuple(inspectors.findings()),
        failure=failure,
        timeline=listener.timeline(title, CLOCK_HZ),
    )
