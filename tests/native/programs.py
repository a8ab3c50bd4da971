"""Random programs that mostly run on: bundles of anything implemented, on sane registers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

from errors import LabError
from simulator.aie2.bundle import Bundle, decode, encode, formats
from simulator.aie2.execution.products import arrangements
from simulator.aie2.execution.schedule import timing
from simulator.aie2.execution.state import SCALARS
from simulator.aie2.execution.wording import implemented, plain
from simulator.aie2.instruction import Encoding, Instruction, encodings
from simulator.aie2.machine import ProgramMemory
from simulator.aie2.operands import Number, Registers

DATA = 0x70000 + 0x4000
KEPT = ("p", "m", "dj", "dn", "dc", "sp", "ls", "le", "lc", "lr")
"""Registers that a program had better not fill with anything."""

WORDS = tuple(f"r{number}" for number in range(24, 32))
"""Registers that have a configuration word of a product, and keep it."""


@cache
def choices(slot: str) -> list[Encoding]:
    """Return the encodings of a slot that the engines execute, ``done`` apart."""
    return [e for e in encodings(slot) if implemented(e) and e.mnemonic != "done"]


def bundle(random: Random) -> Bundle:
    """Return a bundle of random instructions, as its bytes decode."""
    while True:
        layout = random.choice(formats()[random.choice((16, 32, 48, 64, 80, 96, 112, 128))])
        parts = {slot: _instruction(random, slot) for slot in layout.slots.values()}
        try:
            found = decode(encode(Bundle(layout, parts)))
        except LabError:
            continue
        if all(_runs_on(random, part) for part in found.instructions.values()):
            return found


def program(random: Random, count: int) -> ProgramMemory:
    """Return the code of `count` random bundles and ``done``, branches within it."""
    bundles = [bundle(random) for _ in range(count)]
    starts, at = [], 0
    for one in bundles:
        starts.append(at)
        at += one.size
    code = ProgramMemory()
    for start, one in zip(starts, bundles, strict=True):
        code.write(start, encode(_aimed(random, one, starts)))
    done = next(e for e in encodings("alu") if e.mnemonic == "done")
    layout = next(f for f in formats()[32] if list(f.slots.values()) == ["alu"])
    code.write(at, encode(Bundle(layout, {"alu": Instruction(done, ())})))
    code.write(at + 4, bytes.fromhex("0100") * 6)
    return code


def registers(random: Random, code: ProgramMemory) -> dict[str, int | bytes]:
    """Return values to start with: pointers into data memory, a loop in the code."""
    found: dict[str, int | bytes] = {}
    for name in SCALARS:
        file = name.rstrip("0123456789")
        if file == "r":
            found[name] = random.choice((random.getrandbits(32), random.randrange(64)))
            if name in WORDS:
                found[name] = _word(random)
        elif file == "p":
            found[name] = DATA + 64 * random.randrange(200)
        elif file in ("m", "dj"):
            found[name] = 32 * random.randrange(8)
        elif file in ("dn", "dc"):
            found[name] = random.randrange(4)
        elif file == "s":
            found[name] = random.randrange(24)
    found |= {
        "crRnd": random.choice((0, 1, 8, 9, 10, 11, 12, 13)),
        "crSat": random.choice((0, 1, 3)),
    }
    found |= {name: random.randrange(2) for name in SCALARS if name.endswith("Sign")}
    ends = _ends(code)
    found |= {"sp": 0x7A000, "ls": 0, "le": random.choice(ends), "lc": random.randrange(5)}
    for number in range(12):
        found[f"x{number}"] = _vector(random, 64)
    for number in range(9):
        found[f"cm{number}"] = _vector(random, 128)
    return found


def _word(random: Random) -> int:
    """Return a configuration word of a product that there is, of bfloat16 too."""
    amode, bmode, variant = random.choice(sorted(arrangements()))
    return amode << 1 | bmode << 3 | variant << 5 | random.getrandbits(6) << 8


def _ends(code: ProgramMemory) -> list[int]:
    found, at = [], 0
    while at < code.extent - 16:
        found.append(at)
        at += decode(bytes(code.data[at : at + 16])).size
    return found or [0]


def _vector(random: Random, size: int) -> bytes:
    """Return anything, or bfloat16 numbers near one, some of them special."""
    if random.random() < 0.5:
        return random.randbytes(size)
    lanes = [
        random.choice((0x3F80, 0xBF80)) + random.randrange(-300, 300) for _ in range(size // 2)
    ]
    if random.random() < 0.3:
        lanes[random.randrange(len(lanes))] = random.choice((0x7F80, 0xFF80, 0x7FC1, 0, 0x8000, 1))
    return b"".join(lane.to_bytes(2, "little") for lane in lanes)


def _instruction(random: Random, slot: str) -> Instruction:
    encoding = random.choice(choices(slot)) if choices(slot) else encodings(slot)[0]
    operands: list[str | int] = []
    for kind in encoding.kinds.values():
        if isinstance(kind, Registers):
            operands.append(random.choice(list(kind.codes)))
        else:
            assert isinstance(kind, Number)
            operands.append(kind.decode(random.getrandbits(kind.width)))
    return Instruction(encoding, tuple(operands))


def _runs_on(random: Random, part: Instruction) -> bool:
    """Tell whether an instruction is likely to let the program run on."""
    encoding = part.encoding
    if not implemented(encoding):
        return False
    schedule, name = timing(encoding), plain(encoding)
    assert schedule is not None
    values = dict(zip(encoding.kinds, part.operands, strict=True))
    written = [str(values.get(a.operand, a.operand)) for a in schedule.operands if a.write]
    if random.random() < 0.02:
        return True
    if name in ("ret", "done", "acq", "acq.cond", "rel", "rel.cond") or "4x" in name:
        return False
    if name in ("j", "jl") and not all(isinstance(v, int) for v in values.values()):
        return False
    if name in ("jz", "jnz", "jnzd") and isinstance(part.operands[-1], str):
        return False
    if any(value.rstrip("0123456789") in KEPT for value in written):
        return False
    if encoding.slot == "vec" and set(values.values()) & {f"r{n}" for n in range(24)}:
        return False
    if any(part in WORDS for value in written for part in value.split(":")):
        return False
    if any(str(value).startswith("q") for value in values.values()) and name.startswith("v"):
        return False
    if schedule.address is None:
        return True
    return all(v % 64 == 0 and abs(v) < 512 for v in values.values() if isinstance(v, int))


def _aimed(random: Random, one: Bundle, starts: list[int]) -> Bundle:
    """Return a bundle whose branches lead to a bundle of the program."""
    parts = {}
    for slot, part in one.instructions.items():
        if part.mnemonic in ("j", "jl", "jz", "jnz", "jnzd"):
            target = random.choice([start for start in starts if start % 16 == 0] or [0])
            operands = [target if isinstance(o, int) else o for o in part.operands]
            part = replace(part, operands=tuple(operands))
        parts[slot] = part
    return replace(one, instructions=parts)
