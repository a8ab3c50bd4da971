"""When operands are read and written: `tables/schedule.toml`, per encoding.

The table is shared by everything that executes machine code; :func:`timing` is how it is
read. Nothing here knows what an instruction computes.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from simulator.aie2.instruction import Encoding
from simulator.aie2.operands import TABLES, kind

_ADDRESS = re.compile(
    r"(?:, )?\[(?P<base>\{\w\}|sp)(?:, (?P<inside>\{\w\}))?\](?:, (?P<after>\{\w\}))?$"
)
_CYCLE = re.compile(r"(?P<way>RW|R|W)(?P<stage>\d+)(?P<bypass>[mv]?)")


@dataclass(frozen=True)
class Access:
    """What happens to one operand.

    Attributes:
        operand: The operand's letter in the encoding, or the register that the text names.
        read: The stage in which it is read, 0 if it is not.
        write: Cycles after issue from which a stage-1 reader sees what is written, 0 if
            nothing is.
        bypass: "m", "v" or "", the bypass that it is on.
    """

    operand: str
    read: int = 0
    write: int = 0
    bypass: str = ""


@dataclass(frozen=True)
class Address:
    """The address operands of an encoding: letters, or ``"sp"`` as the base.

    Attributes:
        inside: Added to the base for the access.
        after: Added to the base after the access.
        dimensions: 1, or 2 or 3 where `after` names counters too.
    """

    base: str
    inside: str = ""
    after: str = ""
    dimensions: int = 1


@dataclass(frozen=True)
class Timing:
    """How an encoding goes through the pipeline.

    Attributes:
        operands: In the order of the text, address apart.
        address: Of memory instructions and pointer updates.
        memory: Stages of the memory accesses.
        reads: Registers read that the text does not show.
        writes: Registers written that the text does not show, and after how many cycles.
    """

    operands: tuple[Access, ...]
    address: Address | None
    memory: tuple[int, ...]
    reads: tuple[str, ...]
    writes: tuple[tuple[str, int], ...]


@cache
def timing(encoding: Encoding) -> Timing | None:
    """Return the timing of an encoding, None where the table has none."""
    names, address = _split(encoding)
    for entry in _classes():
        if _fits(entry, encoding):
            cycles = entry["operands"].split()
            return Timing(
                operands=tuple(_access(*pair) for pair in zip(names, cycles, strict=True)),
                address=address,
                memory=tuple(map(int, entry.get("memory", "").split())),
                reads=tuple(entry.get("reads", "").split()),
                writes=tuple(map(_write, entry.get("writes", "").split())),
            )
    return None


def _split(encoding: Encoding) -> tuple[list[str], Address | None]:
    """Return the operands of an encoding's text without its address, and the address."""
    layout, address = encoding.layout, None
    if found := _ADDRESS.search(layout):
        layout = layout[: found.start()]
        dimensions = next((n for n in (2, 3) if f".{n}d" in encoding.mnemonic), 1)
        parts = [(found[name] or "").strip("{}") for name in ("base", "inside", "after")]
        address = Address(parts[0], parts[1], parts[2], dimensions)
    return [name.strip("{}") for name in layout.split(", ") if name], address


def _fits(entry: dict[str, Any], encoding: Encoding) -> bool:
    if not any(fnmatchcase(encoding.mnemonic, m) for m in entry["mnemonics"].split()):
        return False
    form, colon, file = entry.get("form", "*").partition(":")
    if colon:
        return encoding.kinds["a"] is kind(file.strip("}"))
    return fnmatchcase(encoding.layout, form)


def _access(name: str, cycle: str) -> Access:
    found = _CYCLE.fullmatch(cycle)
    if found is None:
        return Access(name)
    stage = int(found["stage"])
    return Access(
        name,
        read=stage if "R" in found["way"] else 0,
        write=stage if "W" in found["way"] else 0,
        bypass=found["bypass"],
    )


def _write(text: str) -> tuple[str, int]:
    name, _, cycle = text.partition("@")
    return name, int(cycle or 1)


@cache
def _classes() -> list[dict[str, Any]]:
    text = (TABLES / "schedule.toml").read_text(encoding="utf-8")
    classes: list[dict[str, Any]] = tomllib.loads(text)["class"]
    return classes
