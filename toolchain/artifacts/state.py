"""The array's registers and memories after a configuration: BDs, locks, routes, programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from errors import UsageError
from simulator.array.config import TileId
from simulator.array.geometry import ROWS
from simulator.registers import kind_of, register_of, resolve, tile_map
from simulator.registers.address import COLUMNS
from toolchain.artifacts.writes import TILE_WORDS, RegisterWrite

_WORD = 4
_QUEUE = re.compile(r"_(Start|Task)_Queue$")
_MASTER = "Stream_Switch_Master_Config_"
_SLAVE = "Stream_Switch_Slave_Config_"
_SLOT = re.compile(r"Stream_Switch_Slave_(.+)_Slot\d")
MOST_WORDS = COLUMNS * ROWS * TILE_WORDS
"""Words that one configuration may set: what the address range of the whole array has."""

SWITCH = ("Stream_Switch_Master_", "Stream_Switch_Slave_")
"""Beginnings of the names of registers that make routes."""


class Spot(NamedTuple):
    """A register of a tile; each push to a task queue is a spot of its own, numbered."""

    tile: TileId
    register: str
    push: int = 0

    def __str__(self) -> str:
        return f"{self.tile} {self.register}" + (f" push {self.push}" if self.push else "")


class Route(NamedTuple):
    """A connection in a tile's stream switch; `packet` is the id and mask, if switched so."""

    tile: TileId
    slave: str
    master: str
    packet: tuple[int, int] | None = None
    drop_header: bool = False

    def __str__(self) -> str:
        line = f"{self.tile} {self.slave} -> {self.master}"
        if self.packet is not None:
            line += f" packet {self.packet[0]} mask {self.packet[1]:#x}"
        return line + (" without header" if self.drop_header else "")


@dataclass
class State:
    """What the writes have set.

    Attributes:
        words: The words of each register that was written, by position.
        memories: The words of each memory, by byte offset.
        problems: Writes to addresses without register.
    """

    words: dict[Spot, dict[int, int]] = field(default_factory=dict)
    memories: dict[Spot, dict[int, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, writes: Iterable[RegisterWrite]) -> State:
        """Return the state that `writes` lead to, in order, from unknown."""
        state = cls()
        pushes: dict[tuple[TileId, str], int] = {}
        left = MOST_WORDS
        for write in writes:
            left -= len(write.words)
            if left < 0:
                state.problems.append(f"more than {MOST_WORDS} words are set: the rest is ignored")
                break
            try:
                state._apply(write, pushes)
            except UsageError as error:
                state.problems.append(error.message)
        return state

    def _apply(self, write: RegisterWrite, pushes: dict[tuple[TileId, str], int]) -> None:
        at = 0
        while at < len(write.words):
            place = resolve(write.address + at * _WORD)
            register = place.register
            count = min(len(write.words) - at, (register.size - place.byte) // _WORD)
            words = write.words[at : at + count]
            at += count
            if register.is_memory:
                memory = self.memories.setdefault(Spot(place.tile, register.name), {})
                memory.update(zip(range(place.byte, register.size, _WORD), words, strict=False))
                continue
            number = 0
            if _QUEUE.search(register.name):
                number = pushes.get((place.tile, register.name), 0) + 1
                pushes[place.tile, register.name] = number
            held = self.words.setdefault(Spot(place.tile, register.name, number), {})
            for position, word in enumerate(words, start=place.word):
                held[position] = held.get(position, 0) & ~write.mask | word & write.mask

    def fields(self, spot: Spot) -> dict[str, int]:
        """Return a register's fields, or its plain value under the name ``value``."""
        words = self.words.get(spot, {})
        register = register_of(spot.tile, spot.register)
        return register.decode(words) if register.words else {"value": words.get(0, 0)}

    def routes(self) -> list[Route]:
        """Return the connections of all stream switches."""
        switches: dict[TileId, list[Spot]] = {}
        for spot in self.words:
            if spot.register.startswith(SWITCH):
                switches.setdefault(spot.tile, []).append(spot)
        found = (self._routes_of(tile, spots) for tile, spots in switches.items())
        return sorted((route for routes in found for route in routes), key=str)

    def _routes_of(self, tile: TileId, spots: list[Spot]) -> Iterator[Route]:
        slaves = _slave_ports(tile)
        for spot in spots:
            if not spot.register.startswith(_MASTER):
                continue
            master = _port(spot.register.removeprefix(_MASTER))
            values = self.fields(spot)
            if not values["master_enable"]:
                continue
            target = values["configuration"]
            if values["packet_enable"]:
                yield from self._packet_routes(spots, master, target, values["drop_header"] == 1)
            else:
                slave = slaves[target] if target < len(slaves) else f"slave {target}"
                yield Route(tile, slave, master)

    def _packet_routes(
        self, spots: list[Spot], master: str, target: int, drop: bool
    ) -> Iterator[Route]:
        """Yield the slots that send to a master: `target` is its arbiter and msel bits."""
        arbiter, msels = target & 7, target >> 3
        for spot in spots:
            slot = _SLOT.fullmatch(spot.register)
            if slot is None:
                continue
            values = self.fields(spot)
            chosen = values["arbit"] == arbiter and msels >> values["msel"] & 1
            if values["enable"] and chosen:
                packet = values["id"], values["mask"]
                yield Route(spot.tile, _port(slot[1]), master, packet, drop)


def _port(name: str) -> str:
    """Return a port's name as one word and number: master and slave registers differ."""
    return re.sub(r"_(\d)", r"\1", name)


def _slave_ports(tile: TileId) -> list[str]:
    """Return a tile's slave ports in the order in which a circuit selects them."""
    kind = kind_of(tile)
    if kind is None:
        return []
    return [
        _port(register.name.removeprefix(_SLAVE))
        for register in tile_map(kind).registers
        if register.name.startswith(_SLAVE)
    ]
