"""Functions of C's math library that the host's compiler makes instructions of.

A host has instructions for floor, fma and their like, so that no symbol of its library tells of
them. A core has none: AIE2LegalizerInfo.cpp of github.com/Xilinx/llvm-aie (0648185) has a rule for
G_FABS, and none for G_FFLOOR, G_FCEIL, G_INTRINSIC_TRUNC, G_FMA, G_FMAXNUM, G_FSQRT or
G_FCOPYSIGN; of math.h, libc/config/baremetal/aie2/entrypoints.txt has fabs alone. That was read,
not run. LLVM's text, before anything is optimised, has every call of them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache

from toolchain.static.symbols import is_math

DEFINED = re.compile(r"^define [^@\n]*@\"?([^\"(\s]+)\"?\(.*?^\}", re.MULTILINE | re.DOTALL)
"""A function of LLVM's text: its symbol, and all of it."""

API = re.compile(r"_Z(?:Z|N|K)*3aie")
"""How the symbols of aie_api's functions begin, which are single instructions on the core."""

_STANDARD = re.compile(r"_Z(?:Z|N|K)*St")
_CALL = re.compile(r"\b(?:call|invoke)\b[^@\n]*@\"?([^\"(\s]+)\"?\(([^%@)][^%@]*)$")
_NAMED = re.compile(r"@\"?([^\"(),\s]+)")
_DEBUG = re.compile(r"!dbg (!\d+)")
_INTRINSIC = re.compile(r"llvm\.(?:experimental\.constrained\.)?(\w+)")
_NAMES = {
    "maxnum": "fmax",
    "minnum": "fmin",
    "maximum": "fmaximum",
    "minimum": "fminimum",
    "maximumnum": "fmaximum_num",
    "minimumnum": "fminimum_num",
    "powi": "pow",
}
"""What C calls LLVM's functions, where the names differ."""

_LINE = re.compile(
    r"^(!\d+) = (?:distinct )?!DILocation\(line: (\d+)[^\n]*\bscope: (!\d+)", re.MULTILINE
)
_SCOPE = re.compile(
    r"^(!\d+) = (?:distinct )?!DI(?:Subprogram|LexicalBlock\w*)\([^\n]*\bfile: (!\d+)",
    re.MULTILINE,
)
_FILE = re.compile(r"^(!\d+) = !DIFile\(filename: \"([^\"]+)\"", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Use:
    """A call of the math library: C's name of the function, and ``file:line``, if it is known."""

    name: str
    where: str = ""


@dataclass(frozen=True)
class _Named:
    """A function that another one calls or hands on, and where: a location of the text."""

    name: str
    line: str | None


def read(text: str) -> list[Use]:
    """Return the calls of the math library in LLVM's text, for each the line of the kernel.

    What a function of C++'s own headers calls counts where that function is called.
    """
    functions = ((found[1], found[0]) for found in DEFINED.finditer(text))
    calls = {name: _named(body) for name, body in functions if not API.match(name)}

    @cache
    def held(function: str) -> frozenset[str]:
        """Return what a call comes to, through functions of C++'s headers, of the library."""
        names, seen, ahead = set(), set(), [function]
        while ahead:
            one = ahead.pop()
            if one in seen:
                continue
            seen.add(one)
            if name := _math(one):
                names |= {name} if one not in calls else set()
            elif _STANDARD.match(one):
                ahead += (call.name for call in calls.get(one, ()))
        return frozenset(names)

    own = (name for name in calls if not _STANDARD.match(name))
    uses = {
        (name, call.line)
        for function in own
        for call in calls[function]
        for name in held(call.name)
    }
    if not uses:
        return []
    lines = _lines(text)
    return sorted({Use(name, lines.get(line or "", "")) for name, line in uses})


def _named(function: str) -> list[_Named]:
    """Return what a function calls or hands on, but for calls on constants, which are folded."""
    found = []
    for line in function.splitlines()[1:]:
        if "@" in line and not _CALL.search(line):
            debug = _DEBUG.search(line)
            where = debug[1] if debug else None
            found += [_Named(name, where) for name in _NAMED.findall(line)]
    return found


def _math(function: str) -> str | None:
    """Return C's name of a function of the math library; None of any other function."""
    found = _INTRINSIC.match(function)
    name = _NAMES.get(found[1], found[1]) if found else function
    return name if is_math(name) else None


def _lines(text: str) -> dict[str, str]:
    """Return ``file:line`` of every location of the text."""
    files = dict(_FILE.findall(text))
    scopes = {scope: os.path.normpath(files[file]) for scope, file in _SCOPE.findall(text)}
    return {
        location: f"{scopes[scope]}:{line}"
        for location, line, scope in _LINE.findall(text)
        if scope in scopes
    }
