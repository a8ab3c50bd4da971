"""The buffers that instructions take: how many, how large, and which way their data goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.array.bd_words import HeldWords, descriptor
from simulator.array.checks import reach
from simulator.array.config import WORD, BufferDescriptor, Configuration, Direction, TileId
from simulator.array.geometry import Geometry, TileKind
from simulator.array.host import PatchAddress, WriteRegisters
from simulator.binary.commands import Command
from simulator.binary.instructions import play
from simulator.registers import Register, register_of, tile_map


@dataclass(frozen=True, kw_only=True)
class Argument:
    """A buffer of a call.

    Attributes:
        index: Its place among the buffers, from 0.
        size: Bytes from its start to the last that a transfer touches; 0 where none does.
        is_read: Whether a transfer reads it.
        is_written: Whether a transfer writes it.
    """

    index: int
    size: int = 0
    is_read: bool = False
    is_written: bool = False


def arguments(instructions: Iterable[Command], device: str = "npu1") -> tuple[Argument, ...]:
    """Return the buffers that instructions take, by looking at the transfers that they start.

    Raises:
        CheckFailed: NPU284, an instruction is not modelled.
    """
    looker = _Looker(Geometry.named(device))
    for request in play(instructions, lambda _number, _origin: Configuration(device=device)):
        if isinstance(request, WriteRegisters):
            looker.write(request)
        elif isinstance(request, PatchAddress):
            looker.patch(request)
    count = max(looker.found, default=-1) + 1
    return tuple(looker.found.get(index, Argument(index=index)) for index in range(count))


class _Looker:
    """Notes which transfers of shim DMAs are started, and does nothing else."""

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._held: dict[tuple[TileId, int], HeldWords] = {}
        self.found: dict[int, Argument] = {}

    def write(self, request: WriteRegisters) -> None:
        register = self._register(request.tile, request.address)
        if register is None:
            return
        if register.template == "DMA_BD{}":
            held = self._words(request.tile, register)
            first = (request.address - register.offset) // WORD
            for at, word in enumerate(request.words[: len(held.words) - first], first):
                held.words[at] = held.words[at] & ~request.mask | word & request.mask
        elif register.template.endswith("_Task_Queue"):
            sends = "MM2S" in register.template
            start = register.decode({0: request.words[0]})["start_bd_id"]
            self._start(request.tile, start, Direction.MM2S if sends else Direction.S2MM)

    def patch(self, request: PatchAddress) -> None:
        register = self._register(request.tile, request.address)
        if register is not None and register.template == "DMA_BD{}":
            held = self._words(request.tile, register)
            held.host_arg, held.address = request.argument, request.offset

    def _register(self, tile: TileId, address: int) -> Register | None:
        if tile not in self._geometry or self._geometry.kind(tile) is not TileKind.SHIM:
            return None
        return tile_map(TileKind.SHIM).find(address)

    def _words(self, tile: TileId, register: Register) -> HeldWords:
        empty = HeldWords([0] * len(register.words))
        return self._held.setdefault((tile, register.index[0]), empty)

    def _start(self, tile: TileId, start: int, direction: Direction) -> None:
        index: int | None = start
        passed: set[int] = set()
        while index is not None and index not in passed and (tile, index) in self._held:
            passed.add(index)
            held = self._held[tile, index]
            fields = register_of(tile, f"DMA_BD{index}").decode(dict(enumerate(held.words)))
            content = descriptor(self._geometry, tile, fields, held)
            self._note(direction, content)
            index = content.next_bd

    def _note(self, direction: Direction, content: BufferDescriptor) -> None:
        index = content.host_arg
        if index is None:
            return
        known = self.found.get(index, Argument(index=index))
        self.found[index] = Argument(
            index=index,
            size=max(known.size, reach(content)),
            is_read=known.is_read or direction is Direction.MM2S,
            is_written=known.is_written or direction is Direction.S2MM,
        )
