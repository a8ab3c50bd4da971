"""A core on its own: assembled text in, registers and memory out.

Locks are counted here, without an array; a core that would wait for one stops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from simulator.aie2.assembler import Program, assemble
from simulator.aie2.execution.pipeline import Pipeline
from simulator.aie2.machine import ProgramMemory, Symbols
from simulator.array.config import Origin, TileId
from simulator.array.core import (
    Acquire,
    CascadeRead,
    CascadeWrite,
    CoreContext,
    Delay,
    StreamRead,
    StreamWrite,
)
from simulator.array.memory import Bytes, Memory

TILE = TileId(1, 3)
OWN = 0x70000
DATA = OWN + 0x400
"""Where tests put their data: behind the stack."""

OWN_LOCKS = 48
"""The core's number of lock 0 of its own tile."""

SIZE = 64 * 1024
LIMIT = 3_000_000


@dataclass
class Core:
    """A core with its memory, its locks by number and its streams.

    Attributes:
        events: Releases and stream words in the order in which they left the core.
    """

    locks: dict[int, int] = field(default_factory=dict)
    stream: list[int] = field(default_factory=list)
    tiles: tuple[TileId, ...] = (TILE,)
    events: list[tuple[str, int, int]] = field(default_factory=list)
    memories: dict[TileId, Memory] = field(init=False)
    pipeline: Pipeline = field(init=False)

    def __post_init__(self) -> None:
        self.memories = {tile: Memory(tile, SIZE) for tile in self.tiles}
        for memory in self.memories.values():
            memory.data[:] = 0
        self.context = CoreContext(TILE, self.memories, self._release)

    @property
    def memory(self) -> Bytes:
        """The core's own data memory."""
        return self.memories[TILE].data

    def words(self, address: int, count: int) -> list[int]:
        """Return words of own memory from a core's address."""
        start = address - OWN
        return [int(w) for w in self.memory[start : start + 4 * count].view(np.uint32)]

    def __getitem__(self, register: str) -> int | bytes:
        return self.pipeline.state.read(register)

    def run(
        self,
        program: Program | ProgramMemory,
        *,
        entry: int = 0,
        setup: Mapping[str, int | bytes] | None = None,
        waits: Callable[[int], None] | None = None,
    ) -> int:
        """Run until ``done`` or a lock that is not there; return the cycles."""
        code = program if isinstance(program, ProgramMemory) else self.loaded(program)
        self.pipeline = Pipeline(self.context, code, entry, Symbols(), None)
        for register, value in (setup or {}).items():
            self.pipeline.state.write(register, value)
        run, reply, cycles = self.pipeline.run(), None, 0
        while True:
            try:
                request = run.send(reply)
            except StopIteration:
                return cycles
            reply = None
            if isinstance(request, Delay):
                cycles += request.cycles
                assert cycles < LIMIT
            elif isinstance(request, Acquire):
                lock = OWN_LOCKS + request.lock
                if waits is not None:
                    waits(lock)
                if self.locks.get(lock, 0) < request.value:
                    return cycles
                self.locks[lock] -= request.value
                self.events.append(("acquire", lock, request.value))
            elif isinstance(request, StreamRead):
                reply = np.array([self.stream.pop(0)], np.uint32)
            elif isinstance(request, StreamWrite):
                self.events.append(("stream", int(request.data[0]), int(request.last)))
            elif isinstance(request, CascadeRead):
                reply = np.arange(16, dtype=np.uint32)
            else:
                assert isinstance(request, CascadeWrite)
                self.events.append(("cascade", int(request.data[0]), len(request.data)))

    def loaded(self, program: Program) -> ProgramMemory:
        """Put a program's data into memory and return its program memory."""
        code = ProgramMemory()
        for block in program.blocks:
            if block.is_code:
                code.write(block.address, block.data)
            else:
                start = block.address - OWN
                self.memory[start : start + len(block.data)] = np.frombuffer(block.data, np.uint8)
        return code

    def _release(self, tile: TileId, lock: int, value: int, _: Origin) -> None:
        if tile != TILE:
            self.events.append((f"release of {tile}", lock, value))
            return
        lock += OWN_LOCKS
        self.locks[lock] = self.locks.get(lock, 0) + value
        self.events.append(("release", lock, value))


def execute(text: str, **registers: int | bytes) -> Core:
    """Assemble and run the lines of `text`, then ``done``."""
    core = Core()
    core.run(assemble(f"__start:\n{text}\ndone\n" + "nop\n" * 5, "test.s"), setup=registers)
    return core
