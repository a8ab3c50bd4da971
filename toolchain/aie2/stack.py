"""The stack that a function of an object needs, with all that it calls in there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolchain.artifacts.elf import Elf


@dataclass(frozen=True)
class Need:
    """Bytes of stack, along the path of calls that needs most; `endless` if it recurses."""

    size: int
    path: tuple[str, ...]
    endless: bool = False


class CallGraph:
    """The calls of an object, from its relocations, and the frames of its functions.

    A function of another object counts nothing, so that a need is a lower bound.
    """

    def __init__(self, elf: Elf) -> None:
        self._frames = elf.stack_sizes
        self._calls: dict[str, set[str]] = {}
        self._known: dict[str, Need] = {}
        defined = {function.name for function in elf.functions}
        for relocation in elf.relocations:
            caller = elf.function_at(relocation.section, relocation.offset)
            symbol = elf.symbols[relocation.symbol] if relocation.symbol else None
            if not caller or symbol is None:
                continue
            called = symbol.name
            if called not in defined:
                called = elf.function_at(symbol.section, symbol.value + relocation.addend)
            if called and called in defined:
                self._calls.setdefault(caller, set()).add(called)

    def need(self, function: str, callers: tuple[str, ...] = ()) -> Need:
        """Return what a call of `function` takes at most."""
        if function in callers:
            return Need(0, (function,), endless=True)
        if function not in self._known:
            deepest = Need(0, ())
            for called in sorted(self._calls.get(function, ())):
                found = self.need(called, (*callers, function))
                if (found.endless, found.size) > (deepest.endless, deepest.size):
                    deepest = found
            self._known[function] = Need(
                self._frames.get(function, 0) + deepest.size,
                (function, *deepest.path),
                deepest.endless,
            )
        return self._known[function]
