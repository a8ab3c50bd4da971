"""Buffer descriptors as words of registers: what they hold, and what their fields mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from simulator.array.config import (
    NOWHERE,
    WORD,
    BufferDescriptor,
    Dim,
    Iteration,
    LockAction,
    Origin,
    Packet,
    Pad,
    TileId,
)
from simulator.array.geometry import Geometry, TileKind

_NEIGHBOUR_SPAN = 0x80000
"""A memory tile's DMA sees its west neighbour's memory first, then its own, then the east's."""

_NEIGHBOUR_LOCKS = 64


@dataclass
class HeldWords:
    """The words of one descriptor, and where its address was patched to."""

    words: list[int]
    host_arg: int | None = None
    address: int = 0
    origin: Origin = NOWHERE
    changed: bool = field(default=True)


def descriptor(
    geometry: Geometry, tile: TileId, fields: dict[str, int], held: HeldWords
) -> BufferDescriptor:
    """Return the descriptor that the fields of a register mean."""
    kind = geometry.kind(tile)
    memory, address = _address(geometry, tile, fields, held)
    iteration = Iteration(
        size=fields["iteration_wrap"] + 1,
        stride=fields["iteration_stepsize"] + 1,
        current=fields["iteration_current"],
    )
    packet = Packet(id=fields["packet_id"], type=fields["packet_type"])
    acquire = _lock(geometry, tile, fields, "acq") if fields["lock_acq_enable"] else None
    release = _lock(geometry, tile, fields, "rel") if fields["lock_rel_value"] else None
    dims, pads = _pattern(fields)
    return BufferDescriptor(
        memory=memory,
        address=address,
        length=fields["length"] * WORD,
        dims=dims,
        pads=pads,
        iteration=iteration if iteration.size > 1 else None,
        acquire=acquire,
        release=release,
        packet=packet if fields["enable_packet"] else None,
        next_bd=fields["next_bd"] if fields["use_next_bd"] else None,
        host_arg=held.host_arg if kind is TileKind.SHIM else None,
        origin=held.origin,
    )


def _address(
    geometry: Geometry, tile: TileId, fields: dict[str, int], held: HeldWords
) -> tuple[TileId | None, int]:
    kind = geometry.kind(tile)
    if kind is TileKind.SHIM:
        return None, held.address
    address = fields["base_address"] * WORD
    if kind is TileKind.CORE:
        return tile, address
    column, inside = divmod(address, _NEIGHBOUR_SPAN)
    return TileId(tile.col + column - 1, tile.row), inside


def _lock(geometry: Geometry, tile: TileId, fields: dict[str, int], step: str) -> LockAction:
    """Return a lock step; a negative acquire means at least so much, a positive exactly."""
    index, value = fields[f"lock_{step}_id"], fields[f"lock_{step}_value"]
    owner = tile
    if geometry.kind(tile) is TileKind.MEM:
        column, index = divmod(index, _NEIGHBOUR_LOCKS)
        owner = TileId(tile.col + column - 1, tile.row)
    return LockAction(tile=owner, lock=index, value=abs(value), equal=step == "acq" and value > 0)


def _pattern(fields: dict[str, int]) -> tuple[tuple[Dim, ...], tuple[Pad, ...]]:
    """Return the dimensions, outermost first, and their padding.

    A dimension whose wrap is 0 never ends, so it is the outermost one.
    """
    dims: list[Dim] = []
    pads: list[Pad] = []
    for number in range(4):
        step = fields.get(f"d{number}_stepsize")
        if step is None:
            break
        wrap = fields.get(f"d{number}_wrap", 0)
        inner = prod(
            dim.size + before + after for dim, (before, after) in zip(dims, pads, strict=True)
        )
        if not wrap and inner >= fields["length"]:
            break
        dims.append(Dim(wrap or -(-fields["length"] // inner), step + 1))
        zeros = (fields.get(f"d{number}_zero_{side}", 0) for side in ("before", "after"))
        pads.append(Pad(*zeros))
        if not wrap:
            break
    if len(dims) == 1 and dims[0].stride == 1 and not any(pads[0]):
        return (), ()
    padded = any(before or after for before, after in pads)
    return tuple(reversed(dims)), tuple(reversed(pads)) if padded else ()
