"""What happened when: the hook for a timeline, and the counters of a run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from errors import CheckFailed
from simulator.array.config import NOWHERE, BufferDescriptor, ChannelId, Origin, Port, TileId


class Doing(StrEnum):
    """What somebody does at a moment."""

    WORK = "work"
    SETUP = "set-up"
    LOCK = "wait for lock"
    STREAM = "wait for stream"
    TOKEN = "wait for token"  # noqa: S105  a task's completion, no secret
    QUEUE = "wait for queue"


class Activity(NamedTuple):
    """What somebody does from a moment on.

    Attributes:
        doing: Its kind. STREAM stands for a whole transfer: the words that the recorder hears
            of tell when it moved and when it waited for its peer.
        what: The same in words, for people.
        origin: The design line that asks for it.
        ready: Cycle from which a transfer could move words: until then it is set up.
        transfer: The BD that is executed.
        lock: The lock that is waited for.
        peer: Name of who is waited for, where that is known already.
    """

    doing: Doing
    what: str
    origin: Origin = NOWHERE
    ready: int = 0
    transfer: BufferDescriptor | None = None
    lock: tuple[TileId, int] | None = None
    peer: str = ""


class Recorder(Protocol):
    """Hears of all that happens; an array without one pays nothing.

    Cycles are those of the array's clock. Those of one track never go back.
    """

    def began(self, cycle: int) -> None:
        """Note that a run of a host program begins."""

    def ended(self, cycle: int) -> None:
        """Note that it is over, by its end or by an error."""

    def loaded(self, cycle: int) -> None:
        """Note that another configuration is loaded: all stop but the host."""

    def enter(self, cycle: int, tile: TileId | None, track: str, activity: Activity | None) -> None:
        """Note that `track` (``core``, ``MM2S:0``, ``host``) of `tile` does `activity` from now on.

        Args:
            cycle: From when on; its last activity ends here.
            tile: Where, None for the host.
            track: Who.
            activity: What; None for nothing.
        """

    def moved(self, start: int, end: int, port: Port, words: int, to: tuple[Port, ...]) -> None:
        """Note that `words` left `port` for `to` in cycles [start, end)."""

    def arrived(self, start: int, end: int, port: Port, words: int) -> None:
        """Note that the receiver at `port` took `words` in cycles [start, end)."""

    def released(self, cycle: int, tile: TileId, lock: int, by: str) -> None:
        """Note that `by` released a lock."""

    def level(self, cycle: int, tile: TileId, counter: str, value: int, name: str = "") -> None:
        """Note that a counter of `tile` has a value from now on.

        Args:
            cycle: From when on.
            tile: Where.
            counter: ``lock 3``, ``FIFO of DMA:0`` (words), ``tasks of MM2S:0``.
            value: Its value.
            name: The design's name for what is counted, where it has one.
        """


class ChannelUse(NamedTuple):
    """What a DMA channel did.

    Attributes:
        executed: BDs executed to their end.
        words: 32-bit words of payload in them.
        busy: Cycles from each BD's granted lock to its end, stalls of its peer included.
    """

    executed: int
    words: int
    busy: int


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What the parts of the array did.

    Attributes:
        cores: Cycles that each core computed (the sum of its delays).
        channels: The DMA channels.
        routes: 32-bit words that left each port.
        events: Scheduler actions: the simulator's own work.
    """

    cores: dict[TileId, int]
    channels: dict[ChannelId, ChannelUse]
    routes: dict[Port, int]
    events: int

    def since(self, before: Counters) -> Counters:
        """Return what was done after `before`; who did nothing is left out."""
        nothing = ChannelUse(0, 0, 0)
        return Counters(
            cores={k: n for k, v in self.cores.items() if (n := v - before.cores.get(k, 0))},
            channels={
                channel: ChannelUse(*(a - b for a, b in zip(use, old, strict=True)))
                for channel, use in self.channels.items()
                if use != (old := before.channels.get(channel, nothing))
            },
            routes={k: n for k, v in self.routes.items() if (n := v - before.routes.get(k, 0))},
            events=self.events - before.events,
        )


@dataclass(frozen=True, kw_only=True)
class RunStats:
    """What one run did.

    Attributes:
        cycles: From the first host command to the end of the host program.
        host_cycles: Of these, cycles that the host program spent in commands, not waiting.
        written: For each host buffer a mask of its bytes (bool, shape (nbytes,), perhaps
            read-only) that a shim S2MM channel wrote in this run; None for one that none was
            to write.
        work: What cores, channels and routes did in this run.
        findings: What the hardware survives and a right design seldom does, to raise or to
            print: NPU219, a DMA sent memory that nobody had written; NPU220, a shim channel
            had unfinished tasks when the host program ended.
    """

    cycles: int
    host_cycles: int
    written: tuple[npt.NDArray[np.bool_] | None, ...]
    work: Counters
    findings: tuple[CheckFailed, ...]
