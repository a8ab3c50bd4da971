"""A DMA channel: it takes tasks from its queue and executes their BD chains."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from errors import CheckFailed
from simulator.array.checks import check_use
from simulator.array.config import WORD, ChannelId, Direction, Task
from simulator.array.deadlock import Releasers, Wait, WaitKind
from simulator.array.descriptor import Descriptor, LockUse
from simulator.array.geometry import TASK_QUEUE_DEPTH, Geometry, TileKind
from simulator.array.locks import Semaphore
from simulator.array.races import Races
from simulator.array.recorder import Activity, ChannelUse, Doing, Recorder
from simulator.array.scheduler import Action, Scheduler
from simulator.array.stream import Inlet, Outlet
from simulator.array.timing import BD_START, HOST_MEMORY_LATENCY, LOCK_LATENCY


class Channel:
    """One DMA channel of a tile.

    Attributes:
        id: Which one.
        name: The same in words, also its user name at its stream port.
        task: The task that is being executed.
        queue: Tasks that wait, at most 4.
        tokens: Completed tasks with a token that nobody has taken yet.
        clock: What it knows of the others' time.
        listener: Run once, the next time the queue or the tokens change.
        executed: BDs executed.
        moved: Words in them.
        busy: Cycles in them.
    """

    __slots__ = (
        "_current",
        "_descriptors",
        "_geometry",
        "_lock_wait",
        "_port",
        "_races",
        "_read_latency",
        "_recorder",
        "_resume",
        "_rounds",
        "_scheduler",
        "_write_latency",
        "busy",
        "clock",
        "executed",
        "id",
        "listener",
        "moved",
        "name",
        "queue",
        "task",
        "tokens",
    )

    def __init__(
        self,
        scheduler: Scheduler,
        geometry: Geometry,
        channel: ChannelId,
        descriptors: Mapping[int, Descriptor],
        port: Inlet | Outlet,
        recorder: Recorder | None,
        races: Races | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._geometry = geometry
        self._descriptors = descriptors
        self._port = port
        self._recorder = recorder
        self._races = races
        shim = geometry.kind(channel.tile) is TileKind.SHIM
        reads = channel.direction is Direction.MM2S
        self._read_latency = HOST_MEMORY_LATENCY if shim and reads else 0
        self._write_latency = HOST_MEMORY_LATENCY if shim and not reads else 0
        self._current: Descriptor | None = None
        self._lock_wait = False
        self._rounds = 0
        self.id = channel
        self.name = str(channel)
        self.clock = None if races is None else races.clock(self.name)
        port.clock = self.clock
        self.task: Task | None = None
        self.queue: deque[Task] = deque()
        self.tokens = 0
        self.listener: Action | None = None
        self.executed = 0
        self.moved = 0
        self.busy = 0
        work = self._work()
        next(work)
        self._resume: Action = work.__next__

    def push(self, task: Task) -> bool:
        """Queue `task`; False if the queue is full and nothing was done."""
        if self._races is not None and self.clock is not None:
            self._races.current.tell(self.clock.known)
        if self.task is None:
            self.task = task
            self._rounds = 1
            self._scheduler.at(self._scheduler.now, self._resume)
        elif len(self.queue) < TASK_QUEUE_DEPTH:
            self.queue.append(task)
        else:
            return False
        if self._recorder is not None:
            self._count_tasks(self._recorder)
        return True

    def take_token(self) -> None:
        """Take a token; who does knows then what the channel has done."""
        self.tokens -= 1
        if self._races is not None and self.clock is not None:
            self.clock.tell(self._races.current.known)

    def reset(self) -> None:
        """Drop all tasks, the one that is being executed too; its transfer ends where it is."""
        self._scheduler.cancel(self._resume)
        if self._current is not None:
            if self._current.acquire is not None:
                self._current.acquire.lock.cancel(self._resume)
            self._port.abort()
            self._current.abort()
        self._current = self.task = None
        self._lock_wait = False
        self._rounds = 0
        self.queue.clear()
        work = self._work()
        next(work)
        self._resume = work.__next__
        if self._recorder is not None:
            self._recorder.enter(self._scheduler.now, self.id.tile, self._track, None)
            self._count_tasks(self._recorder)
        self._notify()

    def uses(self, index: int) -> bool:
        """Tell whether a task that is not finished will execute BD `index`, or does."""
        starts = [task.bd for task in self.queue]
        if self._current is not None:
            starts.append(self._current.index)
        if self.task is not None and self._rounds:
            starts.append(self.task.bd)
        return any(index in self._chain(start) for start in starts)

    def use(self) -> ChannelUse:
        """Return the counters since the array was made."""
        return ChannelUse(executed=self.executed, words=self.moved, busy=self.busy)

    def unfinished(self) -> int:
        """Return how many tasks are not finished."""
        return len(self.queue) + (self.task is not None)

    @property
    def between(self) -> bool:
        """Whether it goes round in a shim tile's own program and has received no part transfer."""
        if self._current is None or self._current.record.external is None:
            return False
        last = self._descriptors[self._chain(self._current.index)[-1]]
        part = self.id.direction is Direction.S2MM and self._port.begun
        return last.record.next_bd is not None and not part

    def waits(self, releasers: Releasers) -> Wait | None:
        """Return what it waits for, see :class:`simulator.array.deadlock.Agent`."""
        descriptor = self._current
        if descriptor is None:
            return None
        if self._lock_wait and descriptor.acquire is not None:
            acquire = descriptor.acquire
            kind = WaitKind.LOCK
            what = f"for {acquire.lock.lack(acquire.value, acquire.equal)}"
            by = releasers(acquire.lock)
        else:
            kind = WaitKind.STREAM
            obstacle = self._port.obstacle()
            if obstacle is None:
                return None
            what, by = obstacle
        return Wait(
            who=self.name,
            tile=self.id.tile,
            kind=kind,
            what=what,
            by=by,
            origin=descriptor.record.origin,
            begun=kind is WaitKind.STREAM and self._port.begun,
        )

    def state(self) -> str:
        """Return in words what it does while it waits for nothing."""
        return "has no task" if self.task is None else "is at work"

    def releases(self, lock: Semaphore) -> bool:
        """Tell whether a BD that it has executed or will execute releases `lock`."""
        return any(
            descriptor.release is not None
            and descriptor.release.lock is lock
            and (self.name in descriptor.users or self.uses(descriptor.index))
            for descriptor in self._descriptors.values()
        )

    def _work(self) -> Iterator[None]:
        """Execute task after task; each yield waits for the next :attr:`_resume`."""
        start_up = self._read_latency
        while True:
            task = self.task
            if task is None:
                start_up = self._read_latency
                yield
                continue
            self._rounds = task.repeat + 1
            while self._rounds:
                self._rounds -= 1
                index: int | None = task.bd
                while index is not None:
                    descriptor = self._fetch(index, task)
                    yield from self._execute(descriptor, start_up)
                    start_up = 0
                    index = descriptor.record.next_bd
            if task.token:
                self._scheduler.at(self._scheduler.now + self._write_latency, self._give_token)
            self.task = self.queue.popleft() if self.queue else None
            if self._recorder is not None:
                self._count_tasks(self._recorder)
            self._notify()

    def _execute(self, descriptor: Descriptor, start_up: int) -> Iterator[None]:
        """Acquire, move, release; the first word comes `start_up` cycles later than others."""
        scheduler = self._scheduler
        self._current = descriptor
        start = scheduler.now
        ready = start + BD_START + start_up
        acquire = descriptor.acquire
        if acquire is not None:
            if not acquire.lock.acquire(acquire.value, acquire.equal, self._resume, self.clock):
                self._lock_wait = True
                if self._recorder is not None:
                    self._record_wait(self._recorder, acquire)
                yield
                self._lock_wait = False
                start = scheduler.now
                ready = start + BD_START + start_up
            else:
                ready += LOCK_LATENCY
        if self._recorder is not None:
            self._record_transfer(self._recorder, descriptor, ready)
        reads = self.id.direction is Direction.MM2S
        if reads and descriptor.in_array:
            self._note_access(descriptor, writes=False)
        self._move(descriptor, ready)
        yield
        if not reads:
            self._note_access(descriptor, writes=True)
        descriptor.advance()
        self._current = None
        self.executed += 1
        self.moved += descriptor.record.length // WORD
        self.busy += scheduler.now - start
        if self._recorder is not None:
            self._recorder.enter(scheduler.now, self.id.tile, self._track, None)
        release = descriptor.release
        if release is not None:
            if self._recorder is not None:
                self._recorder.released(
                    scheduler.now, release.lock.tile, release.lock.index, self.name
                )
            release.lock.release(release.value, self.name, clock=self.clock)

    def _move(self, descriptor: Descriptor, ready: int) -> None:
        port = self._port
        if isinstance(port, Inlet):
            port.receive(descriptor.target(), ready, self._resume)
            return
        if descriptor.header is not None and not port.packets and port.inlets:
            raise CheckFailed(
                f"{self.name} executes {descriptor}: it sends a packet header, and its route is "
                "circuit-switched, so the header would arrive as data",
                cure="remove the packet from the BD, or route the stream with a packet flow",
                code="NPU214",
            )
        port.origin = descriptor.record.origin
        port.send(descriptor.source(), ready, self._resume, header=descriptor.header)

    def _note_access(self, descriptor: Descriptor, *, writes: bool) -> None:
        """Tell of a transfer: a read when it starts, a write when all its words have come."""
        if self._races is None or self.clock is None:
            return
        memory, region = descriptor.region(self._races)
        origin = descriptor.record.origin
        self._races.access(self.clock, memory, region, origin, writes=writes)

    def _fetch(self, index: int, task: Task) -> Descriptor:
        descriptor = self._descriptors.get(index)
        if descriptor is None:
            raise CheckFailed(
                f"{self.name}{task.origin.bracketed} is to execute BD {index} of {self.id.tile}, "
                "which was never written",
                cure="write the BD before its task is pushed, and end chains with no next BD",
                code="NPU208",
            )
        if self.name not in descriptor.users:
            check_use(self._geometry, self.id, index, descriptor.record)
            descriptor.users.add(self.name)
        return descriptor

    def _give_token(self) -> None:
        self.tokens += 1
        self._notify()

    def _notify(self) -> None:
        if self.listener is not None:
            listener, self.listener = self.listener, None
            self._scheduler.at(self._scheduler.now, listener)

    @property
    def _track(self) -> str:
        return f"{self.id.direction}:{self.id.channel}"

    def _record_wait(self, recorder: Recorder, acquire: LockUse) -> None:
        lock = acquire.lock
        activity = Activity(
            Doing.LOCK, f"wait for {lock}", lock.origin, lock=(lock.tile, lock.index)
        )
        recorder.enter(self._scheduler.now, self.id.tile, self._track, activity)

    def _record_transfer(self, recorder: Recorder, descriptor: Descriptor, ready: int) -> None:
        record = descriptor.record
        what = record.origin.name or f"BD {descriptor.index}"
        activity = Activity(Doing.STREAM, what, record.origin, ready, record)
        recorder.enter(self._scheduler.now, self.id.tile, self._track, activity)

    def _count_tasks(self, recorder: Recorder) -> None:
        counter = f"tasks of {self._track}"
        recorder.level(self._scheduler.now, self.id.tile, counter, self.unfinished())

    def _chain(self, first: int) -> list[int]:
        """Return the BDs that a task from `first` executes, each once."""
        chain: list[int] = []
        index: int | None = first
        while index is not None and index not in chain and index in self._descriptors:
            chain.append(index)
            index = self._descriptors[index].record.next_bd
        return chain
