"""The command processor: it plays a host program's commands on the array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from errors import CheckFailed
from simulator.array.channel import Channel
from simulator.array.config import (
    NOWHERE,
    BufferDescriptor,
    ChannelId,
    Configuration,
    Task,
    TileId,
)
from simulator.array.core import Delay
from simulator.array.deadlock import Releasers, Wait, WaitKind
from simulator.array.host import (
    AwaitToken,
    HostRequest,
    HostRun,
    PatchAddress,
    PollRegister,
    PushTask,
    Reconfigure,
    SetLock,
    WriteBd,
    WriteMemory,
    WriteRegisters,
)
from simulator.array.recorder import Activity, Doing, Recorder
from simulator.array.registers import Registers
from simulator.array.scheduler import Scheduler
from simulator.array.timing import HOST_COMMAND, HOST_POLL, HOST_RECONFIGURE, HOST_WRITE_BD


class Machine(Protocol):
    """What the command processor needs of the array."""

    registers: Registers

    def write_bd(self, tile: TileId, bd: int, content: BufferDescriptor) -> None: ...

    def set_lock(self, tile: TileId, lock: int, value: int) -> None: ...

    def write_memory(self, tile: TileId, address: int, data: bytes) -> None: ...

    def push_task(self, channel: ChannelId, task: Task) -> bool: ...

    def channel(self, channel: ChannelId) -> Channel: ...

    def load(self, configuration: Configuration) -> None: ...


class CommandProcessor:
    """One run of a host program.

    Attributes:
        name: ``the host``.
        busy: Cycles spent in commands so far.
        ended: The program is at its end.
    """

    def __init__(
        self, scheduler: Scheduler, machine: Machine, program: HostRun, recorder: Recorder | None
    ) -> None:
        self._scheduler = scheduler
        self._machine = machine
        self._program = program
        self._recorder = recorder
        self._request: Any = None
        self._blocked: ChannelId | None = None
        self.name = "the host"
        self.busy = 0
        self.ended = False
        self._serve: dict[type, Callable[[Any], None]] = {
            WriteBd: self._write_bd,
            PushTask: self._push_task,
            AwaitToken: self._await_token,
            SetLock: self._set_lock,
            WriteMemory: self._write_memory,
            WriteRegisters: self._write_registers,
            PollRegister: self._poll,
            PatchAddress: self._patch_address,
            Reconfigure: self._reconfigure,
            Delay: self._delay,
        }
        scheduler.at(scheduler.now, self._resume)

    def waits(self, _releasers: Releasers) -> Wait | None:
        """Return what it waits for, see :class:`simulator.array.deadlock.Agent`."""
        request = self._request
        if isinstance(request, PollRegister):
            return self._poll_wait(request)
        if isinstance(request, WriteRegisters) and self._blocked is not None:
            request = PushTask(*self._blocked, Task(bd=0, origin=request.origin))
        if not isinstance(request, PushTask | AwaitToken):
            return None
        channel = f"{request.tile} {request.direction}:{request.channel}"
        if isinstance(request, AwaitToken):
            kind, what, origin = WaitKind.TOKEN, f"for a task token of {channel}", request.origin
        else:
            kind, what = WaitKind.QUEUE, f"for a free place in the task queue of {channel}"
            origin = request.task.origin
        return Wait(who=self.name, tile=None, kind=kind, what=what, by=(channel,), origin=origin)

    def state(self) -> str:
        """Return in words what it does while it waits for nothing."""
        return "has ended" if self.ended else "is at work"

    def _resume(self) -> None:
        self._request = next(self._program, None)
        if self._request is None:
            self.ended = True
            self._note(None)
            self._scheduler.stop()
            return
        serve = self._serve.get(type(self._request))
        if serve is None:
            raise CheckFailed(
                f"the host program yields {self._request!r}, which is no command",
                cure="yield the commands of simulator.array.host",
                code="NPU218",
            )
        serve(self._request)

    def _note(self, doing: Doing | None, peer: str = "") -> None:
        """Tell the recorder what the current command does from now on."""
        if self._recorder is not None:
            activity = None if doing is None else _activity(self._request, doing, peer)
            self._recorder.enter(self._scheduler.now, None, "host", activity)

    def _spend(self, cycles: int) -> None:
        self._note(Doing.WORK)
        self.busy += cycles
        self._scheduler.at(self._scheduler.now + cycles, self._resume)

    def _write_bd(self, command: WriteBd) -> None:
        self._machine.write_bd(command.tile, command.bd, command.content)
        self._spend(HOST_WRITE_BD)

    def _push_task(self, command: PushTask) -> None:
        channel = ChannelId(command.tile, command.direction, command.channel)
        if self._machine.push_task(channel, command.task):
            self._spend(HOST_COMMAND)
        else:
            self._note(Doing.QUEUE, str(channel))
            self._machine.channel(channel).listener = lambda: self._push_task(command)

    def _await_token(self, command: AwaitToken) -> None:
        channel = self._machine.channel(ChannelId(command.tile, command.direction, command.channel))
        if channel.tokens:
            channel.take_token()
            self._spend(0)
        else:
            self._note(Doing.TOKEN, channel.name)
            channel.listener = lambda: self._await_token(command)

    def _set_lock(self, command: SetLock) -> None:
        self._machine.set_lock(command.tile, command.lock, command.value)
        self._spend(HOST_COMMAND)

    def _write_memory(self, command: WriteMemory) -> None:
        self._machine.write_memory(command.tile, command.address, command.data)
        self._spend(HOST_COMMAND * max(1, -(-len(command.data) // 4)))

    def _write_registers(self, command: WriteRegisters) -> None:
        registers = self._machine.registers
        tile, address, words, mask, origin = command
        done = registers.write(tile, address, words, mask=mask, origin=origin)
        self._blocked = None
        if done == len(words):
            self._spend(HOST_COMMAND * len(words))
            return
        address += 4 * done
        rest = command._replace(address=address, words=words[done:])
        self._blocked = registers.queue_at(tile, address)
        queue = self._machine.channel(self._blocked)
        self._note(Doing.QUEUE, queue.name)
        queue.listener = lambda: self._write_registers(rest)

    def _poll(self, command: PollRegister) -> None:
        (word,) = self._machine.registers.read(command.tile, command.address, 1)
        if word & command.mask == command.value:
            self._spend(HOST_COMMAND)
            return
        self._note(Doing.TOKEN)
        if not self._scheduler.idle:
            # Where nothing else is about to happen the register cannot change: a deadlock.
            again = self._scheduler.now + HOST_POLL
            self._scheduler.at(again, lambda: self._poll(command))

    def _poll_wait(self, command: PollRegister) -> Wait:
        (word,) = self._machine.registers.read(command.tile, command.address, 1)
        what = (
            f"for the register at {command.address:#x} of {command.tile} to hold "
            f"{command.value:#x} under mask {command.mask:#x}: it holds {word:#x}"
        )
        origin = command.origin
        return Wait(who=self.name, tile=None, kind=WaitKind.REGISTER, what=what, origin=origin)

    def _patch_address(self, command: PatchAddress) -> None:
        self._machine.registers.patch(*command)
        self._spend(HOST_COMMAND)

    def _reconfigure(self, command: Reconfigure) -> None:
        self._machine.load(command.configuration)
        self._spend(HOST_RECONFIGURE)

    def _delay(self, command: Delay) -> None:
        if command.cycles < 0:
            raise CheckFailed(
                f"the host program yields {command!r}, which goes back in time",
                cure="wait for 0 cycles or more",
                code="NPU218",
            )
        self._note(Doing.SETUP)
        self._scheduler.at(self._scheduler.now + command.cycles, self._resume)


def _activity(command: HostRequest, doing: Doing, peer: str) -> Activity:
    """Return what a command is on a timeline."""
    match command:
        case WriteBd():
            what, origin = f"BD {command.bd} of {command.tile}", command.content.origin
        case PushTask() | AwaitToken():
            what = f"{command.tile} {command.direction}:{command.channel}"
            origin = command.task.origin if isinstance(command, PushTask) else command.origin
        case SetLock():
            what, origin = (
                f"lock {command.lock} of {command.tile} = {command.value}",
                command.origin,
            )
        case WriteMemory() | WriteRegisters() | PollRegister() | PatchAddress():
            what, origin = f"{command.address:#x} of {command.tile}", command.origin
        case _:
            what, origin = "", NOWHERE
    return Activity(doing, f"{type(command).__name__} {what}".rstrip(), origin, peer=peer)
