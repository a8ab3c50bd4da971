"""How long a call takes to reach each part of the array, and to come back from it.

*Fill* of somebody is the time until the first data that it needs is there; *drain* the time
from its last step until the host has seen the last word. Both follow the design's dependencies,
streams and locks, each step at the rate it has without waiting.
"""

from __future__ import annotations

from collections.abc import Iterator

from runtime.model.balance import Actor, Balance
from runtime.model.core_work import Place, Stretch
from runtime.model.traffic import HostWork, bd_cycles
from simulator.array.config import (
    WORD,
    BufferDescriptor,
    ChannelId,
    Configuration,
    Direction,
    Port,
    PortKind,
    TileId,
)
from simulator.array.timing import (
    BD_START,
    HOP_LATENCY,
    HOST_COMMAND,
    HOST_MEMORY_LATENCY,
    LOCK_LATENCY,
    WORDS_PER_CYCLE,
)


class Latencies:
    """Fill and drain of everybody in a design.

    Args:
        configuration: The design.
        host: Its runtime sequence.
        balance: Who there is.
    """

    def __init__(self, configuration: Configuration, host: HostWork, balance: Balance) -> None:
        self._host = host
        self._balance = balance
        self._initial = {(lock.tile, lock.index): lock.initial for lock in configuration.locks}
        self._sources: dict[ChannelId, list[tuple[ChannelId, int]]] = {}
        self._targets: dict[ChannelId, list[tuple[ChannelId, int]]] = {}
        for route in configuration.routes:
            source = _channel(route.source, Direction.MM2S)
            for port in route.destinations:
                target = _channel(port, Direction.S2MM)
                if source in balance.chains and target in balance.chains:
                    self._sources.setdefault(target, []).append((source, route.hops))
                    self._targets.setdefault(source, []).append((target, route.hops))
        self._releasers: dict[Place, list[Actor]] = {}
        self._acquirers: dict[Place, list[Actor]] = {}
        actors: list[Actor] = [*balance.chains, *balance.cores]
        for actor in actors:
            for place in self._steps(actor, "release"):
                self._releasers.setdefault(place, []).append(actor)
            for place in self._steps(actor, "acquire"):
                self._acquirers.setdefault(place, []).append(actor)
        self._fills: dict[Actor, float | None] = {}
        self._drains: dict[Actor, float | None] = {}

    def fill(self, actor: Actor) -> float:
        """Return cycles from the start of a call until `actor` has what it first needs."""
        if actor not in self._fills:
            self._fills[actor] = None
            self._fills[actor] = self._fill(actor)
        return self._fills[actor] or 0.0

    def drain(self, actor: Actor) -> float:
        """Return cycles from the end of `actor`'s last step to the end of the call."""
        if actor not in self._drains:
            self._drains[actor] = None
            self._drains[actor] = self._drain(actor)
        return self._drains[actor] or 0.0

    def _fill(self, actor: Actor) -> float:
        if isinstance(actor, ChannelId):
            queued = float(self._host.started.get(actor, 0))
            if actor.tile.row == 0 and actor.direction is Direction.MM2S:
                return queued + HOST_MEMORY_LATENCY
            if actor.direction is Direction.S2MM:
                sources = self._sources.get(actor, ())
                ways = [self.fill(source) + HOP_LATENCY * hops for source, hops in sources]
                return max(queued, min(ways, default=0.0))
            return max(queued, self._first_data(list(self._steps(actor, "acquire"))[:1]))
        return self._first_data(_taken_at_first(self._turn(actor)))

    def _first_data(self, places: list[Place]) -> float:
        """Return when the locks are there that nobody has before the start."""
        waits = [
            min(self._first_release(other, place) for other in self._releasers[place])
            for place in places
            if not self._initial.get(place) and self._releasers.get(place)
        ]
        return max(waits, default=0.0) + LOCK_LATENCY * bool(waits)

    def _first_release(self, actor: Actor, place: Place) -> float:
        start = self.fill(actor)
        if isinstance(actor, ChannelId):
            time = 0
            for bd in self._bds(actor):
                time += bd_cycles(bd)
                if bd.release is not None and (bd.release.tile, bd.release.lock) == place:
                    break
            return start + time
        return start + self._turn(actor).releases[place].first

    def _drain(self, actor: Actor) -> float:
        if isinstance(actor, ChannelId):
            if actor.tile.row == 0 and actor.direction is Direction.S2MM:
                return HOST_MEMORY_LATENCY + HOST_COMMAND
            if actor.direction is Direction.MM2S:
                ways = self._targets.get(actor, ())
                return max(
                    (HOP_LATENCY * hops + self.drain(target) for target, hops in ways),
                    default=0.0,
                )
            last = self._bds(actor)[-1]
            places = [] if last.release is None else [(last.release.tile, last.release.lock)]
            return self._after(actor, places)
        return self._after(actor, list(self._turn(actor).releases))

    def _after(self, actor: Actor, places: list[Place]) -> float:
        """Return what follows the last release of locks that start at 0: data for others."""
        tails = [
            LOCK_LATENCY + self._tail(other, place) + self.drain(other)
            for place in places
            if not self._initial.get(place)
            for other in self._acquirers.get(place, ())
            if other != actor
        ]
        return max(tails, default=0.0)

    def _tail(self, actor: Actor, place: Place) -> float:
        """Return the cycles that `actor` still works after its last step on a lock."""
        if isinstance(actor, ChannelId):
            bds = [
                bd
                for bd in self._bds(actor)
                if bd.acquire is not None and (bd.acquire.tile, bd.acquire.lock) == place
            ]
            return BD_START + bds[-1].length // WORD / WORDS_PER_CYCLE
        turn = self._turn(actor)
        return turn.cycles - turn.acquires[place].last

    def _turn(self, tile: TileId) -> Stretch:
        work = self._balance.cores[tile]
        return work.round if work.round is not None else work.once

    def _bds(self, channel: ChannelId) -> list[BufferDescriptor]:
        return [bd for chain in self._balance.chains[channel] for bd in chain.bds]

    def _steps(self, actor: Actor, kind: str) -> Iterator[Place]:
        """Yield the locks of an actor's steps of a kind, each once, in order."""
        if isinstance(actor, ChannelId):
            actions = [getattr(bd, kind) for bd in self._bds(actor)]
            places = [(action.tile, action.lock) for action in actions if action is not None]
        else:
            turn = self._turn(actor)
            places = list(turn.acquires if kind == "acquire" else turn.releases)
        yield from dict.fromkeys(places)


def _taken_at_first(turn: Stretch) -> list[Place]:
    """Return the locks that a core takes before it first hands something on."""
    first = min((events.first for events in turn.releases.values()), default=turn.cycles)
    return [place for place, events in turn.acquires.items() if events.first <= first]


def _channel(port: Port, direction: Direction) -> ChannelId | None:
    if port.kind is not PortKind.DMA:
        return None
    return ChannelId(port.tile, direction, port.channel)
