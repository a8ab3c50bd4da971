"""One function of a core's program on its own: called with buffers and numbers, no array.

Buffers lie in the southern neighbour's memory and the stack in the western one's, so that
they cannot meet the program's own data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from errors import UsageError, nearest
from simulator.aie2.assembler import assemble
from simulator.aie2.elf import OWN_MEMORY, LinkedProgram
from simulator.aie2.execution.pipeline import Pipeline
from simulator.aie2.machine import PROGRAM_SIZE
from simulator.aie2.profile.effects import places
from simulator.aie2.profile.inspector import Inspector
from simulator.array.config import NOWHERE, Origin, TileId
from simulator.array.core import CoreContext, CoreRequest, Delay
from simulator.array.memory import Memory

TILE = TileId(1, 3)
_SOUTH, _WEST = TileId(1, 2), TileId(0, 3)
_BUFFERS, _STACK = 0x40000, 0x50000
_MEMORY = 64 * 1024
_ALIGNMENT = 64
_POINTERS, _NUMBERS = 6, 8
"""Arguments in registers: p0 to p5, and of r0 to r7."""

_LIMIT = 200_000_000
_DRAIN = 12
"""Bundles in which all results land, before the one that ends the call."""

_RETURN = assemble("__start:\n" + "nop\n" * _DRAIN + "done\n" + "nop\n" * 5, "return").code


@dataclass(frozen=True)
class CallResult:
    """What a call did.

    Attributes:
        cycles: Until the function returned.
        result: What it left in r0.
        inspector: What was seen.
    """

    cycles: int
    result: int
    inspector: Inspector


def call(
    program: LinkedProgram,
    name: str,
    buffers: Sequence[npt.NDArray[np.uint8]] = (),
    numbers: Sequence[int] = (),
    *,
    checked: bool = True,
) -> CallResult:
    """Call a function.

    Args:
        program: A core's linked program.
        name: Of the function.
        buffers: In p0, p1, ...: uint8, 1-D, written in place.
        numbers: In r0, r1, ..., which is where a function that returns nothing takes them.
        checked: Also follow registers and memory.

    Raises:
        UsageError: NPU521, there is no such function, it waits, or the arguments do not fit.
        CheckFailed: NPU5xx, it does what no core can.
    """
    symbol = program.symbols.get(name)
    if symbol is None:
        raise _refusal(
            f"the program has no function {name!r}{nearest(name, program.symbols.names())}"
        )
    if len(buffers) > _POINTERS or len(numbers) > _NUMBERS:
        raise _refusal(f"{name} cannot take {len(buffers)} buffers and {len(numbers)} numbers")
    memories = {tile: Memory(tile, _MEMORY) for tile in (TILE, _SOUTH, _WEST)}
    pointers = _placed(memories[_SOUTH], buffers)
    code = program.program_memory()
    end = PROGRAM_SIZE - len(_RETURN)
    if end < code.extent:
        raise _refusal(f"the program leaves no room for the {len(_RETURN)} bytes of a return")
    code.write(end, _RETURN)
    _load(memories[TILE], program)
    values = {f"p{n}": pointer for n, pointer in enumerate(pointers)}
    values |= {f"r{n}": number for n, number in enumerate(numbers)}
    values |= {"sp": _STACK, "lr": end}
    inspector = Inspector(TILE, code, program.symbols, checked=checked)
    inspector.arguments = tuple(place for register in values for place in places(register))
    kept: list[Pipeline] = []

    def setup(pipeline: Pipeline) -> None:
        kept.append(pipeline)
        pipeline.stack.moved(_STACK)
        for register, value in values.items():
            pipeline.state.write(register, value)

    context = CoreContext(TILE, memories, _no_release)
    cycles = 0
    for request in inspector.program(symbol.address, setup)(context):
        cycles += _passed(request, name)
        if cycles > _LIMIT:
            raise _refusal(f"{name} does not return within {_LIMIT:,} cycles")
    for buffer, pointer in zip(buffers, pointers, strict=True):
        start = pointer - _BUFFERS
        buffer[:] = memories[_SOUTH].data[start : start + len(buffer)]
    inspector.forget(end)
    return CallResult(cycles - _DRAIN - 1, int(kept[0].state.read("r0")), inspector)


def _placed(memory: Memory, buffers: Sequence[npt.NDArray[np.uint8]]) -> list[int]:
    """Put buffers into memory; return the core's addresses of them."""
    found, start = [], 0
    for buffer in buffers:
        if start + len(buffer) > memory.size:
            raise _refusal(f"buffers of {memory.size:,} bytes together are the most that fit")
        memory.hand_out(start, len(buffer))[:] = buffer
        found.append(_BUFFERS + start)
        start += -(-len(buffer) // _ALIGNMENT) * _ALIGNMENT
    return found


def _load(memory: Memory, program: LinkedProgram) -> None:
    for segment in program.data:
        held = memory.hand_out(segment.address - OWN_MEMORY, segment.size)
        held[:] = 0
        held[: len(segment.data)] = np.frombuffer(segment.data, np.uint8)


def _passed(request: CoreRequest, name: str) -> int:
    if isinstance(request, Delay):
        return request.cycles
    raise _refusal(f"{name} waits for a lock or a stream, and on its own there is none")


def _no_release(tile: TileId, lock: int, value: int, origin: Origin = NOWHERE) -> None:
    raise _refusal(
        f"lock {lock} of {tile} is released by {value}{origin.bracketed}, without an array"
    )


def _refusal(what: str) -> UsageError:
    return UsageError(
        what,
        cure="name a function that takes its data by pointers, or profile the design by its xclbin",
        code="NPU521",
    )
