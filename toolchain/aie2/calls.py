"""Which line of a kernel calls a function, found in the text of its sources."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolchain.static.symbols import is_math

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"", re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*\"([^\"\n]+)\"", re.MULTILINE)
_MANGLED = re.compile(r"(\d+)(\w+)")
_HEAD = re.compile(r"([A-Za-z_]\w*)\s*\(")
_WORD_BEFORE = re.compile(r"(\w+)[\s*&]*$")
_TEMPLATE = re.compile(r"\btemplate\s*<[^()]*>")
_DECLARED = re.compile(r"[;{}]\s*(?:\w+\s+)*\w+[\s*&]*$")
_NO_NAMES = frozenset({"__attribute__", "alignas", "decltype", "noexcept", "requires"})
_NO_TYPES = frozenset({"return", "else", "case", "throw", "do", "and", "or", "not"})
"""Words that stand before a call, while a type stands before a declaration."""

_BEFORE_A_VALUE = "=,({[+-/%|!"
"""What stands before a call outside of any function."""


@dataclass(frozen=True, order=True)
class _Call:
    """A call; the least one tells most.

    Attributes:
        rank: 0 in a function that needs the symbol, 1 in another, 2 outside of functions.
        other: Whether it is spelled in another way than the symbol.
        file: Number of the source.
    """

    rank: int
    other: bool
    file: int
    line: int


def find(source: Path, symbol: str, users: Sequence[str]) -> str | None:
    """Return the place of a call as ``path:line``, None where the text shows none.

    Args:
        source: The kernel. The headers that it includes from beside it count too.
        symbol: What is called, as the object names it.
        users: The functions whose code needs it, as the object names them; the line of a
            function that was inlined into one of them is found too.
    """
    files = sources(source)
    bodies = {readable(user) for user in users}
    calls = [
        call
        for number, path in enumerate(files)
        for call in _calls(_read(path), number, readable(symbol), bodies)
    ]
    if not calls:
        return None
    best = min(calls)
    return f"{files[best.file]}:{best.line}"


def sources(source: Path) -> list[Path]:
    """Return a source and the headers that it includes by quotes, those beside it or a header."""
    found = [source]
    for path in found:
        for name in _INCLUDE.findall(_read(path)):
            places = [
                Path(os.path.normpath(folder / name)) for folder in (path.parent, source.parent)
            ]
            header = next((place for place in places if place.is_file()), None)
            if header is not None and header not in found:
                found.append(header)
    return found


def readable(symbol: str) -> str:
    """Return the bare name in a symbol of C++: ``_ZN3aie4helpEi`` gives ``help``."""
    if not symbol.startswith("_Z"):
        return symbol
    rest, name = symbol[2:].lstrip("NK").removeprefix("St"), symbol
    while found := _MANGLED.match(rest):
        length = int(found[1])
        name, rest = found[2][:length], rest[len(found[1]) + length :]
    return name


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _calls(text: str, file: int, name: str, users: set[str]) -> Iterator[_Call]:
    text = _COMMENT.sub(_blank, text)
    code = _DIRECTIVE.sub(_blank, text)
    bodies = list(_bodies(code))
    # C++ finds sqrtf behind sqrt of a float.
    short = name[:-1] if name[-1:] in ("f", "l") and is_math(name[:-1]) else name
    names = "|".join(map(re.escape, dict.fromkeys((name, short))))
    pattern = re.compile(
        r"(?<![\w.])(?<!::)(?<!->)(?:::\s*)?(?:\w+\s*::\s*)*(?:__builtin_(?:elementwise_)?)?"
        rf"({names})\s*(?:<[^;{{}}]*>)?\s*\("
    )
    for found in pattern.finditer(text):
        before = code[: found.start()].rstrip()
        home = next((b for b in bodies if b.start < found.start() < b.end), None)
        if home is not None and not _declares(before):
            rank = 0 if home.name in users else 1
        elif home is None and (not code[found.start()].strip() or _is_value(before)):
            rank = 2  # in a macro, or the value of a variable
        else:
            continue
        line = text.count("\n", 0, found.start(1)) + 1
        yield _Call(rank, found[1] != name, file, line)


def _declares(before: str) -> bool:
    """Whether a type stands before a name, so that it is declared and not called."""
    near = before[-200:]
    word = _WORD_BEFORE.search(near)
    if word is None or word[1] in _NO_TYPES or word[1][0].isdigit():
        return False
    # `= a * f(x)` is a product, and `float *f(int)` where a statement begins is declared.
    return near[-1] not in "*&" or _DECLARED.search(near) is not None


def _is_value(before: str) -> bool:
    return before[-1:] != "" and before[-1] in _BEFORE_A_VALUE


@dataclass(frozen=True)
class _Body:
    name: str
    start: int
    end: int


def _bodies(code: str) -> Iterator[_Body]:
    """Yield the functions of a text without comments, strings and directives."""
    depth, head, opened = 0, 0, None
    for found in re.finditer(r"[{};]", code):
        if opened is None:
            if found[0] == "{" and (name := _function(code[head : found.start()])):
                opened, depth = (name, found.start()), 1
            head = found.end()
        elif found[0] != ";":
            depth += 1 if found[0] == "{" else -1
            if depth == 0:
                yield _Body(*opened, found.start())
                opened, head = None, found.end()
    if opened is not None:
        yield _Body(*opened, len(code))


def _function(head: str) -> str | None:
    """Return the name of the function that a text before a brace begins, None for none."""
    head = _TEMPLATE.sub("", head)
    if ")" not in head or "=" in head.partition("(")[0].replace("==", ""):
        return None
    return next((name for name in _HEAD.findall(head) if name not in _NO_NAMES), None)
