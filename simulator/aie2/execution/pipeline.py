"""The pipeline: bundles issue in order, one a cycle, and their results land when they land.

There is no interlock: a register keeps its old value until the cycle in which a result
lands, whoever reads it. Only locks, streams and the cascade make the core wait; everything
in flight then stands still, and goes on with the core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from errors import CheckFailed, LabError
from simulator.aie2.bundle import LONGEST, Bundle, decode, length
from simulator.aie2.execution.datamemory import DataMemory, lock_of
from simulator.aie2.execution.meaning import signed
from simulator.aie2.execution.stack import Stack, moves_stack
from simulator.aie2.execution.state import SCALARS, State
from simulator.aie2.execution.translation import key, translate
from simulator.aie2.execution.wording import RING
from simulator.aie2.listing import text_at
from simulator.aie2.machine import Observer, ProgramMemory, Symbols
from simulator.array.config import Origin, TileId
from simulator.array.core import (
    Acquire,
    CascadeRead,
    CascadeWrite,
    CoreContext,
    CoreRequest,
    CoreRun,
    Delay,
    StreamRead,
    StreamWrite,
)

BATCH = 4096
"""Cycles after which a core that never waits lets the array go on."""

DELAY_SLOTS = 5
END = -1
"""The branch target of ``done``."""

_SLOT = RING - 1

_Function: TypeAlias = Callable[[int], int | None]
_Waits: TypeAlias = list[Callable[[], CoreRequest | None]]
_LE, _LS, _LC, _SP = (SCALARS[name].index for name in ("le", "ls", "lc", "sp"))


class Pipeline:
    """A core at work on machine code.

    Attributes:
        state: Its registers.
        cycle: Cycles since its start, waiting left out.
        address: The bundle that is to be issued next.
        stack: How far the stack has grown.
    """

    def __init__(
        self,
        core: CoreContext,
        code: ProgramMemory,
        entry: int,
        symbols: Symbols,
        observer: Observer | None,
        state: State | None = None,
    ) -> None:
        core_id = core.tile.col << 16 | core.tile.row
        self.state = state or State(core_id)
        self.cycle = 0
        self.address = entry
        self._core = core
        self._code = code
        self._version = code.version
        self._symbols = symbols
        self._observer = observer
        self._memory = DataMemory(core)
        self._landing: list[list[Any]] = [[] for _ in range(RING)]
        self._pending: list[list[Any]] = [[] for _ in range(RING)]
        self._replies: list[Any] = []
        self._storing: list[list[Any]] = [[] for _ in range(RING)]
        self._part_words = 0
        self._flushing = False
        self._releasing = 0
        self._due: list[tuple[TileId, int, int, Origin]] = []
        self.stack = Stack(code.occupied)
        self._bundles: dict[int, tuple[_Function, _Waits, int]] = {}
        self._names = self._namespace()

    def run(self) -> CoreRun:
        """Execute until ``done``, yielding what the array has to serve."""
        try:
            yield from self._run()
        except LabError as error:
            self._locate(error)
            cause = self.stack.overflow
            if cause is None or not isinstance(error, CheckFailed):
                raise
            # What goes wrong in a core that has overwritten its variables follows from that.
            cause.details += (f"it ends in [{error.code}] {error.message}",)
            raise cause from error

    def _locate(self, error: LabError) -> None:
        """Say in the message of an error where the core is."""
        where = self._symbols.describe(self.address)
        if where not in error.message:
            where += text_at(self._code, self.address)
            error.message = f"{error.message}, at {where} on {self._core.tile}"
            error.args = (error.message,)

    def _run(self) -> CoreRun:
        landing, pending, storing = self._landing, self._pending, self._storing
        scalars, bundles, observer = self.state.scalar, self._bundles, self._observer
        due = self._due
        address, cycle, limit = self.address, self.cycle, self.cycle + BATCH
        slots, goal = 0, 0
        while goal != END:
            self.address = address
            bundle = bundles.get(address)
            if bundle is None or self._code.version != self._version:
                bundle = self._translated(address)
            function, waits, follow = bundle
            slot = cycle & _SLOT
            if landing[slot] or pending[slot] or storing[slot]:
                self._land(cycle)
            if waits:
                yield from self._served(waits, cycle)
            if observer is not None:
                observer.issue(address, cycle)
            target = function(cycle)
            cycle += 1
            if address == scalars[_LE]:
                follow = self._loop(follow)
            address = follow
            if slots:
                slots -= 1
                if not slots:
                    address = goal
            if target is not None:
                slots, goal = DELAY_SLOTS, target
            if due or cycle >= limit:
                yield from self._told(cycle)
                self.address = address
                limit = cycle + self._batch(slots, goal)
        for late in range(cycle, cycle + RING):
            self._land(late)
        yield from self._told(cycle)

    def _batch(self, _slots: int, _goal: int) -> int:
        """Return after how many cycles the array goes on next.

        `_slots` are the delay slots ahead of a branch to `_goal`, 0 where none is on its way.
        """
        return BATCH

    def _land(self, cycle: int) -> None:
        """Do what earlier bundles left for this cycle."""
        slot = cycle & _SLOT
        for store, place, value in self._landing[slot]:
            store[place] = value
        self._landing[slot].clear()
        for ring in (self._pending, self._storing):
            for act, arguments in ring[slot]:
                act(cycle, *arguments)
            ring[slot].clear()

    def _served(self, waits: _Waits, cycle: int) -> CoreRun:
        """Wait for what the next bundle needs before it issues."""
        self._replies.clear()
        for wait in waits:
            request = wait()
            if request is None:
                self._replies.append(None)
                continue
            self._flush(cycle)
            yield from self._told(cycle)
            if self._observer is not None:
                self._observer.wait(self.address, cycle, _reason(request))
            self._replies.append(_reply(request, (yield request)))

    def _told(self, cycle: int) -> CoreRun:
        """Let the array's time catch up, and release what is due."""
        passed, self.cycle = cycle - self.cycle, cycle
        if passed:
            yield Delay(passed)
        for release in self._due:
            self._core.release(*release)
        self._due.clear()

    def _loop(self, follow: int) -> int:
        """At the last bundle of a zero-overhead loop: return where to go on."""
        scalars = self.state.scalar
        if not scalars[_LC]:
            return follow
        scalars[_LC] -= 1
        return scalars[_LS] if scalars[_LC] else follow

    def _translated(self, address: int) -> tuple[_Function, _Waits, int]:
        """Return the bundle at an address as functions, from program memory as it is now."""
        if self._code.version != self._version:
            self._bundles.clear()
            self._version = self._code.version
        bundle, after = self._decoded(address)
        code, names = translate(key(bundle, self._after_delay_slots(after)))
        scope = {**self._names, **names, "at": address}
        exec(code, scope)  # noqa: S102 - the text is this package's own
        function: _Function = scope["bundle"]
        if moves_stack(bundle):
            function = self._with_stack_watched(function)
        found = function, scope["waits"], after
        self._bundles[address] = found
        return found

    def _with_stack_watched(self, function: _Function) -> _Function:
        """Return the function of a bundle that moves the stack pointer, and looks at it then."""
        scalars = self.state.scalar

        def run(cycle: int) -> int | None:
            target = function(cycle)
            self._stack_moved(scalars[_SP])
            return target

        return run

    def _stack_moved(self, pointer: int) -> None:
        found = self.stack.moved(pointer)
        if found is not None:
            self._locate(found)
            self._core.report(found)

    def _decoded(self, address: int) -> tuple[Bundle, int]:
        self._code.check(address)
        data = bytes(self._code.data[address : address + LONGEST])
        bundle = decode(data, address)
        return bundle, address + bundle.size

    def _after_delay_slots(self, address: int) -> int:
        data = self._code.data
        for _ in range(DELAY_SLOTS):
            if address < len(data):
                address += length(data[address])
        return address

    def _namespace(self) -> dict[str, Any]:
        """Return what the text of a translated bundle can name."""
        memory = self._memory
        return {
            "R": self.state.scalar,
            "V": self.state.vector,
            "B": self.state.bypassed,
            "END": END,
            "landing": self._landing,
            "pending": self._pending,
            "storing": self._storing,
            "replies": self._replies,
            "load_word": memory.load_word,
            "load_s8": memory.load_s8,
            "load_u8": memory.load_u8,
            "load_s16": memory.load_s16,
            "load_u16": memory.load_u16,
            "load": memory.load,
            "gather": memory.gather,
            "store": memory.store,
            "store_word": memory.store_word,
            "store_late": lambda _, address, value: memory.store(address, value),
            "load_part": self._load_part,
            "merge": self._merge,
            "acquire": self._acquire,
            "release": self._release,
            "read_stream": lambda: StreamRead(0, 1, self._origin()),
            "write_stream": self._write_stream,
            "read_cascade": lambda: CascadeRead(self._origin()),
            "write_cascade": lambda data: CascadeWrite(
                np.frombuffer(data, np.uint32).copy(), self._origin()
            ),
        }

    def _load_part(self, address: int, bits: int, cycle: int) -> int:
        """Load the word that a part-word store is going to change."""
        if bits == 16:
            self._memory.load_u16(address)
        self._part_words = cycle + 7
        return self._memory.load_word(address & ~3)

    def _merge(self, cycle: int, address: int, word: int, data: int, bits: int) -> None:
        """Put a part word into its word, which is stored at the end of the cycle."""
        shift = (address & 3) * 8
        mask = (1 << bits) - 1 << shift
        merged = word & ~mask | data << shift & mask
        if self._flushing:
            self._memory.store_word(address & ~3, merged)
            return
        words = self._memory.words[address >> 16]
        self._landing[cycle + 1 & _SLOT].append((words, (address & 0xFFFF) >> 2, merged))

    def _acquire(self, lock: int, value: int) -> Acquire:
        """A negative value waits for at least as much, a positive one for as much."""
        tile, index = lock_of(self._core.tile, lock)
        amount = signed(value)
        return Acquire(tile, index, abs(amount), equal=amount > 0, origin=self._origin())

    def _release(self, cycle: int, lock: int, value: int) -> None:
        """Release, once the part-word stores before have been made."""
        tile, index = lock_of(self._core.tile, lock)
        amount, origin = signed(value), self._origin()

        def act(_: int) -> None:
            self._releasing = 0
            self._due.append((tile, index, amount, origin))

        if cycle < self._part_words:
            self._releasing += 1
            self._storing[self._part_words & _SLOT].append((act, ()))
        else:
            act(cycle)

    def _write_stream(self, word: int, last: int) -> StreamWrite:
        data = np.array([word], np.uint32)
        return StreamWrite(0, data, bool(last & 1), self._origin())

    def _flush(self, cycle: int) -> None:
        """Complete a release in flight and the stores before it, as the core may wait now.

        On the core they go on while a lock is waited for; here the cycle stands still.
        """
        if not self._releasing:
            return
        self._flushing = True
        for at in range(cycle, cycle + RING):
            for act, arguments in self._storing[at & _SLOT]:
                act(cycle, *arguments)
            self._storing[at & _SLOT].clear()
        for store, place, value in self._landing[cycle + 1 & _SLOT]:
            if isinstance(store, memoryview):
                store[place] = value
        self._flushing = False
        self._part_words = 0
        self._releasing = 0

    def _origin(self) -> Origin:
        return Origin(name=self._symbols.describe(self.address))


def _reason(request: CoreRequest) -> str:
    match request:
        case Acquire():
            return f"lock {request.lock} of {request.tile}"
        case StreamRead() | CascadeRead():
            return "stream in"
        case _:
            return "stream out"


def _reply(request: CoreRequest, reply: Any) -> int | bytes | None:
    """Return what a waiting instruction reads: a stream's word or the cascade's bytes."""
    match request:
        case StreamRead():
            return int(reply[0])
        case CascadeRead():
            return bytes(reply.tobytes())
        case _:
            return None
