"""The symbols of a kernel's library against what a core has and what the design calls."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import CheckFailed, nearest
from toolchain.storage.places import Places

PIN = "symbols 2"
"""Raise it when the check changes: libraries that passed before are then checked again."""

FREESTANDING = frozenset({"memcpy", "memmove", "memset", "memcmp", "bcmp"})
"""Functions that compilers call on their own; a core's runtime library has them too."""

_LIBM = re.compile(
    r"(a?(cos|sin|tan)h?|atan2|exp(2|10|m1)?|log(2|10|1p|b)?|ilogb|pow|sqrt|cbrt|rsqrt|hypot"
    r"|erfc?|[lt]gamma|sincos|fmod|remainder|remquo|fma|fdim|fmax|fmin|f(max|min)imum(_num)?"
    r"|ceil|floor|trunc|copysign"
    r"|l?l?round(even)?|l?l?rint|nearbyint|nextafter|ldexp|scalbl?n|frexp|modf)[fl]?"
)
"""Names of C's math library (ISO C23, 7.12); fabs, which clears a bit, is none of these."""

_LLD = re.compile(r"undefined symbol: (.+)\n>>> referenced by \S+ \(([^()\n]+:\d+)\)")
_BFD = re.compile(r"([^\s:]+:\d+):(?: warning:)? undefined reference to [`']([^']+)'")
"""How lld and GNU ld name the source line of an undefined symbol."""


def is_math(name: str) -> bool:
    """Whether a symbol is a function of C's math library."""
    return _LIBM.fullmatch(name) is not None


@dataclass(frozen=True)
class Symbols:
    """The dynamic symbols of a library."""

    defined: frozenset[str]
    undefined: frozenset[str]

    @classmethod
    def read(cls, library: Path) -> Symbols:
        """Read an ELF shared library. A weak symbol may stay undefined."""
        from elftools.elf.elffile import ELFFile
        from elftools.elf.sections import SymbolTableSection

        defined, undefined = set(), set()
        with library.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".dynsym")
            for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
                if symbol["st_shndx"] != "SHN_UNDEF":
                    defined.add(symbol.name)
                elif symbol.name and symbol["st_info"]["bind"] != "STB_WEAK":
                    undefined.add(symbol.name)
        return cls(frozenset(defined), frozenset(undefined))


@dataclass(frozen=True, kw_only=True)
class Linked:
    """A library of a unit.

    Attributes:
        name: The object's name in the design.
        source: What it was made from.
        library: The ELF file.
        log: What the linker printed, which names the lines of undefined symbols.
        places: The stand-ins in that log, and in the lines of `inlined`.
        inlined: Functions of the math library that the compiler made instructions of, each with
            its line; see `toolchain.static.inlined`.
    """

    name: str
    source: Path
    library: Path
    log: Path
    places: Places
    inlined: Sequence[tuple[str, str]] = ()


def check(title: str, libraries: Sequence[Linked], wanted: Mapping[str, Sequence[str]]) -> None:
    """Check that libraries have what the design calls, and ask for nothing a core lacks.

    Args:
        title: The unit's.
        libraries: The unit's.
        wanted: Functions that the design's cores call, and the objects that may hold each.

    Raises:
        CheckFailed: A symbol is undefined, or a function is missing.
    """
    symbols = {linked.name: Symbols.read(linked.library) for linked in libraries}
    for linked in libraries:
        undefined = sorted(symbols[linked.name].undefined - FREESTANDING)
        if undefined or linked.inlined:
            raise _undefined(title, undefined, linked)
    for function, objects in wanted.items():
        defined = sorted(name for object_ in objects for name in symbols[object_].defined)
        if objects and function not in defined:
            sources = [linked.source.name for linked in libraries if linked.name in objects]
            raise CheckFailed(
                f"{title}: {' and '.join(sources)} does not define {function}, "
                "which the design calls" + nearest(function, defined),
                cure='define it with extern "C", under the name that the design declares',
                code="NPU014",
                details=(f"defined: {', '.join(defined) or 'nothing'}",),
            )


def _undefined(title: str, undefined: list[str], linked: Linked) -> CheckFailed:
    source = linked.source
    lines = _lines(linked.log.read_text(encoding="utf-8", errors="replace"))
    # The linker may name a line of C++'s headers, where the kernel's own is known too.
    known = {name for name, where in linked.inlined if where}
    missing = [(name, lines.get(name, "")) for name in undefined if name not in known]
    missing += [use for use in linked.inlined if use[0] in known or use[0] not in undefined]
    details = tuple(
        f"{name}, called at {linked.places.real(where)}" if where else name
        for name, where in missing
    )
    names = ", ".join(dict.fromkeys(name for name, _ in missing))
    if any(is_math(name) for name, _ in missing):
        return CheckFailed(
            f"{title}: {source.name} calls the math library, and a core has none: {names}",
            cure="use a lookup table, Newton's iteration, or aie::inv and aie::invsqrt",
            code="NPU012",
            details=details,
        )
    return CheckFailed(
        f"{title}: {source.name} calls what no core has: {names}",
        cure="define it in the kernel's own sources, or do without",
        code="NPU013",
        details=details,
    )


def _lines(log: str) -> dict[str, str]:
    """Return the first source line that refers to each symbol, where the linker named it."""
    lines: dict[str, str] = {}
    for symbol, where in _references(log):
        lines.setdefault(symbol, where)
    return lines


def _references(log: str) -> Iterator[tuple[str, str]]:
    for found in _LLD.finditer(log):
        yield found[1], os.path.normpath(found[2])
    for found in _BFD.finditer(log):
        yield found[2], os.path.normpath(found[1])
