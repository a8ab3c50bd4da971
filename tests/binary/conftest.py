"""Register writes by name, as the configurations of these tests are made of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from simulator.array.array import Array
from simulator.array.config import TileId
from simulator.array.core_control import MachineCode, machine_code
from simulator.array.host import Limits
from simulator.binary.commands import Command, RegisterWrite
from simulator.binary.configuration import configuration
from simulator.binary.executable import Executable
from simulator.registers import address_of, kind_of, register_of, tile_map

_SLAVE = "Stream_Switch_Slave_Config_"
_FULL = 0xFFFFFFFF


class Writes:
    """Makes commands, and arrays that they configure."""

    shim, mem, core = TileId(0, 0), TileId(0, 1), TileId(0, 2)
    limits = Limits(max_cycles=1_000_000, max_seconds=20)

    def __call__(
        self, tile: TileId, name: str, *, under: int = _FULL, **fields: int
    ) -> RegisterWrite:
        """Return the write that gives a register's fields these values, and the others 0.

        Only bits of `under` change.
        """
        words = tuple(register_of(tile, name).encode(**fields))
        return RegisterWrite(address_of(tile, name), words, under)

    def circuit(self, tile: TileId, master: str, slave: str) -> list[RegisterWrite]:
        """Return the writes of a circuit from a slave to a master port of one switch."""
        kind = kind_of(tile)
        assert kind is not None
        names = [r.name for r in tile_map(kind).registers if r.name.startswith(_SLAVE)]
        number = names.index(_SLAVE + slave)
        name = f"Stream_Switch_Master_Config_{master}"
        return [
            self(tile, name, configuration=number, master_enable=1),
            self(tile, _SLAVE + slave, slave_enable=1),
        ]

    def through(self) -> list[RegisterWrite]:
        """Return the writes of circuits from the shim's DMA to the core tile's and back."""
        return [
            *self.circuit(self.shim, "North1", "South_3"),
            *self.circuit(self.shim, "South2", "North_0"),
            *self.circuit(self.mem, "North1", "South_1"),
            *self.circuit(self.mem, "South0", "North_0"),
            *self.circuit(self.core, "DMA0", "South_1"),
            *self.circuit(self.core, "South0", "DMA_0"),
            self(self.shim, "Mux_Config", south3=1),
            self(self.shim, "Demux_Config", south2=1),
        ]

    def array(self, *commands: Command, code: MachineCode = machine_code) -> Array:
        """Return an array that holds what the commands configure."""
        return Array(configuration(commands), code=code)

    def executable(
        self, *images: Iterable[Command], code: MachineCode = machine_code
    ) -> Executable:
        """Return the executable of images, numbered from 1; the first one is loaded."""
        made = {number: configuration(image) for number, image in enumerate(images, 1)}
        return Executable(made, 1, limits=self.limits, code=code)


@pytest.fixture(scope="session")
def w() -> Writes:
    return Writes()


@pytest.fixture(scope="session")
def passthrough() -> Path:
    """The folder of a real xclbin that copies 16384 bytes, with its instructions."""
    return Path(__file__).parent.parent / "binaries" / "passthrough"
