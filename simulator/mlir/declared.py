"""Buffers and locks that a design declares itself."""

from __future__ import annotations

from xdsl.dialects.builtin import DenseIntOrFPElementsAttr

from simulator.mlir.design import Design
from simulator.mlir.dialects.storage import BufferOp, ExternalBufferOp, LockOp
from simulator.mlir.failure import refuse, unsupported
from simulator.mlir.layouts import integer, layout, optional_integer
from simulator.mlir.plan import ExternalBuffer, Plan, PlannedBuffer, PlannedLock


def lower_declared(design: Design, plan: Plan) -> None:
    """Add declared buffers and locks to the plan, also those inside of cores and DMA programs."""
    for outer in design.operations:
        for op in outer.walk():
            if isinstance(op, BufferOp):
                buffer = _buffer(design, op, len(plan.declared_buffers))
                plan.declared_buffers[op.buffer] = buffer
                plan.buffers.append(buffer)
            elif isinstance(op, ExternalBufferOp):
                _external(op, plan)
            elif isinstance(op, LockOp):
                lock = _lock(design, op)
                plan.declared_locks[op.result] = lock
                plan.locks.append(lock)


def _buffer(design: Design, op: BufferOp, number: int) -> PlannedBuffer:
    what = layout(op.buffer.type)
    if what is None or None in what.shape:
        raise unsupported(op, f"a buffer of {op.buffer.type}")
    initial = op.initial_value
    if initial is not None and not isinstance(initial, DenseIntOrFPElementsAttr):
        raise unsupported(op, "an initial value that is not dense<...>")
    tile = design.tile(op.tile, op)
    if design.geometry.limits(tile).memory == 0:
        raise refuse(
            op,
            f"{tile} has no memory for a buffer",
            code="NPU106",
            cure="put buffers on memory tiles (row 1) and core tiles (rows 2 to 5)",
        )
    return PlannedBuffer(
        tile=tile,
        name=op.sym_name.data if op.sym_name else f"buffer_{number}",
        layout=what,
        operation=op,
        initial=None if initial is None else initial.data.data,
        address=optional_integer(op.address),
        bank=optional_integer(op.mem_bank),
    )


def _external(op: ExternalBufferOp, plan: Plan) -> None:
    """Add a buffer in host memory; one of unknown size is refused by who moves it."""
    what = layout(op.buffer.type)
    if what is not None and None not in what.shape:
        name = op.sym_name.data if op.sym_name else f"external_{len(plan.external)}"
        plan.external[op.buffer] = ExternalBuffer(name=name, layout=what, operation=op)


def _lock(design: Design, op: LockOp) -> PlannedLock:
    return PlannedLock(
        tile=design.tile(op.tile, op),
        name=op.sym_name.data if op.sym_name else "",
        operation=op,
        initial=integer(op.init),
        index=optional_integer(op.lockID),
    )
