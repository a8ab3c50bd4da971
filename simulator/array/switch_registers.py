"""The registers of stream switches and shim muxes, read as the settings that they hold.

A master port names the slave that feeds it (a circuit), or an arbiter and the message
selectors that it listens to (packets); a slave's slots choose arbiter and selector by packet
id. Slaves are numbered in the order of their configuration registers (AMD AM025).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

from errors import CheckFailed
from simulator.array.config import TileId
from simulator.array.geometry import Geometry, TileKind
from simulator.array.switches import Bundle, Circuit, Rule, Settings, SwitchPort
from simulator.registers import Register, register_of, tile_map

_MASTER = "Stream_Switch_Master_Config_"
_SLAVE = "Stream_Switch_Slave_Config_"
_SLOT = re.compile(r"Stream_Switch_Slave_(.+)_Slot(\d)")
_PORT = re.compile(r"([A-Za-z_]+?)_?(\d*)")
_MUX, _DEMUX = "Mux_Config", "Demux_Config"
_BUNDLES = {
    "AIE_Core": (Bundle.CORE, 0),
    "AIE_Trace": (Bundle.TRACE, 0),
    "Mem_Trace": (Bundle.TRACE, 1),
    "Tile_Ctrl": (Bundle.CONTROL, 0),
}
"""Names of ports that differ from their bundle's, and the channel where they have no number."""

_DMA_OF_MUX = {"south3": 0, "south7": 1}
"""Inputs of a shim switch that its mux can feed from the DMA, with the MM2S channel."""
_DMA_OF_DEMUX = {"south2": 0, "south3": 1}
"""Outputs of a shim switch that its demux can lead to the DMA, with the S2MM channel."""
_DMA = 1
"""What selects the DMA in mux and demux; 0 is the programmable logic, 2 the network."""


def is_switch(register: Register) -> bool:
    """Tell whether a register is one that makes routes."""
    name = register.name
    return (
        name.startswith((_MASTER, _SLAVE)) or name in (_MUX, _DEMUX) or bool(_SLOT.fullmatch(name))
    )


@dataclass
class SwitchRegisters:
    """What the registers of all switches hold.

    Attributes:
        words: By tile, then by the register's name.
    """

    words: dict[TileId, dict[str, int]] = field(default_factory=dict)

    def write(self, tile: TileId, register: Register, word: int, mask: int) -> None:
        """Set the bits of a register that `mask` covers."""
        held = self.words.setdefault(tile, {})
        held[register.name] = held.get(register.name, 0) & ~mask | word & mask

    def settings(self, geometry: Geometry) -> Settings:
        """Return the settings of all switches.

        Raises:
            CheckFailed: NPU280, a circuit names a slave that the switch does not have.
        """
        settings = Settings()
        for tile, words in self.words.items():
            switch = _Switch(tile, geometry.kind(tile), words)
            switch.read(settings)
        return settings


class _Switch:
    """The registers of one tile's switch."""

    def __init__(self, tile: TileId, kind: TileKind, words: dict[str, int]) -> None:
        self._tile, self._kind = tile, kind
        self._fields = {
            name: register_of(tile, name).decode({0: word}) for name, word in words.items()
        }

    def read(self, settings: Settings) -> None:
        selected: dict[tuple[int, int], list[tuple[SwitchPort, bool]]] = {}
        for name, fields in self._fields.items():
            if not name.startswith(_MASTER) or not fields["master_enable"]:
                continue
            target = self._port(name.removeprefix(_MASTER))
            choice = fields["configuration"]
            if not fields["packet_enable"]:
                self._read_circuit(settings, target, choice)
                continue
            for msel in range(4):
                if choice >> 3 >> msel & 1:
                    branch = target, not fields["drop_header"]
                    selected.setdefault((choice & 7, msel), []).append(branch)
        self._read_slots(settings, selected)
        self._read_mux(settings)

    def _read_circuit(self, settings: Settings, target: SwitchPort, slave: int) -> None:
        names = _slaves(self._kind)
        if slave >= len(names):
            raise CheckFailed(
                f"the stream switch of {self._tile} is to feed {target.bundle}:{target.channel} "
                f"from slave {slave}, and its slaves are 0..{len(names) - 1}",
                cure="check that the artifact was built for npu1 (Phoenix)",
                code="NPU280",
            )
        name = names[slave]
        slave_fields = self._fields.get(_SLAVE + name, {})
        if slave_fields.get("slave_enable") and not slave_fields["packet_enable"]:
            settings.circuits[self._port(name)].append(Circuit(target))

    def _read_slots(
        self,
        settings: Settings,
        selected: dict[tuple[int, int], list[tuple[SwitchPort, bool]]],
    ) -> None:
        for name, fields in sorted(self._fields.items()):
            slot = _SLOT.fullmatch(name)
            if slot is None or not fields["enable"]:
                continue
            slave = self._fields.get(_SLAVE + slot[1], {})
            if not slave.get("slave_enable") or not slave["packet_enable"]:
                continue
            targets = selected.get((fields["arbit"], fields["msel"]), [])
            mask = fields["mask"]
            rule = Rule(mask, fields["id"] & mask, tuple(targets))
            settings.rules[self._port(slot[1])].append(rule)

    def _read_mux(self, settings: Settings) -> None:
        for name, channels in ((_MUX, _DMA_OF_MUX), (_DEMUX, _DMA_OF_DEMUX)):
            fields = self._fields.get(name, {})
            for port, channel in channels.items():
                if fields.get(port) != _DMA:
                    continue
                dma = SwitchPort(self._tile, Bundle.DMA, channel, mux=True)
                inner = SwitchPort(self._tile, Bundle.NORTH, int(port[-1]), mux=True)
                source, target = (dma, inner) if name == _MUX else (inner, dma)
                settings.circuits[source].append(Circuit(target))

    def _port(self, name: str) -> SwitchPort:
        """Return the port of a register's name, such as ``DMA_0``, ``South3``, ``AIE_Core0``."""
        parts = _PORT.fullmatch(name)
        word, number = (parts[1], parts[2]) if parts else (name, "")
        if word in _BUNDLES:
            bundle, channel = _BUNDLES[word]
            return SwitchPort(self._tile, bundle, channel)
        return SwitchPort(self._tile, Bundle(word), int(number or 0))


@cache
def _slaves(kind: TileKind) -> tuple[str, ...]:
    """Return the names of a switch's slaves in the order in which circuits select them."""
    return tuple(
        register.name.removeprefix(_SLAVE)
        for register in tile_map(kind).registers
        if register.name.startswith(_SLAVE)
    )
