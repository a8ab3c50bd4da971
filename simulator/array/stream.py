"""Streams: where they start (outlets), where they end (inlets), and what is on the way.

A transfer is a rendezvous: the sender of an outlet offers a pattern of words, the receiver
of each inlet wants one, and whole slices are copied from memory to memory when their last
word has left the sender. Between them stand the FIFOs of the stream switches
(:data:`simulator.array.timing.HOP_DEPTH` words a hop). The model puts words there only
where that can be noticed: when it lets a sender finish, or another receiver of a
broadcast. A FIFO that would only fill and wait changes nothing but when its words are read.

A broadcast moves in lockstep: no branch gets a word that another cannot take. A packet
owns the inlets that its id leads to from its header to its last word.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from errors import CheckFailed
from simulator.array.config import NOWHERE, Origin, Port
from simulator.array.memory import Words
from simulator.array.packet import packet_id
from simulator.array.pattern import FlatPattern, Pattern
from simulator.array.races import Clock
from simulator.array.scheduler import Action, Scheduler

_EMPTY: Words = np.empty(0, np.uint32)
_NO_WORDS = FlatPattern(_EMPTY)


def _nothing() -> None:
    """Stand in for what runs after a transfer while there is none."""


class Inlet:
    """The end of one or more routes: an S2MM channel or a core's input port.

    Attributes:
        port: Which one.
        user: Name of who receives there, for messages.
        capacity: Words that the FIFOs on the way hold.
        latency: Cycles from the sender to here.
        level: Words in the FIFOs now.
        need: Words that the receiver still wants, 0 if there is none.
        wanted: Words of the receiver's whole transfer.
        ready: Cycle from which the receiver takes words.
        feeder: The outlet whose words arrive here now.
        sources: All outlets with a route to here.
        queue: Outlets whose packets wait until the current one ends.
        clock: What the receiver knows of the others' time.
    """

    __slots__ = (
        "_done",
        "_fifo",
        "_pattern",
        "_scheduler",
        "capacity",
        "clock",
        "feeder",
        "latency",
        "level",
        "need",
        "port",
        "queue",
        "ready",
        "sources",
        "user",
        "wanted",
    )

    def __init__(self, scheduler: Scheduler, port: Port, user: str) -> None:
        self._scheduler = scheduler
        self._fifo = _EMPTY
        self._pattern: Pattern = _NO_WORDS
        self._done: Action = _nothing
        self.port = port
        self.user = user
        self.capacity = 0
        self.latency = 0
        self.level = 0
        self.need = 0
        self.wanted = 0
        self.ready = 0
        self.feeder: Outlet | None = None
        self.sources: list[Outlet] = []
        self.queue: list[Outlet] = []
        self.clock: Clock | None = None

    def receive(self, pattern: Pattern, ready: int, done: Action) -> None:
        """Take the next words into `pattern` from cycle `ready` on; `done` runs after the last."""
        self._pattern = pattern
        self._done = done
        self.need = self.wanted = pattern.length
        self.ready = ready
        if self.level:
            held, self._fifo, self.level = self._fifo, _EMPTY, 0
            self.ready += min(len(held), self.need)
            self.accept(held)
        if self.feeder is not None:
            self.feeder.pump()

    def abort(self) -> None:
        """Want nothing any more; words that are on the way stay there."""
        self.need = self.wanted = 0
        self._pattern = _NO_WORDS

    def wake(self) -> None:
        """Let the outlets try whose packets wait for this inlet, who came first goes first."""
        waiting, self.queue = self.queue, []
        for outlet in waiting:
            outlet.pump()

    @property
    def begun(self) -> bool:
        """Whether some of the words that the receiver wants have come, and not all."""
        return 0 < self.need < self.wanted

    def obstacle(self) -> tuple[str, tuple[str, ...]]:
        """Return in words what the receiver waits for, and who could end it."""
        came = f"for words: {self.wanted - self.need} of {self.wanted} came"
        if not self.sources:
            return f"{came}, no route leads to {self.port}", ()
        sources = [self.feeder] if self.feeder is not None else self.sources
        return came, tuple(outlet.user for outlet in sources)

    def accept(self, data: Words) -> None:
        """Take words that have arrived: for the receiver first, the rest into the FIFO."""
        need, count = self.need, len(data)
        if need:
            start = self.wanted - need
            if count > need:
                self._pattern.put(start, self.wanted, data[:need])
            else:
                self._pattern.put(start, start + count, data)
            self.need = max(need - count, 0)
            if not self.need:
                now = self._scheduler.now
                self._scheduler.at(max(now + self.latency, self.ready), self._done)
        if count > need:
            self._fifo = np.concatenate((self._fifo, data[need:]))
            self.level = len(self._fifo)


class Branch(NamedTuple):
    """One destination of a packet id, and whether the header goes there too."""

    inlet: Inlet
    keep_header: bool


class Outlet:
    """The start of one or more routes: an MM2S channel or a core's output port.

    Attributes:
        port: Which one.
        user: Name of who sends there, for messages.
        rate: Words per cycle.
        inlets: Where its words go now: the destinations of a circuit, or of the current packet.
        packets: Destinations by packet id, on a packet-switched outlet.
        left: Words of the current transfer that have not left yet.
        length: Words of the current transfer.
        words: Words that have left in all.
        busy: Cycles in which words left.
        blocker: The inlet of another's packet that the next packet waits for.
        clock: What the sender knows of the others' time.
        origin: Where the design says what it sends now.
    """

    __slots__ = (
        "_done",
        "_ends_packet",
        "_header",
        "_in_packet",
        "_moving",
        "_pattern",
        "_ready",
        "_scheduler",
        "_sending",
        "_slice",
        "blocker",
        "busy",
        "clock",
        "inlets",
        "left",
        "length",
        "origin",
        "packets",
        "port",
        "rate",
        "user",
        "words",
    )

    def __init__(self, scheduler: Scheduler, port: Port, user: str, rate: int) -> None:
        self._scheduler = scheduler
        self._pattern: Pattern = _NO_WORDS
        self._done: Action = _nothing
        self._header: int | None = None
        self._ends_packet = True
        self._in_packet = False
        self._sending = False
        self._moving = False
        self._ready = 0
        self._slice = 0
        self.port = port
        self.user = user
        self.rate = rate
        self.inlets: list[Inlet] = []
        self.packets: dict[int, list[Branch]] = {}
        self.left = 0
        self.length = 0
        self.words = 0
        self.busy = 0
        self.blocker: Inlet | None = None
        self.origin: Origin = NOWHERE
        self.clock: Clock | None = None

    def send(
        self,
        pattern: Pattern,
        ready: int,
        done: Action,
        *,
        header: int | None = None,
        last: bool = True,
    ) -> None:
        """Send the words of `pattern` from cycle `ready` on; `done` runs when the last has left.

        Args:
            pattern: What to send.
            ready: When the first word is there.
            done: What to run afterwards.
            header: Packet header to send in front; None on a circuit, within a packet, or
                where the first word of the pattern is the header.
            last: The last word ends the packet.
        """
        self._pattern = pattern
        self._sending = True
        self._ready = ready
        self._done = done
        self._header = header
        self._ends_packet = last
        self.left = self.length = pattern.length
        self.pump()

    def pump(self) -> None:
        """Start to move words if all who take part can; called whenever one of them changes."""
        if self._moving or not self._sending:
            return
        if self.packets and not (self._in_packet or self._open_packet()):
            return
        words = room = self.left
        start = self._ready
        for inlet in self.inlets:
            if inlet.need:
                words = min(words, inlet.need)
                start = max(start, inlet.ready - inlet.latency)
            else:
                room = min(room, inlet.capacity - inlet.level)
        if words > room or not self.inlets:
            return
        cycles = -(-words // self.rate)
        self.busy += cycles
        self._slice = words
        self._moving = True
        self._scheduler.at(max(self._scheduler.now, start + cycles), self._move)

    @property
    def begun(self) -> bool:
        """Whether some of the words of the transfer have gone, and not all."""
        return 0 < self.left < self.length

    def obstacle(self) -> tuple[str, tuple[str, ...]] | None:
        """Return in words what the sender waits for, and who could end it; None: it does not."""
        if self._moving or not self._sending:
            return None
        gone = f"to send words: {self.length - self.left} of {self.length} are gone"
        if self.blocker is not None and self.blocker.feeder is not None:
            return f"{gone}, another packet has {self.blocker.port}", (self.blocker.feeder.user,)
        if not self.inlets:
            return f"{gone}, no route leaves {self.port}", ()
        full = [inlet for inlet in self.inlets if not inlet.need]
        ports = " and ".join(str(inlet.port) for inlet in full)
        takes = "takes" if len(full) == 1 else "take"
        return f"{gone}, {ports} {takes} none", tuple(inlet.user for inlet in full)

    def abort(self) -> None:
        """Send nothing any more; a packet that was begun ends here."""
        self._scheduler.cancel(self._move)
        self._moving = self._sending = False
        self.left = self.length = 0
        if self._in_packet:
            self._close_packet()

    def _move(self) -> None:
        """Hand over the slice whose last word has just left."""
        self._moving = False
        words = self._slice
        if words:
            start = self.length - self.left
            data = self._pattern.take(start, start + words)
            if self.clock is not None:
                self._tell(self.clock, words)
            for inlet in self.inlets:
                inlet.accept(data)
            self.left -= words
            self.words += words
        if self.left:
            self._ready = self._scheduler.now
            self.pump()
            return
        self._sending = False
        if self._in_packet and self._ends_packet:
            self._close_packet()
        self._done()

    def _tell(self, clock: Clock, words: int) -> None:
        """Let receivers know what the sender knows; more words than the FIFOs hold also tell
        the sender that the receiver has begun.
        """
        for inlet in self.inlets:
            if inlet.clock is not None:
                if inlet.need and words > inlet.capacity:
                    inlet.clock.tell(clock.known)
                clock.tell(inlet.clock.known)

    def _open_packet(self) -> bool:
        """Claim the inlets of the next packet and send its header; False: they are not free."""
        in_data = self._header is None
        header = self._header if self._header is not None else int(self._pattern.take(0, 1)[0])
        branches = self.packets.get(packet_id(header))
        if branches is None:
            raise CheckFailed(
                f"{self.user}{self.origin.bracketed} sends a packet with id "
                f"{packet_id(header)}, and no route from "
                f"{self.port} takes it (ids routed: {', '.join(map(str, sorted(self.packets)))})",
                cure="give the packet flow and the BD or header word the same id",
                code="NPU214",
            )
        for inlet, _ in branches:
            if inlet.feeder is not None:
                self.blocker = inlet
                inlet.queue.append(self)
                return False
        self.blocker = None
        self._in_packet = True
        self.inlets = [branch.inlet for branch in branches]
        for inlet, keep in branches:
            inlet.feeder = self
            if keep:
                inlet.accept(np.array([header], np.uint32))
        self._ready = max(self._ready, self._scheduler.now) + 1
        if in_data:
            self.left -= 1
        return True

    def _close_packet(self) -> None:
        """Give the inlets of the packet back, to whoever waits first."""
        self._in_packet = False
        inlets, self.inlets = self.inlets, []
        for inlet in inlets:
            inlet.feeder = None
        for inlet in inlets:
            inlet.wake()
