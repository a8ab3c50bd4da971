"""The array: tiles put together from a configuration, and the runs on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from errors import CheckFailed, LabError, UsageError
from simulator.array import checks
from simulator.array.channel import Channel
from simulator.array.command_processor import CommandProcessor
from simulator.array.config import (
    NOWHERE,
    BufferDescriptor,
    ChannelId,
    Configuration,
    Core,
    Direction,
    LockAction,
    Port,
    PortKind,
    Route,
    Task,
    TileId,
)
from simulator.array.congestion import check_congestion
from simulator.array.control_unit import ControlUnit
from simulator.array.core_control import CoreControl, MachineCode, machine_code
from simulator.array.core_process import CoreProcess
from simulator.array.core_watch import CoreWatch
from simulator.array.deadlock import Agent, Deadlock, WaitFor, wait_for
from simulator.array.descriptor import Descriptor, LockUse
from simulator.array.fabric import Fabric
from simulator.array.findings import Findings, unfinished
from simulator.array.geometry import Geometry, TileKind
from simulator.array.host import HostRun, Limits
from simulator.array.locks import Semaphore
from simulator.array.memory import Bytes, HostBuffer, Memory
from simulator.array.races import Races
from simulator.array.recorded import RecordedSemaphore
from simulator.array.recorder import Counters, Recorder, RunStats
from simulator.array.registers import Registers
from simulator.array.scheduler import OutOfCyclesError, OutOfTimeError, Scheduler


class Array:
    """A Phoenix array that executes a :class:`Configuration`.

    The constructor loads the configuration and enables the cores, as loading an xclbin
    does. :meth:`run_host` plays one runtime sequence; what the array holds afterwards
    (memory, locks, where each core and channel waits) is what the next run starts from.
    The other methods change one thing each, before, between or during runs: another front
    end builds its whole configuration with them.

    Args:
        configuration: What to load.
        recorder: Hears of all that happens, for a timeline.
        code: Makes the programs of cores that execute their program memory.
        watched: Look for races and for cores that read what nobody has written.

    Attributes:
        geometry: The device's tiles.
        registers: What writes to register addresses do.
        core_control: Program memories, and the cores' enable and reset.

    Raises:
        UsageError: NPU101, the device is not a Phoenix.
        CheckFailed: Something in the configuration is out of its limits (NPU2xx).
    """

    def __init__(
        self,
        configuration: Configuration,
        recorder: Recorder | None = None,
        *,
        code: MachineCode = machine_code,
        watched: bool = True,
    ) -> None:
        self.geometry = Geometry.named(configuration.device)
        self.registers = Registers(self)
        self.core_control = CoreControl(self, code)
        self._recorder = recorder
        self._watched = watched
        self._scheduler = Scheduler()
        self._memories = {
            tile: Memory(tile, self.geometry.limits(tile).memory)
            for owner in self.geometry.tiles()
            for tile in self.geometry.moved_from(owner)
        }
        self._host_buffers: list[HostBuffer] | None = None
        self._failure: str | None = None
        self.load(configuration)

    def load(self, configuration: Configuration) -> None:
        """Load a configuration in place of all that is there; only memories keep their content.

        Raises:
            CheckFailed: Something in it is out of its limits (NPU2xx); NPU210, it is for
                another device.
        """
        checks.check_device(self.geometry, configuration)
        self._scheduler.clear()
        self.registers.clear()
        self.core_control.clear()
        if self._recorder is not None:
            self._recorder.loaded(self._scheduler.now)
        self._fabric = Fabric(self._scheduler, self.geometry, self._recorder)
        self._findings = Findings(configuration.buffers)
        report = self._findings.found.append
        self._races = Races(report, self._findings.name) if self._watched else None
        self._locks: dict[TileId, list[Semaphore]] = {}
        self._descriptors: dict[TileId, dict[int, Descriptor]] = {}
        for tile in self.geometry.tiles():
            count = self.geometry.limits(tile).locks
            self._locks[tile] = [self._semaphore(tile, index) for index in range(count)]
            self._descriptors[tile] = {}
        self._channels: dict[ChannelId, Channel] = {}
        self._cores: dict[TileId, CoreProcess] = {}
        self._control_units: dict[TileId, ControlUnit] = {}
        self._unbound: list[Descriptor] = []
        external = configuration.external
        self._external = {name: HostBuffer(name, external[name]) for name in external}
        self._before = self._counters()
        self._configure(configuration)

    def _semaphore(self, tile: TileId, index: int) -> Semaphore:
        if self._recorder is None:
            return Semaphore(self._scheduler, tile, index)
        return RecordedSemaphore(self._scheduler, tile, index, self._recorder)

    def _configure(self, configuration: Configuration) -> None:
        for buffer in configuration.buffers:
            what = f"buffer {buffer.name} of {buffer.tile}{buffer.origin.bracketed}"
            self._check_memory(buffer.tile, buffer.address, buffer.size, what)
            if buffer.initial is not None:
                checks.check_range(buffer.size, 0, len(buffer.initial), f"initial value of {what}")
                self.write_memory(buffer.tile, buffer.address, buffer.initial)
        for lock in configuration.locks:
            what = f"lock {lock.index} of {lock.tile}{lock.origin.bracketed} at the start"
            checks.check_lock_value(lock.initial, what)
            self.set_lock(lock.tile, lock.index, lock.initial)
            origin = replace(lock.origin, name=lock.name or lock.origin.name)
            self._locks[lock.tile][lock.index].origin = origin
        for tile, descriptors in configuration.bds.items():
            for index, content in descriptors.items():
                self.write_bd(tile, index, content)
        for route in configuration.routes:
            self.add_route(route)
        check_congestion(self.geometry, configuration.routes)
        for channel in configuration.channels:
            identity = ChannelId(channel.tile, channel.direction, channel.channel)
            checks.check_queue(identity, len(channel.tasks), channel.origin)
            for task in channel.tasks:
                self.push_task(identity, task)
        for core in configuration.cores:
            self.core_control.note(core)
            self.start_core(core)
        self.registers.configure(configuration.writes)

    def run_host(
        self, program: HostRun, host_buffers: Sequence[npt.NDArray[Any]], limits: Limits
    ) -> RunStats:
        """Run a host program to its end; the array works on meanwhile, and to rest where it
        has external buffers.

        Args:
            program: A host program (see :mod:`simulator.array.host`).
            host_buffers: What `BufferDescriptor.host_arg` indexes: C-contiguous arrays of any
                dtype, read by shim MM2S channels and written in place by S2MM channels.
            limits: When to give up.

        Raises:
            Deadlock: NPU203, the program waits and nothing in the array can go on.
            CheckFailed: Another thing that the hardware would not survive (NPU2xx), among
                them NPU201 and NPU202 (the limits). The array cannot run afterwards.
            UsageError: NPU213, the host buffers do not suit the design; NPU217, an earlier
                run failed.
        """
        if self._failure is not None:
            raise UsageError(
                f"the array stopped in an earlier run: {self._failure}",
                cure="load the design again",
                code="NPU217",
            )
        buffers = [HostBuffer(index, array) for index, array in enumerate(host_buffers)]
        self._host_buffers = buffers
        self._findings.found.clear()
        self._before, start = self._counters(), self._scheduler.now
        if self._recorder is not None:
            self._recorder.began(start)
        host = CommandProcessor(self._scheduler, self, program, self._recorder)
        try:
            for descriptor in self._unbound:
                self._bind(descriptor, buffers)
            self._run(host, limits)
        except Exception as error:
            self._failure = str(error).partition("\n")[0]
            if isinstance(error, LabError):
                earlier = [found for found in self._findings.found if found is not error]
                before = [f"before that: [{f.code}] {f.message}" for f in earlier]
                error.details += tuple(before)
            raise
        finally:
            self._host_buffers = None
            if self._races is not None:
                self._races.forget(buffers)
            if self._recorder is not None:
                self._recorder.ended(self._scheduler.now)
        return RunStats(
            cycles=self._scheduler.now - start,
            host_cycles=host.busy,
            written=tuple(buffer.mask() for buffer in buffers),
            work=self._counters().since(self._before),
            findings=(*self._findings.found, *unfinished(self._shim_channels())),
        )

    def write_bd(self, tile: TileId, bd: int, content: BufferDescriptor) -> None:
        """Write buffer descriptor `bd` of `tile`.

        A BD that addresses a host argument is bound to the host buffers of the run that
        writes it, or outside of a run to those of each run anew. One that is in use may be
        written again with what it holds: whenever its words are read, they are the same.

        Raises:
            CheckFailed: NPU205, 206, 209, 210: the BD is one that the hardware could not
                execute; NPU207, a task that is not finished uses the one that is there.
            UsageError: NPU213, there is no such host argument.
        """
        checks.check_descriptor(self.geometry, tile, bd, content)
        for channel in self._channels.values():
            if channel.id.tile == tile and channel.uses(bd):
                if self._holds(tile, bd, content):
                    return
                raise CheckFailed(
                    f"{checks.describe(tile, bd, content)} is written while {channel.name} has a "
                    "task that executes the BD of this number",
                    cure="wait for the task's token first, or use another BD",
                    code="NPU207",
                )
        descriptor = self._descriptors[tile][bd] = Descriptor(
            tile,
            bd,
            content,
            None if content.memory is None else self._memories[content.memory],
            self._lock_use(content.acquire),
            self._lock_use(content.release),
            self._findings.unwritten,
        )
        if content.external is not None:
            descriptor.bind(self._external[content.external])
        if content.host_arg is None:
            return
        if self._host_buffers is None:
            self._unbound.append(descriptor)
        else:
            self._bind(descriptor, self._host_buffers)

    def _holds(self, tile: TileId, bd: int, content: BufferDescriptor) -> bool:
        """Tell whether a BD holds `content`, for the host buffers of this run."""
        held = self._descriptors[tile].get(bd)
        if held is None or content.iteration is not None:
            return False
        if content.host_arg is not None:
            buffers = self._host_buffers or []
            if not any(held.memory is buffer for buffer in buffers):
                return False
        return replace(held.record, origin=content.origin) == content

    def push_task(self, channel: ChannelId, task: Task) -> bool:
        """Push `task` to a channel's queue; False if the queue is full and nothing was done.

        Raises:
            CheckFailed: NPU209, 210: no such channel or BD, or the repeat count is too large.
        """
        what = f"task on {channel}{task.origin.bracketed}"
        pushed = self.channel(channel)
        checks.check_task(self.geometry, channel, task, what)
        return pushed.push(task)

    def set_lock(self, tile: TileId, lock: int, value: int) -> None:
        """Set a lock, whatever it was; who waits for the value goes on.

        Raises:
            CheckFailed: NPU210, no such lock; NPU204, the value does not fit it.
        """
        what = f"lock {lock} of {tile} is set"
        checks.check_lock(self.geometry, tile, lock, what)
        checks.check_lock_value(value, what)
        clock = None if self._races is None else self._races.current
        self._locks[tile][lock].set(value, clock)

    def write_memory(self, tile: TileId, address: int, data: bytes) -> None:
        """Write `data` at byte `address` of a tile's memory.

        Raises:
            CheckFailed: NPU210, no such tile; NPU205, outside its memory.
        """
        self._check_memory(tile, address, len(data), f"write to {tile}")
        target = self._memories[tile].hand_out(address, len(data))
        target[:] = np.frombuffer(data, np.uint8)
        if self._races is not None and self._host_buffers is not None:
            memory = self._memories[tile]
            region = self._races.regions(memory).range(address, address + len(data))
            self._races.access(self._races.current, memory, region, NOWHERE, writes=True)

    def memory(self, tile: TileId) -> Bytes:
        """Return all data memory of `tile`, uint8, never a copy; write with `write_memory`."""
        checks.check_tile(self.geometry, tile, "memory")
        return self._memories[tile].data

    def descriptors(self, tile: TileId) -> dict[int, BufferDescriptor]:
        """Return the buffer descriptors of `tile` by number, as they were written."""
        return {i: descriptor.record for i, descriptor in self._descriptors[tile].items()}

    @property
    def fabric(self) -> Fabric:
        """The stream network as it is now."""
        return self._fabric

    def lock_value(self, tile: TileId, lock: int) -> int:
        """Return a lock's value."""
        checks.check_lock(self.geometry, tile, lock, "lock value")
        return self._locks[tile][lock].value

    def add_route(self, route: Route) -> None:
        """Connect ports.

        Raises:
            CheckFailed: NPU210, 215, 216: see :meth:`simulator.array.fabric.Fabric.add`.
        """
        self._fabric.add(route)
        ends = [(route.source, Direction.MM2S)]
        ends += [(port, Direction.S2MM) for port in route.destinations]
        for port, direction in ends:
            if port.kind is PortKind.DMA:
                self.channel(ChannelId(port.tile, direction, port.channel))
            elif port.kind is PortKind.CONTROL and direction is Direction.S2MM:
                self._listen(port, keep_header=route.keep_header)

    def start_core(self, core: Core) -> None:
        """Enable a core: its program starts at the current cycle.

        Raises:
            CheckFailed: NPU210, there is no core, or it has a program already.
        """
        checks.check_core(self.geometry, core.tile, f"core{core.origin.bracketed}")
        if core.tile in self._cores:
            raise CheckFailed(
                f"core{core.origin.bracketed}: the core of {core.tile} has a program already",
                cure="give each tile one core",
                code="NPU210",
            )
        reached = set(self.geometry.reachable(core.tile).values())
        memories = {tile: self._memories[tile] for tile in reached}
        found, races = self._findings, self._races
        watch = None
        if races is not None:
            name, report = f"core of {core.tile}", found.found.append
            watch = CoreWatch(name, memories, races, report, found.name, found.bounds)
        self._cores[core.tile] = CoreProcess(
            self._scheduler,
            core,
            memories,
            {tile: self._locks[tile] for tile in reached},
            self._fabric,
            self._recorder,
            watch,
        )

    def stop_core(self, tile: TileId) -> None:
        """Stop the core of a tile where it is, if it has a program."""
        core = self._cores.pop(tile, None)
        if core is not None:
            core.stop()

    def core_ended(self, tile: TileId) -> bool | None:
        """Tell whether a core's program is at its end; None where none was started."""
        core = self._cores.get(tile)
        return None if core is None else core.ended

    def channel(self, channel: ChannelId) -> Channel:
        """Return a DMA channel.

        Raises:
            CheckFailed: NPU210, the tile has no such channel.
        """
        found = self._channels.get(channel)
        if found is None:
            checks.check_channel(self.geometry, channel, "DMA channel")
            port = Port(channel.tile, PortKind.DMA, channel.channel)
            sends = channel.direction is Direction.MM2S
            found = self._channels[channel] = Channel(
                self._scheduler,
                self.geometry,
                channel,
                self._descriptors[channel.tile],
                self._fabric.outlet(port) if sends else self._fabric.inlet(port),
                self._recorder,
                self._races,
            )
        return found

    def _listen(self, port: Port, *, keep_header: bool) -> None:
        """Let the tile's control unit execute what arrives at its port."""
        if port.tile not in self._control_units:
            self._control_units[port.tile] = ControlUnit(
                self._scheduler,
                port.tile,
                self._fabric.inlet(port),
                self._fabric.outlet(port),
                self.registers,
                races=self._races,
                keep_header=keep_header,
            )

    def _wait_for(self, host: CommandProcessor) -> WaitFor:
        agents: list[Agent] = [host, *self._cores.values(), *self._channels.values()]
        agents += self._control_units.values()
        return wait_for(self._scheduler.now, agents, self._releasers)

    def _run(self, host: CommandProcessor, limits: Limits) -> None:
        last_cycle = self._scheduler.now + limits.max_cycles
        deadline = monotonic() + limits.max_seconds
        try:
            if not self._scheduler.run(last_cycle, deadline):
                raise Deadlock(self._wait_for(host))
            if self._external:  # shim channels of the design's own work on, whoever awaits them
                self._scheduler.run(last_cycle, deadline)
        except OutOfCyclesError:
            raise self._given_up(host, f"{limits.max_cycles} cycles", "NPU201") from None
        except OutOfTimeError:
            raise self._given_up(host, f"{limits.max_seconds:g} seconds", "NPU202") from None

    def _given_up(self, host: CommandProcessor, limit: str, code: str) -> CheckFailed:
        return CheckFailed(
            f"the run was given up after {limit}, at cycle {self._scheduler.now}",
            cure="look for a core that loops without an end; raise the limit if the design just "
            "takes long",
            code=code,
            details=self._wait_for(host).lines(),
        )

    def _bind(self, descriptor: Descriptor, buffers: Sequence[HostBuffer]) -> None:
        argument = descriptor.record.host_arg
        if argument is None or not 0 <= argument < len(buffers):
            raise UsageError(
                f"{descriptor} addresses host argument {argument}, and the run has "
                f"{len(buffers)} arrays",
                cure="pass one array for each argument of the runtime sequence",
                code="NPU213",
            )
        descriptor.bind(buffers[argument])

    def _lock_use(self, action: LockAction | None) -> LockUse | None:
        if action is None:
            return None
        return LockUse(self._locks[action.tile][action.lock], action.value, action.equal)

    def _check_memory(self, tile: TileId, address: int, size: int, what: str) -> None:
        checks.check_tile(self.geometry, tile, what)
        checks.check_range(self._memories[tile].size, address, size, what)

    def _shim_channels(self) -> list[Channel]:
        kind = self.geometry.kind
        return [one for one in self._channels.values() if kind(one.id.tile) is TileKind.SHIM]

    def _releasers(self, lock: Semaphore) -> tuple[str, ...]:
        """Return the names of all who may release `lock`.

        Where nobody does, a control packet might, or the tile's core if it had a program.
        """
        known = [core.name for core in self._cores.values() if core.releases(lock)]
        known += [channel.name for channel in self._channels.values() if channel.releases(lock)]
        known += sorted(lock.releasers)
        if not known and lock.tile in self._control_units:
            known.append(self._control_units[lock.tile].name)
        elif (
            not known
            and lock.tile not in self._cores
            and self.geometry.kind(lock.tile) is TileKind.CORE
        ):
            known.append(f"core of {lock.tile}")
        return tuple(dict.fromkeys(known))

    def _counters(self) -> Counters:
        return Counters(
            cores={tile: core.busy for tile, core in self._cores.items()},
            channels={channel: self._channels[channel].use() for channel in self._channels},
            routes={port: outlet.words for port, outlet in self._fabric.outlets.items()},
            events=self._scheduler.executed,
        )
