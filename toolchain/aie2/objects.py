"""The check of kernel objects, before aiecc sees them: symbols, program memory, stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import CheckFailed, nearest
from toolchain.static import stack
from toolchain.static.symbols import FREESTANDING, is_math
from toolchain.unit import ObjectSource

if TYPE_CHECKING:
    from toolchain.artifacts.elf import Elf

PIN = "aie2 objects 1"
"""Raise it when the check changes: objects that passed before are then checked again."""

PROGRAM_MEMORY = 16 * 1024
"""Bytes of program memory of a core."""


def check(
    title: str, objects: Sequence[tuple[ObjectSource, Path]], resources: Mapping[str, Any]
) -> dict[str, Any]:
    """Check the objects of a unit against what the design calls and each core has.

    Args:
        title: The unit's.
        objects: Each source with its compiled file.
        resources: What the static checks counted of the design, as JSON.

    Returns:
        Per object its bytes of program and data, and the stack of each function.

    Raises:
        CheckFailed: NPU012 or NPU013, an undefined symbol, with the kernel's line; NPU014, a
            function is missing; NPU044, more code than program memory; NPU045, more stack
            than a core reserves; NPU047, a recursion.
    """
    from toolchain.artifacts import elf

    read = [(source, elf.decode(path.read_bytes())) for source, path in objects]
    by_name = {source.name: (source, one) for source, one in read}
    defined = {name for _, one in read for name in _defined(one)}
    for source, one in read:
        _check_undefined(title, source, one, defined)
        if one.program_size > PROGRAM_MEMORY:
            raise CheckFailed(
                f"{title}: {source.source.name} compiles to {one.program_size:,} bytes of code, "
                f"and a core has {PROGRAM_MEMORY:,} bytes of program memory",
                cure="unroll less, keep functions from being inlined, or spread them over cores",
                code="NPU044",
                details=tuple(_largest(one)),
            )
    for called in resources["functions"]:
        _check_defined(title, called, by_name)
    _check_stacks(title, resources, by_name)
    return {source.name: _summary(one) for source, one in read}


def _defined(one: Elf) -> list[str]:
    return [s.name for s in one.symbols if not s.undefined and s.binding != "local" and s.name]


def _check_undefined(title: str, source: ObjectSource, one: Elf, defined: set[str]) -> None:
    # Names with two underscores are the compiler's own runtime, which it links itself.
    lacking = {
        name: users
        for name, users in one.undefined.items()
        if name not in defined and name not in FREESTANDING and not name.startswith("__")
    }
    if not lacking:
        return
    names = ", ".join(sorted(lacking))
    math = any(is_math(name) for name in lacking)
    raise CheckFailed(
        f"{title}: {source.source.name} calls "
        + (
            f"the math library, and a core has none: {names}"
            if math
            else f"what no core has: {names}"
        ),
        cure="use a lookup table, Newton's iteration, or aie::inv and aie::invsqrt"
        if math
        else "define it in the kernel's own sources, or do without",
        code="NPU012" if math else "NPU013",
        details=tuple(
            _where(source.source, name, users) for name, users in sorted(lacking.items())
        ),
    )


def _where(source: Path, symbol: str, users: Sequence[str]) -> str:
    """Return who needs a symbol: the line of the kernel that calls it, or its function."""
    from toolchain.aie2 import calls

    if place := calls.find(source, symbol, users):
        return f"{symbol}, called at {place}"
    return f"{symbol}, needed by {', '.join(users) or 'a table'}"


def _check_defined(
    title: str, called: Mapping[str, Any], by_name: Mapping[str, tuple[ObjectSource, Elf]]
) -> None:
    candidates = [by_name[name] for name in called["objects"] if name in by_name]
    names = sorted(name for _, one in candidates for name in _defined(one))
    if candidates and called["symbol"] not in names:
        sources = " and ".join(source.source.name for source, _ in candidates)
        raise CheckFailed(
            f"{title}: {sources} does not define {called['symbol']}, which the design calls"
            + nearest(called["symbol"], names),
            cure='define it with extern "C", under the name that the design declares',
            code="NPU014",
            details=(f"defined: {', '.join(names) or 'nothing'}",),
        )


def _check_stacks(
    title: str, resources: Mapping[str, Any], by_name: Mapping[str, tuple[ObjectSource, Elf]]
) -> None:
    graphs = {name: stack.CallGraph.of_object(one) for name, (_, one) in by_name.items()}
    homes = {called["symbol"]: called["objects"] for called in resources["functions"]}
    for tile in resources["tiles"]:
        for symbol in tile["functions"] or ():
            for name in homes.get(symbol, ()):
                if name in graphs and symbol in _defined(by_name[name][1]):
                    need = graphs[name].need(symbol)
                    stack.check(title, tile, symbol, need, f"{symbol} needs")


def _largest(one: Elf) -> Iterator[str]:
    for function in sorted(one.functions, key=lambda f: -f.size)[:5]:
        yield f"{function.size:>6,} bytes  {function.name}"


def _summary(one: Elf) -> dict[str, Any]:
    graph = stack.CallGraph.of_object(one)
    return {
        "program": one.program_size,
        "data": one.data_size,
        "stack": {function.name: graph.need(function.name).size for function in one.functions},
    }
