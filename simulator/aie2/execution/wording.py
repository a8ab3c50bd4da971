"""An instruction as lines of Python: what it reads, computes and writes, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from errors import CheckFailed
from simulator.aie2.execution import scalar, vector  # noqa: F401 - they register meanings
from simulator.aie2.execution.control import BRANCHES, Waiting, waiting
from simulator.aie2.execution.meaning import MEANINGS
from simulator.aie2.execution.memory import GATHERS, LOADS, MOVES, updates
from simulator.aie2.execution.schedule import Access, Address, Timing, timing
from simulator.aie2.execution.state import ADDRESS, SCALARS, WORD, pair
from simulator.aie2.execution.state import vector as vector_place
from simulator.aie2.instruction import Encoding, Instruction

RING = 32
"""Cycles that the rings reach ahead; the longest latency is 11."""

VECTOR_LOAD = 32
"""Bytes that a vector load fetches, whatever it makes of them."""

_SLOT = RING - 1
DIRECT = {*MOVES, *LOADS, *GATHERS}
"""What needs no meaning."""

_MEMORY_STAGE = 5


def implemented(encoding: Encoding) -> bool:
    """Tell whether an encoding can be executed."""
    schedule = timing(encoding)
    if schedule is None:
        return False
    name = plain(encoding)
    if not schedule.operands or name in BRANCHES or name in DIRECT:
        return True
    return name in MEANINGS or waiting(encoding.mnemonic, encoding.layout) is not None


def plain(encoding: Encoding) -> str:
    """Return the mnemonic without the dimensions of its address: ``lda.2d.s8`` is lda.s8."""
    name = encoding.mnemonic
    schedule = timing(encoding)
    if schedule is not None and schedule.address is not None:
        name = name.replace(".2d", "").replace(".3d", "")
    return name


@dataclass
class Text:
    """The parts of a bundle's function, in the order in which they run.

    Attributes:
        compute: Reads and results.
        commit: Writes.
        late: Functions of what is done in later stages.
        waits: What makes each request that the bundle waits for.
        target: Where a branch leads.
        names: Meanings by the names that the text has for them.
    """

    compute: list[str] = field(default_factory=list)
    commit: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    target: str = ""
    names: dict[str, Any] = field(default_factory=dict)


def indented(lines: list[str]) -> list[str]:
    """Return lines as those of a function's body."""
    return [f"    {line}" for line in lines]


class InstructionText:
    """Writes what one instruction of a bundle does."""

    def __init__(self, text: Text, number: int, instruction: Instruction, returns: int) -> None:
        self._text = text
        self._id = number
        self._instruction = instruction
        self._returns = returns
        encoding = instruction.encoding
        schedule = timing(encoding)
        if schedule is None or not implemented(encoding):
            raise CheckFailed(
                f"the instruction {str(instruction).replace(chr(9), ' ')} is not implemented",
                cure="use another form, or run the design from its MLIR",
                code="NPU510",
            )
        self._schedule: Timing = schedule
        self._name = plain(encoding)
        self._values = dict(zip(encoding.kinds, instruction.operands, strict=True))

    def write(self) -> None:
        """Add the instruction to the text."""
        schedule = self._schedule
        if self._name in BRANCHES:
            self._branch()
        elif found := waiting(self._instruction.mnemonic, self._instruction.encoding.layout):
            self._wait(found)
        elif schedule.memory and schedule.address is not None:
            self._memory(schedule, schedule.address)
        elif schedule.address is not None:
            self._address(schedule.address)
        elif self._name in GATHERS:
            self._gather()
        elif schedule.operands and self._name != "event":
            self._plain([])

    def _branch(self) -> None:
        reads = [self._read(access) for access in self._schedule.operands if access.read]
        target = BRANCHES[self._name](*reads)
        self._text.compute.append(f"t{self._id} = {target}")
        self._text.target = f"t{self._id}"
        for access in self._schedule.operands:
            if access.write:
                self._text.compute.append(f"d{self._id} = {reads[0]} - 1 & {WORD}")
                self._text.commit.append(self._put(access, f"d{self._id}"))
        if self._name == "jl":
            lr, cycle = self._schedule.writes[0]
            self._land(cycle, f"R, {SCALARS[lr].index}, {self._returns}")

    def _wait(self, found: Callable[[str, Sequence[str]], Waiting]) -> None:
        """A lock, stream or cascade instruction: the pipeline serves it before the bundle."""
        reads = [self._read(access) for access in self._schedule.operands if access.read]
        text = found(self._instruction.encoding.layout, reads)
        reply = text.reply.replace("[]", f"[{len(self._text.waits)}]")
        if text.wait:
            self._text.waits.append(f"lambda: {text.wait}")
        if text.act:
            kept = [f"k{self._id}_{position}" for position in range(len(reads))]
            pairs = zip(kept, reads, strict=True)
            self._text.compute += [f"{name} = {read}" for name, read in pairs]
            act = found(self._instruction.encoding.layout, kept).act
            self._text.commit.append(act)
        writes = [access for access in self._schedule.operands if access.write]
        self._text.commit += self._outputs(writes, [reply] * len(writes))

    def _address(self, address: Address) -> None:
        """Compute the address ``a<id>`` and update the pointer."""
        base = self._scalar("sp" if address.base == "sp" else self._operand(address.base))
        inside = self._operand(address.inside) if address.inside else None
        if inside is None:
            self._text.compute.append(f"a{self._id} = R[{base}]")
        else:
            step = inside if isinstance(inside, int) else f"R[{self._scalar(inside)}]"
            self._text.compute.append(f"a{self._id} = R[{base}] + {step} & {ADDRESS}")
        if address.after:
            after = self._operand(address.after)
            compute, commit = updates(base, after, address.dimensions, f"a{self._id}", self._id)
            self._text.compute += compute
            self._text.commit += commit

    def _memory(self, schedule: Timing, address: Address) -> None:
        self._address(address)
        if self._name.startswith(("lda", "vlda", "vldb")):
            self._load(schedule)
        elif len(schedule.memory) == 2:
            self._part_word(schedule)
        else:
            self._store(schedule)

    def _load(self, schedule: Timing) -> None:
        target = schedule.operands[0]
        place = vector_place(str(self._value(target)))
        whole = self._name in ("lda", "vlda", "vldb")
        size = place.size if place is not None and whole else VECTOR_LOAD
        load = LOADS.get(self._name, f"load({{}}, {size})")
        if self._name == "lda" and place is None:
            load = LOADS["lda.word"]
        self._plain([load.format(f"a{self._id}")])

    def _gather(self) -> None:
        """A parallel look-up: four loads of 8 bytes at the addresses in half a vector."""
        target, source = self._schedule.operands
        step, first = GATHERS[self._name]
        name = f"v{self._id}"
        self._text.compute.append(f"{name} = gather({self._read(source)}, {step}, {first})")
        self._text.commit += self._outputs([target], [name])

    def _store(self, schedule: Timing) -> None:
        data = schedule.operands[0]
        reads = [self._read(access) for access in schedule.operands if access.read]
        reads += [f"R[{SCALARS[name].index}]" for name in schedule.reads]
        value = reads[0]
        if self._name in MEANINGS:
            value = f"{self._meaning()}({', '.join(reads)})"
        is_word = vector_place(str(self._value(data))) is None
        store = "store_word" if is_word else "store"
        if self._name == "vst.128":
            value = f"{value}[:16]"
        self._text.compute.append(f"v{self._id} = {value}")
        late = schedule.memory[0] - _MEMORY_STAGE
        if late:
            # Stores of a cycle follow its loads: it acts before the next cycle's.
            self._later(late + 1, store + "_late", f"a{self._id}, v{self._id}", "storing")
        else:
            self._text.commit.append(f"{store}(a{self._id}, v{self._id})")

    def _part_word(self, schedule: Timing) -> None:
        access = schedule.operands[0]
        bits = 8 if self._name.endswith("8") else 16
        number = self._id
        self._text.late += [
            f"def late_{number}(c, address, word):",
            f"    merge(c, address, word, {self._read(access)}, {bits})",
        ]
        self._text.compute.append(f"w{number} = load_part(a{number}, {bits}, c)")
        self._later(access.read - 1, f"late_{number}", f"a{number}, w{number}", "storing")

    def _plain(self, values: list[str]) -> None:
        """Read, compute, write; `values` come before the operands read."""
        schedule = self._schedule
        reads = [access for access in schedule.operands if access.read]
        writes = [access for access in schedule.operands if access.write]
        writes += [Access(name, write=cycle) for name, cycle in schedule.writes]
        last = max((access.read for access in reads), default=1)
        if self._name.startswith(("vlda.ups", "vldb.unpack")):
            last = max(last, 7)
        arguments = list(values)
        early: list[str] = []
        for position, access in enumerate(reads):
            text = self._read(access)
            if last > 1 and access.read == 1:
                early.append(text)
                text = f"e{position}"
            arguments.append(text)
        arguments += [f"R[{SCALARS[name].index}]" for name in schedule.reads]
        names = [f"v{self._id}_{n}" for n in range(len(writes))]
        if last == 1:
            self._text.compute.append(self._call(names, arguments))
            self._text.commit += self._outputs(writes, names)
            return
        self._deferred(last, values, early, arguments, names, writes)

    def _deferred(
        self,
        last: int,
        values: list[str],
        early: list[str],
        arguments: list[str],
        names: list[str],
        writes: list[Access],
    ) -> None:
        """Read at issue what is read then, and do the rest in stage `last`."""
        number = self._id
        parameters = [a for a in arguments if a.startswith("e") and a[1:].isdecimal()]
        if values:
            arguments = ["loaded", *arguments[len(values) :]]
            parameters = ["loaded", *parameters]
            early = [*values, *early]
        lines = [
            f"def late_{number}(c, {', '.join(parameters)}):"
            if parameters
            else f"def late_{number}(c):"
        ]
        lines.append(f"    {self._call(names, arguments)}")
        lines += indented(self._outputs(writes, names, last - 1))
        self._text.late += lines
        if early:
            # Read before any instruction of the bundle writes.
            self._text.compute.append(f"e{number} = ({', '.join(early)},)")
        self._later(last - 1, f"late_{number}", f"*e{number}" if early else "")

    def _call(self, names: list[str], arguments: list[str]) -> str:
        targets = ", ".join(names)
        if self._name == "vclr":
            place = vector_place(str(self._value(self._schedule.operands[0])))
            return f"{targets} = bytes({place.size if place else 0})"
        if self._name == "vmov" and (size := self._resized()):
            return f"{targets} = ({arguments[0]} + bytes({size}))[:{size}]"
        if self._name in MEANINGS:
            return f"{targets} = {self._meaning()}({', '.join(arguments)})"
        return f"{targets} = {arguments[0]}"

    def _resized(self) -> int:
        """Return the bytes that a move writes, if they are not as many as it reads.

        A sparsity mask has 16, what it is moved to and from 32: the low ones count.
        """
        target, source = (vector_place(str(self._value(a))) for a in self._schedule.operands)
        if target is None or source is None or target.size == source.size:
            return 0
        return target.size

    def _meaning(self) -> str:
        name = f"m{self._id}"
        self._text.names[name] = MEANINGS[self._name]
        return name

    def _outputs(self, writes: list[Access], names: list[str], passed: int = 0) -> list[str]:
        """Return the statements that write values, `passed` cycles after issue."""
        lines = []
        for access, name in zip(writes, names, strict=True):
            lines += self._output(access, name, access.write - passed)
        return lines

    def _output(self, access: Access, name: str, cycle: int) -> list[str]:
        value = str(self._value(access))
        if place := vector_place(value):
            part = f"slice({place.low}, {place.low + place.size})"
            ahead = access.bypass != "" and access.bypass == place.bypass
            lines = [self._landing(cycle, f"V, {part}, {name}")]
            lines.append(self._landing(cycle - ahead, f"B, {part}, {name}"))
            return lines
        if halves := pair(value):
            return [
                self._scalar_write(cycle, halves[0], f"{name} & {WORD}"),
                self._scalar_write(cycle, halves[1], f"{name} >> 32"),
            ]
        register = SCALARS[value]
        narrow = f" & {register.mask}" if register.mask != WORD else ""
        return [self._scalar_write(cycle, register.index, name + narrow)]

    def _scalar_write(self, cycle: int, index: int, value: str) -> str:
        if cycle == 1:
            return f"R[{index}] = {value}"
        return self._landing(cycle, f"R, {index}, {value}")

    @staticmethod
    def _landing(cycle: int, text: str) -> str:
        return f"landing[c + {cycle} & {_SLOT}].append(({text}))"

    def _put(self, access: Access, value: str) -> str:
        register = SCALARS[str(self._value(access))]
        return f"R[{register.index}] = {value}"

    def _land(self, cycle: int, text: str) -> None:
        self._text.commit.append(self._landing(cycle, text))

    def _later(self, cycles: int, function: str, arguments: str, ring: str = "pending") -> None:
        comma = "," if arguments else ""
        self._text.commit.append(
            f"{ring}[c + {cycles} & {_SLOT}].append(({function}, ({arguments}{comma})))"
        )

    def _operand(self, letter: str) -> str | int:
        return self._values[letter]

    def _value(self, access: Access) -> str | int:
        return self._values.get(access.operand, access.operand)

    @staticmethod
    def _scalar(name: str | int) -> int:
        return SCALARS[str(name)].index

    def _read(self, access: Access) -> str:
        """Return the expression that reads an operand."""
        value = self._value(access)
        if isinstance(value, int):
            return str(value & WORD)
        if place := vector_place(value):
            ahead = access.bypass != "" and access.bypass == place.bypass
            store = "B" if ahead else "V"
            text = f"bytes({store}[{place.low}:{place.low + place.size}])"
            if place.mask >= 0:
                text += f" + bytes(V[{place.mask}:{place.mask + place.size // 4}])"
            return text
        if halves := pair(value):
            return f"(R[{halves[0]}] | R[{halves[1]}] << 32)"
        return f"R[{SCALARS[value].index}]"
