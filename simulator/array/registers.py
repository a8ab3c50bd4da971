"""What writes to configuration registers do: descriptors, queues, locks, streams and cores.

Programs that know only addresses (the configuration and the instructions of a binary,
register writes of a runtime sequence, control packets) come here. A write is decoded with
the register map and done through the array's own methods, so it is checked as any other.
Descriptors collect words until a task is pushed, switches until their settings make a route:
half of either means nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from errors import CheckFailed
from simulator.array.bd_words import HeldWords, descriptor
from simulator.array.channel import Channel
from simulator.array.config import (
    NOWHERE,
    WORD,
    BufferDescriptor,
    ChannelId,
    Direction,
    Origin,
    Route,
    Task,
    TileId,
)
from simulator.array.core_control import CoreControl
from simulator.array.geometry import Geometry, TileKind
from simulator.array.host import PollRegister, WriteRegisters
from simulator.array.memory import Bytes
from simulator.array.register_errors import overfull, refused, unmodelled
from simulator.array.register_values import (
    UNMODELLED_BITS,
    ReadableMachine,
    has_no_effect,
    value_of,
)
from simulator.array.stream_registers import StreamRegisters
from simulator.array.switch_registers import is_switch
from simulator.registers import Register, kind_of, tile_map

FULL_MASK = 0xFFFFFFFF


class Machine(ReadableMachine, Protocol):
    """What register writes need of the array."""

    geometry: Geometry
    core_control: CoreControl

    def write_bd(self, tile: TileId, bd: int, content: BufferDescriptor) -> None: ...

    def set_lock(self, tile: TileId, lock: int, value: int) -> None: ...

    def write_memory(self, tile: TileId, address: int, data: bytes) -> None: ...

    def memory(self, tile: TileId) -> Bytes: ...

    def push_task(self, channel: ChannelId, task: Task) -> bool: ...

    def channel(self, channel: ChannelId) -> Channel: ...

    def add_route(self, route: Route) -> None: ...


class Registers:
    """The registers of all tiles.

    Args:
        machine: The array on which writes take effect.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._descriptors: dict[tuple[TileId, int], HeldWords] = {}
        self._controls: dict[TileId, int] = {}
        self._streams = StreamRegisters(machine)

    def configure(self, steps: Iterable[WriteRegisters | PollRegister]) -> None:
        """Do the writes of a whole configuration: routes are made, and descriptors are
        complete, when all are done.

        Raises:
            CheckFailed: As :meth:`write`; NPU209, more tasks than a queue holds; NPU287, it
                waits for a register.
        """
        for step in steps:
            if isinstance(step, WriteRegisters):
                done = self._write_words(*step)
                if done < len(step.words):
                    raise overfull(
                        self.queue_at(step.tile, step.address + done * WORD), step.origin
                    )
            elif self.read(step.tile, step.address, 1)[0] & step.mask != step.value:
                raise CheckFailed(
                    f"the configuration waits for the register at {step.address:#x} of {step.tile} "
                    f"to hold {step.value:#x}{step.origin.bracketed}, and nothing runs yet that "
                    "could change it",
                    cure="wait for it in the instructions, where the design runs",
                    code="NPU287",
                )
        for (tile, index), held in self._descriptors.items():
            if held.changed and self._machine.geometry.kind(tile) is not TileKind.SHIM:
                self._commit(tile, index, held)
        self._streams.settle(NOWHERE)

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
        done = self._write_words(tile, address, words, mask, origin)
        self._streams.settle(origin)
        return done

    def read(self, tile: TileId, address: int, count: int) -> list[int]:
        """Return words of a tile's memory, or the values of its locks, channels and core.

        Raises:
            CheckFailed: NPU221, the register is one that the model cannot read.
        """
        register = self._register(tile, address, NOWHERE)
        if register.name == "Data_Memory" and address + count * WORD <= register.size:
            data = self._machine.memory(tile)[address : address + count * WORD]
            return [int(word) for word in data.view(np.uint32)]
        if count == 1:
            value = value_of(self._machine, tile, register)
            if value is not None:
                return [value]
        raise unmodelled(tile, register, "is read", NOWHERE)

    def patch(self, tile: TileId, address: int, argument: int, offset: int, origin: Origin) -> None:
        """Let the shim descriptor whose address word is at `address` move a host argument.

        Raises:
            CheckFailed: NPU221, no address of a shim descriptor is there.
        """
        register = self._register(tile, address, origin)
        shim = self._machine.geometry.kind(tile) is TileKind.SHIM
        if register.template != "DMA_BD{}" or not shim or address - register.offset != WORD:
            raise unmodelled(tile, register, "is patched with a host address", origin)
        held = self._held(tile, register)
        held.host_arg, held.address, held.changed = argument, offset, True

    def queue_at(self, tile: TileId, address: int) -> ChannelId:
        """Return the channel whose task queue register is at `address`."""
        return _channel(tile, self._register(tile, address, NOWHERE))

    def clear(self) -> None:
        """Forget what registers hold: another configuration is loaded."""
        self._descriptors.clear()
        self._controls.clear()
        self._streams.clear()

    def _register(
        self, tile: TileId, address: int, origin: Origin, *, writes: bool = False
    ) -> Register:
        """Return what is at an address.

        A write without effect may go to a column that designs do not get: a Phoenix has five.
        """
        kind = kind_of(tile)
        register = None if kind is None else tile_map(kind).find(address)
        spare = writes and register is not None and has_no_effect(register)
        if kind is None or not (tile in self._machine.geometry or spare):
            raise refused(f"{tile} is not on the device", origin)
        if register is None or address % WORD:
            near = tile_map(kind).closest(address)
            raise refused(
                f"{tile} has no register word at {address:#x}; the nearest is {near.name} at "
                f"{near.offset:#x}",
                origin,
            )
        return register

    def _write_words(
        self, tile: TileId, address: int, words: Sequence[int], mask: int, origin: Origin
    ) -> int:
        done = 0
        while done < len(words):
            at = address + done * WORD
            register = self._register(tile, at, origin, writes=True)
            room = (register.size - (at - register.offset)) // WORD
            part = words[done : done + room]
            if not self._write(tile, register, at - register.offset, part, mask, origin):
                break
            done += len(part)
        return done

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
        template = register.template
        if template == "Data_Memory":
            self._write_memory(tile, byte, words, mask)
        elif template == "Program_Memory":
            self._write_program(tile, register, byte, words, mask, origin)
        elif template == "DMA_BD{}":
            self._write_descriptor(tile, register, byte, words, mask, origin)
        elif template.endswith(("_Start_Queue", "_Task_Queue")):
            return self._push(tile, register, words[0] & mask, origin)
        elif template == "Lock{}_value":
            self._machine.set_lock(tile, register.index[0], words[0] & mask & 0x3F)
        elif is_switch(register) or template == "Accumulator_Control":
            self._streams.write(tile, register, words[0], mask)
        else:
            self._control(tile, register, words[0], mask, origin)
        return True

    def _write_memory(self, tile: TileId, byte: int, words: Sequence[int], mask: int) -> None:
        data = np.array(words, np.uint32)
        if mask != FULL_MASK:
            held = self._machine.memory(tile)[byte : byte + len(data) * WORD].view(np.uint32)
            data = held & np.uint32(~mask & FULL_MASK) | data & np.uint32(mask)
        self._machine.write_memory(tile, byte, data.tobytes())

    def _write_program(
        self,
        tile: TileId,
        register: Register,
        byte: int,
        words: Sequence[int],
        mask: int,
        origin: Origin,
    ) -> None:
        if mask != FULL_MASK:
            raise unmodelled(tile, register, "is written under a mask", origin)
        data = np.array(words, np.uint32).tobytes()
        self._machine.core_control.write(tile, byte, data)

    def _write_descriptor(
        self,
        tile: TileId,
        register: Register,
        byte: int,
        words: Sequence[int],
        mask: int,
        origin: Origin,
    ) -> None:
        held = self._held(tile, register)
        for position, word in enumerate(words, byte // WORD):
            held.words[position] = held.words[position] & ~mask | word & mask
        held.changed, held.origin = True, origin
        if byte <= WORD < byte + len(words) * WORD:
            held.host_arg = None  # the words of the address are no argument's any more

    def _held(self, tile: TileId, register: Register) -> HeldWords:
        key = tile, register.index[0]
        if key not in self._descriptors:
            self._descriptors[key] = HeldWords([0] * len(register.words))
        return self._descriptors[key]

    def _control(
        self, tile: TileId, register: Register, word: int, mask: int, origin: Origin
    ) -> None:
        """Write a register that makes something start, stop or reset, or has no effect here."""
        fields = register.decode({0: word & mask})
        unknown = UNMODELLED_BITS.get(register.template)
        if register.template == "Core_Control":
            held = self._controls.get(tile, 0) & ~mask | word & mask
            self._controls[tile] = held
            now = register.decode({0: held})
            self._machine.core_control.control(
                tile, enable=bool(now["enable"]), reset=bool(now["reset"]), origin=origin
            )
        elif unknown is not None:
            if fields.get("reset"):
                self._machine.channel(_channel(tile, register)).reset()
            for name in unknown:
                if fields.get(name):
                    raise unmodelled(tile, register, f"sets {name}", origin)
        elif "memory_zeroisation" in fields:
            size = self._machine.geometry.limits(tile).memory * fields["memory_zeroisation"]
            self._machine.write_memory(tile, 0, bytes(size))
        elif not has_no_effect(register):
            raise unmodelled(tile, register, "is written", origin)

    def _push(self, tile: TileId, register: Register, word: int, origin: Origin) -> bool:
        fields = register.decode({0: word})
        start = fields["start_bd_id"]
        for (owner, index), held in self._descriptors.items():
            if owner == tile and held.changed and (index == start or not self._open(tile, held)):
                self._commit(tile, index, held)
        first = self._descriptors.get((tile, start))
        if first is not None and first.changed:
            raise refused(
                f"BD {start} of {tile} is started, and only part of it was written", origin
            )
        task = Task(
            bd=start,
            repeat=fields["repeat_count"],
            token=bool(fields["enable_token_issue"]),
            origin=origin,
        )
        return self._machine.push_task(_channel(tile, register), task)

    def _open(self, tile: TileId, held: HeldWords) -> bool:
        """Tell whether a shim descriptor still lacks the address of what it moves."""
        return self._machine.geometry.kind(tile) is TileKind.SHIM and held.host_arg is None

    def _commit(self, tile: TileId, index: int, held: HeldWords) -> None:
        kind = self._machine.geometry.kind(tile)
        register = tile_map(kind).named(f"DMA_BD{index}")
        fields = register.decode(dict(enumerate(held.words)))
        if fields.get("enable_compression"):
            raise unmodelled(tile, register, "sets enable_compression", held.origin)
        if fields["valid_bd"]:
            content = descriptor(self._machine.geometry, tile, fields, held)
            self._machine.write_bd(tile, index, content)
            held.changed = False


def _channel(tile: TileId, register: Register) -> ChannelId:
    direction = Direction.S2MM if "S2MM" in register.template else Direction.MM2S
    return ChannelId(tile, direction, register.index[0])
