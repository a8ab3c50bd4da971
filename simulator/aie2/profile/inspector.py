"""Watches a core's machine code at work: counts, waits, and what it does that looks wrong.

:class:`Inspectors` hands out one :class:`Inspector` to each core with machine code. It goes
where :func:`simulator.array.core_control.machine_code` does, and works with the interpreter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from errors import CheckFailed
from simulator.aie2.bundle import LONGEST, Bundle, decode
from simulator.aie2.execution.pipeline import Pipeline
from simulator.aie2.listing import plain
from simulator.aie2.machine import ProgramMemory, Symbols
from simulator.aie2.profile.accesses import Accesses
from simulator.aie2.profile.effects import Effects, effects
from simulator.aie2.profile.functions import Functions, found_in
from simulator.aie2.profile.messages import early_read, unwritten_memory, unwritten_register
from simulator.aie2.profile.registers import Registers
from simulator.array.config import CoreProgram, TileId
from simulator.array.core import CoreContext, CoreRun, Delay

_BRANCH_SPAN = 6
"""A branch and its five delay slots."""

Step = tuple[Effects, bool]
"""What a bundle does, and whether it calls or returns."""


@dataclass(frozen=True)
class Stall:
    """Where a core waits: the bundle's address, and the lock or stream in words."""

    address: int
    reason: str


@dataclass
class Counts:
    """What a core did.

    Attributes:
        issued: How often the bundle at each address was issued, a cycle each.
        stalls: Cycles that each bundle waited, by what for.
        back: How often control went from one bundle to an earlier or the same one, by both
            addresses: the last and the first of a loop's turn.
        conflicts: Bundles whose memory accesses met in a bank. The cycles above hold none
            of the time that this costs.
    """

    issued: Counter[int] = field(default_factory=Counter)
    stalls: Counter[Stall] = field(default_factory=Counter)
    back: Counter[tuple[int, int]] = field(default_factory=Counter)
    conflicts: Counter[int] = field(default_factory=Counter)

    @property
    def cycles(self) -> int:
        """Cycles of work, waiting left out."""
        return self.issued.total()


class Inspector:
    """Watches one core, from start to start.

    Attributes:
        tile: Which.
        code: Its program memory.
        functions: Names of its functions.
        counts: What it did.
        stack: The most bytes of stack that it had.
        waiting: What it asked the array for last.
    """

    def __init__(
        self, tile: TileId, code: ProgramMemory, symbols: Symbols | None, *, checked: bool
    ) -> None:
        self.tile = tile
        self.code = code
        self.functions = Functions(symbols or found_in(code))
        self.counts = Counts()
        self.waiting = Stall(0, "")
        self.arguments: tuple[int, ...] = ()
        self._checked = checked
        self._registers: list[Registers] = []
        self._accesses: list[Accesses] = []
        self._pipelines: list[Pipeline] = []
        self._steps: dict[int, Step] = {}
        self._bundles: dict[int, Bundle] = {}
        self._version = code.version
        self._last = -1
        self._turn = 0
        self._passed: list[tuple[int, str]] = []
        self._told = 0

    def program(
        self, entry: int = 0, setup: Callable[[Pipeline], None] | None = None
    ) -> CoreProgram:
        """Return a program that executes what program memory holds, watched.

        Args:
            entry: Address of the first bundle.
            setup: Is handed the pipeline before it starts.
        """

        def run(core: CoreContext) -> CoreRun:
            context = core.unmarked() if self._checked else core
            pipeline = Pipeline(context, self.code, entry, self.functions.symbols, self)
            self._start(core, pipeline)
            if setup is not None:
                setup(pipeline)
            return self._named(pipeline)

        return run

    def bundle(self, address: int) -> Bundle:
        """Return the bundle at an address."""
        found = self._bundles.get(address)
        if found is None:
            data = bytes(self.code.data[address : address + LONGEST])
            found = self._bundles[address] = decode(data, address)
        return found

    def describe(self, address: int) -> str:
        """Return an address with its function and its disassembly."""
        return f"{self.functions.symbols.describe(address)} `{self.text(address)}`"

    def text(self, address: int) -> str:
        """Return the disassembly of a bundle, nops left out."""
        return plain(self.bundle(address))

    def issue(self, address: int, cycle: int) -> None:
        """See :class:`simulator.aie2.machine.Observer`."""
        counts = self.counts
        counts.issued[address] += 1
        if address <= self._last:
            counts.back[self._last, address] += 1
        self._last = address
        name = self.functions.at(address)
        if not self._passed or self._passed[-1][1] != name:
            self._passed.append((cycle, name))
        if self._checked:
            self._check(address, cycle)

    def wait(self, address: int, cycle: int, reason: str) -> None:  # noqa: ARG002
        """See :class:`simulator.aie2.machine.Observer`."""
        self.waiting = Stall(address, reason)

    @property
    def stack(self) -> int:
        """The most bytes of stack that the core had."""
        return max((pipeline.stack.used for pipeline in self._pipelines), default=0)

    def forget(self, start: int) -> None:
        """Leave out of the counts what was executed from an address on."""
        counts = self.counts
        for address in [address for address in counts.issued if address >= start]:
            del counts.issued[address]
        for turn in [turn for turn in counts.back if turn[0] >= start]:
            del counts.back[turn]

    def findings(self) -> Iterator[CheckFailed]:
        """Yield what looks wrong, each thing once for a pair of bundles."""
        seen = set()
        for registers in self._registers:
            for early in registers.suspicious():
                if (key := (early.writer, early.reader, early.register)) not in seen:
                    seen.add(key)
                    yield early_read(self, early)
        yield from self._unwritten()

    def _unwritten(self) -> Iterator[CheckFailed]:
        seen: set[tuple[int, str]] = set()
        for registers in self._registers:
            for address, register in registers.unwritten:
                if (address, register) not in seen:
                    seen.add((address, register))
                    yield unwritten_register(self, address, register)
        read: dict[int, int] = {}
        for accesses in self._accesses:
            read = accesses.unwritten | read
        for address, data in read.items():
            yield unwritten_memory(self, address, data)

    def _start(self, core: CoreContext, pipeline: Pipeline) -> None:
        self._pipelines.append(pipeline)
        self._last, self._told, self._turn = -1, 0, 0
        self._passed = []
        if self._checked:
            self._registers.append(Registers())
            self._registers[-1].give(self.arguments)
            self._accesses.append(Accesses(core, pipeline.state.scalar, self.counts.conflicts))

    def _check(self, address: int, cycle: int) -> None:
        """Follow registers and memory through a bundle that is about to run."""
        if self.code.version != self._version:
            self._steps.clear()
            self._bundles.clear()
            self._version = self.code.version
        step = self._steps.get(address)
        if step is None:
            step = self._steps[address] = self._step(address)
        found, turns = step
        registers = self._registers[-1]
        if self._turn:
            self._turn -= 1
            if not self._turn:
                registers.epoch += 1
        registers.issue(address, cycle, found)
        if turns:
            self._turn = _BRANCH_SPAN
        if found.memory:
            self._accesses[-1].issue(address, found.memory)

    def _step(self, address: int) -> Step:
        bundle = self.bundle(address)
        turns = any(i.mnemonic in ("jl", "ret") for i in bundle.instructions.values())
        return effects(bundle), turns

    def _named(self, pipeline: Pipeline) -> CoreRun:
        """Run, with each stretch of work under its function's name, and tell what was touched."""
        run, reply = pipeline.run(), None
        while True:
            try:
                request = run.send(reply)
            except StopIteration:
                return
            if self._checked:
                self._accesses[-1].tell(self.functions.symbols.describe(self._last))
            if isinstance(request, Delay):
                yield from self._stretches(request.cycles)
                reply = None
            else:
                reply = yield request

    def _stretches(self, cycles: int) -> Iterator[Delay]:
        end = self._told + cycles
        passed = [*self._passed, (end, "")]
        for (start, name), (stop, _) in pairwise(passed):
            first, last = max(start, self._told), min(stop, end)
            if last > first:
                yield Delay(last - first, name)
        self._passed = self._passed[-1:]
        self._told = end


class Inspectors:
    """Makes the programs of all cores of an array.

    Args:
        symbols: Names of each core's functions, where they are known.
        checked: Also follow registers and memory; it takes most of the time.

    Attributes:
        cores: The inspectors by tile.
        names: The functions' names by tile.
    """

    def __init__(
        self, symbols: Mapping[TileId, Symbols] | None = None, *, checked: bool = True
    ) -> None:
        self.names = dict(symbols or {})
        self._checked = checked
        self.cores: dict[TileId, Inspector] = {}

    def __call__(self, tile: TileId, memory: ProgramMemory) -> CoreProgram:
        """See :data:`simulator.array.core_control.MachineCode`."""
        inspector = self.cores.get(tile)
        if inspector is None or inspector.code is not memory:
            symbols = self.names.get(tile)
            inspector = Inspector(tile, memory, symbols, checked=self._checked)
            self.cores[tile] = inspector
        return inspector.program()

    def findings(self) -> list[CheckFailed]:
        """Return what looks wrong in any of them."""
        return [one for _, core in sorted(self.cores.items()) for one in core.findings()]
