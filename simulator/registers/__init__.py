"""The register map of the NPU1 array: a name and fields for every address programs write.

``core.toml``, ``memtile.toml`` and ``shim.toml`` hold the facts, :class:`TileMap` answers
for one kind of tile, :func:`resolve` for an address of the array.
"""

from simulator.registers.address import (
    Place,
    address_of,
    describe,
    kind_of,
    register_of,
    resolve,
    tile_of,
)
from simulator.registers.table import Field, Register, TileMap, tile_map

__all__ = [
    "Field",
    "Place",
    "Register",
    "TileMap",
    "address_of",
    "describe",
    "kind_of",
    "register_of",
    "resolve",
    "tile_map",
    "tile_of",
]
