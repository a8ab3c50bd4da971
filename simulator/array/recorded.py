"""Streams and locks that tell a recorder: an array without one is built of the plain ones."""

from __future__ import annotations

from simulator.array.config import NOWHERE, Port, TileId
from simulator.array.locks import Semaphore
from simulator.array.memory import Words
from simulator.array.pattern import Pattern
from simulator.array.recorder import Recorder
from simulator.array.scheduler import Action, Scheduler
from simulator.array.stream import Inlet, Outlet


class RecordedOutlet(Outlet):
    """An outlet that tells what left it, and when."""

    __slots__ = ("_recorder",)

    def __init__(
        self, scheduler: Scheduler, port: Port, user: str, rate: int, recorder: Recorder
    ) -> None:
        super().__init__(scheduler, port, user, rate)
        self._recorder = recorder

    def _move(self) -> None:
        words = self._slice
        if words:
            end = self._scheduler.now
            to = tuple(inlet.port for inlet in self.inlets)
            self._recorder.moved(end - -(-words // self.rate), end, self.port, words, to)
        super()._move()


class RecordedInlet(Inlet):
    """An inlet that tells what its receiver took, and how full the FIFOs before it are."""

    __slots__ = ("_recorder", "_replays")

    def __init__(self, scheduler: Scheduler, port: Port, user: str, recorder: Recorder) -> None:
        super().__init__(scheduler, port, user)
        self._recorder = recorder
        self._replays = False

    def receive(self, pattern: Pattern, ready: int, done: Action) -> None:
        self._replays = self.level > 0
        super().receive(pattern, ready, done)

    def accept(self, data: Words) -> None:
        taken, before = min(self.need, len(data)), self.level
        now, replays, self._replays = self._scheduler.now, self._replays, False
        super().accept(data)
        if taken:
            # What waited in the FIFOs is taken when the receiver begins.
            end = self.ready if replays else now + self.latency
            rate = self.feeder.rate if self.feeder is not None else 1
            self._recorder.arrived(end - -(-taken // rate), end, self.port, taken)
        if replays or self.level != before:
            counter = f"FIFO of {self.port.kind}:{self.port.channel}"
            self._recorder.level(now, self.port.tile, counter, self.level)


class RecordedSemaphore(Semaphore):
    """A lock that tells each value that it has."""

    __slots__ = ("_recorder", "_value")

    def __init__(self, scheduler: Scheduler, tile: TileId, index: int, recorder: Recorder) -> None:
        self._recorder = recorder
        self._value = 0
        self.origin = NOWHERE
        super().__init__(scheduler, tile, index)

    @property
    def value(self) -> int:
        """0..63."""
        return self._value

    @value.setter
    def value(self, value: int) -> None:
        self._value = value
        now, name = self._scheduler.now, self.origin.name
        self._recorder.level(now, self.tile, f"lock {self.index}", value, name)
