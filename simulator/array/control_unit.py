"""A tile's control unit: it executes the control packets that arrive in the stream network.

A control packet is a header word, and data where it writes (AMD AM020, AIE-ML, control
packets): address in bits 19:0, number of data words less one in bits 21:20, operation in
bits 23:22, id of the response in bits 28:24, odd parity in bit 31.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import IntEnum

import numpy as np

from errors import CheckFailed
from simulator.array.config import Packet, TileId
from simulator.array.deadlock import Releasers, Wait, WaitKind
from simulator.array.memory import Words
from simulator.array.packet import header
from simulator.array.pattern import FlatPattern
from simulator.array.races import Races
from simulator.array.registers import Registers
from simulator.array.scheduler import Scheduler
from simulator.array.stream import Inlet, Outlet


class Operation(IntEnum):
    """What a control packet asks for; 2 and 3 write one address over and over."""

    WRITE = 0
    READ = 1


class ControlUnit:
    """The control port of one tile at work.

    Attributes:
        name: ``control unit of tile(0,2)``.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        tile: TileId,
        inlet: Inlet,
        outlet: Outlet,
        registers: Registers,
        *,
        races: Races | None = None,
        keep_header: bool,
    ) -> None:
        """Start it; with `keep_header` each packet arrives with its routing header."""
        self._scheduler = scheduler
        self._tile = tile
        self._inlet = inlet
        self._outlet = outlet
        self._registers = registers
        self._keep_header = keep_header
        self._in_packet = self._responds = False
        self._races = races
        self.name = f"control unit of {tile}"
        self._clock = None if races is None else races.clock(self.name)
        inlet.clock = outlet.clock = self._clock
        work = self._work()
        self._resume = work.__next__
        self._resume()

    def _work(self) -> Generator[None, None, None]:
        while True:
            words = np.empty(1 + self._keep_header, np.uint32)
            yield from self._receive(words)
            self._in_packet = True
            word = int(words[-1])
            address, count = word & 0xFFFFF, (word >> 20 & 3) + 1
            operation = word >> 22 & 3
            if operation == Operation.WRITE:
                data = np.empty(count, np.uint32)
                yield from self._receive(data)
                self._write(address, [int(value) for value in data])
            elif operation == Operation.READ:
                values = self._registers.read(self._tile, address, count)
                yield from self._respond(word >> 24 & 0x1F, values)
            else:
                raise self._refused(f"asks for operation {operation} at {address:#x}")
            self._in_packet = False

    def waits(self, _releasers: Releasers) -> Wait | None:
        """Return what it waits for, see :class:`simulator.array.deadlock.Agent`.

        Between two packets it waits for nothing: whether another comes is for others to say.
        """
        endpoint: Inlet | Outlet = self._outlet if self._responds else self._inlet
        obstacle = endpoint.obstacle() if self._responds or self._in_packet else None
        if obstacle is None:
            return None
        what, by = obstacle
        return Wait(
            who=self.name,
            tile=self._tile,
            kind=WaitKind.STREAM,
            what=f"{what} of {'a response' if self._responds else 'a control packet'}",
            by=by,
            begun=self._in_packet or endpoint.begun,
        )

    def state(self) -> str:
        """Return in words what it does while it waits for nothing."""
        return "has no control packet"

    def _receive(self, into: Words) -> Generator[None, None, None]:
        self._inlet.receive(FlatPattern(into), self._scheduler.now, self._resume)
        yield

    def _respond(self, packet: int, values: list[int]) -> Generator[None, None, None]:
        data = np.array(values, np.uint32)
        first = header(Packet(id=packet), self._tile) if self._outlet.packets else None
        self._responds = True
        self._outlet.send(FlatPattern(data), self._scheduler.now, self._resume, header=first)
        yield
        self._responds = False

    def _write(self, address: int, words: list[int]) -> None:
        if self._races is not None and self._clock is not None:
            self._races.current = self._clock
        written = self._registers.write(self._tile, address, words)
        if self._races is not None:
            self._races.current = self._races.host
        if written < len(words):
            raise self._refused(f"pushes a task to the full queue at {address:#x}")

    def _refused(self, problem: str) -> CheckFailed:
        return CheckFailed(
            f"a control packet to {self._tile} {problem}",
            cure="write or read registers, and wait for a channel's token before the next task",
            code="NPU222",
        )
