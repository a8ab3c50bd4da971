"""How often everybody runs in a call: the balance equations of a design's dataflow.

A design whose flow does not depend on data is a synchronous dataflow graph (Lee and
Messerschmitt, 1987): in each round a core or a ring of buffer descriptors moves the same words
and takes the same lock steps. Over a call, as many words arrive as are sent, and as many units
of a lock are taken as are given; what the runtime sequence moves is known. So the rounds follow
from linear equations, without a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from errors import CheckFailed
from runtime.model.core_work import CoreWork, Place, Stretch
from runtime.model.traffic import Chain, HostWork, channel_chains, endless, finite
from simulator.array.config import (
    WORD,
    ChannelId,
    Configuration,
    Direction,
    Port,
    PortKind,
    Route,
    TileId,
)

Actor = ChannelId | TileId
"""A DMA channel, or a core by its tile."""

_TOLERANCE = 1e-6


@dataclass
class Balance:
    """Who there is in a design, and how often each runs in a call.

    Attributes:
        chains: What DMA channels execute, those that the host starts too.
        cores: What cores do, by tile.
        rounds: Turns of each endless ring and core in the first call; a part of a turn counts
            as that part.
    """

    chains: dict[ChannelId, list[Chain]]
    cores: dict[TileId, CoreWork]
    rounds: dict[Actor, float] = field(default_factory=dict)

    def words(self, channel: ChannelId) -> float:
        """Return the 32-bit words that a channel moves in a call."""
        ring = endless(self.chains[channel])
        again = ring.words * self.rounds.get(channel, 0) if ring else 0
        return again + sum(one.words * one.times for one in finite(self.chains[channel]))

    def cycles(self, channel: ChannelId) -> float:
        """Return the cycles that a channel needs for a call, waiting for nobody."""
        ring = endless(self.chains[channel])
        again = ring.cycles * self.rounds.get(channel, 0) if ring else 0
        return again + sum(one.cycles * one.times for one in finite(self.chains[channel]))

    def core(self, tile: TileId) -> Stretch:
        """Return what a core does in a call; a part of a round counts as that part."""
        work, total = self.cores[tile], Stretch()
        total.add(work.once)
        if work.round is not None:
            rounds = self.rounds.get(tile, 0)
            total.cycles += work.round.cycles * rounds
            total.computing += work.round.computing * rounds
            for symbol, count in work.round.calls.items():
                total.calls[symbol] += round(count * rounds)
        return total


def balance(
    configuration: Configuration, host: HostWork, cores: Sequence[CoreWork], title: str
) -> Balance:
    """Solve a design's balance equations.

    Raises:
        CheckFailed: NPU262, they have no solution, or more than one.
    """
    chains = channel_chains(configuration)
    for channel, more in host.chains.items():
        chains.setdefault(channel, []).extend(more)
    found = Balance(chains, {work.tile: work for work in cores})
    actors: list[Actor] = [one for one, many in chains.items() if endless(many)]
    actors += [work.tile for work in cores if work.round is not None]
    system = _System(actors)
    for port in {port for route in configuration.routes for port in route.destinations}:
        _stream_equation(system, found, configuration.routes, port)
    _lock_equations(system, found, host.sets)
    found.rounds = system.solve(title)
    return found


class _System:
    """Linear equations over the rounds of `actors`."""

    def __init__(self, actors: list[Actor]) -> None:
        self.actors = actors
        self._index = {actor: number for number, actor in enumerate(actors)}
        self._rows: list[dict[int, float]] = []
        self._known: list[float] = []

    def add(self, terms: dict[Actor, float], known: float) -> None:
        """Add the equation: the sum of factor times rounds, and `known`, is 0."""
        row = {self._index[actor]: factor for actor, factor in terms.items() if factor}
        if row:
            self._rows.append(row)
            self._known.append(known)

    def solve(self, title: str) -> dict[Actor, float]:
        """Return everybody's rounds.

        Raises:
            CheckFailed: NPU262.
        """
        if not self.actors:
            return {}
        matrix = np.zeros((len(self._rows), len(self.actors)))
        for number, row in enumerate(self._rows):
            matrix[number, list(row)] = list(row.values())
        known = np.array(self._known)
        # Equations count words, others lock steps: weigh them alike.
        weight = np.maximum(np.abs(matrix).max(axis=1, initial=0), 1)
        matrix, known = matrix / weight[:, None], known / weight
        solution, _, rank, _ = np.linalg.lstsq(matrix, -known, rcond=1e-9)
        off = np.abs(matrix @ solution + known).max(initial=0)
        largest = max(1.0, np.abs(solution).max(initial=0))
        if rank < len(self.actors) or off > _TOLERANCE * largest or solution.min() < -_TOLERANCE:
            raise CheckFailed(
                f"the performance model cannot count the rounds of {title}: its dataflow has no "
                "steady state that follows from what the runtime sequence moves",
                cure="run the design instead: npulab trace counts cycles as they come",
                code="NPU262",
            )
        return {
            actor: max(0.0, round(float(value), 6))
            for actor, value in zip(self.actors, solution, strict=True)
        }


def _stream_equation(system: _System, found: Balance, routes: Sequence[Route], port: Port) -> None:
    """Let the words that come to `port` be those that are sent to it."""
    terms: dict[Actor, float] = {}
    known = _add_words(terms, found, port, -1, sends=False)
    for route in routes:
        if port in route.destinations:
            known += _add_words(terms, found, route.source, 1, sends=True, packet=route)
    system.add(terms, known)


def _add_words(
    terms: dict[Actor, float],
    found: Balance,
    port: Port,
    sign: int,
    *,
    sends: bool,
    packet: Route | None = None,
) -> float:
    """Add `sign` times the words of a port to an equation; return those that are known."""
    if port.kind is PortKind.CORE and port.tile in found.cores:
        work = found.cores[port.tile]
        if work.round is not None:
            _plus(terms, port.tile, sign * work.round.words[port])
        return float(sign * work.once.words[port])
    channel = ChannelId(port.tile, Direction.MM2S if sends else Direction.S2MM, port.channel)
    if port.kind is not PortKind.DMA or channel not in found.chains:
        return 0.0
    known = 0.0
    for chain in found.chains[channel]:
        words = _routed_words(chain, packet)
        if chain.endless:
            _plus(terms, channel, sign * words)
        else:
            known += sign * words * chain.times
    return known


def _routed_words(chain: Chain, route: Route | None) -> int:
    if route is None or route.packet_id is None:
        return chain.words
    mine = [bd for bd in chain.bds if bd.packet and bd.packet.id == route.packet_id]
    header = 1 if route.keep_header else 0
    return sum(bd.length // WORD + header for bd in mine)


class _Step(NamedTuple):
    """Units that an actor adds to a lock: in every round, or once in a call."""

    place: Place
    actor: Actor
    units: float
    again: bool


def _lock_equations(system: _System, found: Balance, sets: set[Place]) -> None:
    """Let each lock be given what is taken from it, but for those that the host sets."""
    terms: dict[Place, dict[Actor, float]] = {}
    known: dict[Place, float] = {}
    for step in (*_channel_steps(found), *_core_steps(found)):
        row = terms.setdefault(step.place, {})
        known.setdefault(step.place, 0.0)
        if step.again:
            _plus(row, step.actor, step.units)
        else:
            known[step.place] += step.units
    for place, row in terms.items():
        if place not in sets and len(row) > 1:
            system.add(row, known[place])


def _channel_steps(found: Balance) -> Iterator[_Step]:
    for channel, chains in found.chains.items():
        for chain in chains:
            for bd in chain.bds:
                for action, sign in ((bd.acquire, -1), (bd.release, 1)):
                    if action is not None:
                        place, units = (action.tile, action.lock), sign * action.value
                        yield _Step(place, channel, units * chain.times, chain.endless)


def _core_steps(found: Balance) -> Iterator[_Step]:
    for tile, work in found.cores.items():
        for stretch, again in ((work.once, False), (work.round or Stretch(), True)):
            for steps, sign in ((stretch.acquires, -1), (stretch.releases, 1)):
                for place, events in steps.items():
                    yield _Step(place, tile, sign * events.units, again)


def _plus(terms: dict[Actor, float], actor: Actor, amount: float) -> None:
    terms[actor] = terms.get(actor, 0.0) + amount
