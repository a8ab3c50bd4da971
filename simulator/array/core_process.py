"""A core at work: it serves the requests that the core's program yields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from errors import CheckFailed
from simulator.array.checks import check_lock_value
from simulator.array.config import Core, Origin, Port, PortKind, TileId
from simulator.array.core import (
    Acquire,
    CascadeRead,
    CascadeWrite,
    CoreContext,
    CoreRun,
    Delay,
    StreamRead,
    StreamWrite,
    unreached,
)
from simulator.array.core_watch import CoreWatch
from simulator.array.deadlock import Releasers, Wait, WaitKind
from simulator.array.fabric import Fabric
from simulator.array.geometry import LOCK_MAX
from simulator.array.locks import Semaphore
from simulator.array.memory import Memory, Words
from simulator.array.pattern import FlatPattern
from simulator.array.recorder import Activity, Doing, Recorder
from simulator.array.scheduler import Scheduler
from simulator.array.stream import Inlet, Outlet
from simulator.array.timing import CASCADE_WORDS, LOCK_LATENCY

StreamRequest: TypeAlias = StreamRead | StreamWrite | CascadeRead | CascadeWrite


class CoreProcess:
    """The program of one core and the request that it waits for.

    Attributes:
        name: ``core of tile(0,2)``.
        tile: Where.
        busy: Cycles of its delays so far.
    """

    __slots__ = (
        "_clock",
        "_core",
        "_ended",
        "_fabric",
        "_locks",
        "_recorder",
        "_reply",
        "_request",
        "_run",
        "_scheduler",
        "_serve",
        "busy",
        "name",
        "tile",
    )

    def __init__(
        self,
        scheduler: Scheduler,
        core: Core,
        memories: Mapping[TileId, Memory],
        locks: Mapping[TileId, Sequence[Semaphore]],
        fabric: Fabric,
        recorder: Recorder | None,
        watch: CoreWatch | None = None,
    ) -> None:
        """Make the process; `memories` and `locks` are those that the core reaches."""
        self._scheduler = scheduler
        self._core = core
        self._locks = locks
        self._fabric = fabric
        self._recorder = recorder
        self._clock = None if watch is None else watch.clock
        self.tile = core.tile
        self.name = f"core of {core.tile}"
        self.busy = 0
        self._ended = False
        self._reply: Any = None
        self._request: Any = None
        self._run: CoreRun = core.program(CoreContext(core.tile, memories, self._release, watch))
        self._serve: dict[type, Callable[[Any], None]] = {
            Acquire: self._acquire,
            Delay: self._delay,
            StreamRead: self._read,
            StreamWrite: self._write,
            CascadeRead: self._read,
            CascadeWrite: self._write,
        }
        scheduler.at(scheduler.now, self._resume)

    def waits(self, releasers: Releasers) -> Wait | None:
        """Return what it waits for, see :class:`simulator.array.deadlock.Agent`."""
        request = self._request
        if self._ended or request is None or isinstance(request, Delay):
            return None
        by: tuple[str, ...]
        begun = False
        if isinstance(request, Acquire):
            kind = WaitKind.LOCK
            lock = self._lock(request.tile, request.lock, request.origin)
            what, by = f"for {lock.lack(request.value, request.equal)}", releasers(lock)
        else:
            kind = WaitKind.STREAM
            endpoint = self._endpoint(request)
            obstacle = endpoint.obstacle()
            if obstacle is None:
                return None
            begun = endpoint.begun
            what, by = obstacle
        return Wait(
            who=self.name,
            tile=self.tile,
            kind=kind,
            what=what,
            by=by,
            origin=request.origin,
            begun=begun,
        )

    def state(self) -> str:
        """Return in words what it does while it waits for nothing."""
        return "has ended" if self._ended else "is at work"

    @property
    def ended(self) -> bool:
        """Whether the program is at its end."""
        return self._ended

    def stop(self) -> None:
        """End the program where it is."""
        request = self._request
        self._scheduler.cancel(self._resume)
        if isinstance(request, Acquire):
            self._lock(request.tile, request.lock, request.origin).cancel(self._resume)
        elif isinstance(request, StreamRead | StreamWrite | CascadeRead | CascadeWrite):
            self._endpoint(request).abort()
        self._request, self._ended = None, True
        self._run.close()

    def releases(self, lock: Semaphore) -> bool:
        """Tell whether its program may release `lock`."""
        return (lock.tile, lock.index) in self._core.releases

    def _resume(self) -> None:
        """Give the program what it waited for and serve its next request."""
        reply, self._reply = self._reply, None
        try:
            request = self._request = self._run.send(reply)
        except StopIteration:
            self._request = None
            self._ended = True
            if self._recorder is not None:
                self._recorder.enter(self._scheduler.now, self.tile, "core", None)
            return
        serve = self._serve.get(type(request))
        if serve is None:
            raise self._refusal(request)
        if self._recorder is not None and not isinstance(request, Acquire):
            activity = _activity(request, self._scheduler.now)
            self._recorder.enter(self._scheduler.now, self.tile, "core", activity)
        serve(request)

    def _acquire(self, request: Acquire) -> None:
        lock = self._lock(request.tile, request.lock, request.origin)
        if not 0 <= request.value <= LOCK_MAX:
            what = f"{self.name}{request.origin.bracketed} acquires {lock}"
            check_lock_value(request.value, what)
        granted = lock.acquire(request.value, request.equal, self._resume, self._clock)
        if self._recorder is not None:
            doing = Doing.SETUP if granted else Doing.LOCK
            what = f"{'acquire' if granted else 'wait for'} {lock}"
            activity = Activity(doing, what, request.origin, lock=(lock.tile, lock.index))
            self._recorder.enter(self._scheduler.now, self.tile, "core", activity)
        if granted:
            self._scheduler.at(self._scheduler.now + LOCK_LATENCY, self._resume)

    def _release(self, tile: TileId, index: int, value: int, origin: Origin) -> None:
        if self._recorder is not None:
            self._recorder.released(self._scheduler.now, tile, index, self.name)
        self._lock(tile, index, origin).release(value, self.name, origin, self._clock)

    def _delay(self, request: Delay) -> None:
        if request.cycles < 0:
            raise self._refusal(request)
        self.busy += request.cycles
        self._scheduler.at(self._scheduler.now + request.cycles, self._resume)

    def _read(self, request: StreamRead | CascadeRead) -> None:
        words = request.words if isinstance(request, StreamRead) else CASCADE_WORDS
        if words < 1:
            raise self._refusal(request)
        data: Words = np.empty(words, np.uint32)
        self._reply = data
        inlet = self._fabric.inlet(self._port(request))
        inlet.clock = self._clock
        inlet.receive(FlatPattern(data), self._scheduler.now, self._resume)

    def _write(self, request: StreamWrite | CascadeWrite) -> None:
        data = request.data
        cascade = isinstance(request, CascadeWrite)
        if data.dtype != np.uint32 or data.ndim != 1 or not len(data):
            raise self._refusal(request)
        if cascade and len(data) != CASCADE_WORDS:
            raise self._refusal(request)
        outlet = self._fabric.outlet(self._port(request))
        outlet.clock = self._clock
        last = isinstance(request, StreamWrite) and request.last
        outlet.send(FlatPattern(data), self._scheduler.now, self._resume, last=last)

    def _port(self, request: StreamRequest) -> Port:
        """Return the port that a request reads or writes."""
        if isinstance(request, CascadeRead | CascadeWrite):
            return Port(self.tile, PortKind.CASCADE, 0)
        if request.channel != 0:
            raise self._refusal(request)
        return Port(self.tile, PortKind.CORE, 0)

    def _endpoint(self, request: StreamRequest) -> Inlet | Outlet:
        port = self._port(request)
        if isinstance(request, StreamRead | CascadeRead):
            return self._fabric.inlet(port)
        return self._fabric.outlet(port)

    def _lock(self, tile: TileId, index: int, origin: Origin) -> Semaphore:
        locks = self._locks.get(tile)
        if locks is None:
            raise unreached(self.tile, tile, origin)
        if not 0 <= index < len(locks):
            raise CheckFailed(
                f"{self.name}{origin.bracketed} uses lock {index} of {tile}, which has "
                f"0..{len(locks) - 1}",
                cure="use a lock that the tile has",
                code="NPU210",
            )
        return locks[index]

    def _refusal(self, request: object) -> CheckFailed:
        return CheckFailed(
            f"the program of the {self.name} yields {request!r}, which no core can do",
            cure="yield the requests of simulator.array.core: cycles from 0, at least one word of "
            "uint32, 16 on the cascade, stream channel 0",
            code="NPU218",
        )


def _activity(request: Delay | StreamRequest, now: int) -> Activity:
    """Return what a request is on a timeline."""
    if isinstance(request, Delay):
        return Activity(Doing.WORK, request.what or "compute")
    return Activity(Doing.STREAM, type(request).__name__, request.origin, now)
