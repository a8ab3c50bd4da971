"""The linked programs of the cores: which there are, and whether they fit their tiles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from errors import CheckFailed
from toolchain.aie2.objects import PROGRAM_MEMORY

PIN = "aie2 cores 1"
"""Raise it when the check changes."""

_COMMENT = re.compile(r"//[^\n]*")
_TILE = re.compile(r"aie\.tile\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_VALUE = re.compile(r"(%[\w$.-]+)\s*=\s*$")
_CORE = re.compile(r"aie\.core\(\s*(%[\w$.-]+)\s*\)")
_NAME = 200
"""Characters before a tile in which its value's name is looked for."""
_ELF = re.compile(r"core_(\d+)_(\d+)\.elf$")

Tile = tuple[int, int]


def of_design(design: str) -> list[Tile]:
    """Return column and row of every core with a program, in a design with placed tiles.

    Reading them off the text spares a build that has nothing to do the parser; the static
    checks have parsed the design when anything runs.
    """
    text = _COMMENT.sub("", design)
    tiles = {}
    for found in _TILE.finditer(text):
        if name := _VALUE.search(text[max(0, found.start() - _NAME) : found.start()]):
            tiles[name[1]] = (int(found[1]), int(found[2]))
    return sorted({tiles[name] for name in _CORE.findall(text) if name in tiles})


def file_name(tile: Tile) -> str:
    """Return the name under which a core's program is kept."""
    return f"core_{tile[0]}_{tile[1]}.elf"


def find(folder: Path) -> dict[Tile, Path]:
    """Return the programs that aiecc left below a folder, by core."""
    found = {}
    for path in sorted(folder.rglob("*.elf")):
        if match := _ELF.search(path.name):
            found[int(match[1]), int(match[2])] = path
    return found


def check(
    title: str, programs: Mapping[Tile, Path], resources: Mapping[str, Any]
) -> dict[str, Any]:
    """Check that each core's program and data fit its tile.

    Returns:
        Per core its bytes of program and data memory and their limits.

    Raises:
        CheckFailed: NPU044, the program memory is exceeded; NPU046, the data memory is.
    """
    tiles = {tuple(tile["tile"]): tile for tile in resources["tiles"]}
    return {
        f"core ({tile[0]}, {tile[1]})": _check_core(title, tile, path, tiles.get(tile))
        for tile, path in programs.items()
    }


def _check_core(
    title: str, tile: Tile, path: Path, use: Mapping[str, Any] | None
) -> dict[str, int]:
    from toolchain.artifacts import elf

    linked = elf.decode(path.read_bytes())
    place = f"core ({tile[0]}, {tile[1]})"
    if linked.program_size > PROGRAM_MEMORY:
        raise CheckFailed(
            f"{title}: the program of {place} has {linked.program_size:,} bytes, and a core has "
            f"{PROGRAM_MEMORY:,} bytes of program memory",
            cure="unroll less, keep functions from being inlined, or spread the work over cores",
            code="NPU044",
        )
    buffers = use["memory"] if use else 0
    limit = use["memory_limit"] if use else 0
    if use and buffers + linked.data_size > limit:
        raise CheckFailed(
            f"{title}: {place} needs {buffers + linked.data_size:,} bytes of data memory and has "
            f"{limit:,}",
            cure="make tables or buffers smaller, or fifos shallower",
            code="NPU046",
            details=(
                f"buffers and stack: {buffers:,} bytes",
                f"constants and variables: {linked.data_size:,} bytes",
            ),
        )
    return {
        "program": linked.program_size,
        "program_limit": PROGRAM_MEMORY,
        "data": linked.data_size,
        "buffers_and_stack": buffers,
        "memory_limit": limit,
    }
