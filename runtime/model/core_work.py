"""What one round of a core's program does, read off the program without running it.

The simulator compiles a core's body to Python (`simulator.mlir.cores`). Its loops have constant
bounds in designs whose flow does not depend on data, so calls, waits and cycles of a round can
be counted from that text: the delays are the very ones that the simulated core takes.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from errors import CheckFailed
from simulator.array.config import Port, PortKind, TileId
from simulator.array.timing import LOCK_LATENCY
from simulator.mlir.cores.program import CoreProgram

Place = tuple[TileId, int]
"""A lock: the tile that owns it, and its index."""

FOREVER = 1 << 31
"""Turns from which a loop counts as endless: one of its turns is a round."""


@dataclass
class Events:
    """Steps on one lock: how many units, the sum of their times, the first and the last time.

    Times are cycles from the start of the stretch that holds them.
    """

    units: int
    total: float
    first: float
    last: float

    def repeated(self, turns: int, period: float) -> Events:
        """Return the steps of `turns` stretches that start `period` cycles apart."""
        spread = self.units * period * turns * (turns - 1) / 2
        last = self.last + period * (turns - 1)
        return Events(self.units * turns, self.total * turns + spread, self.first, last)

    def shifted(self, start: float) -> Events:
        """Return the same steps, `start` cycles later."""
        total = self.total + self.units * start
        return Events(self.units, total, self.first + start, self.last + start)

    def joined(self, other: Events) -> Events:
        """Return these steps and those of `other`."""
        first, last = min(self.first, other.first), max(self.last, other.last)
        return Events(self.units + other.units, self.total + other.total, first, last)


@dataclass
class Stretch:
    """A piece of a core's program: what it does, and how long it takes without waiting.

    Attributes:
        cycles: Computing and the latency of granted locks.
        computing: Of these, cycles of kernel functions and of the body's own operations.
        calls: Calls of kernel functions, by symbol.
        acquires: Steps on locks that it takes from.
        releases: Steps on locks that it adds to.
        words: Words read from and written to the core's own stream ports.
    """

    cycles: float = 0
    computing: float = 0
    calls: Counter[str] = field(default_factory=Counter)
    acquires: dict[Place, Events] = field(default_factory=dict)
    releases: dict[Place, Events] = field(default_factory=dict)
    words: Counter[Port] = field(default_factory=Counter)

    def add(self, other: Stretch, turns: int = 1) -> None:
        """Append `turns` runs of another stretch."""
        if turns == 0:
            return
        for mine, theirs in (
            (self.acquires, other.acquires),
            (self.releases, other.releases),
        ):
            for place, events in theirs.items():
                later = events.repeated(turns, other.cycles).shifted(self.cycles)
                mine[place] = mine[place].joined(later) if place in mine else later
        for symbol, count in other.calls.items():
            self.calls[symbol] += count * turns
        for port, count in other.words.items():
            self.words[port] += count * turns
        self.cycles += other.cycles * turns
        self.computing += other.computing * turns


@dataclass(frozen=True)
class CoreWork:
    """A core's program: what comes once, and what comes again and again.

    Attributes:
        once: Before the endless loop; all of it where there is none.
        round: One turn of the endless loop, None without one.
    """

    tile: TileId
    once: Stretch
    round: Stretch | None


def core_work(program: CoreProgram, cycles: Mapping[str, int]) -> CoreWork:
    """Count what a core's program does.

    Args:
        program: A lowered design's core.
        cycles: Estimated cycles of a call of each kernel function.

    Raises:
        CheckFailed: NPU261, what the core does depends on data.
    """
    return _Reader(program, cycles).read()


class _Endless(Exception):
    """Control flow: nothing after an endless loop runs."""

    def __init__(self, turn: Stretch) -> None:
        self.turn = turn


class _Reader:
    def __init__(self, program: CoreProgram, cycles: Mapping[str, int]) -> None:
        self._program = program
        self._unit = program.unit
        self._cycles = cycles
        self._held: dict[str, int] = {}
        module = ast.parse(program.source)
        self._functions = {one.name: one for one in module.body if isinstance(one, ast.FunctionDef)}

    def read(self) -> CoreWork:
        once = Stretch()
        try:
            self._body(self._functions[self._unit.name].body, once)
        except _Endless as endless:
            return CoreWork(self._program.tile, once, endless.turn)
        return CoreWork(self._program.tile, once, None)

    def _body(self, statements: Iterable[ast.stmt], done: Stretch) -> None:
        for statement in statements:
            try:
                self._statement(statement, done)
            except ValueError:
                self._refuse_if_timed(statement, "a step that depends on data")

    def _statement(self, statement: ast.stmt, done: Stretch) -> None:
        if isinstance(statement, ast.For):
            self._loop(statement, done)
        elif isinstance(statement, ast.If):
            self._branch(statement, done)
        elif isinstance(statement, ast.While):
            self._refuse_if_timed(statement, "a loop that ends on a condition")
        else:
            self._simple(statement, done)

    def _loop(self, loop: ast.For, done: Stretch) -> None:
        turns = _turns(loop)
        if turns is None:
            self._refuse_if_timed(loop, "a loop whose turns depend on data")
            return
        if turns:
            before = dict(self._held)
            turn = self._turn(loop)
            if before != self._held:
                # It leaves fifo objects held, so that later turns take fewer: a sliding window.
                done.add(turn)
                turns, turn = turns - 1, self._turn(loop)
            if turns >= FOREVER - 1:
                raise _Endless(turn)
            done.add(turn, turns)

    def _turn(self, loop: ast.For) -> Stretch:
        turn = Stretch()
        self._body(loop.body, turn)
        return turn

    def _branch(self, branch: ast.If, done: Stretch) -> None:
        if isinstance(branch.test, ast.NamedExpr):
            self._fifo(branch.test.value, done)
            return
        text = ast.unparse(branch.test)
        if text.endswith(" is not None"):  # a native loop or the same in Python: no waits in it
            return
        self._refuse_if_timed(branch, f"a branch on {text}")

    def _refuse_if_timed(self, statement: ast.stmt, what: str) -> None:
        timed = (ast.Yield, ast.YieldFrom)
        if any(isinstance(node, timed) or _is_release(node) for node in ast.walk(statement)):
            raise CheckFailed(
                f"the performance model cannot count what the core of {self._program.tile} does: "
                f"it has {what}",
                cure="run the design instead: npulab trace counts cycles as they come",
                code="NPU261",
            )

    def _simple(self, statement: ast.stmt, done: Stretch) -> None:
        for node in ast.walk(statement):
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Call):
                self._request(node.value, done)
            elif isinstance(node, ast.YieldFrom) and isinstance(node.value, ast.Call):
                called = self._functions[ast.unparse(node.value.func)]
                inner = Stretch()
                self._body(called.body, inner)
                done.add(inner)
            elif isinstance(node, ast.Call) and _is_release(node):
                self._release(node, done)

    def _request(self, call: ast.Call, done: Stretch) -> None:
        name = ast.unparse(call.func)
        if name == "Delay":
            self._delay(call.args[0], done)
        elif name == "Acquire":
            self._acquire(_tile(call.args[0]), call, done)
        elif name in ("StreamRead", "StreamWrite"):
            port = Port(self._program.tile, PortKind.CORE, _number(call.args[0]))
            step = Stretch(cycles=1)
            step.words[port] = 1
            done.add(step)

    def _delay(self, amount: ast.expr, done: Stretch) -> None:
        if isinstance(amount, ast.Attribute):
            symbol = self._unit.natives[ast.unparse(amount.value)].symbol
            cycles = self._cycles.get(symbol, 0)
            done.add(Stretch(cycles, cycles, Counter({symbol: 1})))
        else:
            cycles = _number(amount)
            done.add(Stretch(cycles, cycles))

    def _acquire(self, tile: TileId, call: ast.Call, done: Stretch) -> None:
        units = _number(call.args[2]) if len(call.args) > 2 else 1
        _take(done, (tile, _number(call.args[1])), units)

    def _fifo(self, value: ast.expr, done: Stretch) -> None:
        """Count ``end.acquire(count, line)``: only what is not held already is taken."""
        end, call = _method(value)
        port, count = self._unit.ends[end], _number(call.args[0])
        missing = count - self._held.get(end, 0)
        if missing > 0:
            self._held[end] = count
            if port.acquire is not None:
                place = port.acquire.tile, port.acquire.index or 0
                _take(done, place, missing * port.repeat)

    def _release(self, call: ast.Call, done: Stretch) -> None:
        end, _ = _method(call)
        if end == "core":
            place = _tile(call.args[0]), _number(call.args[1])
            _step(done.releases, place, _number(call.args[2]), done.cycles)
            return
        port, count = self._unit.ends[end], _number(call.args[0])
        self._held[end] = self._held.get(end, 0) - count
        if port.release is not None:
            place = port.release.tile, port.release.index or 0
            _step(done.releases, place, count * port.repeat, done.cycles)


def _take(done: Stretch, place: Place, units: int) -> None:
    _step(done.acquires, place, units, done.cycles)
    done.cycles += LOCK_LATENCY


def _step(steps: dict[Place, Events], place: Place, units: int, time: float) -> None:
    now = Events(units, units * time, time, time)
    steps[place] = steps[place].joined(now) if place in steps else now


def _turns(loop: ast.For) -> int | None:
    """Return the turns of ``for i in range(...)``, None where they are not constant."""
    try:
        bounds = [_number(bound) for bound in _called(loop.iter).args]
    except ValueError:
        return None
    return max(0, -((bounds[0] - bounds[1]) // (bounds[2] if len(bounds) > 2 else 1)))


def _number(value: ast.expr) -> int:
    """Return a number of the text.

    Raises:
        ValueError: It is computed.
    """
    return int(ast.literal_eval(value))


def _tile(value: ast.expr) -> TileId:
    column, row = _called(value).args
    return TileId(_number(column), _number(row))


def _called(value: ast.AST) -> ast.Call:
    if not isinstance(value, ast.Call):
        raise TypeError(f"{ast.unparse(value)} is no call")
    return value


def _method(value: ast.AST) -> tuple[str, ast.Call]:
    """Return what a method is called on, and the call."""
    call = _called(value)
    return ast.unparse(call.func).rpartition(".")[0], call


def _is_release(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "release"
    )
