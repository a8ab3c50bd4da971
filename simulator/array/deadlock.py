"""Who waits for what, and who could end it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from errors import CheckFailed
from simulator.array.config import NOWHERE, Origin, TileId
from simulator.array.locks import Semaphore


class WaitKind(StrEnum):
    """What kind of thing somebody waits for."""

    LOCK = "lock"
    STREAM = "stream"
    TOKEN = "token"  # noqa: S105  a task's completion, no secret
    QUEUE = "queue"
    REGISTER = "register"


@dataclass(frozen=True, kw_only=True)
class Wait:
    """An edge of the wait-for graph, or several where any of `by` would do.

    Attributes:
        who: Name of who waits: ``core of tile(0,2)``, ``tile(0,1) MM2S:0``, ``the host``.
        tile: Where, None for the host.
        kind: What kind of thing for.
        what: The thing in words, with its state: what it is and what it would have to be.
        by: Names of those who could end the wait; none where nobody could.
        origin: The design line that makes it wait.
        begun: Some words of the transfer that it waits for have come or gone.
    """

    who: str
    tile: TileId | None
    kind: WaitKind
    what: str
    by: tuple[str, ...] = ()
    origin: Origin = NOWHERE
    begun: bool = False

    def __str__(self) -> str:
        ends = f"; {' or '.join(self.by)} could end it" if self.by else "; nothing could end it"
        return f"{self.who}{self.origin.bracketed} waits {self.what}{ends}"


Releasers = Callable[[Semaphore], tuple[str, ...]]
"""Gives the names of those who may release a lock."""


class Agent(Protocol):
    """Whatever acts on its own: a core, a DMA channel, the host."""

    name: str

    def waits(self, releasers: Releasers) -> Wait | None:
        """Return what it waits for, None if it waits for nothing."""

    def state(self) -> str:
        """Return in words what it does while it waits for nothing: ``has no task``."""


@dataclass(frozen=True, kw_only=True)
class WaitFor:
    """The wait-for graph at one moment, for a message or a picture.

    Attributes:
        cycle: When.
        waits: Everybody who waits, the host first.
        others: State of those who wait for nothing and whom somebody waits for, by name.
    """

    cycle: int
    waits: tuple[Wait, ...]
    others: Mapping[str, str]

    def chain(self) -> tuple[str, ...]:
        """Return names from the first waiter on, each waiting for the next.

        It ends where somebody waits for nothing, or with a name that was there before: a
        cycle. Of several who could end a wait, one that waits itself is followed first.
        """
        waits = {wait.who: wait for wait in self.waits}
        names = [wait.who for wait in self.waits[:1]]
        while names and names[-1] in waits and names[-1] not in names[:-1]:
            by = waits[names[-1]].by
            if not by:
                break
            names.append(next((name for name in by if name in waits), by[0]))
        return tuple(names)

    def lines(self) -> tuple[str, ...]:
        """Return the graph in words, one line for each who waits, the chain last."""
        if not self.waits:
            return ()
        others = [f"{name} {state}" for name, state in self.others.items()]
        return (*map(str, self.waits), *others, f"chain: {' -> '.join(self.chain())}")


class Deadlock(CheckFailed):
    """Nothing in the array can go on. `graph` tells who waits for what."""

    def __init__(self, graph: WaitFor) -> None:
        cause = diagnose(graph)
        super().__init__(
            f"deadlock at cycle {graph.cycle}: {cause.what}",
            cure=cause.cure,
            code=cause.code,
            details=graph.lines(),
        )
        self.graph = graph


class Cause(NamedTuple):
    """Why nothing goes on, as far as the wait-for graph tells."""

    code: str
    what: str
    cure: str


def diagnose(graph: WaitFor) -> Cause:
    """Return what stands at the end of the chain from the first who waits."""
    chain = graph.chain()
    waits = {wait.who: wait for wait in graph.waits}
    end = waits.get(chain[-1])
    if end is not None and chain[-1] not in chain[:-1]:
        stuck = f"{end.who}{end.origin.bracketed} waits {end.what}, and "
        if end.kind is WaitKind.LOCK:
            return Cause(
                "NPU225",
                f"{stuck}nobody releases that lock",
                "release the lock after its object was used, or correct the acquire",
            )
        if end.kind is WaitKind.STREAM:
            what = f"{end.who}{end.origin.bracketed} waits {end.what}"
            return Cause("NPU226", what, "route the stream, or remove the transfer")
    elif end is None and len(chain) > 1:
        last = waits[chain[-2]]
        return _idle(chain[-1], graph.others[chain[-1]], last)
    first = graph.waits[0]
    return Cause(
        "NPU203",
        f"{first.who}{first.origin.bracketed} waits {first.what}, and nothing in the array can "
        "go on",
        "follow the chain round its cycle: a missing release, too few objects in a fifo, or two "
        "who acquire the same locks in another order",
    )


def _idle(name: str, state: str, wait: Wait) -> Cause:
    """Return the cause where a chain ends at somebody who waits for nothing."""
    stuck = f"{name} {state}, and {wait.who}{wait.origin.bracketed} waits for it, {wait.what}"
    if wait.begun:
        return Cause(
            "NPU227",
            stuck,
            "let both ends of the stream move the same number of words: compare lengths, repeat "
            "counts and the number of objects",
        )
    if state == "has ended":
        return Cause(
            "NPU228", stuck, "let the core loop as often as the others need it, or for ever"
        )
    cure = "start it: give the core a program, or the channel a task for each round"
    if wait.kind is WaitKind.TOKEN:
        cure = "push a task with a token (issue_token) for each that is awaited"
    return Cause("NPU229", stuck, cure)


def wait_for(cycle: int, agents: Sequence[Agent], releasers: Releasers) -> WaitFor:
    """Ask everybody what they wait for; who is waited for comes after who waits for them."""
    asked = {agent.name: agent.waits(releasers) for agent in agents}
    waits = {name: wait for name, wait in asked.items() if wait is not None}
    order: list[str] = []
    for name in waits:
        reached = [name]
        for current in reached:
            if current in waits and current not in order:
                order.append(current)
                reached += waits[current].by
    named = dict.fromkeys(name for wait in waits.values() for name in wait.by)
    states = {agent.name: agent.state() for agent in agents}
    others = {name: states.get(name, "was never started") for name in named if name not in waits}
    return WaitFor(cycle=cycle, waits=tuple(waits[name] for name in order), others=others)
