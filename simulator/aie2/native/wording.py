"""Instructions as C: when they read, compute and write, as ``execution/wording.py`` has it.

A bundle's text reads and computes first and writes last. What happens in later stages is a
function of its own, which gets what was read at issue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from simulator.aie2.execution.control import Waiting
from simulator.aie2.execution.meaning import MEANINGS
from simulator.aie2.execution.memory import GATHERS
from simulator.aie2.execution.schedule import Access, Address, Timing
from simulator.aie2.execution.state import ADDRESS, SCALARS, WORD, pair
from simulator.aie2.execution.state import vector as vector_place
from simulator.aie2.execution.wording import VECTOR_LOAD, InstructionText, Text, indented
from simulator.aie2.instruction import Instruction
from simulator.aie2.native.meanings import MOVED, STATEMENTS

NUMBERS = tuple(sorted(MEANINGS))
"""Mnemonics by the number that translated code calls their meaning with."""

_LOADS = {
    "lda.s8": (1, "(u32)(int8_t)*{}"),
    "lda.u8": (1, "*{}"),
    "lda.s16": (2, "(u32)*(int16_t *){}"),
    "lda.u16": (2, "*(uint16_t *){}"),
}
_WORD = (4, "*(u32 *){}")
_QUARTER = 16
_BRANCHES = {
    "jz": "{0} == 0",
    "jnz": "{0} != 0",
    "jnzd": "{0} != 1",
}


@dataclass(frozen=True)
class Value:
    """An expression: a number of 32 or 64 bits, or a pointer to a vector of `size` bytes."""

    text: str
    size: int = 0


@cache
def number_of(mnemonic: str) -> int:
    """Return the number of a mnemonic's meaning."""
    return NUMBERS.index(mnemonic)


class NativeText(InstructionText):
    """Writes what one instruction of the bundle at an address does.

    Args:
        prefix: Makes the names of functions unique.
    """

    def __init__(
        self,
        text: Text,
        number: int,
        instruction: Instruction,
        returns: int,
        address: int,
        prefix: str,
    ) -> None:
        super().__init__(text, number, instruction, returns)
        self._at = address
        self._fail = f"LEAVE({address:#x}u, REFUSED);"
        self._late = f"late_{prefix}_{address:x}_{number}"

    def _branch(self) -> None:
        n, compute = self._id, self._text.compute
        accesses = [access for access in self._schedule.operands if access.read]
        reads = [self._value_of(access, compute) for access in accesses]
        self._text.target = "END" if self._name == "done" else str(n)
        if self._name == "done":
            return
        condition = _BRANCHES.get(self._name, "1").format(reads[0].text)
        compute.append(f"u32 target{n} = {reads[-1].text}; int taken{n} = {condition};")
        for access in self._schedule.operands:
            if access.write:
                compute.append(f"u32 left{n} = {reads[0].text} - 1;")
                place = SCALARS[str(self._value(access))]
                self._text.commit.append(f"R[{place.index}] = left{n};")
        if self._name == "jl":
            lr, cycle = self._schedule.writes[0]
            self._text.commit.append(
                f"lands(s, c + {cycle}, SCALAR, {SCALARS[lr].index}, {self._returns}u);"
            )

    def _wait(self, found: Callable[[str, Sequence[str]], Waiting]) -> None:
        compute, n = self._text.compute, self._id
        reads = [self._value_of(a, compute) for a in self._schedule.operands if a.read]
        text = found(self._instruction.encoding.layout, [read.text for read in reads])
        reply = f"s->reply[{len(self._text.waits)}]"
        if text.wait:
            self._text.waits.append(text.wait)
        if text.act:
            kept = [f"k{n}_{position}" for position in range(len(reads))]
            for name, read in zip(kept, reads, strict=True):
                compute.append(f"u32 {name} = {read.text};")
            condition = f"{kept[2]} && " if len(kept) > 2 else ""
            self._text.commit.append(
                f"if ({condition}!release(s, c, {self._at:#x}u, {kept[0]}, {kept[1]})) {self._fail}"
            )
        for position, access in enumerate(a for a in self._schedule.operands if a.write):
            place = vector_place(str(self._value(access)))
            plain = "(u32)c" if text.reply == "c" else f"*(u32 *){reply}"
            value = Value(reply, place.size) if place else Value(plain)
            self._moved([access], [f"v{n}_{position}"], value)

    def _moved(self, writes: list[Access], names: list[str], value: Value) -> None:
        self._text.compute += self._declared(writes, names)
        self._text.compute += self._copied(writes[0], names[0], value)
        self._text.commit += self._outputs(writes, names)

    def _address(self, address: Address) -> None:
        n, compute = self._id, self._text.compute
        base = self._scalar("sp" if address.base == "sp" else self._operand(address.base))
        inside = self._operand(address.inside) if address.inside else None
        compute.append(f"u32 a{n} = R[{base}];")
        if inside is not None:
            compute.append(f"a{n} = (a{n} + {_step(inside)}) & {ADDRESS};")
        if not address.after:
            return
        after = self._operand(address.after)
        if address.dimensions == 1:
            compute.append(f"u32 p{n} = (a{n} + {_step(after)}) & {ADDRESS};")
        else:
            self._dimensions(int(str(after)[1:]), address.dimensions)
        self._text.commit.append(f"R[{base}] = p{n};")

    def _dimensions(self, index: int, dimensions: int) -> None:
        """Compute a pointer's update of two or three dimensions, and its counts."""
        n, compute, commit = self._id, self._text.compute, self._text.commit

        def place(file: str, number: int) -> str:
            return f"R[{SCALARS[f'{file}{number}'].index}]"

        m, dj, dn, dc = (place(file, index) for file in ("m", "dj", "dn", "dc"))
        compute.append(f"int i{n} = {dc} < {dn}; u32 n{n} = i{n} ? {dc} + 1 : 0;")
        outer = m
        if dimensions == 3:
            dj2, dn2, dc2 = (place(file, index + 4) for file in ("dj", "dn", "dc"))
            compute.append(f"int j{n} = {dc2} < {dn2};")
            compute.append(f"u32 o{n} = i{n} ? {dc2} : j{n} ? {dc2} + 1 : 0;")
            commit.append(f"{dc2} = o{n};")
            outer = f"j{n} ? {dj2} : {m}"
        compute.append(f"u32 p{n} = (a{n} + (i{n} ? {dj} : {outer})) & {ADDRESS};")
        commit.append(f"{dc} = n{n};")

    def _load(self, schedule: Timing) -> None:
        place = vector_place(str(self._value(schedule.operands[0])))
        number = self._id
        if self._name.endswith(".128"):
            size, text = _QUARTER, "{}"
        elif place is None:
            size, text = _LOADS.get(self._name, _WORD)
        else:
            whole = self._name in ("lda", "vlda", "vldb")
            size, text = place.size if whole else VECTOR_LOAD, "{}"
        self._text.compute.append(f"if (!reach(s, a{number}, {size})) {self._fail}")
        value = Value(text.format(f"at(s, a{number})"), size if place else 0)
        self._computed([value])

    def _gather(self) -> None:
        target, source = self._schedule.operands
        step, first = GATHERS[self._name]
        name, compute = f"v{self._id}_0", self._text.compute
        read = self._value_of(source, compute)
        compute += self._declared([target], [name])
        compute.append(f"if (!gather(s, {name}->data, {read.text}, {step}, {first})) {self._fail}")
        self._text.commit += self._outputs([target], [name])

    def _store(self, schedule: Timing) -> None:
        n, compute = self._id, self._text.compute
        reads = [self._value_of(access, compute) for access in schedule.operands if access.read]
        reads += [Value(f"R[{SCALARS[name].index}]") for name in schedule.reads]
        value, size = reads[0].text, reads[0].size
        if self._name == "vst.128":
            size = _QUARTER
        elif self._name in MEANINGS:
            size //= 4 if self._name.endswith("8.s32") or self._name.endswith("16.s64") else 2
            compute.append(f"alignas(64) u8 v{n}[128];")
            compute += self._statements([(f"v{n}", size)], reads)
            value = f"v{n}"
        elif not size:
            compute.append(f"u32 v{n} = {value};")
            value = f"v{n}"
        late = schedule.memory[0] - 5
        if late:
            compute.append(
                f"{{ Late *l = later(s, c + {late + 1}, store_late, 1); l->a = a{n}; "
                f"l->w = {size}; copy(l->data, {value}, {size}); }}"
            )
            return
        store = f"*(u32 *)at(s, a{n}) = {value};"
        if size:
            store = f"copy(at(s, a{n}), {value}, {size});"
        self._text.commit.append(f"if (!reach(s, a{n}, {size or 4})) {self._fail}")
        self._text.commit.append(store)

    def _part_word(self, schedule: Timing) -> None:
        access, n = schedule.operands[0], self._id
        bits = 8 if self._name.endswith("8") else 16
        lines: list[str] = []
        value = self._value_of(access, lines)
        lines.append(f"merge(s, c, l->a, l->w, {value.text}, {bits});")
        self._function(lines)
        self._text.compute += [
            f"u32 w{n}; if (!load_part(s, a{n}, {bits}, c, &w{n})) {self._fail}",
            f"{{ Late *l = later(s, c + {access.read - 1}, {self._late}, 1); "
            f"l->a = a{n}; l->w = w{n}; }}",
        ]

    def _function(self, lines: list[str]) -> None:
        """Write the function of what is done in a later stage."""
        self._text.names[self._late] = self._at << 8 | self._id
        self._text.late += [
            f"static int {self._late}(Core *s, u64 c, Late *l) {{",
            "    u32 *const R = s->R; (void)R; (void)c; (void)l;",
            *indented(lines),
            "    return 0;",
            "}",
        ]

    def _plain(self, _values: list[str]) -> None:
        self._computed([])

    def _computed(self, values: list[Value]) -> None:
        """Read, compute, write; `values` come before the operands read."""
        schedule = self._schedule
        reads = [access for access in schedule.operands if access.read]
        writes = [access for access in schedule.operands if access.write]
        writes += [Access(name, write=cycle) for name, cycle in schedule.writes]
        last = max((access.read for access in reads), default=1)
        if self._name.startswith(("vlda.ups", "vldb.unpack")):
            last = max(last, 7)
        names = [f"v{self._id}_{n}" for n in range(len(writes))]
        compute: list[str] = []
        arguments, kept, size = list(values), [], 0
        if last > 1:
            # What is read at issue waits in the entry of what is done later.
            arguments = []
            for value in values:
                kept.append((value, size))
                arguments.append(Value(f"(l->data + {size})", value.size))
                size += 64
        for access in reads:
            if last == 1 or access.read > 1:
                arguments.append(self._value_of(access, compute))
                continue
            value = self._value_of(access, self._text.compute)
            kept.append((value, size))
            text = f"(l->data + {size})" if value.size else f"(*(u64 *)(l->data + {size}))"
            arguments.append(Value(text if value.size else f"(u32){text}", value.size))
            size += max(value.size + 63 & -64, 64)
        arguments += [Value(f"R[{SCALARS[name].index}]") for name in schedule.reads]
        compute += self._declared(writes, names)
        compute += self._result(writes, names, arguments)
        commit = self._outputs(writes, names, last - 1)
        if last == 1:
            self._text.compute += compute
            self._text.commit += commit
            return
        self._function([line.replace(self._fail, "return 1;") for line in compute] + commit)
        self._text.compute += self._kept(last - 1, kept)

    def _kept(self, cycles: int, kept: list[tuple[Value, int]]) -> list[str]:
        """Return the statements that put what was read at issue where it waits."""
        lines = [f"Late *l = later(s, c + {cycles}, {self._late}, 0); (void)l;"]
        for value, at in kept:
            if value.size:
                lines.append(f"copy(l->data + {at}, {value.text}, {value.size});")
            else:
                lines.append(f"*(u64 *)(l->data + {at}) = {value.text};")
        return ["{", *indented(lines), "}"]

    def _declared(self, writes: list[Access], names: list[str]) -> list[str]:
        lines = []
        for access, name in zip(writes, names, strict=True):
            target = str(self._value(access))
            if vector_place(target):
                lines.append(f"Cell *{name} = new_cell(s);")
            else:
                lines.append(f"{'u64' if pair(target) else 'u32'} {name};")
        return lines

    def _result(self, writes: list[Access], names: list[str], arguments: list[Value]) -> list[str]:
        """Compute what is written."""
        if self._name in MOVED or (self._name not in MEANINGS and self._name != "vclr"):
            return self._copied(writes[0], names[0], arguments[0])
        outputs = []
        for access, name in zip(writes, names, strict=True):
            place = vector_place(str(self._value(access)))
            outputs.append((f"{name}->data", place.size) if place else (name, 0))
        return self._statements(outputs, arguments)

    def _copied(self, access: Access, name: str, value: Value) -> list[str]:
        place = vector_place(str(self._value(access)))
        if place is None:
            return [f"{name} = {value.text};"]
        lines = [f"copy({name}->data, {value.text}, {min(value.size, place.size)});"]
        if place.size > value.size:
            rest = place.size - value.size
            lines.append(f"memset({name}->data + {value.size}, 0, {rest});")
        return lines

    def _statements(self, outputs: list[tuple[str, int]], arguments: list[Value]) -> list[str]:
        """Return the statements that compute `outputs`, texts and bytes of vectors."""
        python = self._python(outputs, arguments)
        statement = STATEMENTS.get(self._name)
        products = statement is not None and "multiply_add(" in statement
        whole = all(value.size == 128 for value in arguments[: len(arguments) - 3])
        if statement is None or (products and not whole):
            return python
        fields: dict[str, object] = {}
        for n, (text, size) in enumerate(outputs):
            fields |= {f"o{n}": text, f"n{n}": size}
        for n, value in enumerate(arguments):
            fields |= {f"a{n}": value.text, f"m{n}": value.size}
        if statement.startswith("?"):
            return [f"if (!{statement[1:].format(**fields)}) {{", *indented(python), "}"]
        return [statement.format(**fields)]

    def _python(self, outputs: list[tuple[str, int]], arguments: list[Value]) -> list[str]:
        """Let the interpreter's function compute: operands and results go by ``values``."""
        lines, at = [], 0
        for value in arguments:
            if value.size:
                lines.append(f"copy(s->values + {at}, {value.text}, {value.size});")
            else:
                lines.append(f"*(u64 *)(s->values + {at}) = {value.text};")
            at += value.size or 16
        sizes = " ".join(str(value.size) for value in arguments)
        sizes += "|" + " ".join(str(size) for _, size in outputs)
        number = number_of(self._name) if self._name in MEANINGS else -1
        lines.append(f'if (s->meaning({number}, "{sizes}")) {self._fail}')
        at = 0
        for text, size in outputs:
            if size:
                lines.append(f"copy({text}, s->values + {at}, {size});")
            else:
                lines.append(f"{text} = *(u64 *)(s->values + {at});")
            at += size or 16
        return lines

    def _output(self, access: Access, name: str, cycle: int) -> list[str]:
        value = str(self._value(access))
        if place := vector_place(value):
            rest = f"{place.low}, {place.size}, {name});"
            if access.bypass != "" and access.bypass == place.bypass:
                return [
                    f"lands_vector(s, c + {cycle}, PLAIN, {rest}",
                    f"lands_vector(s, c + {cycle - 1}, BYPASSED, {rest}",
                ]
            return [f"lands_vector(s, c + {cycle}, BOTH, {rest}"]
        if halves := pair(value):
            return [
                self._scalar_write(cycle, halves[0], f"(u32){name}"),
                self._scalar_write(cycle, halves[1], f"(u32)({name} >> 32)"),
            ]
        register = SCALARS[value]
        narrow = f" & {register.mask}" if register.mask != WORD else ""
        return [self._scalar_write(cycle, register.index, name + narrow)]

    def _scalar_write(self, cycle: int, index: int, value: str) -> str:
        if cycle == 1:
            return f"R[{index}] = {value};"
        return f"lands(s, c + {cycle}, SCALAR, {index}, {value});"

    def _value_of(self, access: Access, lines: list[str]) -> Value:
        """Return the expression that reads an operand; `lines` get what it needs before."""
        value = self._value(access)
        if isinstance(value, int):
            return Value(f"{value & WORD:#x}u")
        if place := vector_place(value):
            ahead = access.bypass != "" and access.bypass == place.bypass
            text = f"(s->{'B' if ahead else 'V'} + {place.low})"
            if place.mask < 0:
                return Value(text, place.size)
            name = f"q{self._id}_{len(lines)}"
            extra = place.size // 4
            lines.append(f"alignas(64) u8 {name}[128]; copy({name}, {text}, {place.size});")
            lines.append(f"memcpy({name} + {place.size}, s->V + {place.mask}, {extra});")
            return Value(name, place.size + extra)
        if halves := pair(value):
            return Value(f"(R[{halves[0]}] | (u64)R[{halves[1]}] << 32)", 0)
        return Value(f"R[{SCALARS[value].index}]")


def _step(value: str | int) -> str:
    if isinstance(value, int):
        return f"{value & WORD:#x}u"
    return f"R[{SCALARS[value].index}]"
