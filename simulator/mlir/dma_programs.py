"""Hand-written DMA programs: ``aie.mem``, ``aie.memtile_dma``, ``aie.shim_dma``, their blocks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from xdsl.ir import Block, Operation

from simulator.array.config import ChannelId, Direction, Iteration, Packet, TileId
from simulator.array.geometry import TileKind
from simulator.mlir.bd_blocks import BdBlock, LockStep, constant, read_block, read_chain, successor
from simulator.mlir.design import Design
from simulator.mlir.dialects.dma import (
    DmaOp,
    DmaStartOp,
    MemOp,
    MemTileDmaOp,
    ShimDmaAllocationOp,
    ShimDmaOp,
)
from simulator.mlir.failure import no_pad_value, refuse
from simulator.mlir.layouts import integer
from simulator.mlir.parse import line_of
from simulator.mlir.plan import (
    ExternalBuffer,
    LockUse,
    Plan,
    PlannedBd,
    PlannedBuffer,
    PlannedChannel,
)

Program = MemOp | MemTileDmaOp | ShimDmaOp

_KINDS = {MemOp: TileKind.CORE, MemTileDmaOp: TileKind.MEM, ShimDmaOp: TileKind.SHIM}


def lower_dma_programs(design: Design, plan: Plan) -> None:
    """Add the channels and descriptors of hand-written DMA programs to the plan.

    Raises:
        CheckFailed: NPU105, NPU109: a block contradicts itself; NPU106, the tile has another
            kind of DMA; NPU124, the tile has two programs.
    """
    programs: dict[TileId, Operation] = {}
    for op in design.operations:
        if isinstance(op, Program):
            tile = design.tile(op.tile, op)
            _check_kind(design, tile, op)
            first = programs.setdefault(tile, op)
            if first is not op:
                raise refuse(
                    op,
                    f"the DMA of {tile} has a program already, in line {line_of(first)}",
                    code="NPU124",
                    cure="put all channels of a tile into one program",
                )
            plan.channels += _DmaProgram(plan, tile, _KINDS[type(op)]).channels(op)
    for allocation in design.each(ShimDmaAllocationOp):
        _read_allocation(design, plan, allocation)


def _check_kind(design: Design, tile: TileId, op: Program) -> None:
    kind = _KINDS[type(op)]
    if design.geometry.kind(tile) is not kind:
        raise refuse(
            op,
            f"{op.name} is for {kind} tiles, and {tile} is none",
            code="NPU106",
            cure="use aie.mem on core tiles (rows 2 to 5), aie.memtile_dma on memory tiles and "
            "aie.shim_dma on shim tiles",
        )


def _read_allocation(design: Design, plan: Plan, op: ShimDmaAllocationOp) -> None:
    tile = design.tile(op.tile, op) if op.tile is not None else TileId(integer(op.col), 0)
    name = op.sym_name.data
    direction = Direction(op.channel_dir.data.value)
    plan.allocations[name] = ChannelId(tile, direction, integer(op.channel_index))
    if op.packet is not None:
        kind, number = op.packet.data
        plan.packets[name] = Packet(id=number, type=kind)


def _starts(program: Program) -> Iterator[DmaStartOp | DmaOp]:
    """Yield what starts a channel, in the order of execution."""
    block: Block | None = program.body.blocks[0] if program.body.blocks else None
    seen: set[int] = set()
    while block is not None and id(block) not in seen:
        seen.add(id(block))
        for op in block.ops:
            if isinstance(op, DmaOp):
                yield op
        last = block.last_op
        if isinstance(last, DmaStartOp):
            yield last
            block = last.chain
        else:
            block = successor(block)


class _DmaProgram:
    """The DMA program of one tile; a block that two channels use is one descriptor."""

    def __init__(self, plan: Plan, tile: TileId, kind: TileKind) -> None:
        self._plan = plan
        self._tile = tile
        self._kind = kind
        self._bds: dict[int, PlannedBd] = {}

    def channels(self, program: Program) -> Iterator[PlannedChannel]:
        for start in _starts(program):
            if integer(start.pad_value):
                raise no_pad_value(start)
            direction = Direction(start.channel_dir.data.value)
            number = start.channel_index.value.data
            bds = self._chain(start.dest) if isinstance(start, DmaStartOp) else self._turns(start)
            if bds:
                yield PlannedChannel(
                    id=ChannelId(self._tile, direction, number),
                    bds=bds,
                    operation=start,
                    repeat=integer(start.repeat_count),
                )

    def _chain(self, first: Block) -> list[PlannedBd]:
        """Return the descriptors from `first` on, linked to each other."""
        described, again = read_chain(first, constant)
        chain = []
        for block, content in described:
            bd = self._bds.get(id(block))
            if bd is None:
                bd = self._bds[id(block)] = self._descriptor(content)
            chain.append(bd)
        for bd, following in pairwise(chain):
            bd.next = following
        if again is not None:
            chain[-1].next = chain[again]
        return chain

    def _turns(self, dma: DmaOp) -> list[PlannedBd]:
        """Return the descriptors of an ``aie.dma``: its regions in turn, over and over."""
        chain = []
        for region in dma.bds:
            described = read_block(region.blocks[0], constant) if region.blocks else None
            if described is None:
                raise refuse(
                    dma,
                    "a region of this aie.dma has no aie.dma_bd",
                    code="NPU109",
                    cure="describe one transfer in each region",
                )
            chain.append(self._descriptor(described))
        for bd, following in pairwise(chain):
            bd.next = following
        if chain and (dma.loop is None or integer(dma.loop, 1)):
            chain[-1].next = chain[0]
        return chain

    def _descriptor(self, block: BdBlock) -> PlannedBd:
        buffer = self._buffer(block)
        iteration = None
        if block.iteration is not None:
            size, stride, current = block.iteration
            iteration = Iteration(size=size, stride=stride, current=current)
        return PlannedBd(
            buffer=buffer,
            offset=block.offset,
            length=block.length,
            operation=block.operation,
            dims=block.dims,
            pads=block.pads,
            iteration=iteration,
            acquire=self._lock_use(block.acquire, block),
            release=self._lock_use(block.release, block),
            packet=block.packet,
            index=block.index,
        )

    def _buffer(self, block: BdBlock) -> PlannedBuffer | ExternalBuffer:
        external = self._plan.external.get(block.buffer)
        if self._kind is TileKind.SHIM:
            if external is None:
                raise refuse(
                    block.operation,
                    f"the DMA program of {self._tile} moves something that is no "
                    "aie.external_buffer of known size",
                    code="NPU105",
                    cure="move an aie.external_buffer: a shim tile has no memory of its own",
                )
            return external
        if external is not None:
            raise refuse(
                block.operation,
                f"the DMA of {self._tile} does not reach external buffer {external.name}, "
                "which is host memory",
                code="NPU105",
                cure="move it with the aie.shim_dma of a shim tile, and route the stream here",
            )
        buffer = self._plan.declared_buffers.get(block.buffer)
        if buffer is None:
            raise refuse(
                block.operation,
                "a tile's DMA program moves something that is no aie.buffer",
                code="NPU105",
                cure="move a buffer of a tile",
            )
        return buffer

    def _lock_use(self, step: LockStep | None, block: BdBlock) -> LockUse | None:
        if step is None:
            return None
        lock = self._plan.lock(step.lock, block.operation)
        return LockUse(lock=lock, value=step.value, equal=step.equal)
