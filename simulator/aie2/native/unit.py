"""A program's reachable code as one C source."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

from errors import LabError
from simulator.aie2.bundle import LONGEST, Bundle, decode, length
from simulator.aie2.execution.products import arrangements
from simulator.aie2.execution.stack import moves_stack
from simulator.aie2.execution.state import COUNT, SCALARS, VECTOR_BYTES
from simulator.aie2.execution.vector_moves import routes
from simulator.aie2.execution.wording import Text, indented, plain
from simulator.aie2.machine import PROGRAM_SIZE
from simulator.aie2.native.state import BYTES
from simulator.aie2.native.wording import NativeText

Compile: TypeAlias = Callable[[str], Path]
"""Makes a shared library of C++ source (made to be cached by its text)."""

DELAY_SLOTS = 5
_REGION = 96
"""Bundles of one C function: compilers take long for long ones."""

_REGISTERS = ("ls", "le", "lc", "sp")
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Unit:
    """Code that is reached from an address.

    Attributes:
        key: Names its table in the library, ``entries_<key>``.
        count: Addresses that the table has.
        lates: Functions of later stages that ``lates_<key>`` has, by 256 times the address
            plus the instruction's number.
        body: Its C, to be compiled behind :func:`prelude`.
    """

    key: str
    count: int
    lates: int
    body: str


def source(units: Collection[Unit]) -> str:
    """Return the source of a library with units."""
    body = "\n".join(unit.body for unit in units)
    return prelude(body) + body


def unit_of(code: bytes, extent: int, root: int, known: Collection[int] = ()) -> Unit | None:
    """Return what is reached from `root` and not yet `known`, None where nothing is.

    A program is `extent` bytes of `code`, a whole program memory.

    What does not decode or is not implemented is left out: who gets there finds no code.
    """
    bundles = _reached(code, extent, root, known)
    if not bundles:
        return None
    text = "\0".join((str(root), ",".join(map(str, sorted(bundles)))))
    key = hashlib.sha256(code + text.encode()).hexdigest()[:16]
    late: list[str] = []
    lates: list[str] = []
    regions: list[str] = []
    entries: list[str] = []
    addresses = sorted(bundles)
    for number, start in enumerate(range(0, len(addresses), _REGION)):
        part = addresses[start : start + _REGION]
        cases: list[str] = []
        for position, address in enumerate(part):
            following = part[position + 1] if position + 1 < len(part) else -1
            found = _case(code, address, bundles[address], following, key)
            late += found[0].late
            lates += [f"    {{{number}, (Region){act}}}," for act, number in found[0].names.items()]
            cases += found[1]
        name = f"region_{key}_{number}"
        regions += _region(name, cases)
        entries += [f"    {{{address:#x}, {name}}}," for address in part]
    tables = [*_table(f"entries_{key}", entries), *_table(f"lates_{key}", lates)]
    return Unit(key, len(addresses), len(lates), "\n".join([*late, *regions, *tables]))


def _table(name: str, lines: list[str]) -> list[str]:
    name = f"{name}[{len(lines) + 1}]"
    declared = f'extern "C" {{ extern const Entry {name}; }}'
    return [declared, f"const Entry {name} = {{", *lines, "    {0, 0},", "};", ""]


def prelude(body: str) -> str:
    """Return what a library's source starts with: what `body` uses of the run time."""
    lines = [
        f"#define SCALARS {COUNT}",
        f"#define VECTOR_BYTES {VECTOR_BYTES}",
        f"#define STATE_BYTES {BYTES}",
        f"#define PROGRAM_SIZE {PROGRAM_SIZE}",
        *(f"#define {name.upper()} R[{SCALARS[name].index}]" for name in _REGISTERS),
        _text("machine.h"),
        _text("vector.h"),
    ]
    if "multiply_add" in body or "add_accumulators" in body:
        lines += [_text("products.h"), _arrangements()]
    if "route(" in body:
        lines.append(_routes())
    return "\n".join(lines) + "\n"


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _routes() -> str:
    rows = ["    {" + ",".join(map(str, route.tolist())) + "}," for route in routes()]
    return "\n".join(
        [
            f"static const u8 ROUTES[{len(rows)}][64] = {{",
            *rows,
            "};",
            "static inline const u8 *route(u32 mode) "
            f"{{ return ROUTES[mode % 64 % {len(rows)}]; }}",
        ]
    )


@cache
def _arrangements() -> str:
    lines = []
    for bits in (32, 64):
        lines += [
            f"static int arrange{bits}(u{bits} *out, const u8 *a, int a_size, const u8 *b,"
            " int b_size, u32 word) {",
            "    switch (word & 0xFE) {",
        ]
        for (amode, bmode, variant), shape in arrangements().items():
            lanes = shape.rows * (shape.columns or 1)
            if shape.lanes != bits or lanes * bits != 1024:
                continue
            numbers = (*shape.bits, shape.rows, shape.inner, shape.columns)
            lines += [
                f"    case {amode << 1 | bmode << 3 | variant << 5}:",
                f"        return arranged<u{bits}, {', '.join(map(str, numbers))}>"
                "(out, a, a_size, b, b_size, word);",
            ]
        lines += ["    }", "    return 0;", "}"]
    return "\n".join(lines)


def _reached(code: bytes, extent: int, root: int, known: Collection[int]) -> dict[int, Bundle]:
    """Return the bundles that control can reach from `root` by what the code says.

    The targets of branches to registers are not among them, but returns of calls are.
    """
    found: dict[int, Bundle] = {}
    left: dict[int, int] = {}
    waiting = [(root, PROGRAM_SIZE)]
    while waiting:
        address, run = waiting.pop()
        while run > left.get(address, 0) and address < extent and address not in known:
            bundle = found.get(address) or _decoded(code, address)
            if bundle is None:
                break
            left[address], found[address] = run, bundle
            waiting += [(target, PROGRAM_SIZE) for target in _targets(bundle)]
            run = min(run - 1, _goes_on(bundle))
            address += bundle.size
    return found


def _decoded(code: bytes, address: int) -> Bundle | None:
    try:
        bundle = decode(code[address : address + LONGEST], address)
        _text_of(bundle, address, 0, "")
    except LabError:
        return None
    return bundle


def _targets(bundle: Bundle) -> list[int]:
    """Return where branches and zero-overhead loops of a bundle lead."""
    found = []
    for instruction in bundle.instructions.values():
        constants = [operand for operand in instruction.operands if isinstance(operand, int)]
        starts_loop = "ls" in instruction.operands
        if constants and (instruction.mnemonic in ("j", "jl", "jz", "jnz", "jnzd") or starts_loop):
            found.append(constants[-1])
    return found


def _goes_on(bundle: Bundle) -> int:
    """Return after how many bundles control has surely left."""
    names = {plain(instruction.encoding) for instruction in bundle.instructions.values()}
    if "done" in names:
        return 0
    return DELAY_SLOTS if names & {"j", "ret"} else PROGRAM_SIZE


def _returns(code: bytes, address: int) -> int:
    for _ in range(DELAY_SLOTS):
        if address < len(code):
            address += length(code[address])
    return address


def _text_of(bundle: Bundle, address: int, returns: int, key: str) -> Text:
    text = Text()
    for number, instruction in enumerate(bundle.instructions.values()):
        NativeText(text, number, instruction, returns, address, key).write()
    return text


def _region(name: str, cases: list[str]) -> list[str]:
    return [
        f"static int {name}(Core *s) {{",
        "    u32 *const R = s->R;",
        "    u64 c = s->cycle;",
        "    u32 slots = s->slots, goal = s->goal, next = s->address;",
        "    u32 here = 0, aim = 0, taken = 0;",
        "    int why = ELSEWHERE;",
        "dispatch:",
        "    switch (next) {",
        *indented(cases),
        "    default: goto leave;",
        "    }",
        "after:",
        "    if (LE == here && LC && --LC) next = LS;",
        "    if (slots && !--slots) next = goal;",
        f"    if (taken) taken = 0, slots = {DELAY_SLOTS}, goal = aim;",
        "    if (c < s->limit) goto dispatch;",
        "    why = LIMIT;",
        "leave:",
        "    s->address = next, s->cycle = c, s->slots = slots, s->goal = goal;",
        "    return why;",
        "}",
    ]


def _case(
    code: bytes, address: int, bundle: Bundle, following: int, key: str
) -> tuple[Text, list[str]]:
    """Return a bundle's text, and its case in its region."""
    after = address + bundle.size
    text = _text_of(bundle, address, _returns(code, after), key)
    refused = f"LEAVE({address:#x}u, REFUSED);"
    landing = f"if (RARELY(s->busy >> (c & SLOT) & 1) && land(s, c)) {refused}"
    if text.waits:
        lines = [f"if (!s->served) {{ {landing} LEAVE({address:#x}u, WAITS); }}", "s->served = 0;"]
    else:
        lines = [landing]
    lines += [*text.compute, *text.commit]
    if moves_stack(bundle):
        lines.append(f"if (!stacks(s, {address:#x}u, SP)) {refused}")
    lines.append("c++;")
    if text.target == "END":
        lines.append(f"LEAVE({address:#x}u, DONE);")
        return text, [f"case {address:#x}u: {{", *indented(lines), "}"]
    goes_on = f"next = {after:#x}u, here = {address:#x}u; goto after;"
    if text.target:
        lines.append(f"if (taken{text.target}) taken = 1, aim = target{text.target};")
        lines.append(goes_on)
    else:
        lines.append(
            f"if (RARELY(slots | (LE == {address:#x}u) | (c >= s->limit))) {{ {goes_on} }}"
        )
        if following != after:
            lines.append(f"next = {after:#x}u; goto dispatch;")
    return text, [f"case {address:#x}u: {{", *indented(lines), "}"]
