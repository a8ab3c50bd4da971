"""The stack that a function needs with all that it calls, and what a core reserves for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from errors import CheckFailed

if TYPE_CHECKING:
    from toolchain.artifacts.elf import Elf


@dataclass(frozen=True)
class Need:
    """Bytes of stack, along the path of calls that needs most.

    Attributes:
        size: The bytes.
        path: The functions.
        endless: Whether one calls itself.
        unsized: Whether one takes room whose size is known only when it runs.
    """

    size: int
    path: tuple[str, ...]
    endless: bool = False
    unsized: bool = False


class CallGraph:
    """Who calls whom, and the frames of functions.

    A function that has no frame here counts nothing, so that a need is a lower bound.

    Args:
        frames: Bytes of a function's frame.
        calls: The functions that one calls.
        unsized: Those whose frames have no size before they run.
    """

    def __init__(
        self,
        frames: Mapping[str, int],
        calls: Mapping[str, set[str]],
        unsized: frozenset[str] = frozenset(),
    ) -> None:
        self._frames = frames
        self._calls = calls
        self._unsized = unsized
        self._known: dict[str, Need] = {}

    @classmethod
    def of_object(cls, elf: Elf) -> CallGraph:
        """Return the calls of an object, from its relocations, and its compiler's frames.

        LLVM leaves a function out of ``.stack_sizes`` whose frame has no constant size.
        """
        calls: dict[str, set[str]] = {}
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
                calls.setdefault(caller, set()).add(called)
        unsized = defined - elf.stack_sizes.keys() if elf.stack_sizes else frozenset[str]()
        return cls(elf.stack_sizes, calls, frozenset(unsized))

    def need(self, function: str, callers: tuple[str, ...] = ()) -> Need:
        """Return what a call of `function` takes at most."""
        if function in callers:
            return Need(0, (function,), endless=True)
        if function not in self._known:
            deepest = Need(0, ())
            for called in sorted(self._calls.get(function, ())):
                found = self.need(called, (*callers, function))
                if _rank(found) > _rank(deepest):
                    deepest = found
            self._known[function] = Need(
                self._frames.get(function, 0) + deepest.size,
                (function, *deepest.path),
                deepest.endless,
                deepest.unsized or function in self._unsized,
            )
        return self._known[function]


def _rank(need: Need) -> tuple[bool, bool, int]:
    return need.endless, need.unsized, need.size


def check(title: str, tile: Mapping[str, Any], symbol: str, need: Need, what: str) -> None:
    """Hold a function's need against the stack of a core that calls it.

    Args:
        title: The unit's.
        tile: The core's tile, as the static checks counted it.
        symbol: The function.
        need: What it needs.
        what: Whose need it is, with the verb: ``step needs``.

    Raises:
        CheckFailed: NPU045, it is more, or not known; NPU047, a recursion.
    """
    place = f"core ({tile['tile'][0]}, {tile['tile'][1]})"
    path = " -> ".join(need.path)
    if need.endless:
        raise CheckFailed(
            f"{title}: {symbol} on {place} calls itself, so that no stack is large enough",
            cure="write it as a loop",
            code="NPU047",
            details=(path,),
        )
    if need.unsized:
        raise CheckFailed(
            f"{title}: {symbol} on {place} takes stack of a size that is known only when it runs",
            cure="give every array a constant size, and call no alloca",
            code="NPU045",
            details=(path,),
        )
    if need.size > tile["stack"]:
        raise CheckFailed(
            f"{title}: {what} {need.size:,} bytes of stack, and {place} reserves {tile['stack']:,}",
            cure="raise stack_size of that aie.core, or keep large arrays out of the stack",
            code="NPU045",
            details=(f"deepest: {path}",),
        )
