"""Where the time of a run went: shares of every resource, what bounds the run, rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.array.config import WORD
from simulator.array.recorder import Doing
from simulator.timeline.banks import Meetings, meetings
from simulator.timeline.records import Role, Timeline, Track, place_name

BOUND = 0.5
"""Share of a run from which on its busiest resource is said to bound it."""

_SHIM_PORT_LIMIT = WORD
"""Bytes a cycle of one shim DMA channel: a 32-bit stream."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """Where the cycles of one resource went, as shares of the run.

    Attributes:
        direction: ``MM2S`` or ``S2MM`` of a DMA channel, empty for others.
        place: ``shim``, ``memory`` or ``core``; empty for the host.
        work: Computing, moving words, or executing host commands.
        setup: Latency of locks, of BDs, of host memory.
        lock: Waiting for a lock.
        stream: Waiting for the peer of a transfer.
        host: Waiting for a task token or for a free place in a task queue.
        idle: Nothing to do.
        most: Who ended most of its waiting, and the share of the run that this took.
    """

    who: str
    role: Role
    direction: str
    place: str
    work: float
    setup: float
    lock: float
    stream: float
    host: float
    idle: float
    words: int
    most: tuple[str, float] | None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a timeline says in numbers; every one is modelled.

    Attributes:
        shares: Of all resources but streams, the busiest first.
        chain: From the host on, each waiting most for the next.
        read: Bytes that shim DMAs sent into the array.
        written: Bytes that they received.
        read_ports: Shim channels that sent.
        written_ports: Shim channels that received.
        ops: Operations of the call by the kernel's contract (a multiply-accumulate is two);
            None without a contract.
        banks: What may have met in the tiles' memories; empty where spans were merged.
    """

    title: str
    cycles: int
    clock_hz: int
    shares: tuple[Share, ...]
    chain: tuple[str, ...]
    read: int
    written: int
    read_ports: int
    written_ports: int
    ops: int | None
    banks: tuple[Meetings, ...]
    resolution: int

    @property
    def seconds(self) -> float:
        """Time of the run at the assumed clock."""
        return self.cycles / self.clock_hz

    def rate(self, nbytes: int) -> float:
        """Return gigabytes a second for bytes moved in the run."""
        return nbytes * self.clock_hz / self.cycles / 1e9 if self.cycles else 0.0

    def limit(self, ports: int) -> float:
        """Return the gigabytes a second that so many shim channels can move."""
        return ports * _SHIM_PORT_LIMIT * self.clock_hz / 1e9

    def verdict(self) -> str:
        """Return in a sentence what bounds the run."""
        if not self.shares:
            return "nothing happened"
        first = self.shares[0]
        if first.work >= BOUND:
            what = {
                Role.CORE: "computing",
                Role.DMA: "moving words at the stream's rate",
                Role.HOST: "executing commands",
                Role.STREAM: "moving words",
            }[first.role]
            return f"{first.who} bounds the run: it is busy {first.work:.0%} of it, {what}"
        return (
            f"nothing is busy for half of the run: latencies and waits bound it. The busiest is "
            f"{first.who} with {first.work:.0%}"
        )


def summarise(timeline: Timeline, ops: int | None = None) -> Summary:
    """Return the summary of a run.

    Args:
        timeline: The run.
        ops: Operations that it did by the kernel's contract.
    """
    shares = [_share(track, timeline.cycles) for track in timeline.tracks]
    resources = sorted(
        (share for share in shares if share.role is not Role.STREAM), key=lambda one: -one.work
    )
    shim = [track for track in timeline.tracks if track.role is Role.DMA and _at_shim(track)]
    reads = [track for track in shim if track.name.startswith("MM2S")]
    writes = [track for track in shim if track.name.startswith("S2MM")]
    return Summary(
        title=timeline.title,
        cycles=timeline.cycles,
        clock_hz=timeline.clock_hz,
        shares=tuple(resources),
        chain=chain(timeline.tracks),
        read=WORD * sum(track.words for track in reads),
        written=WORD * sum(track.words for track in writes),
        read_ports=len(reads),
        written_ports=len(writes),
        ops=ops,
        banks=meetings(timeline) if not timeline.resolution else (),
        resolution=timeline.resolution,
    )


def chain(tracks: Sequence[Track]) -> tuple[str, ...]:
    """Return names from the host on, each waiting most for the next.

    It ends with who works at least as long as it waits for any other, with who is not
    known, or with a name that was there before.
    """
    by_name = {track.who: track for track in tracks}
    names = [track.who for track in tracks if track.role is Role.HOST][:1]
    while names and names[-1] in by_name and names[-1] not in names[:-1]:
        track = by_name[names[-1]]
        if not track.waits:
            break
        peer = max(track.waits, key=lambda name: track.waits[name])
        if track.busy >= track.waits[peer]:
            break
        names.append(peer)
    return tuple(names)


def _share(track: Track, cycles: int) -> Share:
    total = cycles or 1
    parts = {doing: track.cycles.get(doing, 0) / total for doing in Doing}
    most = max(track.waits.items(), key=lambda item: item[1], default=None)
    return Share(
        who=track.who,
        role=track.role,
        direction=track.name.partition(":")[0] if track.role is Role.DMA else "",
        place=place_name(track.tile).partition(" ")[2],
        work=parts[Doing.WORK],
        setup=parts[Doing.SETUP],
        lock=parts[Doing.LOCK],
        stream=parts[Doing.STREAM],
        host=parts[Doing.TOKEN] + parts[Doing.QUEUE],
        idle=max(0.0, 1 - sum(parts.values())),
        words=track.words,
        most=None if most is None else (most[0], most[1] / total),
    )


def _at_shim(track: Track) -> bool:
    return track.tile is not None and track.tile.row == 0
