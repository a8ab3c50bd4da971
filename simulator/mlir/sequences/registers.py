"""Runtime sequence operations that write registers, memory words and locks."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

from xdsl.dialects import memref
from xdsl.dialects.builtin import DenseArrayBase, DenseIntOrFPElementsAttr, SymbolRefAttr
from xdsl.ir import Operation, SSAValue

from simulator.array.config import WORD, Direction, TileId
from simulator.array.geometry import TileKind
from simulator.array.host import (
    AwaitToken,
    HostRequest,
    PatchAddress,
    SetLock,
    WriteMemory,
    WriteRegisters,
)
from simulator.array.registers import FULL_MASK
from simulator.mlir.design import Design
from simulator.mlir.dialects.memref import GlobalOp
from simulator.mlir.dialects.npu import (
    BufferClearOp,
    ControlPacketOp,
    CoreResetOp,
    DmaChannelResetForOp,
    DmaChannelResetOp,
    NpuAddressPatchOp,
    NpuBlockWriteOp,
    NpuMaskWrite32Op,
    NpuPreemptOp,
    NpuPushQueueOp,
    NpuRtpWriteOp,
    NpuSyncOp,
    NpuWrite32Op,
    NpuWriteBdOp,
    RegisterOperation,
    SetLockOp,
)
from simulator.mlir.dialects.parameters import NpuAssertBdDivisibleOp, NpuAssertBdFieldOp
from simulator.mlir.dialects.storage import BufferOp
from simulator.mlir.failure import origin, refuse, unsupported
from simulator.mlir.layouts import flag, integer
from simulator.mlir.plan import Plan, PlannedBuffer
from simulator.mlir.sequences.rearm import rearm, reset_channel
from simulator.mlir.sequences.scope import Scope
from simulator.registers import register_of, tile_of

_BD_FIELDS = {
    "buffer_length": "length",
    "buffer_offset": "base_address",
    "out_of_order_id": "out_of_order_bd_id",
    "lock_acq_val": "lock_acq_value",
    "lock_rel_val": "lock_rel_value",
    "iteration_size": "iteration_wrap",
    "iteration_stride": "iteration_stepsize",
    **{f"d{number}_size": f"d{number}_wrap" for number in range(3)},
    **{f"d{number}_stride": f"d{number}_stepsize" for number in range(4)},
}
"""Names of ``aiex.npu.writebd`` that differ from the register's; both hold the raw bits."""

MOST_BEATS = 4
"""Words that a control packet writes at most."""

_BD_OTHERS = ("bd_id", "column", "row", "ddr_id")


def register_commands(
    op: Operation, design: Design, plan: Plan, scope: Scope
) -> Iterator[HostRequest] | None:
    """Return the commands of an operation, None for one that is not known here.

    Raises:
        CheckFailed: NPU105, NPU109, NPU130: it names what is not there, or writes a register
            that the model does not have.
    """
    handler = _HANDLERS.get(type(op))
    return None if handler is None else handler(op, design, plan, scope)


def _number(op: RegisterOperation, name: str, scope: Scope, default: int | None = None) -> int:
    found = op.field(name)
    if isinstance(found, SSAValue):
        return scope.number(found, op)
    if found is None and default is None:
        raise refuse(op, f"{op.name} has no {name}", code="NPU109", cure=f"give it its {name}")
    return integer(found, default or 0)


def _assert(op: NpuAssertBdFieldOp | NpuAssertBdDivisibleOp, scope: Scope) -> Iterator[HostRequest]:
    number = scope.number(op.values[0], op) if op.values else 0
    if isinstance(op, NpuAssertBdFieldOp):
        most = _number(op, "max", scope)
        kept, what = 0 <= number <= most, f"does not fit into 0..{most}"
    else:
        divisor = _number(op, "divisor", scope, 1) or 1
        kept, what = number % divisor == 0, f"is no multiple of {divisor}"
    if not kept:
        raise refuse(
            op,
            f"{number} goes into a descriptor and {what}",
            code="NPU109",
            cure="call the sequence with numbers that its descriptors hold",
        )
    yield from ()


def _sync(op: NpuSyncOp, scope: Scope) -> Iterator[HostRequest]:
    column, row = _number(op, "column", scope), _number(op, "row", scope)
    columns = _number(op, "column_num", scope, 1)
    rows = _number(op, "row_num", scope, 1)
    direction = Direction.MM2S if _number(op, "direction", scope) else Direction.S2MM
    channel = _number(op, "channel", scope)
    for col in range(column, column + columns):
        for at in range(row, row + rows):
            yield AwaitToken(TileId(col, at), direction, channel, origin(op))


def _rtp_write(
    op: NpuRtpWriteOp, design: Design, plan: Plan, scope: Scope
) -> Iterator[HostRequest]:
    buffer = _buffer(op.buffer, op, design, plan)
    index = integer(op.index)
    value = scope.number(op.values[0], op) if op.values else integer(op.value)
    if 4 * index + 4 > buffer.layout.nbytes:
        raise refuse(
            op,
            f"word {index} of {buffer.name}, which has {buffer.layout.nbytes} bytes",
            code="NPU126",
            cure="runtime parameters are 32-bit words, counted from 0",
        )
    yield _write_word(op, buffer.tile, (buffer.address or 0) + 4 * index, value)


def _write32(
    op: NpuWrite32Op | NpuMaskWrite32Op, design: Design, plan: Plan, scope: Scope
) -> Iterator[HostRequest]:
    address, value = _number(op, "address", scope), _number(op, "value", scope)
    mask = _number(op, "mask", scope, FULL_MASK)
    tile, address = _place(op, address, design, plan, scope)
    yield WriteRegisters(tile, address, (value & FULL_MASK,), mask & FULL_MASK, origin(op))


def _block_write(op: NpuBlockWriteOp, design: Design, plan: Plan) -> Iterator[HostRequest]:
    source = op.data.owner
    if not isinstance(source, memref.GetGlobalOp):
        raise unsupported(op, "a block write of something that is no memref.get_global")
    declared = design.symbol(source.name_, GlobalOp, op, "memref.global")
    initial = declared.initial_value
    if not isinstance(initial, DenseIntOrFPElementsAttr):
        raise refuse(
            op,
            f"@{declared.sym_name.data} has no value to write",
            code="NPU109",
            cure="give the memref.global its dense<...> value",
        )
    words = tuple(int(word) & FULL_MASK for word in initial.get_values())
    tile, address = _place(op, integer(op.address), design, plan)
    yield WriteRegisters(tile, address, words, origin=origin(op))


def _write_bd(op: NpuWriteBdOp, scope: Scope, design: Design) -> Iterator[HostRequest]:
    tile = TileId(_number(op, "column", scope), _number(op, "row", scope))
    _check_tile(op, tile, design)
    index = _number(op, "bd_id", scope)
    register = register_of(tile, f"DMA_BD{index}")
    known = {field.name: field for word in register.words for field in word}
    fields = {}
    for name in op.attributes:
        field = _BD_FIELDS.get(name, name)
        value = _number(op, name, scope)
        if field == "base_address":
            value //= WORD
            field = field if field in known else "base_address_low"
        if field in known:
            fields[field] = known[field].get(value << known[field].lsb)
        elif value and name not in _BD_OTHERS:
            raise refuse(
                op,
                f"a descriptor of {tile} has no {name}",
                code="NPU109",
                cure="leave it 0",
            )
    words = tuple(register.encode(**fields))
    yield WriteRegisters(tile, register.offset, words, origin=origin(op))


def _address_patch(op: NpuAddressPatchOp, scope: Scope) -> Iterator[HostRequest]:
    tile, address = tile_of(_number(op, "addr", scope))
    argument, offset = _number(op, "arg_idx", scope), _number(op, "arg_plus", scope)
    yield PatchAddress(tile, address, argument, offset, origin(op))


def _push_queue(op: NpuPushQueueOp, scope: Scope) -> Iterator[HostRequest]:
    tile = TileId(integer(op.column), integer(op.row))
    direction = Direction(op.direction.data.value)
    numbers = [scope.number(value, op) for value in op.values]
    bd, repeat = numbers or (integer(op.bd_id), integer(op.repeat_count))
    kind = "Task" if tile.row == 0 else "Start"
    register = register_of(tile, f"DMA_{direction}_{integer(op.channel)}_{kind}_Queue")
    token = int(flag(op.issue_token))
    words = register.encode(start_bd_id=bd, repeat_count=repeat, enable_token_issue=token)
    yield WriteRegisters(tile, register.offset, tuple(words), origin=origin(op))


def _control_packet(op: ControlPacketOp, design: Design, scope: Scope) -> Iterator[HostRequest]:
    """Write what a control packet to a tile writes; the way there is not modelled."""
    opcode = _number(op, "opcode", scope)
    if opcode != 0:
        raise unsupported(op, f"aiex.control_packet with opcode {opcode}")
    data = op.attributes.get("data")
    if not isinstance(data, DenseArrayBase) or not 1 <= len(data.get_values()) <= MOST_BEATS:
        raise refuse(
            op,
            f"a control packet that writes has 1 to {MOST_BEATS} words of data",
            code="NPU109",
            cure="give it its data",
        )
    tile, address = tile_of(_number(op, "address", scope))
    _check_tile(op, tile, design)
    words = tuple(int(word) & FULL_MASK for word in data.get_values())
    yield WriteRegisters(tile, address, words, origin=origin(op))


def _reset_core(op: CoreResetOp, design: Design) -> Iterator[HostRequest]:
    """Reset a core and let go of it again; whether it is enabled stays as it is."""
    tile = design.tile(op.tile, op)
    if design.geometry.kind(tile) is not TileKind.CORE:
        raise refuse(op, f"{tile} has no core", code="NPU109", cure="reset the core of a core tile")
    register = register_of(tile, "Core_Control")
    bit = register.encode(reset=1)[0]
    for word in (bit, 0):
        yield WriteRegisters(tile, register.offset, (word,), bit, origin(op))


def _place(
    op: RegisterOperation | NpuBlockWriteOp,
    address: int,
    design: Design,
    plan: Plan,
    scope: Scope | None = None,
) -> tuple[TileId, int]:
    """Return the tile and the offset in it that an operation addresses."""
    named = op.buffer if isinstance(op, NpuBlockWriteOp) else op.attributes.get("buffer")
    if isinstance(named, SymbolRefAttr):
        buffer = _buffer(named, op, design, plan)
        return buffer.tile, (buffer.address or 0) + WORD * address
    tile, inside = tile_of(address)
    if isinstance(op, NpuBlockWriteOp):
        if op.column is not None:
            tile = TileId(integer(op.column), integer(op.row))
    elif op.field("column") is not None and scope is not None:
        tile = TileId(_number(op, "column", scope), _number(op, "row", scope))
    _check_tile(op, tile, design)
    return tile, inside


def _check_tile(op: Operation, tile: TileId, design: Design) -> None:
    if tile not in design.geometry:
        raise refuse(
            op,
            f"{tile} is not on {design.device}",
            code="NPU106",
            cure="write to tiles of the device",
        )


def _write_word(op: Operation, tile: TileId, address: int, value: int) -> WriteMemory:
    return WriteMemory(tile, address, struct.pack("<I", value & 0xFFFFFFFF), origin(op))


def _buffer(reference: SymbolRefAttr, op: Operation, design: Design, plan: Plan) -> PlannedBuffer:
    declared = design.symbol(reference, BufferOp, op, "aie.buffer")
    return plan.declared_buffers[declared.buffer]


def _set_lock(op: SetLockOp, scope: Scope) -> Iterator[HostRequest]:
    lock = scope.lock(op.lock, op)
    yield SetLock(lock.tile, lock.index or 0, integer(op.value), origin(op, lock.name))


def _clear_buffer(op: BufferClearOp, design: Design) -> Iterator[HostRequest]:
    tile, first = design.tile(op.tile, op), integer(op.offset)
    yield WriteMemory(tile, WORD * first, bytes(WORD * integer(op.words)), origin(op))


_Handler = Callable[[Any, Design, Plan, Scope], Iterator[HostRequest]]

_HANDLERS: dict[type[Operation], _Handler] = {
    BufferClearOp: lambda op, design, _plan, _scope: _clear_buffer(op, design),
    CoreResetOp: lambda op, design, _plan, _scope: _reset_core(op, design),
    ControlPacketOp: lambda op, design, _plan, scope: _control_packet(op, design, scope),
    DmaChannelResetForOp: lambda op, design, plan, _scope: rearm(op, design, plan),
    DmaChannelResetOp: lambda op, design, _plan, _scope: reset_channel(op, design),
    NpuAddressPatchOp: lambda op, _design, _plan, scope: _address_patch(op, scope),
    NpuAssertBdDivisibleOp: lambda op, _design, _plan, scope: _assert(op, scope),
    NpuAssertBdFieldOp: lambda op, _design, _plan, scope: _assert(op, scope),
    NpuBlockWriteOp: lambda op, design, plan, _scope: _block_write(op, design, plan),
    NpuMaskWrite32Op: _write32,
    NpuPreemptOp: lambda _op, _design, _plan, _scope: iter(()),
    NpuPushQueueOp: lambda op, _design, _plan, scope: _push_queue(op, scope),
    NpuRtpWriteOp: _rtp_write,
    NpuSyncOp: lambda op, _design, _plan, scope: _sync(op, scope),
    NpuWrite32Op: _write32,
    NpuWriteBdOp: lambda op, design, _plan, scope: _write_bd(op, scope, design),
    SetLockOp: lambda op, _design, _plan, scope: _set_lock(op, scope),
}
