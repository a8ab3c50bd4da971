"""Plays a runtime sequence: each of its operations becomes commands for the array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from xdsl.dialects import scf
from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.dialects.func import ReturnOp
from xdsl.dialects.memref import GetGlobalOp
from xdsl.ir import Block, Operation, Region

from errors import nearest
from simulator.array.config import ChannelId, Configuration, Direction, Packet, TileId
from simulator.array.config import Task as ArrayTask
from simulator.array.host import AwaitToken, HostRequest, PushTask, Reconfigure, WriteBd
from simulator.mlir.design import Design, symbol_name
from simulator.mlir.dialects.attributes import PacketInfoAttr
from simulator.mlir.dialects.device import BdChainOp, EndOp, RuntimeSequence
from simulator.mlir.dialects.npu import ConfigureOp, NpuLoadPdiOp, RunOp
from simulator.mlir.dialects.sequence import (
    DmaAwaitTaskOp,
    DmaBdPoolPopOp,
    DmaBdPoolPushOp,
    DmaConfigureTaskForOp,
    DmaConfigureTaskOp,
    DmaFreeTaskOp,
    DmaStartBdChainForOp,
    DmaStartBdChainOp,
    DmaStartTaskOp,
    NpuDmaMemcpyNdOp,
    NpuDmaWaitOp,
)
from simulator.mlir.dialects.syntax import DYNAMIC
from simulator.mlir.dialects.trace import TraceSetting, TraceStartConfigOp
from simulator.mlir.failure import next_operand, origin, refuse, unsupported
from simulator.mlir.layouts import flag, integer, layout
from simulator.mlir.plan import Plan
from simulator.mlir.sequences.host_memory import HostView, follow_view
from simulator.mlir.sequences.numbers import compute
from simulator.mlir.sequences.registers import register_commands
from simulator.mlir.sequences.scope import Scope
from simulator.mlir.sequences.task import Task
from simulator.mlir.sequences.tasks import TaskTable
from simulator.mlir.sequences.transfers import Walk, host_descriptor

Commands = Iterator[HostRequest]
Load = Callable[[str, Operation], "tuple[Player, Configuration]"]


MOST_TURNS = 1 << 20
"""Turns of all loops of a sequence: each is written out as instructions before the run."""

_SILENT = (EndOp, ReturnOp, scf.YieldOp, TraceSetting, TraceStartConfigOp, GetGlobalOp)


class Player:
    """Plays one runtime sequence.

    Args:
        design: The design.
        plan: Its plan, with all numbers and addresses.
        taken: Descriptors that the static configuration uses, by tile.
        numbers: Values of the sequence's scalar arguments, by their position.
        sizes: Bytes of the arrays that the arguments are, by their position, where they are
            known; else the arguments' types say how many there are.
        load: Gives the player and the configuration of a device by its name, for sequences
            that load another one.
    """

    def __init__(
        self,
        design: Design,
        plan: Plan,
        taken: dict[Any, set[int]],
        numbers: dict[int, int],
        load: Load,
        sizes: Mapping[int, int] | None = None,
    ) -> None:
        self._design = design
        self._load = load
        self._active = self
        self._plan = plan
        self._numbers = numbers
        self._sizes = sizes or {}
        self._turns = 0
        self._scope = Scope(plan)
        self._tasks = TaskTable(design.geometry, taken)
        self._handlers: dict[type[Operation], Callable[[Any], Commands]] = {
            NpuDmaMemcpyNdOp: self._memcpy,
            NpuDmaWaitOp: self._wait,
            DmaConfigureTaskOp: self._configure_task,
            DmaConfigureTaskForOp: self._configure_task_for,
            DmaStartTaskOp: self._start_task,
            DmaAwaitTaskOp: self._await_task,
            DmaFreeTaskOp: self._free_task,
            DmaBdPoolPopOp: self._pop_bd,
            DmaBdPoolPushOp: self._push_bd,
            DmaStartBdChainOp: self._start_chain,
            DmaStartBdChainForOp: self._start_chain_for,
            ConfigureOp: self._configure_device,
            NpuLoadPdiOp: self._load_pdi,
            RunOp: self._run,
            scf.ForOp: self._for,
            scf.IfOp: self._if,
        }

    @property
    def sequences(self) -> dict[str, RuntimeSequence]:
        """Runtime sequences of the device by name."""
        return self._design.sequences

    def play(self, sequence: RuntimeSequence) -> Commands:
        """Yield the commands of a sequence, in order.

        Raises:
            CheckFailed: NPU1xx, an operation asks for what is not there or not possible.
        """
        for position, argument in enumerate(sequence.body.blocks[0].args):
            what = layout(argument.type)
            if what is not None:
                declared = 0 if None in what.shape else what.nbytes
                nbytes = self._sizes.get(position, declared)
                self._scope.bind(argument, HostView(position, 0, nbytes))
            elif position in self._numbers:
                self._scope.bind(argument, self._numbers[position])
        yield from self._block(sequence.body.blocks[0])

    def play_with(self, sequence: RuntimeSequence, meanings: Sequence[Any]) -> Commands:
        """Yield the commands of a sequence whose arguments stand for what another one has."""
        self._bind_all(sequence.body.blocks[0].args, meanings, sequence)
        yield from self._block(sequence.body.blocks[0])

    def _block(self, block: Block) -> Commands:
        for op in block.ops:
            handler = self._handlers.get(type(op))
            if handler is not None:
                yield from handler(op)
            elif not self._quiet(op):
                commands = register_commands(op, self._design, self._plan, self._scope)
                if commands is None:
                    raise unsupported(op, f"{op.name} in a runtime sequence")
                yield from commands

    def _quiet(self, op: Operation) -> bool:
        """Follow an operation that gives no command; tell whether it was one."""
        if isinstance(op, _SILENT):
            return True
        known = [self._scope.meaning(value) for value in op.operands]
        if known and isinstance(known[0], HostView):
            view = follow_view(op, known[0], self._scope.number)
            if view is None:
                return False
            for result in op.results:
                self._scope.bind(result, view)
            return True
        numbers = [value for value in known if isinstance(value, int)]
        if len(op.results) != 1 or len(numbers) != len(known):
            return False
        value = compute(op, numbers)
        if value is not None:
            self._scope.bind(op.results[0], value)
        return value is not None

    def _memcpy(self, op: NpuDmaMemcpyNdOp) -> Commands:
        if op.metadata is None or op.id is None:
            raise refuse(
                op,
                "the transfer does not name its channel (metadata) and descriptor (id)",
                code="NPU109",
                cure="add {id = 0 : i64, metadata = @fifo}",
            )
        channel = self._channel(op.metadata, op)
        view = self._scope.moved(op.memref, op)
        what = layout(op.memref.type)
        if what is None or not isinstance(view, HostView):
            raise unsupported(op, f"a transfer of {op.memref.type}")
        offsets, sizes, strides = (
            self._four(op, static.get_values(), iter(dynamic))
            for static, dynamic in (
                (op.static_offsets, op.offsets),
                (op.static_sizes, op.sizes),
                (op.static_strides, op.strides),
            )
        )
        walk = Walk(sizes, strides)
        name = symbol_name(op.metadata)
        content = host_descriptor(
            op,
            view,
            width=what.element.bytes,
            offset=sum(a * b for a, b in zip(offsets, strides, strict=True)),
            walk=walk,
            name=name,
            packet=_packet(op.packet) or self._plan.packets.get(name),
        )
        bd = op.id.value.data
        yield WriteBd(channel.tile, bd, content)
        token = channel.direction is Direction.S2MM or flag(op.issue_token)
        task = ArrayTask(bd=bd, repeat=walk.repeat, token=token, origin=origin(op, name))
        yield PushTask(*channel, task)

    def _four(
        self, op: NpuDmaMemcpyNdOp, static: Sequence[int], dynamic: Iterator[Any]
    ) -> tuple[int, int, int, int]:
        numbers = [
            self._scope.number(next_operand(dynamic, op), op) if number == DYNAMIC else number
            for number in static
        ]
        if len(numbers) != 4:
            raise refuse(
                op,
                f"{len(numbers)} numbers where four are needed",
                code="NPU109",
                cure="give four offsets, four sizes and four strides, outermost first",
            )
        return numbers[0], numbers[1], numbers[2], numbers[3]

    def _wait(self, op: NpuDmaWaitOp) -> Commands:
        channel = self._channel(op.symbol, op)
        yield AwaitToken(*channel, origin(op, symbol_name(op.symbol)))

    def _channel(self, reference: SymbolRefAttr, user: Operation) -> ChannelId:
        name = symbol_name(reference)
        channel = self._plan.allocations.get(name)
        if channel is None:
            raise refuse(
                user,
                f"@{name} names no shim DMA channel{nearest(name, list(self._plan.allocations))}",
                code="NPU105",
                cure="name an objectFifo that ends on a shim tile, or an aie.shim_dma_allocation",
            )
        return channel

    def _configure_task(self, op: DmaConfigureTaskOp) -> Commands:
        channel = ChannelId(
            self._design.tile(op.tile, op),
            Direction(op.direction.data.value),
            integer(op.channel),
        )
        first = None if op.bd_id is None else self._scope.number(op.bd_id, op)
        return self._configure(op, op.body, channel, _packet(op.packet), first)

    def _configure_task_for(self, op: DmaConfigureTaskForOp) -> Commands:
        packet = self._plan.packets.get(symbol_name(op.alloc))
        return self._configure(op, op.body, self._channel(op.alloc, op), packet)

    def _configure(
        self,
        op: DmaConfigureTaskOp | DmaConfigureTaskForOp,
        body: Region,
        channel: ChannelId,
        packet: Packet | None,
        first_bd: int | None = None,
    ) -> Commands:
        repeat = integer(op.repeat_count)
        if op.repeat is not None:
            repeat = self._scope.number(op.repeat, op)
        commands = self._tasks.configure(op, body, channel, packet, self._scope, first_bd)
        bds = tuple(command.bd for command in commands)
        self._scope.bind(op.result, Task(channel, bds, repeat, flag(op.issue_token)))
        yield from commands

    def _start_task(self, op: DmaStartTaskOp) -> Commands:
        yield self._push(self._scope.task(op.task, op), op)

    def _push(self, task: Task, op: Operation) -> PushTask:
        pushed = ArrayTask(bd=task.bds[0], repeat=task.repeat, token=task.token, origin=origin(op))
        return PushTask(*task.channel, pushed)

    def _await_task(self, op: DmaAwaitTaskOp) -> Commands:
        task = self._scope.task(op.task, op)
        if not task.token:
            raise refuse(
                op,
                "the task that is awaited issues no token",
                code="NPU109",
                cure="add {issue_token = true} where it is configured",
            )
        yield AwaitToken(*task.channel, origin(op))
        self._tasks.free(task)

    def _free_task(self, op: DmaFreeTaskOp) -> Commands:
        self._tasks.free(self._scope.task(op.task, op))
        yield from ()

    def _pop_bd(self, op: DmaBdPoolPopOp) -> Commands:
        tile = TileId(integer(op.column), integer(op.row))
        if tile not in self._design.geometry:
            raise refuse(
                op,
                f"{tile} is not on {self._design.device}",
                code="NPU106",
                cure="name a tile of the device",
            )
        self._scope.bind(op.results[0], self._tasks.pop(op, tile))
        yield from ()

    def _push_bd(self, op: DmaBdPoolPushOp) -> Commands:
        tile = TileId(integer(op.column), integer(op.row))
        self._tasks.push(op, tile, self._scope.number(op.bd_id, op))
        yield from ()

    def _start_chain(self, op: DmaStartBdChainOp) -> Commands:
        channel = ChannelId(
            self._design.tile(op.tile, op),
            Direction(op.direction.data.value),
            integer(op.channel),
        )
        return self._start_chain_on(op, channel)

    def _start_chain_for(self, op: DmaStartBdChainForOp) -> Commands:
        return self._start_chain_on(op, self._channel(op.alloc, op))

    def _start_chain_on(
        self, op: DmaStartBdChainOp | DmaStartBdChainForOp, channel: ChannelId
    ) -> Commands:
        chain = self._design.symbol(op.symbol, BdChainOp, op, "aie.bd_chain")
        self._scope.enter(chain.body.blocks[0], op.args, op)
        commands = self._tasks.configure(op, chain.body, channel, None, self._scope)
        bds = tuple(command.bd for command in commands)
        task = Task(channel, bds, integer(op.repeat_count), flag(op.issue_token))
        self._scope.bind(op.result, task)
        yield from commands
        yield self._push(task, op)

    def _configure_device(self, op: ConfigureOp) -> Commands:
        """Load a device, then play what is inside on it."""
        name, before = symbol_name(op.symbol), self._active
        player, configuration = self._load(name, op)
        self._active = self if name == self._design.name else player
        yield Reconfigure(configuration)
        for block in op.body.blocks:
            yield from self._block(block)
        self._active = before

    def _load_pdi(self, op: NpuLoadPdiOp) -> Commands:
        reference = op.attributes.get("device_ref")
        if not isinstance(reference, SymbolRefAttr):
            raise unsupported(op, "loading a PDI that is not named by its device")
        if symbol_name(reference) != self._design.name:
            raise unsupported(op, "going on with another device's PDI outside of aiex.configure")
        _, configuration = self._load(self._design.name, op)
        yield Reconfigure(configuration)

    def _run(self, op: RunOp) -> Commands:
        name = symbol_name(op.sequence)
        known = self._active.sequences
        if name not in known:
            raise refuse(
                op,
                f"the device has no runtime sequence @{name}{nearest(name, list(known))}",
                code="NPU105",
                cure="name a sequence of the device that aiex.configure loads",
            )
        return self._active.play_with(known[name], [self._scope.meaning(v) for v in op.args])

    def _for(self, op: scf.ForOp) -> Commands:
        low, high, step = (self._scope.number(value, op) for value in (op.lb, op.ub, op.step))
        block = op.body.blocks[0]
        carried = [self._scope.meaning(value) for value in op.iter_args]
        if step <= 0:
            raise refuse(
                op,
                f"the loop steps on by {step}",
                code="NPU109",
                cure="let the loop count upwards",
            )
        for number in range(low, high, step):
            self._turns += 1
            if self._turns > MOST_TURNS:
                raise refuse(
                    op,
                    f"the loops of the runtime sequence take more than {MOST_TURNS:,} turns",
                    code="NPU109",
                    cure="give the loop a bound that instructions can be written out for",
                )
            self._scope.bind(block.args[0], number)
            self._bind_all(block.args[1:], carried, op)
            yield from self._block(block)
            last = block.last_op
            if last is not None:
                carried = [self._scope.meaning(value) for value in last.operands]
        self._bind_all(op.res, carried, op)

    def _if(self, op: scf.IfOp) -> Commands:
        region = op.true_region if self._scope.number(op.cond, op) else op.false_region
        if region.blocks:
            block = region.blocks[0]
            yield from self._block(block)
            last = block.last_op
            if last is not None:
                self._bind_all(op.output, [self._scope.meaning(v) for v in last.operands], op)

    def _bind_all(self, values: Sequence[Any], meanings: Sequence[Any], op: Operation) -> None:
        for value, meaning in zip(values, meanings, strict=True):
            if meaning is None:
                raise unsupported(op, f"{op.name} that carries {value.type}")
            self._scope.bind(value, meaning)


def _packet(info: PacketInfoAttr | None) -> Packet | None:
    if info is None:
        return None
    kind, number = info.data
    return Packet(id=number, type=kind)
