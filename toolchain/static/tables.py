"""The tables of a kernel, which lie in a core's data memory beside its buffers.

On the core they are known to the byte once the program is linked (`toolchain.aie2.cores`). Here
they are estimated from the host's library: the sizes of the objects that the kernel's own source
and headers define. A host library has more in its sections, of its compiler and of the host's
aie_api, and may lack a table that only AIE2's lookups read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from errors import CheckFailed

PIN = "tables 1"
"""Raise it when the check changes: libraries that passed before are then checked again."""

_HOSTS_OWN = ("npu_core", "_ZN3aie", "_ZGVN3aie", "_ZZN3aie")
"""How the names begin of objects that aie_api has on the host only."""


def sizes(library: Path) -> dict[str, int]:
    """Return the kernel's own constants and variables in an ELF library: symbol and bytes."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    found: dict[str, int] = {}
    with library.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
            is_object = symbol["st_info"]["type"] == "STT_OBJECT"
            if is_object and symbol["st_shndx"] != "SHN_UNDEF":
                found[symbol.name] = symbol["st_size"]
    return {name: size for name, size in found.items() if not name.startswith(_HOSTS_OWN)}


def check(title: str, libraries: Mapping[str, Path], resources: Mapping[str, Any]) -> None:
    """Check that every core has room for its buffers, its stack and the tables of its functions.

    Args:
        title: The unit's.
        libraries: The unit's, by object.
        resources: What the design takes, as `toolchain.static.checks` keeps it.

    Raises:
        CheckFailed: NPU046, a core has not.
    """
    tables = {name: sizes(library) for name, library in libraries.items()}
    objects = {use["symbol"]: use["objects"] for use in resources["functions"]}
    for tile in resources["tiles"]:
        linked = {name for symbol in tile["functions"] or () for name in objects[symbol]}
        found = [pair for name in sorted(linked & tables.keys()) for pair in tables[name].items()]
        total = sum(size for _, size in found)
        if found and tile["memory"] + total > tile["memory_limit"]:
            raise _too_much(title, tile, total, found)


def _too_much(
    title: str, tile: Mapping[str, Any], total: int, found: list[tuple[str, int]]
) -> CheckFailed:
    place = "core ({}, {})".format(*tile["tile"])
    largest = sorted(found, key=lambda pair: -pair[1])[:5]
    return CheckFailed(
        f"{title}: {place} needs about {tile['memory'] + total:,} bytes of data memory and has "
        f"{tile['memory_limit']:,}",
        cure="make tables or buffers smaller, or fifos shallower",
        code="NPU046",
        details=(
            f"buffers and stack: {tile['memory']:,} bytes",
            f"tables: about {total:,} bytes, estimated from the host's library",
            *(f"{size:>8,}  {name}" for name, size in largest),
        ),
    )
