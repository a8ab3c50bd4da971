"""The difference of two ELF files: what a core is loaded with, or a linker takes.

Where things lie in the file makes no difference, nor does the order of its tables: sections are
compared by name, symbols too, and relocations by the place and by what they point to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from toolchain.artifacts.changes import Change, compare_values
from toolchain.artifacts.elf import Elf, Relocation, Section, Segment, Symbol, numbered

_LOCALS = ("function", "object")
"""Types of local symbols that are told; labels, files and sections are only for compilers."""

_MERGE = 0x10


def compare_elfs(old: Elf, new: Elf) -> Iterator[Change]:
    """Yield the differences of two objects or programs in effect."""
    yield from compare_values("", _metadata(old), _metadata(new))
    yield from compare_values("symbol", _symbols(old), _symbols(new))
    before, after = _loaded(old), _loaded(new)
    moved = [
        change
        for title in dict.fromkeys((*before, *after))
        for change in _compare_sections(title, old, before.get(title), new, after.get(title))
    ]
    yield from moved
    if old.kind == "object":
        yield from _compare_order(before, after)
    yield from _compare_relocations(old, new)
    # The same bytes as in the sections, which were named better there.
    yield from _compare_segments(old, new, with_bytes=not moved)


def compare_unloaded(old: Elf, new: Elf) -> Iterator[Change]:
    """Yield which sections differ that neither a core nor a linker takes: for people."""
    before, after = _unloaded(old), _unloaded(new)
    for title in dict.fromkeys((*before, *after)):
        first, second = before.get(title), after.get(title)
        where = f"section {title}"
        if first is None or second is None:
            yield Change(where, _extent(first), _extent(second))
        elif first.data != second.data:
            yield from _compare_bytes(where, first.data, second.data)


def _metadata(content: Elf) -> dict[str, Any]:
    return {
        "kind": content.kind,
        "architecture": content.architecture,
        "flags": f"{content.flags:#x}",
        "abi": list(content.abi),
        "entry": content.entry,
        "program_size": content.program_size,
        "data_size": content.data_size,
        "stack": content.stack_sizes,
        "undefined": dict(_undefined(content)),
        "group": dict(_groups(content)),
    }


def _undefined(content: Elf) -> Iterator[tuple[str, str]]:
    """Yield the names that a linker has to find, with who needs them and whether it must."""
    bindings = {symbol.name: symbol.binding for symbol in content.symbols if symbol.undefined}
    for name, users in content.undefined.items():
        weak = "" if bindings[name] == "global" else f" ({bindings[name]})"
        yield name, f"{', '.join(users)}{weak}".strip()


def _groups(content: Elf) -> Iterator[tuple[str, str]]:
    for symbol, flags, members in content.groups():
        loaded = [n for n in members if n < len(content.sections) and content.sections[n].is_loaded]
        names = ", ".join(sorted(content.titles[number] for number in loaded))
        yield symbol.name if symbol else "", f"{names} (flags {flags:#x})"


def _symbols(content: Elf) -> dict[str, dict[str, Any]]:
    """Return the defined symbols by name; several local ones of a name are told by order."""
    named = [s for s in content.symbols if s.name and not s.undefined and _is_told(s)]
    symbols: dict[str, dict[str, Any]] = {}
    ordered = sorted(named, key=lambda s: (content.place(s.section), s.value))
    for title, symbol in zip(numbered(s.name for s in ordered), ordered, strict=True):
        symbols[title] = {
            "section": content.place(symbol.section),
            "value": f"{symbol.value:#x}",
            "size": symbol.size,
            "type": symbol.type,
            "binding": symbol.binding,
            "visibility": symbol.other,
        }
    return symbols


def _is_told(symbol: Symbol) -> bool:
    return symbol.binding != "local" or symbol.type in _LOCALS


def _loaded(content: Elf) -> dict[str, int]:
    """Return the numbers of the sections that take memory, by title."""
    return {
        content.titles[number]: number
        for number, section in enumerate(content.sections)
        if section.is_loaded and section.size
    }


def _unloaded(content: Elf) -> dict[str, Section]:
    return {
        title: section
        for title, section in zip(content.titles, content.sections, strict=True)
        if section.size and not (section.is_loaded or section.is_table)
    }


def _compare_sections(
    title: str, old: Elf, first: int | None, new: Elf, second: int | None
) -> Iterator[Change]:
    """Yield how loaded sections of a title differ: header, and bytes by function."""
    where = f"section {title}"
    if first is None or second is None:
        found = [None if n is None else e.sections[n] for e, n in ((old, first), (new, second))]
        yield Change(where, *map(_extent, found))
        return
    before, after = old.sections[first], new.sections[second]
    heads = _head(old, before), _head(new, after)
    for key in heads[0]:
        if heads[0][key] != heads[1].get(key, 0):
            yield Change(f"{where} {key}", f"{heads[0][key]:#x}", f"{heads[1].get(key, 0):#x}")
    if before.size != after.size:
        yield Change(f"{where} bytes", str(before.size), str(after.size))
    yield from _compare_bytes(
        where, before.data, after.data, lambda at: old.function_at(first, before.address + at)
    )


def _extent(section: Section | None) -> str:
    return "" if section is None else f"{section.size} bytes at {section.address:#x}"


def _head(content: Elf, section: Section) -> dict[str, int]:
    """Return what a section's header says, of that which counts.

    A program is placed already: how it had to be aligned is of the past.
    """
    head = {"type": section.type, "flags": section.flags, "address": section.address}
    if content.kind == "object":
        head["alignment"] = section.alignment
        head["entry size"] = section.entry_size if section.flags & _MERGE else 0
    return head


def _compare_bytes(
    where: str, old: bytes, new: bytes, function: Callable[[int], str] = lambda _: ""
) -> Iterator[Change]:
    """Yield how many bytes differ and where the first of them is, as far as both go."""
    if old == new:
        return
    first = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
    if first is not None:
        count = sum(a != b for a, b in zip(old, new, strict=False))
        yield Change(
            f"{where}: {count} bytes differ, the first at {_at(first, function(first))}",
            f"{old[first]:#04x}",
            f"{new[first]:#04x}",
        )


def _at(offset: int, function: str) -> str:
    return f"{offset:#x} in {function}" if function else f"{offset:#x}"


def _compare_order(old: Iterable[str], new: Iterable[str]) -> Iterator[Change]:
    """Yield whether a linker would lay the sections that both have in another order."""
    before, after = list(old), list(new)
    first, second = [t for t in before if t in after], [t for t in after if t in before]
    if first != second:
        yield Change("order of the sections", ", ".join(first), ", ".join(second))


def _compare_relocations(old: Elf, new: Elf) -> Iterator[Change]:
    """Yield how many places of a loaded section are to be filled otherwise, and the first."""
    before, after = _relocations(old), _relocations(new)
    for title in sorted(before.keys() | after.keys()):
        first, second = before.get(title, {}), after.get(title, {})
        places = sorted(first.keys() | second.keys())
        different = [at for at in places if first.get(at) != second.get(at)]
        if different:
            at = different[0]
            function = old.function_at(old.titles.index(title), at) if title in before else ""
            yield Change(
                f"section {title}: {len(different)} relocations differ,"
                f" the first at {_at(at, function)}",
                first.get(at, "none"),
                second.get(at, "none"),
            )


def _relocations(content: Elf) -> dict[str, dict[int, str]]:
    """Return what each place of a loaded section is filled with, by title and offset."""
    found: dict[str, dict[int, str]] = {}
    for relocation in content.relocations:
        if not content.sections[relocation.section].is_loaded:
            continue
        places = found.setdefault(content.titles[relocation.section], {})
        text = _target(content, relocation)
        earlier = places.get(relocation.offset)
        places[relocation.offset] = f"{earlier}, then {text}" if earlier else text
    return found


def _target(content: Elf, relocation: Relocation) -> str:
    """Return what a relocation points to, a local symbol by its place: its name counts not."""
    kind = f"(type {relocation.type})"
    if relocation.symbol >= len(content.symbols):
        return f"symbol {relocation.symbol} + {relocation.addend} {kind}"
    symbol = content.symbols[relocation.symbol]
    name, offset = symbol.name, relocation.addend
    if symbol.binding == "local" and not symbol.undefined:
        name, offset = content.place(symbol.section), symbol.value + relocation.addend
    return f"{name} + {offset} {kind}" if offset else f"{name} {kind}"


def _compare_segments(old: Elf, new: Elf, *, with_bytes: bool) -> Iterator[Change]:
    """Yield how what a loader puts into memory differs, in the order of its places."""
    before, after = _segments(old), _segments(new)
    for number in range(max(len(before), len(after))):
        where = f"segment {number}"
        first = before[number] if number < len(before) else None
        second = after[number] if number < len(after) else None
        if first is None or second is None:
            yield Change(where, _reach(first), _reach(second))
            continue
        heads = [
            {
                "address": f"{s.address:#x}",
                "load address": f"{s.load_address:#x}",
                "memory": f"{s.memory_size} bytes",
                "bytes": str(len(s.data)),
                "flags": f"{s.flags:#x}",
            }
            for s in (first, second)
        ]
        for key, value in heads[0].items():
            if value != heads[1][key]:
                yield Change(f"{where} {key}", value, heads[1][key])
        if with_bytes:
            yield from _compare_bytes(where, first.data, second.data)


def _segments(content: Elf) -> list[Segment]:
    loaded = [s for s in content.segments if s.is_loaded and s.memory_size]
    return sorted(loaded, key=lambda s: (s.load_address, s.address))


def _reach(segment: Segment | None) -> str:
    return "" if segment is None else f"{segment.memory_size} bytes at {segment.load_address:#x}"
