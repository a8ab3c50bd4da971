"""The second engine: translated code runs a core, and Python serves what it waits for."""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from errors import MissingEnvironment
from simulator.aie2.execution.datamemory import lock_of
from simulator.aie2.execution.meaning import MEANINGS, signed
from simulator.aie2.execution.pipeline import BATCH, END, Pipeline
from simulator.aie2.machine import PROGRAM_SIZE, ProgramMemory, Symbols
from simulator.aie2.native.handover import InFlight, take_over
from simulator.aie2.native.state import REPLY, Compute, Fault, Moved, Release, Shared
from simulator.aie2.native.unit import Compile, Unit, source, unit_of
from simulator.aie2.native.wording import NUMBERS
from simulator.array.config import Origin
from simulator.array.core import CoreContext, CoreRun

_LIMIT, _WAITS, _DONE, _REFUSED = 1, 2, 3, 4
PATIENCE = 100_000
"""Cycles that the interpreter executes of a program, about a tenth of a second."""

_PROGRAMS = 64
"""Programs whose translation is kept in this process."""

_MEANINGS = tuple(MEANINGS[name] for name in NUMBERS)
_SCALAR = 16
"""Bytes that a number takes among operands and results."""


class _Entry(ctypes.Structure):
    _fields_ = (("address", ctypes.c_uint64), ("region", ctypes.c_void_p))


@dataclass(eq=False)
class Translation:
    """A program memory's code as far as it has been reached.

    Attributes:
        regions: The function of each address that has one.
        known: These addresses.
        lates: Functions of later stages, as :class:`Unit` numbers them.
    """

    code: bytes
    extent: int
    compile: Compile
    regions: Any = field(default_factory=ctypes.c_void_p * PROGRAM_SIZE)
    known: set[int] = field(default_factory=set)
    lates: dict[int, int] = field(default_factory=dict)
    library: ctypes.CDLL | None = None

    def extend(self, address: int) -> bool:
        """Translate what is reached from an address; tell whether there is something."""
        unit = unit_of(self.code, self.extent, address, self.known)
        if unit is None:
            return False
        library = ctypes.CDLL(str(self.compile(source([unit]))))
        self.library = self.library or library
        self._enter(library, unit)
        return address in self.known

    def _enter(self, library: ctypes.CDLL, unit: Unit) -> None:
        entries = (_Entry * unit.count).in_dll(library, f"entries_{unit.key}")
        for entry in entries:
            self.regions[entry.address] = entry.region
            self.known.add(int(entry.address))
        for late in (_Entry * unit.lates).in_dll(library, f"lates_{unit.key}"):
            self.lates[int(late.address)] = int(late.region)


_translations: OrderedDict[tuple[bytes, int, Compile], Translation] = OrderedDict()


def translation(code: ProgramMemory, compile_: Compile) -> Translation:
    """Return the translation of what a program memory holds now."""
    key = bytes(code.data), code.extent, compile_
    found = _translations.pop(key, None) or Translation(*key)
    _translations[key] = found
    if len(_translations) > _PROGRAMS:
        _translations.popitem(last=False)
    return found


class _Leaves(Exception):
    """The interpreter stops, for translated code to go on."""


class Beginning(Pipeline):
    """A core at its first cycles: programs that end soon are not worth a compiler.

    Attributes:
        rest: Who goes on, once the interpreter has left.
    """

    def __init__(
        self,
        core: CoreContext,
        code: ProgramMemory,
        entry: int,
        symbols: Symbols,
        compile_: Compile,
    ) -> None:
        super().__init__(core, code, entry, symbols, None)
        self._compile = compile_
        self._stays = False
        self.rest: NativePipeline | None = None

    def _batch(self, slots: int, goal: int) -> int:
        stopping = goal == END or self._releasing
        if self._stays or stopping or self.cycle < PATIENCE:
            return BATCH
        rest = NativePipeline(self._core, self._code, self.address, self._symbols, self._compile)
        try:
            rest.prepare(self.address)
        except MissingEnvironment:
            self._stays = True
            return BATCH
        take_over(rest, self.in_flight(slots, goal))
        self.rest = rest
        raise _Leaves

    def in_flight(self, slots: int, goal: int) -> InFlight:
        """Return all that the core has at a bundle's start."""
        return InFlight(
            state=self.state,
            cycle=self.cycle,
            stack=self.stack,
            branch=(slots, goal),
            part_words=self._part_words,
            words=self._memory.words,
            landing=self._landing,
            late=(self._pending, self._storing),
        )


def run_code(
    core: CoreContext, code: ProgramMemory, entry: int, symbols: Symbols, compile_: Compile
) -> CoreRun:
    """Interpret a program, and translate it once it has run for :data:`PATIENCE` cycles.

    Where there is no compiler after all the interpreter goes on.
    """
    beginning = Beginning(core, code, entry, symbols, compile_)
    try:
        yield from beginning.run()
    except _Leaves:
        if beginning.rest is not None:
            yield from beginning.rest.run()


class NativePipeline(Pipeline):
    """A core at work on translated machine code.

    Attributes:
        shared: Its state.
    """

    def __init__(
        self,
        core: CoreContext,
        code: ProgramMemory,
        entry: int,
        symbols: Symbols,
        compile_: Compile,
    ) -> None:
        self.shared = Shared(core.tile.col << 16 | core.tile.row)
        super().__init__(core, code, entry, symbols, None, self.shared.state)
        self._compile = compile_
        self._translation = translation(code, compile_)
        self._error: BaseException | None = None
        fields = self.shared.fields
        fields.fault = Fault(self._guarded(self._reach))
        fields.release = Release(self._guarded(self._released))
        fields.stack = Moved(self._guarded(self._moved))
        fields.meaning = Compute(self._guarded(self._computed))

    def prepare(self, address: int) -> None:
        """Translate what is reached from an address.

        Raises:
            MissingEnvironment: There is no compiler.
        """
        if address not in self._translation.known:
            self._translation.extend(address)

    def late_function(self, address: int, number: int) -> int:
        """Return what an instruction, by its number in its bundle, does in a later stage."""
        self.prepare(address)
        return self._translation.lates[address << 8 | number]

    def fetch(self, address: int) -> None:
        """Use the memory at an address, before translated code does."""
        self._reach(address, 4)

    def _run(self) -> CoreRun:
        fields = self.shared.fields
        fields.address, fields.cycle = self.address, self.cycle
        limit = self.cycle + BATCH
        while True:
            reload = self._code.version != self._version
            if reload and not fields.served:
                self._bundles.clear()
                self._version = self._code.version
                self._translation = translation(self._code, self._compile)
            # A bundle that was waiting is executed as it was read, even if it is overwritten.
            single = fields.due or (reload and fields.served)
            fields.limit = fields.cycle + 1 if single else limit
            why = self._enter()
            self.address = fields.address
            if why in (_LIMIT, _DONE) and (fields.due or fields.cycle >= limit):
                yield from self._told(fields.cycle)
                limit = fields.cycle + BATCH
            if why == _WAITS:
                yield from self._wait()
            elif why == _REFUSED:
                raise self._refusal()
            elif why == _DONE:
                break
        library = self.library()
        if library.drain(ctypes.c_void_p(self.shared.address), ctypes.c_uint64(fields.cycle)):
            raise self._refusal()
        yield from self._told(fields.cycle)

    def _told(self, cycle: int) -> CoreRun:
        yield from super()._told(cycle)
        self.shared.fields.due = 0

    def _enter(self) -> int:
        """Execute until Python is needed; return why it is."""
        fields, found = self.shared.fields, self._translation
        while True:
            address = fields.address
            if address not in found.known and not found.extend(address):
                self.address = address
                self._translated(address)
                raise RuntimeError(f"the bundle at {address:#x} has no translation")
            state, regions = ctypes.c_void_p(self.shared.address), found.regions
            why = int(self.library().run(state, regions))
            if why <= _REFUSED:
                return why

    def library(self) -> ctypes.CDLL:
        """Return a library with the run time's functions."""
        library = self._translation.library
        if library is None:
            raise RuntimeError("no code was translated")
        return library

    def _wait(self) -> CoreRun:
        """Serve the bundle at the core's address, then let it be executed."""
        fields = self.shared.fields
        bundle = self._bundles.get(self.address) or self._translated(self.address)
        yield from self._served(bundle[1], fields.cycle)
        for number, reply in enumerate(self._replies):
            if reply is not None:
                data = reply if isinstance(reply, bytes) else reply.to_bytes(4, "little")
                self.shared.replies[number * REPLY : number * REPLY + len(data)] = data
        fields.served = 1

    def _flush(self, cycle: int) -> None:
        if not self.shared.fields.releasing:
            return
        library = self.library()
        if library.flush(ctypes.c_void_p(self.shared.address), ctypes.c_uint64(cycle)):
            raise self._refusal()

    def _refusal(self) -> BaseException:
        error, self._error = self._error, None
        return error or RuntimeError("translated code was refused something")

    def _guarded(self, act: Callable[..., None]) -> Callable[..., int]:
        """Return a function for translated code to call: 0, or 1 with the error kept."""

        def call(*arguments: Any) -> int:
            try:
                act(*arguments)
            except BaseException as error:  # raised again once C has returned
                self._error = error
                return 1
            return 0

        return call

    def _reach(self, address: int, size: int) -> None:
        """Refuse an access, or fetch the memory that it is the first to use."""
        memory = self._memory
        if size <= 2:
            memory.load_u8(address) if size == 1 else memory.load_u16(address)
        elif size == 4:
            memory.load_word(address)
        else:
            memory.load(address, size)
        region = address >> 16
        view = np.asarray(memory.words[region])
        self.shared.fields.region[region] = view.ctypes.data

    def _released(self, address: int, lock: int, value: int) -> None:
        tile, index = lock_of(self._core.tile, lock)
        origin = Origin(name=self._symbols.describe(address))
        self._due.append((tile, index, signed(value), origin))

    def _moved(self, pointer: int) -> None:
        """Look at a stack that has grown."""
        fields = self.shared.fields
        self.address, fields.highest, fields.stacked = fields.address, pointer, 1
        self._stack_moved(pointer)

    def _computed(self, number: int, sizes: bytes) -> None:
        """Compute what translated code has no C for."""
        values, at = self.shared.values, 0
        reads, writes = ([int(n) for n in part.split()] for part in sizes.split(b"|"))
        arguments: list[int | bytes] = []
        for size in reads:
            data = bytes(values[at : at + (size or 8)])
            arguments.append(data if size else int.from_bytes(data, "little"))
            at += size or _SCALAR
        results = _MEANINGS[number](*arguments)
        at = 0
        for size, result in zip(
            writes, results if isinstance(results, tuple) else (results,), strict=True
        ):
            data = result if size else (result & (1 << 64) - 1).to_bytes(8, "little")
            if len(data) != (size or 8):
                raise RuntimeError(f"{NUMBERS[number]} gives {len(data)} bytes, not {size}")
            values[at : at + len(data)] = data
            at += size or _SCALAR
