"""What differs between two configurations of the array."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from toolchain.artifacts.state import SWITCH, Spot, State


class Change(NamedTuple):
    """Something that differs: where, and what it is in both files ("" where it is not)."""

    where: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"+ {self.where}" + (f" = {self.after}" if self.after else "")
        if not self.after:
            return f"- {self.where} = {self.before}"
        return f"{self.where}: {self.before} -> {self.after}"


def compare_states(old: State, new: State) -> Iterator[Change]:
    """Yield the differences of two configurations: registers, memories, routes."""
    routes = _compare_routes(old, new)
    for spot in sorted({*old.words, *new.words}):
        if not (routes and spot.register.startswith(SWITCH)):
            yield from _compare_registers(spot, old, new)
    yield from routes
    for spot in sorted({*old.memories, *new.memories}):
        yield from _compare_memories(spot, old, new)


def _compare_routes(old: State, new: State) -> list[Change]:
    before, after = set(old.routes()), set(new.routes())
    gone = [Change(f"route {route}", "connected", "") for route in before - after]
    come = [Change(f"route {route}", "", "connected") for route in after - before]
    return sorted(gone) + sorted(come)


def _compare_registers(spot: Spot, old: State, new: State) -> Iterator[Change]:
    if old.words.get(spot) == new.words.get(spot):
        return
    before = old.fields(spot) if spot in old.words else {}
    after = new.fields(spot) if spot in new.words else {}
    if not (before and after):
        yield Change(str(spot), _set_fields(before), _set_fields(after))
        return
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    for key in changed:
        yield Change(f"{spot}.{key}", str(before.get(key, "")), str(after.get(key, "")))
    if not changed:
        words = (f"{state.words[spot]}" for state in (old, new))
        yield Change(f"{spot} (bits outside the fields)", *words)


def _set_fields(values: dict[str, int]) -> str:
    """Return the fields that are not 0, or nothing for a register that is not there."""
    shown = ", ".join(f"{name} {value}" for name, value in values.items() if value)
    return shown or ("0" if values else "")


def _compare_memories(spot: Spot, old: State, new: State) -> Iterator[Change]:
    before, after = old.memories.get(spot, {}), new.memories.get(spot, {})
    if before == after:
        return
    if len(before) != len(after):
        yield Change(f"{spot} bytes", str(4 * len(before) or ""), str(4 * len(after) or ""))
    different = sorted(at for at in before.keys() & after if before[at] != after[at])
    if different:
        first = different[0]
        where = f"{spot}: {len(different)} words differ, the first at {first:#x}"
        yield Change(where, f"{before[first]:#x}", f"{after[first]:#x}")


def compare_values(where: str, old: Any, new: Any) -> Iterator[Change]:
    """Yield the differences of two JSON values, by path."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            path = f"{where}.{key}" if where else str(key)
            yield from compare_values(path, old.get(key, _MISSING), new.get(key, _MISSING))
    elif isinstance(old, list) and isinstance(new, list):
        for i in range(max(len(old), len(new))):
            first = old[i] if i < len(old) else _MISSING
            second = new[i] if i < len(new) else _MISSING
            yield from compare_values(f"{where}[{i}]", first, second)
    elif old != new:
        yield Change(where, _shown(old), _shown(new))


_MISSING = object()


def _shown(value: Any) -> str:
    if value is _MISSING:
        return ""
    if isinstance(value, dict):
        name = value.get("name") or value.get("tag") or value.get("uuid")
        return str(name or ", ".join(f"{k} {v}" for k, v in value.items() if k != "record"))
    return repr(value)
