"""What a bundle does to registers and memory, as far as its text and the schedule say.

A place is a scalar register, or 16 bytes of the vector registers' store: registers that
overlap on the core share places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from simulator.aie2.bundle import Bundle
from simulator.aie2.execution.schedule import Access, Address, Timing, timing
from simulator.aie2.execution.state import COUNT, SCALARS, VECTOR_BYTES, pair
from simulator.aie2.execution.state import vector as vector_place
from simulator.aie2.execution.wording import VECTOR_LOAD, plain
from simulator.aie2.instruction import Instruction

CHUNK = 16
"""Bytes of vector registers that are one place."""

PLACES = COUNT + VECTOR_BYTES // CHUNK
PART_WORDS = {"s8": 1, "u8": 1, "s16": 2, "u16": 2}


@dataclass(frozen=True, slots=True)
class Read:
    """A register that is read.

    Attributes:
        register: Its name.
        places: Where it lies.
        late: It is read in a later stage than the first.
        bypass: "m", "v" or "", the bypass that it is read on.
        saved: It need not hold anything: it is put on the stack, as a function does that is
            going to use it, or only part of it is changed.
    """

    register: str
    places: tuple[int, ...]
    late: bool = False
    bypass: str = ""
    saved: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """A register that is written; a reader of stage 1 sees it `cycles` after issue."""

    register: str
    places: tuple[int, ...]
    cycles: int
    bypass: str = ""


@dataclass(frozen=True, slots=True)
class MemoryAccess:
    """A load or store.

    Attributes:
        base: The register that holds its address.
        offset: Added to it, a number.
        index: Or a register, -1 for none.
        size: In bytes.
        stage: Of its access.
    """

    base: int
    offset: int
    index: int
    size: int
    stage: int
    stores: bool
    on_stack: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """All that a bundle does, instruction by instruction."""

    reads: tuple[Read, ...]
    writes: tuple[Write, ...]
    memory: tuple[MemoryAccess, ...]


@lru_cache(maxsize=1 << 16)
def _of_text(key: _Key) -> Effects:
    reads: list[Read] = []
    writes: list[Write] = []
    memory: list[MemoryAccess] = []
    for instruction in key.bundle.instructions.values():
        schedule = timing(instruction.encoding)
        if schedule is None:
            continue
        one = _Instruction(instruction, schedule)
        reads += one.reads()
        writes += one.writes()
        memory += one.memory()
    return Effects(tuple(reads), tuple(writes), tuple(memory))


class _Key:
    """A bundle by its text."""

    __slots__ = ("bundle", "text")

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.text = str(bundle)

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.text == self.text


def effects(bundle: Bundle) -> Effects:
    """Return what a bundle does."""
    return _of_text(_Key(bundle))


def places(register: str) -> tuple[int, ...]:
    """Return the places of a register, none for what is not watched."""
    if found := SCALARS.get(register):
        return (found.index,)
    if halves := pair(register):
        return halves
    place = vector_place(register)
    if place is None:
        return ()
    end = place.low + place.size
    return tuple(COUNT + low // CHUNK for low in range(place.low, end, CHUNK))


class _Instruction:
    """One instruction's part of it."""

    def __init__(self, instruction: Instruction, schedule: Timing) -> None:
        encoding = instruction.encoding
        self._schedule = schedule
        self._name = plain(encoding)
        self._values = dict(zip(encoding.kinds, instruction.operands, strict=True))
        address = schedule.address
        self._on_stack = address is not None and address.base == "sp"

    def reads(self) -> Iterator[Read]:
        schedule = self._schedule
        operands = [access for access in schedule.operands if access.read]
        # A save on the stack needs no value, nor do lanes that are put in one by one.
        saves = self._on_stack and self._name.startswith(("st", "vst"))
        saves = saves or self._name.startswith(("vinsert", "vpush"))
        if self._name in ("xor", "sub") and len({self._value(o) for o in operands}) == 1:
            operands = []  # gives 0 whatever the register holds
        for access in operands:
            name = self._value(access)
            if isinstance(name, str):
                yield Read(name, places(name), access.read > 1, access.bypass, saves)
        for name in (*schedule.reads, *self._of_address(schedule.address)):
            yield Read(name, places(name))

    def writes(self) -> Iterator[Write]:
        schedule = self._schedule
        for access in schedule.operands:
            name = self._value(access)
            if access.write and isinstance(name, str):
                yield Write(name, places(name), access.write, access.bypass)
        for name, cycles in schedule.writes:
            yield Write(name, places(name), cycles)
        address = schedule.address
        if address is not None and address.after:
            base = self._base(address)
            yield Write(base, places(base), 1)
            for name in self._counters(address):
                yield Write(name, places(name), 1)

    def memory(self) -> Iterator[MemoryAccess]:
        schedule, address = self._schedule, self._schedule.address
        if not schedule.memory or address is None:
            return
        inside = self._values[address.inside] if address.inside else 0
        named = isinstance(inside, str)
        stores = self._name.startswith(("st", "vst"))
        yield MemoryAccess(
            base=SCALARS[self._base(address)].index,
            offset=0 if named else int(inside),
            index=SCALARS[str(inside)].index if named else -1,
            size=self._size(),
            stage=schedule.memory[0],
            stores=stores,
            on_stack=self._on_stack,
        )

    def _size(self) -> int:
        last = self._name.rpartition(".")[2]
        if last in PART_WORDS:
            return PART_WORDS[last]
        if not self._name.startswith("v"):
            return 4
        if last == "128":
            return 16
        return VECTOR_LOAD

    def _of_address(self, address: Address | None) -> Iterator[str]:
        if address is None:
            return
        yield self._base(address)
        for letter in (address.inside, address.after):
            name = self._values.get(letter, 0)
            if isinstance(name, str) and not (letter == address.after and address.dimensions > 1):
                yield name
        if address.dimensions > 1 and address.after:
            index = int(str(self._values[address.after])[1:])
            for number in range(index, index + 4 * (address.dimensions - 1), 4):
                yield from (f"{kind}{number}" for kind in ("dj", "dn", "dc"))
            yield f"m{index}"

    def _counters(self, address: Address) -> Iterator[str]:
        if address.dimensions > 1:
            index = int(str(self._values[address.after])[1:])
            for number in range(index, index + 4 * (address.dimensions - 1), 4):
                yield f"dc{number}"

    def _base(self, address: Address) -> str:
        return "sp" if address.base == "sp" else str(self._values[address.base])

    def _value(self, access: Access) -> str | int:
        return self._values.get(access.operand, access.operand)
