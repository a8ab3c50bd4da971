"""What writes to configuration registers do: descriptors, queues, locks and memory by address.

Programs that know only addresses (register writes of a runtime sequence, control packets)
come here. A write is decoded with the register map and done through the array's own
methods, so it is checked as any other. Descriptors collect words until a task is pushed:
half a descriptor means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Protocol

import numpy as np

from errors import CheckFailed
from simulator.array.channel import Channel
from simulator.array.config import (
    NOWHERE,
    WORD,
    BufferDescriptor,
    ChannelId,
    Dim,
    Direction,
    Iteration,
    LockAction,
    Origin,
    Packet,
    Pad,
    Task,
    TileId,
)
from simulator.array.geometry import Geometry, TileKind
from simulator.array.memory import Bytes
from simulator.registers import Register, tile_map

FULL_MASK = 0xFFFFFFFF

_IGNORED = ("Timer", "Event", "Trace", "Performance", "Combo", "Edge", "Stream_Switch_Event")
"""Registers of debugging and tracing: the model has neither, and nothing else depends on them."""

_NEIGHBOUR_SPAN = 0x80000
"""A memory tile's DMA sees its west neighbour's memory first, then its own, then the east's."""

_NEIGHBOUR_LOCKS = 64


class Machine(Protocol):
    """What register writes need of the array."""

    geometry: Geometry

    def write_bd(self, tile: TileId, bd: int, content: BufferDescriptor) -> None: ...

    def set_lock(self, tile: TileId, lock: int, value: int) -> None: ...

    def lock_value(self, tile: TileId, lock: int) -> int: ...

    def write_memory(self, tile: TileId, address: int, data: bytes) -> None: ...

    def memory(self, tile: TileId) -> Bytes: ...

    def push_task(self, channel: ChannelId, task: Task) -> bool: ...

    def channel(self, channel: ChannelId) -> Channel: ...


@dataclass
class _Words:
    """The words of one descriptor, and where its address was patched to."""

    words: list[int]
    host_arg: int | None = None
    address: int = 0
    origin: Origin = NOWHERE
    changed: bool = field(default=True)


class Registers:
    """The registers of all tiles.

    Args:
        machine: The array on which writes take effect.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._descriptors: dict[tuple[TileId, int], _Words] = {}

    def write(
        self,
        tile: TileId,
        address: int,
        words: Sequence[int],
        *,
        mask: int = FULL_MASK,
        origin: Origin = NOWHERE,
    ) -> int:
        """Write consecutive words; return how many were written before a full task queue.

        Args:
            tile: Whose registers.
            address: Byte offset in the tile.
            words: What to write, unsigned.
            mask: Bits that change.
            origin: The design line to name.

        Raises:
            CheckFailed: NPU221, there is no such register, or the model lacks what it does;
                whatever the array refuses.
        """
        done = 0
        while done < len(words):
            at = address + done * WORD
            register = self._register(tile, at, origin)
            room = (register.size - (at - register.offset)) // WORD
            part = words[done : done + room]
            if not self._write(tile, register, at - register.offset, part, mask, origin):
                break
            done += len(part)
        return done

    def read(self, tile: TileId, address: int, count: int) -> list[int]:
        """Return words of a tile's memory, or the values of its locks.

        Raises:
            CheckFailed: NPU221, the register is one that the model cannot read.
        """
        register = self._register(tile, address, NOWHERE)
        if register.name == "Data_Memory" and address + count * WORD <= register.size:
            data = self._machine.memory(tile)[address : address + count * WORD]
            return [int(word) for word in data.view(np.uint32)]
        if register.template == "Lock{}_value" and count == 1:
            return [self._machine.lock_value(tile, register.index[0])]
        raise _unmodelled(tile, register, "is read", NOWHERE)

    def patch(self, tile: TileId, address: int, argument: int, offset: int, origin: Origin) -> None:
        """Let the shim descriptor whose address word is at `address` move a host argument.

        Raises:
            CheckFailed: NPU221, no address of a shim descriptor is there.
        """
        register = self._register(tile, address, origin)
        shim = self._machine.geometry.kind(tile) is TileKind.SHIM
        if register.template != "DMA_BD{}" or not shim or address - register.offset != WORD:
            raise _unmodelled(tile, register, "is patched with a host address", origin)
        held = self._held(tile, register)
        held.host_arg, held.address, held.changed = argument, offset, True

    def queue_at(self, tile: TileId, address: int) -> ChannelId:
        """Return the channel whose task queue register is at `address`."""
        return _channel(tile, self._register(tile, address, NOWHERE))

    def clear(self) -> None:
        """Forget what descriptors hold: another configuration is loaded."""
        self._descriptors.clear()

    def _register(self, tile: TileId, address: int, origin: Origin) -> Register:
        if tile not in self._machine.geometry:
            raise _refused(f"{tile} is not on the device", origin)
        register = tile_map(self._machine.geometry.kind(tile)).find(address)
        if register is None or address % WORD:
            raise _refused(f"{tile} has no register word at {address:#x}", origin)
        return register

    def _write(
        self,
        tile: TileId,
        register: Register,
        byte: int,
        words: Sequence[int],
        mask: int,
        origin: Origin,
    ) -> bool:
        """Write words of one register; False if a task queue is full."""
        machine, template = self._machine, register.template
        if template == "Data_Memory":
            self._write_memory(tile, byte, words, mask)
        elif template == "DMA_BD{}":
            held = self._held(tile, register)
            for position, word in enumerate(words, byte // WORD):
                held.words[position] = held.words[position] & ~mask | word & mask
            held.changed, held.origin = True, origin
        elif template.endswith(("_Start_Queue", "_Task_Queue")):
            return self._push(tile, register, words[0], origin)
        elif template == "Lock{}_value":
            machine.set_lock(tile, register.index[0], words[0] & mask & 0x3F)
        elif template.startswith("DMA_") and template.endswith("_Ctrl"):
            self._control(tile, register, words[0] & mask, origin)
        elif not template.removeprefix("Memory_Module_").startswith(_IGNORED):
            raise _unmodelled(tile, register, "is written", origin)
        return True

    def _write_memory(self, tile: TileId, byte: int, words: Sequence[int], mask: int) -> None:
        data = np.array(words, np.uint32)
        if mask != FULL_MASK:
            held = self._machine.memory(tile)[byte : byte + len(data) * WORD].view(np.uint32)
            data = held & np.uint32(~mask & FULL_MASK) | data & np.uint32(mask)
        self._machine.write_memory(tile, byte, data.tobytes())

    def _held(self, tile: TileId, register: Register) -> _Words:
        key = tile, register.index[0]
        if key not in self._descriptors:
            self._descriptors[key] = _Words([0] * len(register.words))
        return self._descriptors[key]

    def _control(self, tile: TileId, register: Register, word: int, origin: Origin) -> None:
        fields = register.decode({0: word})
        if fields.get("reset"):
            self._machine.channel(_channel(tile, register)).reset()
        for name in ("pause_mem", "pause_stream", "enable_out_of_order", "fot_mode"):
            if fields.get(name):
                raise _unmodelled(tile, register, f"sets {name}", origin)

    def _push(self, tile: TileId, register: Register, word: int, origin: Origin) -> bool:
        fields = register.decode({0: word})
        for (owner, index), held in self._descriptors.items():
            if owner == tile and held.changed:
                self._commit(tile, index, held)
        first = self._descriptors.get((tile, fields["start_bd_id"]))
        if first is not None and first.changed:
            raise _refused(
                f"BD {fields['start_bd_id']} of {tile} is started, and only part of it was written",
                origin,
            )
        task = Task(
            bd=fields["start_bd_id"],
            repeat=fields["repeat_count"],
            token=bool(fields["enable_token_issue"]),
            origin=origin,
        )
        return self._machine.push_task(_channel(tile, register), task)

    def _commit(self, tile: TileId, index: int, held: _Words) -> None:
        kind = self._machine.geometry.kind(tile)
        fields = tile_map(kind).named(f"DMA_BD{index}").decode(dict(enumerate(held.words)))
        if fields["valid_bd"]:
            content = _descriptor(self._machine.geometry, tile, fields, held)
            self._machine.write_bd(tile, index, content)
            held.changed = False


def _channel(tile: TileId, register: Register) -> ChannelId:
    direction = Direction.S2MM if "S2MM" in register.template else Direction.MM2S
    return ChannelId(tile, direction, register.index[0])


def _descriptor(
    geometry: Geometry, tile: TileId, fields: dict[str, int], held: _Words
) -> BufferDescriptor:
    kind = geometry.kind(tile)
    memory, address = _address(geometry, tile, fields, held)
    iteration = Iteration(
        size=fields["iteration_wrap"] + 1,
        stride=fields["iteration_stepsize"] + 1,
        current=fields["iteration_current"],
    )
    packet = Packet(id=fields["packet_id"], type=fields["packet_type"])
    acquire = _lock(geometry, tile, fields, "acq") if fields["lock_acq_enable"] else None
    release = _lock(geometry, tile, fields, "rel") if fields["lock_rel_value"] else None
    dims, pads = _pattern(fields)
    return BufferDescriptor(
        memory=memory,
        address=address,
        length=fields["length"] * WORD,
        dims=dims,
        pads=pads,
        iteration=iteration if iteration.size > 1 else None,
        acquire=acquire,
        release=release,
        packet=packet if fields["enable_packet"] else None,
        next_bd=fields["next_bd"] if fields["use_next_bd"] else None,
        host_arg=held.host_arg if kind is TileKind.SHIM else None,
        origin=held.origin,
    )


def _address(
    geometry: Geometry, tile: TileId, fields: dict[str, int], held: _Words
) -> tuple[TileId | None, int]:
    kind = geometry.kind(tile)
    if kind is TileKind.SHIM:
        return None, held.address
    address = fields["base_address"] * WORD
    if kind is TileKind.CORE:
        return tile, address
    column, inside = divmod(address, _NEIGHBOUR_SPAN)
    return TileId(tile.col + column - 1, tile.row), inside


def _lock(geometry: Geometry, tile: TileId, fields: dict[str, int], step: str) -> LockAction:
    """Return a lock step; a negative acquire means at least so much, a positive exactly."""
    index, value = fields[f"lock_{step}_id"], fields[f"lock_{step}_value"]
    owner = tile
    if geometry.kind(tile) is TileKind.MEM:
        column, index = divmod(index, _NEIGHBOUR_LOCKS)
        owner = TileId(tile.col + column - 1, tile.row)
    return LockAction(tile=owner, lock=index, value=abs(value), equal=step == "acq" and value > 0)


def _pattern(fields: dict[str, int]) -> tuple[tuple[Dim, ...], tuple[Pad, ...]]:
    """Return the dimensions, outermost first, and their padding.

    A dimension whose wrap is 0 never ends, so it is the outermost one.
    """
    dims: list[Dim] = []
    pads: list[Pad] = []
    for number in range(4):
        step = fields.get(f"d{number}_stepsize")
        if step is None:
            break
        wrap = fields.get(f"d{number}_wrap", 0)
        inner = prod(
            dim.size + before + after for dim, (before, after) in zip(dims, pads, strict=True)
        )
        if not wrap and inner >= fields["length"]:
            break
        dims.append(Dim(wrap or -(-fields["length"] // inner), step + 1))
        zeros = (fields.get(f"d{number}_zero_{side}", 0) for side in ("before", "after"))
        pads.append(Pad(*zeros))
        if not wrap:
            break
    if len(dims) == 1 and dims[0].stride == 1 and not any(pads[0]):
        return (), ()
    padded = any(before or after for before, after in pads)
    return tuple(reversed(dims)), tuple(reversed(pads)) if padded else ()


def _refused(problem: str, origin: Origin) -> CheckFailed:
    return CheckFailed(
        f"{problem}{origin.bracketed}",
        cure="check the address against the register reference of the AIE-ML tiles (AM025)",
        code="NPU221",
    )


def _unmodelled(tile: TileId, register: Register, what: str, origin: Origin) -> CheckFailed:
    return CheckFailed(
        f"register {register.name} of {tile} {what}{origin.bracketed}, which is not modelled",
        cure="leave it out of a design that is to be simulated, or use the operation that says "
        "what is meant instead of its register",
        code="NPU221",
    )
