"""What a core program can ask of the array, and what the array gives it.

A core program (:data:`simulator.array.config.CoreProgram`) is a generator function. It
does at once what needs no waiting, through its :class:`CoreContext`: loads, stores,
calls of native kernels, lock releases. It yields a request for whatever takes time or may
have to wait, and goes on when the array has served it::

    def program(core: CoreContext) -> CoreRun:
        data = core.view(buffer).view(np.int32)
        while True:
            yield Acquire(core.tile, lock=1, value=1)
            core.call("scale", library.scale, core.address(buffer), len(data))
            yield Delay(420)
            core.release(core.tile, lock=0)

A program must yield now and then (a :class:`Delay` for the cycles of a loop body is the
natural place): between two yields no limit of the run can stop it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from errors import CheckFailed
from simulator.array.config import NOWHERE, Buffer, Origin, TileId
from simulator.array.core_watch import CoreWatch, LibraryState, Span
from simulator.array.memory import Bytes, Memory, Words


class Acquire(NamedTuple):
    """Wait until the lock is ``>= value`` (``== value`` where `equal`), then subtract `value`.

    `tile` owns the lock: the core's own tile or a neighbour whose memory it reaches. The
    yield gives None. `origin` is the design line to name when this never happens.
    """

    tile: TileId
    lock: int
    value: int = 1
    equal: bool = False
    origin: Origin = NOWHERE


class Delay(NamedTuple):
    """Compute for `cycles` cycles (0 is allowed), `what` on a timeline. The yield gives None."""

    cycles: int
    what: str = ""

    def __repr__(self) -> str:
        return f"Delay(cycles={self.cycles})"


class StreamRead(NamedTuple):
    """Read `words` 32-bit words from the core's stream port; the yield gives them as uint32."""

    channel: int
    words: int
    origin: Origin = NOWHERE


class StreamWrite(NamedTuple):
    """Write `data` (uint32, 1-D) to the core's stream port; the yield gives None.

    The array takes the data without a copy: leave it alone until the yield returns. `last`
    sets TLAST on the last word, which ends a packet. On a packet-switched route the first
    word of a packet is its header, see :func:`simulator.array.packet.header`.
    """

    channel: int
    data: Words
    last: bool = False
    origin: Origin = NOWHERE


class CascadeRead(NamedTuple):
    """Read one 512-bit value from the cascade; the yield gives it as 16 uint32 words."""

    origin: Origin = NOWHERE


class CascadeWrite(NamedTuple):
    """Write one 512-bit value, 16 uint32 words, to the cascade; the yield gives None."""

    data: Words
    origin: Origin = NOWHERE


CoreRequest: TypeAlias = Acquire | Delay | StreamRead | StreamWrite | CascadeRead | CascadeWrite
CoreRun: TypeAlias = Generator[CoreRequest, Any, None]
"""A running core program. What a yield gives depends on the request."""


class CoreContext:
    """What a core program sees of the array: memories and locks that its tile reaches.

    Attributes:
        tile: Where the core is.
    """

    __slots__ = ("_memories", "_release", "_watch", "tile")

    def __init__(
        self,
        tile: TileId,
        memories: Mapping[TileId, Memory],
        release: Callable[[TileId, int, int, Origin], None],
        watch: CoreWatch | None = None,
    ) -> None:
        self.tile = tile
        self._watch = watch
        self._memories = memories
        self._release = release

    def memory(self, tile: TileId) -> Bytes:
        """Return all data memory of `tile` (own or a reached neighbour), uint8, writable.

        Raises:
            CheckFailed: NPU212, the core does not reach that tile's memory.
        """
        memory = self._reach(tile)
        return memory.hand_out(0, memory.size)

    def bare(self, tile: TileId) -> Memory:
        """Return a memory of which nothing counts as written for that: who asks notes it.

        Raises:
            CheckFailed: NPU212, the core does not reach that tile's memory.
        """
        return self._reach(tile)

    def report(self, finding: CheckFailed) -> None:
        """Note what the hardware would survive; where nobody notes it, it is raised.

        Raises:
            CheckFailed: The finding.
        """
        if self._watch is None:
            raise finding
        self._watch.report(finding)

    def unmarked(self) -> CoreContext:
        """Return this context for a program whose accesses somebody else notes one by one."""
        return _Unmarked(self.tile, self._memories, self._release, self._watch)

    def view(self, buffer: Buffer) -> Bytes:
        """Return the bytes of `buffer`, uint8, shape (buffer.size,), writable, never a copy.

        It stays valid for the life of the array. From the first time a core asks for it the
        buffer counts as written, so ask where the program first uses it, not before.

        Raises:
            CheckFailed: NPU212, the core does not reach that tile's memory.
        """
        return self._reach(buffer.tile).hand_out(buffer.address, buffer.size)

    def address(self, buffer: Buffer) -> int:
        """Return the native address of `buffer`, to pass to ctypes as a pointer.

        Raises:
            CheckFailed: NPU212, the core does not reach that tile's memory.
        """
        memory = self._reach(buffer.tile)
        memory.hand_out(buffer.address, buffer.size)
        return memory.base + buffer.address

    def place(self, buffer: Buffer) -> tuple[Bytes, int]:
        """Return the bytes and the native address of `buffer`, which :meth:`touch` and the
        `spans` of :meth:`call` tell the use of.

        Raises:
            CheckFailed: NPU212, the core does not reach that tile's memory.
        """
        memory = self._reach(buffer.tile)
        start = buffer.address
        return memory.data[start : start + buffer.size], memory.base + start

    def touch(self, tile: TileId, start: int, stop: int, origin: Origin, *, writes: bool) -> None:
        """Say that the program reads or writes bytes [start, stop) of a reached memory."""
        if self._watch is not None:
            self._watch.touch(tile, start, stop, origin, writes=writes)
        elif writes:
            self._memories[tile].hand_out(start, stop - start)

    def call(
        self,
        name: str,
        function: Callable[..., Any],
        *arguments: Any,
        spans: Sequence[Span] = (),
        state: LibraryState | None = None,
        line: int = 0,
    ) -> Any:
        """Call native code and check that it wrote nothing outside the tiles' memories.

        Args:
            name: The function's name for messages.
            function: A ctypes function with its argument types set.
            *arguments: Passed on.
            spans: Bytes that the function may read and write.
            state: Writable globals of its library: with them a call that is handed what
                nobody has written is made twice, see :mod:`simulator.array.core_watch`.
            line: Design line of the call.

        Raises:
            CheckFailed: NPU211, a byte outside one of the reached memories was changed.
        """
        if self._watch is not None and spans:
            run = partial(function, *arguments)
            result = self._watch.call(name, run, spans, state, line)
        else:
            result = function(*arguments)
            for span in spans:
                self.hand_out(span.address, span.size)
        for memory in self._memories.values():
            memory.check(f"{name} on {self.tile}")
        return result

    def hand_out(self, address: int, size: int) -> None:
        """Count `size` bytes from a native address on as written, as far as they are memory."""
        for memory in self._memories.values():
            start = address - memory.base
            if 0 <= start < memory.size:
                memory.hand_out(start, min(size, memory.size - start))

    def release(self, tile: TileId, lock: int, value: int = 1, origin: Origin = NOWHERE) -> None:
        """Add `value` to a lock of `tile` now; whoever waits for it goes on.

        Raises:
            CheckFailed: NPU204, the lock would leave 0..63; NPU212, not a reached tile.
        """
        self._release(tile, lock, value, origin)

    def _reach(self, tile: TileId) -> Memory:
        memory = self._memories.get(tile)
        if memory is None:
            raise unreached(self.tile, tile)
        return memory


class _Unmarked(CoreContext):
    """Hands out memory that does not count as written for that."""

    __slots__ = ()

    def memory(self, tile: TileId) -> Bytes:
        return self._reach(tile).data


def unreached(tile: TileId, other: TileId, origin: Origin = NOWHERE) -> CheckFailed:
    """Return the error of a core at `tile` that uses what is `other`'s."""
    return CheckFailed(
        f"the core of {tile}{origin.bracketed} reaches neither memory nor locks of {other}",
        cure="a core reaches its own tile and its south, west and north neighbours in rows 2 to 5: "
        "move the buffer, or send it through a DMA",
        code="NPU212",
    )
