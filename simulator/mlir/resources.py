"""What a design takes of the array, found without running it."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Attribute

from simulator.array import checks
from simulator.array.array import Array
from simulator.array.config import ChannelId, Direction, TileId
from simulator.array.host import HostRequest, PushTask, WriteBd
from simulator.mlir.cores.program import CoreProgram
from simulator.mlir.dialects.device import CoreOp, RuntimeSequence
from simulator.mlir.failure import where
from simulator.mlir.layouts import element, layout
from simulator.mlir.lower import Lowered, lower
from simulator.mlir.placement import stack_size
from simulator.mlir.starvation import check_starvation


@dataclass(frozen=True, kw_only=True)
class BufferUse:
    """A buffer in a tile's memory; sizes and addresses are in bytes."""

    name: str
    address: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An argument of a function or runtime sequence.

    Attributes:
        type: As the design writes it, such as ``memref<64x64xi8>``.
        shape: Extents of a memref; None for a scalar.
        dtype: numpy name of the element or scalar type, such as ``int8`` or ``bfloat16``;
            None for a type that numpy has not.
    """

    type: str
    shape: tuple[int, ...] | None
    dtype: str | None


@dataclass(frozen=True, kw_only=True)
class FunctionUse:
    """A kernel function that a core calls.

    Attributes:
        objects: Object files that may hold it, as the design names them.
        declared: Where the design declares it, as ``design.mlir:12``.
    """

    symbol: str
    objects: tuple[str, ...]
    arguments: tuple[Argument, ...]
    results: tuple[Argument, ...]
    declared: str


@dataclass(frozen=True, kw_only=True)
class TileUse:
    """What one tile holds and does.

    Attributes:
        tile: Column and row.
        kind: ``shim``, ``mem`` or ``core``.
        memory: Bytes of buffers and stack together.
        memory_limit: Bytes of memory that the tile has.
        stack: Bytes of these for the stack of its core.
        locks: Locks in use, of `locks_limit`.
        bds: Buffer descriptors in use from the start, of `bds_limit`.
        mm2s: DMA channels that send, of `mm2s_limit`.
        s2mm: DMA channels that receive, of `s2mm_limit`.
        functions: Symbols that its core calls; None for a tile without a core program.
    """

    tile: tuple[int, int]
    kind: str
    memory: int
    memory_limit: int
    stack: int
    buffers: tuple[BufferUse, ...]
    locks: int
    locks_limit: int
    bds: int
    bds_limit: int
    mm2s: int
    mm2s_limit: int
    s2mm: int
    s2mm_limit: int
    functions: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """A runtime sequence and its arguments."""

    name: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a design takes of the array; plain data, ready for JSON.

    Attributes:
        device: The ``aie.device`` name.
        columns: Columns of that device.
        tiles: Tiles that the design uses, column by column.
    """

    device: str
    columns: int
    tiles: tuple[TileUse, ...]
    functions: tuple[FunctionUse, ...]
    sequences: tuple[Sequence, ...]


def check(design: str, source: str = "design.mlir", *, complete: bool = False) -> Resources:
    """Check a design without running it.

    The design is parsed, lowered and compared with the limits of every tile; its core bodies
    are compiled and its runtime sequences played, as far as they need no argument's value.

    Args:
        design: MLIR text in the aie dialect.
        source: Name of the text in messages.
        complete: Refuse a channel that can never begin, too: the design is one that is to run,
            not a piece of one.

    Returns:
        What the design takes of each tile.

    Raises:
        UsageError: NPU101 to NPU104: the text is no design for a Phoenix.
        CheckFailed: NPU105 to NPU143: the design contradicts itself, asks for more than the
            array has, or uses what the simulator does not know yet. NPU2xx: the array would
            refuse to load it. The message names the design's line.
    """
    lowered = lower(design, source)
    Array(lowered.configuration)
    known = True
    commands: list[HostRequest] = []
    for sequence in lowered.design.sequences.values():
        if all(isinstance(arg.type, MemRefType) for arg in sequence.body.blocks[0].args):
            commands += _check_sequence(lowered, sequence)
        else:
            known = False
    if complete and known:
        check_starvation(lowered, commands)
    return resources(lowered)


def resources(lowered: Lowered) -> Resources:
    """Return what a lowered design takes of the array."""
    design = lowered.design
    programs = {program.tile: program for program in lowered.programs}
    signatures = {
        signature.symbol: signature for program in lowered.programs for signature in program.calls
    }
    return Resources(
        device=design.device,
        columns=design.geometry.columns,
        tiles=tuple(
            _tile_use(lowered, tile, programs.get(tile)) for tile in sorted(_used_tiles(lowered))
        ),
        functions=tuple(
            FunctionUse(
                symbol=signature.symbol,
                objects=signature.objects,
                arguments=tuple(_argument(type_) for type_ in signature.arguments),
                results=tuple(_argument(type_) for type_ in signature.results),
                declared=where(signature.operation),
            )
            for signature in signatures.values()
        ),
        sequences=tuple(
            Sequence(
                name=name,
                arguments=tuple(_argument(arg.type) for arg in operation.body.blocks[0].args),
            )
            for name, operation in design.sequences.items()
        ),
    )


def _check_sequence(lowered: Lowered, sequence: RuntimeSequence) -> list[HostRequest]:
    """Play a sequence for nobody, and refuse the commands that the array would refuse."""
    geometry = lowered.design.geometry
    commands = list(lowered.commands(sequence))
    for command in commands:
        if isinstance(command, WriteBd):
            checks.check_descriptor(geometry, command.tile, command.bd, command.content)
        elif isinstance(command, PushTask):
            channel = ChannelId(command.tile, command.direction, command.channel)
            what = f"task on {channel}{command.task.origin.bracketed}"
            checks.check_channel(geometry, channel, what)
            checks.check_task(geometry, channel, command.task, what)
    return commands


def _used_tiles(lowered: Lowered) -> set[TileId]:
    plan = lowered.plan
    tiles = {buffer.tile for buffer in plan.buffers} | {lock.tile for lock in plan.locks}
    tiles |= {channel.id.tile for channel in plan.channels}
    tiles |= {channel.tile for channel in plan.allocations.values()}
    tiles |= {port.tile for route in plan.routes for port in (route.source, *route.destinations)}
    return tiles | {program.tile for program in lowered.programs}


def _tile_use(lowered: Lowered, tile: TileId, program: CoreProgram | None) -> TileUse:
    geometry, plan = lowered.design.geometry, lowered.plan
    limits = geometry.limits(tile)
    buffers = sorted(
        (
            BufferUse(name=buffer.name, address=buffer.address or 0, size=buffer.layout.nbytes)
            for buffer in plan.buffers
            if buffer.tile == tile
        ),
        key=lambda use: use.address,
    )
    stack = sum(
        stack_size(op)
        for op in lowered.design.each(CoreOp)
        if lowered.design.tile(op.tile, op) == tile
    )
    channels = {channel.id for channel in plan.channels} | set(plan.allocations.values())
    mine = [channel.direction for channel in channels if channel.tile == tile]
    return TileUse(
        tile=(tile.col, tile.row),
        kind=geometry.kind(tile).value,
        memory=sum(use.size for use in buffers) + stack,
        memory_limit=limits.memory,
        stack=stack,
        buffers=tuple(buffers),
        locks=sum(lock.tile == tile for lock in plan.locks),
        locks_limit=limits.locks,
        bds=len(lowered.taken.get(tile, ())),
        bds_limit=limits.bds,
        mm2s=mine.count(Direction.MM2S),
        mm2s_limit=limits.mm2s,
        s2mm=mine.count(Direction.S2MM),
        s2mm_limit=limits.s2mm,
        functions=None if program is None else tuple(call.symbol for call in program.calls),
    )


def _argument(type_: Attribute) -> Argument:
    what = layout(type_)
    if what is not None:
        shape = tuple(-1 if extent is None else extent for extent in what.shape)
        return Argument(type=str(type_), shape=shape, dtype=what.element.numpy)
    scalar = element(type_)
    return Argument(type=str(type_), shape=None, dtype=scalar.numpy if scalar else None)
