"""Putting the designs of several kernels side by side into one text.

Every part keeps its design as its kernel writes it, moved to columns of its own: names get the
part's in front, so that no two meet, and only the functions keep theirs, for they are symbols of
the part's object. What a design names is plain in its text (``%value``, ``@symbol``,
``sym_name``), so that no parser is needed.
"""

from __future__ import annotations

import re
from textwrap import dedent

_DEVICE = re.compile(r"aie\.device\(npu1(?:_(\d)col)?\) \{\n(.*)\n  \}\n\}\n\Z", re.DOTALL)
_FUNCTION = re.compile(r"func\.func private @(\w+)")
_NAME = re.compile(r"(?P<kind>[%@]|sym_name = \")(?P<name>\w+)")
_TILE = re.compile(r"aie\.tile\((\d+), (\d+)\)")

COLUMNS = 4
"""Columns of a Phoenix array."""


def columns(design: str) -> int:
    """Return how many columns a design takes."""
    return int(_parts(design)[0] or COLUMNS)


def symbols(design: str) -> list[str]:
    """Return the functions that a design links."""
    return _FUNCTION.findall(design)


def place(design: str, name: str, column: int) -> str:
    """Return the body of `design` as part `name`, from `column` on.

    Args:
        design: A kernel's design, with one runtime sequence, linked with ``kernel.o``.
        name: The part's name: that of its sequence, of its object (``name.o``), and in front of
            every name of the design.
        column: Its first column.
    """
    functions = set(symbols(design))

    def rename(found: re.Match[str]) -> str:
        kind, old = found["kind"], found["name"]
        return found[0] if kind == "@" and old in functions else f"{kind}{name}_{old}"

    def move(found: re.Match[str]) -> str:
        return f"aie.tile({int(found[1]) + column}, {found[2]})"

    lines = []
    for line in dedent(_parts(design)[1]).splitlines():
        code, comment, text = line.partition("//")
        code = _TILE.sub(move, _NAME.sub(rename, code))
        code = code.replace('link_with = "kernel.o"', f'link_with = "{name}.o"')
        code = code.replace("aie.runtime_sequence(", f"aie.runtime_sequence @{name}(")
        lines.append(code + comment + text)
    return "\n".join(lines)


def _parts(design: str) -> tuple[str | None, str]:
    """Return the digit of the device's columns, if it says one, and the device's body."""
    found = _DEVICE.search(design)
    if found is None:
        raise ValueError("a kernel's design is one aie.device for npu1 in a module")
    return found[1], found[2]
