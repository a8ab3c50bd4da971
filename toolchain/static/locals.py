"""What a kernel's local arrays take of a core's stack: an estimate without the core's compiler.

The core's frames are known from its compiler's objects only (target aie2). A host's compiler
says less, but surely: which arrays the functions declare, and who calls whom, before anything is
optimised. What that leaves out makes the estimate low: spilled registers, saved registers, return
addresses. Vectors and accumulators of aie_api are left out too, and arrays of them, which live in
registers; so are the functions of the host's aie_api, which are single instructions on the core.
It is high where arrays of different blocks share their place, or one is optimised away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from toolchain.static import inlined, stack
from toolchain.storage import disk
from toolchain.work.runner import Runner
from toolchain.work.steps import CommandStep

OPTIONS = ("-O0", "-c", "-Xclang", "-emit-llvm", "-Xclang", "-disable-llvm-passes")
"""Make clang write LLVM's text in place of an object, before anything is optimised or inlined."""

VERSION = 2
"""Raise it when the estimate changes, or what else is read of the text."""

_CALLED = re.compile(r"\b(?:call|invoke)\b[^@\n]*@\"?([^\"(\s]+)\"?\(")
_LOCAL = re.compile(r" = alloca (.+?)(?:, i\d+ (\d+|%[^,\s]+))?, align ")
_LABEL = re.compile(r"^[\w.$-]+:", re.MULTILINE)
_STRUCT = re.compile(r"^(%(?:\"[^\"]+\"|[\w.]+)) = type (.+)$", re.MULTILINE)
_TOKEN = re.compile(r"%\"[^\"]+\"|%[\w.]+|[\[\]{}<>,]|\w+")
_REGISTERS = re.compile(r"%\"?(?:class|struct)\.aie::")
_SCALARS = {"half": 2, "bfloat": 2, "float": 4, "double": 8, "ptr": 4}
"""Bytes of types that are not ``iN``; a pointer has 4 on the core."""


@dataclass(frozen=True)
class Room:
    """A type: its bytes and alignment, if it holds an array, and if a register of aie_api."""

    size: int
    align: int
    array: bool = False
    register: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalsStep(CommandStep):
    """Compiles to LLVM's text and keeps what is read of it as JSON.

    That is what its functions declare, by symbol (``stacks``), and what they call of the math
    library (``math``; see `toolchain.static.inlined`).

    Attributes:
        code: Name of the text, which is not kept: it is megabytes.
        kept: Name of the JSON.
    """

    code: str
    kept: str

    def recipe(self) -> Any:
        """Return the command, and the version of what is made of its output."""
        return {**super().recipe(), "locals": VERSION}

    def run(self, work: Path, runner: Runner) -> list[Path]:
        """Run the compiler and read its text; see :meth:`toolchain.work.steps.Step.run`."""
        found = super().run(work, runner)
        text = (work / self.code).read_text(encoding="utf-8")
        graph, symbols = read(text)
        content = {
            "stacks": {symbol: asdict(graph.need(symbol)) for symbol in symbols},
            "math": [(use.name, use.where) for use in inlined.read(text)],
        }
        disk.replace_file(work / self.kept, json.dumps(content, indent=2).encode() + b"\n")
        (work / self.code).unlink()
        return found


def read(text: str) -> tuple[stack.CallGraph, list[str]]:
    """Return the calls of a module with what each function's arrays take, and its functions."""
    room = _Types(dict(_STRUCT.findall(text)))
    frames: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    unsized = set()
    for found in inlined.DEFINED.finditer(text):
        name = found[1]
        if inlined.API.match(name):
            continue
        frames[name] = 0
        later = _LABEL.search(found[0])
        for local in _LOCAL.finditer(found[0]):
            one, count = room.of(local[1]), local[2] or ""
            # A block that is not the first may run any number of times.
            if count and (count[0] == "%" or (later and local.start() > later.start())):
                unsized.add(name)
            elif count or (one.array and not one.register):
                frames[name] += one.size * int(count or 1)
        called = _CALLED.findall(found[0])
        calls[name] = {one for one in called if not inlined.API.match(one)}
    return stack.CallGraph(frames, calls, frozenset(unsized)), list(frames)


def check(title: str, needs: Mapping[str, Mapping[str, Any]], resources: Mapping[str, Any]) -> None:
    """Hold local arrays against the stacks of the cores.

    Args:
        title: The unit's.
        needs: For each object of the design the ``stacks`` that `LocalsStep` kept of it.
        resources: What the static checks counted of the design, as JSON.

    Raises:
        CheckFailed: NPU045, the arrays alone are more than a core reserves, or of no constant
            size; NPU047, a recursion.
    """
    homes = {called["symbol"]: called["objects"] for called in resources["functions"]}
    for tile in resources["tiles"]:
        for symbol in tile["functions"] or ():
            for name in homes.get(symbol, ()):
                if symbol in needs.get(name, ()):
                    need = stack.Need(**needs[name][symbol])
                    what = f"the local arrays of {symbol} alone take"
                    stack.check(title, tile, symbol, need, what)


class _Types:
    """The types of a module, sized as on the core."""

    def __init__(self, structs: Mapping[str, str]) -> None:
        self._structs = structs
        self.of = cache(self._of)

    def _of(self, text: str) -> Room:
        if _REGISTERS.match(text):
            return Room(0, 1, register=True)
        if text in self._structs:
            return self.of(self._structs[text])
        tokens = _TOKEN.findall(text)
        if tokens[:2] == ["<", "{"]:
            tokens = tokens[1:-1]
        room, rest = self._parse(tokens)
        return room if not rest else Room(0, 1)

    def _parse(self, tokens: list[str]) -> tuple[Room, list[str]]:
        """Return the type that tokens begin with, and the tokens after it."""
        first, *rest = tokens
        if first in "[<":
            count = int(rest[0])
            room, (_, *rest) = self._parse(rest[2:])
            # A vector of the host's compiler is what plain loops became: it counts as an array.
            return Room(count * room.size, room.align, array=True, register=room.register), rest
        if first == "{":
            return self._parse_struct(rest)
        if first.startswith("%"):
            return self.of(first), rest
        size = int(first[1:]) // 8 or 1 if re.fullmatch(r"i\d+", first) else _SCALARS.get(first, 4)
        return Room(size, size), rest

    def _parse_struct(self, rest: list[str]) -> tuple[Room, list[str]]:
        size, align, array, register = 0, 1, False, False
        while rest[0] != "}":
            if rest[0] == ",":
                rest = rest[1:]
                continue
            member, rest = self._parse(rest)
            size += -size % member.align + member.size
            align = max(align, member.align)
            array, register = array or member.array, register or member.register
        return Room(size + -size % align, align, array, register), rest[1:]
