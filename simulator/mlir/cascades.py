"""Cascades: the 512-bit streams between neighbouring cores.

A core gets its cascade from its northern or western neighbour and hands it on to its
southern or eastern one, each a setting of its own (``aie.configure_cascade``). A cascade
flow says both settings of its two ends at once. Facts: the verifiers of ``CascadeFlowOp``
and ``ConfigureCascadeOp``, and the pass ``AIELowerCascadeFlows`` of mlir-aie.
"""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.ir import Operation

from simulator.array.config import Port, PortKind, Route, TileId
from simulator.array.geometry import TileKind
from simulator.mlir.design import Design
from simulator.mlir.dialects.attributes import CascadeSide
from simulator.mlir.dialects.streams import CascadeFlowOp, ConfigureCascadeOp
from simulator.mlir.failure import origin, refuse
from simulator.mlir.parse import line_of

_FED_BY = {CascadeSide.SOUTH: CascadeSide.NORTH, CascadeSide.EAST: CascadeSide.WEST}
"""The side of a receiver by the side to which its sender sends."""


def lower_cascades(design: Design) -> Iterator[Route]:
    """Yield the cascades of a design.

    Raises:
        CheckFailed: NPU106, a tile has no cascade there; NPU109, two settings of one core
            contradict each other.
    """
    inputs: dict[TileId, tuple[CascadeSide, Operation]] = {}
    outputs: dict[TileId, tuple[CascadeSide, Operation]] = {}
    for flow in design.each(CascadeFlowOp):
        source, target = (
            _core(design, design.tile(value, flow), flow)
            for value in (flow.source_tile, flow.dest_tile)
        )
        side = _side(source, target, flow)
        _set(outputs, source, side, flow, "output")
        _set(inputs, target, _FED_BY[side], flow, "input")
    for op in design.each(ConfigureCascadeOp):
        tile = _core(design, design.tile(op.tile, op), op)
        input_side, output_side = op.input_dir.data, op.output_dir.data
        if output_side not in _FED_BY or input_side not in _FED_BY.values():
            raise refuse(
                op,
                f"the cascade of {tile} comes from {input_side.value} and goes to "
                f"{output_side.value}",
                code="NPU106",
                cure="a cascade comes from North or West, and goes to South or East",
            )
        _set(inputs, tile, input_side, op, "input")
        _set(outputs, tile, output_side, op, "output")
    for tile, (side, setting) in outputs.items():
        other = _neighbour(tile, side)
        if other in inputs and inputs[other][0] is _FED_BY[side]:
            source_port, target_port = (Port(at, PortKind.CASCADE, 0) for at in (tile, other))
            yield Route(source=source_port, destinations=(target_port,), origin=origin(setting))


def _set(
    known: dict[TileId, tuple[CascadeSide, Operation]],
    tile: TileId,
    side: CascadeSide,
    op: Operation,
    which: str,
) -> None:
    before, first = known.setdefault(tile, (side, op))
    if before is not side:
        raise refuse(
            op,
            f"the cascade {which} of {tile} is {side.value}, and line {line_of(first)} makes it "
            f"{before.value}",
            code="NPU109",
            cure="a core has one cascade input and one cascade output",
        )


def _core(design: Design, tile: TileId, op: Operation) -> TileId:
    if design.geometry.kind(tile) is not TileKind.CORE:
        raise refuse(
            op,
            f"{tile} has no cascade",
            code="NPU106",
            cure="cascades connect cores, which are in rows 2 to 5",
        )
    return tile


def _side(source: TileId, target: TileId, op: Operation) -> CascadeSide:
    for side in _FED_BY:
        if _neighbour(source, side) == target:
            return side
    raise refuse(
        op,
        f"no cascade leads from {source} to {target}",
        code="NPU106",
        cure="a cascade leads to the neighbour in the south or in the east",
    )


def _neighbour(tile: TileId, side: CascadeSide) -> TileId:
    if side is CascadeSide.EAST:
        return TileId(tile.col + 1, tile.row)
    return TileId(tile.col, tile.row - 1)
