"""Addresses of buffers, given out as mlir-aie does it (`AIEAssignBuffers.cpp`).

The stack lies at the bottom of a core tile's memory. Buffers are placed largest first,
each in the next memory bank with room, so that a core and its DMA seldom meet in a bank;
where that does not work out, one after the other.
"""

from __future__ import annotations

from collections import defaultdict

from xdsl.ir import Operation

from errors import CheckFailed
from simulator.array.config import WORD, TileId
from simulator.array.geometry import Geometry, TileKind
from simulator.mlir.design import Design
from simulator.mlir.dialects.device import CoreOp, TileOp
from simulator.mlir.failure import refuse
from simulator.mlir.layouts import integer
from simulator.mlir.plan import Plan, PlannedBuffer

BANKS = {TileKind.CORE: 4, TileKind.MEM: 8}
"""Memory banks of a tile (mlir-aie's AIE2 target model)."""

DEFAULT_STACK = 0x400


def place_buffers(design: Design, plan: Plan) -> None:
    """Give every buffer of the plan an address.

    Raises:
        CheckFailed: NPU120, the buffers and the stack of a tile exceed its memory; NPU124,
            buffers to which the design gives addresses overlap.
    """
    schemes = {
        design.tiles[op.result]: op.allocation_scheme.data if op.allocation_scheme else ""
        for op in design.each(TileOp)
    }
    stacks = {design.tile(op.tile, op): stack_size(op) for op in design.each(CoreOp)}
    by_tile: dict[TileId, list[PlannedBuffer]] = defaultdict(list)
    for buffer in plan.buffers:
        by_tile[buffer.tile].append(buffer)
    for tile, buffers in by_tile.items():
        stack, scheme = stacks.get(tile, 0), schemes.get(tile, "")
        _check_sum(design.geometry, tile, buffers, stack)
        placed = None
        if scheme != "basic-sequential":
            placed = _place_in_banks(design.geometry, tile, buffers, stack)
        if placed is None:
            placed = _place_in_sequence(buffers, stack)
        end = max(address + buffer.layout.nbytes for buffer, address in placed)
        if end > design.geometry.limits(tile).memory:
            raise _overflow(design.geometry, tile, buffers, stack, "do not fit")
        _check_overlaps(placed, stack)
        for buffer, address in placed:
            buffer.address = address


def stack_size(core: CoreOp) -> int:
    """Return the bytes that a core keeps for its stack."""
    return integer(core.stack_size, DEFAULT_STACK)


Placed = list[tuple[PlannedBuffer, int]]


def _place_in_banks(
    geometry: Geometry, tile: TileId, buffers: list[PlannedBuffer], stack: int
) -> Placed | None:
    """Place buffers bank by bank; None if one does not fit into any bank."""
    count = BANKS[geometry.kind(tile)]
    size = geometry.limits(tile).memory // count
    free = [bank * size for bank in range(count)]
    free[0] += stack
    placed: Placed = []
    open_buffers = []
    for buffer in buffers:
        if buffer.address is not None:
            bank = min(buffer.address // size, count - 1)
            free[bank] = max(free[bank], buffer.address + buffer.layout.nbytes)
            placed.append((buffer, buffer.address))
        elif buffer.bank is not None and buffer.bank < count:
            placed.append((buffer, free[buffer.bank]))
            free[buffer.bank] = _aligned(free[buffer.bank] + buffer.layout.nbytes)
        else:
            open_buffers.append(buffer)
    if any(free[bank] > (bank + 1) * size for bank in range(count)):
        return None
    bank = 0
    for buffer in sorted(open_buffers, key=_largest_first):
        for step in range(count):
            choice = (bank + step) % count
            if free[choice] + buffer.layout.nbytes <= (choice + 1) * size:
                break
        else:
            return None
        placed.append((buffer, free[choice]))
        free[choice] = _aligned(free[choice] + buffer.layout.nbytes)
        bank = (choice + 1) % count
    return placed


def _place_in_sequence(buffers: list[PlannedBuffer], stack: int) -> Placed:
    """Place buffers one after the other, around those with an address of their own."""
    placed: Placed = [(buffer, buffer.address) for buffer in buffers if buffer.address is not None]
    fixed = sorted((address, address + buffer.layout.nbytes) for buffer, address in placed)
    at = stack
    for buffer in sorted(buffers, key=_largest_first):
        if buffer.address is not None:
            continue
        while fixed and at + buffer.layout.nbytes > fixed[0][0]:
            at = max(at, _aligned(fixed.pop(0)[1]))
        placed.append((buffer, at))
        at = _aligned(at + buffer.layout.nbytes)
    return placed


def _largest_first(buffer: PlannedBuffer) -> int:
    return -buffer.layout.nbytes


def _aligned(address: int) -> int:
    return -(-address // WORD) * WORD


def _check_sum(geometry: Geometry, tile: TileId, buffers: list[PlannedBuffer], stack: int) -> None:
    if sum(buffer.layout.nbytes for buffer in buffers) + stack > geometry.limits(tile).memory:
        raise _overflow(geometry, tile, buffers, stack, "are too much")


def _check_overlaps(placed: Placed, stack: int) -> None:
    end, before = stack, "the stack"
    for buffer, address in sorted(placed, key=lambda pair: pair[1]):
        if address < end:
            raise refuse(
                buffer.operation,
                f"buffer {buffer.name} of {buffer.tile} starts at address {address}, and {before} "
                f"ends at {end}",
                code="NPU124",
                cure="give the buffers other addresses, or leave them to the compiler",
            )
        end, before = address + buffer.layout.nbytes, f"buffer {buffer.name}"


def _overflow(
    geometry: Geometry, tile: TileId, buffers: list[PlannedBuffer], stack: int, problem: str
) -> CheckFailed:
    largest = sorted(buffers, key=_largest_first)
    total = sum(buffer.layout.nbytes for buffer in buffers) + stack
    lines = [f"{buffer.layout.nbytes:>8}  {buffer.name}: {buffer.layout}" for buffer in largest]
    if stack:
        lines.append(f"{stack:>8}  stack")
    operation: Operation = largest[0].operation
    return refuse(
        operation,
        f"buffers{' and stack' if stack else ''} of {tile} {problem}: {total} bytes, its memory "
        f"has {geometry.limits(tile).memory}",
        code="NPU120",
        cure="use smaller objects or less depth, or move buffers to a memory tile",
        details=tuple(lines),
    )
