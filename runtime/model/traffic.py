"""What DMA channels and the host do in a call, read off a lowered design's records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from errors import CheckFailed
from simulator.array.config import (
    WORD,
    BufferDescriptor,
    ChannelId,
    Configuration,
    Direction,
    TileId,
)
from simulator.array.host import (
    AwaitToken,
    HostRequest,
    PushTask,
    SetLock,
    WriteBd,
    WriteMemory,
)
from simulator.array.timing import (
    BD_START,
    HOST_COMMAND,
    HOST_WRITE_BD,
    LOCK_LATENCY,
    WORDS_PER_CYCLE,
)

Place = tuple[TileId, int]


@dataclass(frozen=True)
class Chain:
    """Buffer descriptors that a channel executes, in order.

    Attributes:
        endless: It begins again at its first one; else it is executed `times`.
    """

    bds: tuple[BufferDescriptor, ...]
    endless: bool
    times: int = 1

    @property
    def words(self) -> int:
        """32-bit words of one turn."""
        return sum(bd.length // WORD for bd in self.bds)

    @property
    def cycles(self) -> int:
        """Cycles of one turn without any waiting: words, descriptors, granted locks."""
        return sum(bd_cycles(bd) for bd in self.bds)

    def packets(self) -> Counter[int | None]:
        """Return the words of one turn by packet id, None for those without a header."""
        found: Counter[int | None] = Counter()
        for bd in self.bds:
            found[bd.packet.id if bd.packet else None] += bd.length // WORD
        return found


def bd_cycles(bd: BufferDescriptor) -> int:
    """Return the cycles of one execution of a descriptor that waits for nobody."""
    granted = LOCK_LATENCY if bd.acquire is not None else 0
    return bd.length // WORD // WORDS_PER_CYCLE + BD_START + granted


@dataclass
class HostWork:
    """What the runtime sequence does in a call.

    Attributes:
        cycles: Of its commands, waits apart.
        chains: What shim channels (and others that it starts) execute, in order.
        started: Cycle after which a channel's first task is queued, if nothing stalls.
        sets: Locks that it sets.
    """

    cycles: int = 0
    chains: dict[ChannelId, list[Chain]] = field(default_factory=dict)
    started: dict[ChannelId, int] = field(default_factory=dict)
    sets: set[Place] = field(default_factory=set)

    @property
    def read_bytes(self) -> int:
        """Bytes that shim channels read from host memory."""
        return self._bytes(Direction.MM2S)

    @property
    def written_bytes(self) -> int:
        """Bytes that shim channels write to host memory."""
        return self._bytes(Direction.S2MM)

    def _bytes(self, direction: Direction) -> int:
        return sum(
            chain.words * chain.times * WORD
            for channel, chains in self.chains.items()
            if channel.direction is direction and channel.tile.row == 0
            for chain in chains
        )


def host_work(configuration: Configuration, commands: Iterable[HostRequest]) -> HostWork:
    """Add up the commands of a runtime sequence.

    Raises:
        CheckFailed: NPU261, it writes registers: what they start is known to a run only.
    """
    work = HostWork()
    bds = {tile: dict(known) for tile, known in configuration.bds.items()}
    for command in commands:
        if isinstance(command, WriteBd):
            work.cycles += HOST_WRITE_BD
            bds.setdefault(command.tile, {})[command.bd] = command.content
        elif isinstance(command, PushTask):
            work.cycles += HOST_COMMAND
            channel = ChannelId(command.tile, command.direction, command.channel)
            task = command.task
            chain = _chain(bds.get(command.tile, {}), task.bd, task.repeat + 1)
            work.chains.setdefault(channel, []).append(chain)
            work.started.setdefault(channel, work.cycles)
        elif isinstance(command, SetLock):
            work.cycles += HOST_COMMAND
            work.sets.add((command.tile, command.lock))
        elif isinstance(command, WriteMemory):
            work.cycles += HOST_COMMAND * max(1, -(-len(command.data) // WORD))
        elif isinstance(command, AwaitToken):
            work.cycles += HOST_COMMAND
        else:
            raise CheckFailed(
                "the performance model cannot count what the runtime sequence does: it makes a "
                f"{type(command).__name__}",
                cure="run the design instead: npulab trace counts cycles as they come",
                code="NPU261",
            )
    return work


def channel_chains(configuration: Configuration) -> dict[ChannelId, list[Chain]]:
    """Return what every channel that starts with the design executes."""
    found: dict[ChannelId, list[Chain]] = {}
    for channel in configuration.channels:
        known = configuration.bds.get(channel.tile, {})
        chains = [_chain(known, task.bd, task.repeat + 1) for task in channel.tasks]
        if chains:
            found[ChannelId(channel.tile, channel.direction, channel.channel)] = chains
    return found


def endless(chains: Sequence[Chain]) -> Chain | None:
    """Return the chain of a channel that never ends, if it has one."""
    return next((chain for chain in chains if chain.endless), None)


def finite(chains: Sequence[Chain]) -> list[Chain]:
    """Return the chains of a channel that end."""
    return [chain for chain in chains if not chain.endless]


def _chain(known: dict[int, BufferDescriptor], first: int, times: int) -> Chain:
    """Follow the descriptors from `first`; of a chain that runs into a ring, keep the ring."""
    order: list[int] = []
    number: int | None = first
    while number is not None and number not in order:
        if number not in known:
            raise CheckFailed(
                f"the performance model cannot count a task: nothing writes descriptor {number}",
                cure="run the design instead: npulab trace says who uses it",
                code="NPU261",
            )
        order.append(number)
        number = known[number].next_bd
    start = order.index(number) if number is not None else 0
    return Chain(tuple(known[one] for one in order[start:]), number is not None, times)
