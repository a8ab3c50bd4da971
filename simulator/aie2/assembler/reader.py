"""Reads a source into sections, line by line."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from errors import nearest
from simulator.aie2.assembler import matching
from simulator.aie2.assembler.bundling import slots_of
from simulator.aie2.assembler.expression import NAME, Expression
from simulator.aie2.assembler.items import Align, Code, Data, Item, Label, Org, Raw, Section, Space
from simulator.aie2.assembler.source import Text, lines

SECTIONS = (".text", ".data", ".rodata", ".bss")
_LABEL = re.compile(r"([A-Za-z_.$][\w.$]*)\s*:")
_WIDTHS = {".byte": 1, ".short": 2, ".hword": 2, ".word": 4, ".long": 4}
_KINDS = {"function": "function", "object": "object", "notype": "notype"}
_IGNORED = {".file", ".ident", ".cfi_sections", ".local", ".loc", ".addrsig"}


@dataclass
class Source:
    """What a source says, before anything has an address.

    Attributes:
        values: The symbols of ``.set``.
        labels: Where each label stands.
        sizes, kinds: What ``.size`` and ``.type`` say of a symbol.
    """

    sections: dict[str, Section] = field(
        default_factory=lambda: {name: Section(name) for name in SECTIONS}
    )
    values: dict[str, Expression] = field(default_factory=dict)
    labels: dict[str, Text] = field(default_factory=dict)
    sizes: dict[str, tuple[Expression, Label]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    globals: dict[str, Text] = field(default_factory=dict)


def read(text: str, file: str) -> Source:
    """Read a source.

    Raises:
        UsageError: A line is none of this language (NPU530), an instruction is unknown
            (NPU531), has operands that it cannot take (NPU532) or shares a slot (NPU533),
            or a symbol is defined twice (NPU534).
    """
    reader = _Reader()
    for line in lines(text, file):
        reader.line(line)
    return reader.source


class _Reader:
    def __init__(self) -> None:
        self.source = Source()
        self.section = self.source.sections[".text"]
        self.directives: dict[str, Callable[[Text, list[Text]], None]] = {
            **dict.fromkeys(_WIDTHS, self._data),
            **dict.fromkeys(SECTIONS, self._section),
            **dict.fromkeys((".globl", ".global"), self._globl),
            **dict.fromkeys((".align", ".balign", ".p2align"), self._align),
            **dict.fromkeys((".space", ".skip", ".zero"), self._space),
            **dict.fromkeys((".set", ".equ"), self._set),
            **dict.fromkeys((".ascii", ".asciz", ".string"), self._string),
            ".section": self._section,
            ".org": self._org,
            ".size": self._size,
            ".type": self._type,
        }

    def line(self, line: Text) -> None:
        while label := _LABEL.match(line.text):
            self._label(line.part(0, label.end(1)))
            line = line.part(label.end())
        if not line.text:
            return
        if line.text.startswith("."):
            self._directive(line)
        else:
            self._code(line)

    def _label(self, name: Text) -> None:
        self._define(name)
        self.source.labels[name.text] = name
        self._add(Label(name, name.text))

    def _define(self, name: Text) -> None:
        earlier = self.source.labels.get(name.text)
        value = self.source.values.get(name.text)
        if earlier is None and value is not None:
            earlier = value.text
        if earlier is not None:
            raise name.error(
                f"{name.text} is defined in line {earlier.line} already",
                "Give one of the two another name.",
                "NPU534",
            )

    def _add(self, item: Item) -> None:
        self.section.items.append(item)

    def _code(self, line: Text) -> None:
        if self.section.name != ".text":
            raise line.error(
                f"instructions cannot stand in {self.section.name}",
                "Write .text above them, or a directive such as .word for data.",
                "NPU530",
            )
        parts = tuple(matching.parse(piece) for piece in line.split(";"))
        self._add(Code(line, parts, slots_of(parts, line)))

    def _directive(self, line: Text) -> None:
        name = line.text.split(maxsplit=1)[0]
        if name in _IGNORED:
            return
        if name not in self.directives:
            raise line.error(
                f"there is no directive {name}{nearest(name, list(self.directives))}",
                "Use one of: " + " ".join(sorted(self.directives)),
                "NPU530",
            )
        rest = line.part(len(name))
        self.directives[name](line.part(0, len(name)), rest.split(",") if rest.text else [])

    def _section(self, directive: Text, words: list[Text]) -> None:
        named = words[0] if directive.text == ".section" and words else directive
        if named.text not in SECTIONS:
            raise named.error(
                f"there is no section {named.text}", f"Use one of: {' '.join(SECTIONS)}", "NPU530"
            )
        self.section = self.source.sections[named.text]

    def _globl(self, directive: Text, words: list[Text]) -> None:
        for name in _some(directive, words):
            self.source.globals[_name(name)] = name

    def _data(self, directive: Text, words: list[Text]) -> None:
        self._stored(directive)
        values = tuple(Expression.parse(word) for word in _some(directive, words))
        self._add(Data(directive, _WIDTHS[directive.text], values))

    def _string(self, directive: Text, words: list[Text]) -> None:
        self._stored(directive)
        for word in _some(directive, words):
            if not re.fullmatch(r'"(?:\\.|[^"\\])*"', word.text):
                raise word.error(f"{word.text} is no text", 'Write it in quotes: "text".', "NPU530")
            data = ast.literal_eval("b" + word.text)
            self._add(Raw(directive, data + (b"" if directive.text == ".ascii" else b"\0")))

    def _stored(self, directive: Text) -> None:
        if self.section.name == ".bss":
            raise directive.error(
                "nothing can be stored in .bss", "Use .space there, or .data here.", "NPU530"
            )

    def _align(self, directive: Text, words: list[Text]) -> None:
        count = _constant(_one(directive, words[:1]))
        boundary = 1 << count if directive.text == ".p2align" and 0 <= count < 17 else count
        if boundary not in {1 << power for power in range(17)}:
            raise directive.error(
                f"an alignment of {count} is none",
                "Use a power of two up to 65536 (its exponent with .p2align).",
                "NPU530",
            )
        self._add(Align(directive, boundary))

    def _space(self, directive: Text, words: list[Text]) -> None:
        count = Expression.parse(_one(directive, words[:1]))
        self._add(Space(directive, count, _constant(words[1]) & 0xFF if len(words) > 1 else 0))

    def _org(self, directive: Text, words: list[Text]) -> None:
        self._add(Org(directive, Expression.parse(_one(directive, words))))

    def _set(self, directive: Text, words: list[Text]) -> None:
        name, value = _two(directive, words)
        _name(name)
        self._define(name)
        self.source.values[name.text] = Expression.parse(value)

    def _size(self, directive: Text, words: list[Text]) -> None:
        name, value = _two(directive, words)
        here = Label(directive, "")
        self._add(here)
        self.source.sizes[_name(name)] = (Expression.parse(value), here)

    def _type(self, directive: Text, words: list[Text]) -> None:
        name, kind = _two(directive, words)
        if kind.text[:1] not in "@%" or kind.text[1:] not in _KINDS:
            raise kind.error(
                f"there is no type {kind.text}", "Use @function, @object or @notype.", "NPU530"
            )
        self.source.kinds[_name(name)] = _KINDS[kind.text[1:]]


def _some(directive: Text, words: list[Text]) -> list[Text]:
    if not words:
        raise directive.error(
            f"{directive.text} names nothing", "Write what it is for behind it.", "NPU530"
        )
    return words


def _one(directive: Text, words: list[Text]) -> Text:
    return _counted(directive, words, 1)[0]


def _two(directive: Text, words: list[Text]) -> tuple[Text, Text]:
    first, second = _counted(directive, words, 2)
    return first, second


def _counted(directive: Text, words: list[Text], count: int) -> list[Text]:
    if len(words) != count:
        raise directive.error(
            f"{directive.text} has {len(words)} operands and takes {count}",
            "Write them behind it, separated by commas.",
            "NPU530",
        )
    return words


def _name(text: Text) -> str:
    if not NAME.fullmatch(text.text) or text.text == ".":
        raise text.error(f"{text.text!r} is no name", "Use letters, digits, _ . and $.", "NPU530")
    return text.text


def _constant(text: Text) -> int:
    return Expression.parse(text).value(lambda _: None)
