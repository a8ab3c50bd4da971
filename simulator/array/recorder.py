"""What happened when: the hook for a timeline, and the counters of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from errors import CheckFailed
from simulator.array.config import ChannelId, Port, TileId


class Recorder(Protocol):
    """Hears of every stretch of work or waiting; an array without one pays nothing."""

    def span(self, start: int, end: int, tile: TileId | None, track: str, what: str) -> None:
        """Note that `track` (``core``, ``MM2S:0``, ``host``) did `what` in [start, end) cycles.

        `tile` is None for the host.
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
