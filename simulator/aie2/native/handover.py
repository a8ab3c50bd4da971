"""From the interpreter to translated code, with what is in flight between two bundles."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from simulator.aie2.execution.stack import Stack
from simulator.aie2.execution.state import State
from simulator.aie2.execution.wording import RING
from simulator.aie2.native.state import Shared

_SCALAR, _PLAIN, _BYPASSED, _MEMORY = 0, 1, 2, 4
_ALIGNED = 64

Ring = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class InFlight:
    """What the interpreter has at a bundle's start.

    Attributes:
        branch: Delay slots ahead, and where the branch leads.
        part_words: The cycle in which the last part-word store is made.
        words: Memory by region.
        landing: Values that become visible, by cycle.
        late: What is done in later stages: other than stores, and stores.
    """

    state: State
    cycle: int
    stack: Stack
    branch: tuple[int, int]
    part_words: int
    words: Sequence[Any]
    landing: Ring
    late: tuple[Ring, Ring]


class Receiver(Protocol):
    """Who goes on."""

    shared: Shared
    cycle: int
    stack: Stack

    def library(self) -> ctypes.CDLL: ...

    def fetch(self, address: int) -> None: ...

    def late_function(self, address: int, number: int) -> int: ...


def take_over(receiver: Receiver, before: InFlight) -> None:
    """Go on where the interpreter stopped."""
    fields, state = receiver.shared.fields, receiver.shared.state
    for index, value in enumerate(before.state.scalar):
        state.scalar[index] = value
    state.vector[:] = before.state.vector
    state.bypassed[:] = before.state.bypassed
    receiver.cycle, receiver.stack = before.cycle, before.stack
    fields.slots, fields.goal = before.branch
    fields.part_words = before.part_words
    for cycle in range(before.cycle, before.cycle + RING):
        slot = cycle % RING
        for landing in before.landing[slot]:
            _give_landing(receiver, cycle, landing, before)
        for stores, ring in enumerate(before.late):
            for act, arguments in ring[slot]:
                _give_late(receiver, cycle, act, arguments, stores)


def _give_landing(
    receiver: Receiver, cycle: int, landing: tuple[Any, Any, Any], before: InFlight
) -> None:
    store, place, value = landing
    if store is before.state.scalar:
        _give(receiver, cycle, _SCALAR, place, value, b"")
    elif isinstance(store, memoryview):
        region = next(n for n, words in enumerate(before.words) if words is store)
        address = region << 16 | place << 2
        receiver.fetch(address)
        _give(receiver, cycle, _MEMORY, address, value, b"")
    else:
        kind = _PLAIN if store is before.state.vector else _BYPASSED
        _give(receiver, cycle, kind, place.start, 0, value)


def _give(receiver: Receiver, cycle: int, kind: int, place: int, value: int, data: bytes) -> None:
    receiver.library().give_landing(
        ctypes.c_void_p(receiver.shared.address),
        ctypes.c_uint64(cycle),
        ctypes.c_uint32(kind),
        ctypes.c_uint32(place),
        ctypes.c_uint64(value),
        ctypes.c_uint32(len(data)),
        bytes(data),
    )


def _give_late(
    receiver: Receiver, cycle: int, act: Any, arguments: tuple[int | bytes, ...], stores: int
) -> None:
    """Hand over what is done in a later stage: a function of a bundle's text, or a store."""
    function, first, second, data = None, 0, 0, b""
    if act.__name__.startswith("late_"):
        number = int(act.__name__.removeprefix("late_"))
        function = receiver.late_function(act.__globals__["at"], number)
    if function is None:
        address, value = arguments
        first, second, data = int(address), len(bytes(value)), bytes(value)
    elif stores:
        first, second = (int(argument) for argument in arguments)
    else:
        for argument in arguments:
            part = argument if isinstance(argument, bytes) else argument.to_bytes(8, "little")
            data += part.ljust(-(-len(part) // _ALIGNED) * _ALIGNED, b"\0")
    if stores:
        receiver.fetch(first & ~3)
    receiver.library().give_late(
        ctypes.c_void_p(receiver.shared.address),
        ctypes.c_uint64(cycle),
        ctypes.c_void_p(function),
        ctypes.c_uint32(stores),
        ctypes.c_uint32(first),
        ctypes.c_uint32(second),
        ctypes.c_uint32(len(data)),
        data,
    )
