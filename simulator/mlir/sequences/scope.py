"""What SSA values of a runtime sequence stand for while it is played."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Block, Operation, OpResult, SSAValue

from errors import CheckFailed
from simulator.mlir.failure import refuse
from simulator.mlir.plan import Plan, PlannedBuffer, PlannedLock
from simulator.mlir.sequences.host_memory import HostView
from simulator.mlir.sequences.numbers import compute
from simulator.mlir.sequences.task import Task

Meaning = int | HostView | PlannedBuffer | PlannedLock | Task


class Scope:
    """Numbers, host buffers and tasks by SSA value; declared buffers and locks of the plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._values: dict[SSAValue, Meaning] = {}

    def bind(self, value: SSAValue, what: Meaning) -> None:
        """Say what a value stands for."""
        self._values[value] = what

    def meaning(self, value: SSAValue) -> Meaning | None:
        """Return what a value stands for, None if that is not known."""
        known = self._values.get(value)
        if known is None:
            known = self._plan.declared_buffers.get(value)
        if known is None:
            known = self._plan.declared_locks.get(value)
        if known is None and isinstance(value, OpResult) and not value.op.operands:
            return compute(value.op, [])
        return known

    def number(self, value: SSAValue, user: Operation) -> int:
        """Return the number behind a value.

        Raises:
            CheckFailed: NPU109, it is not known.
        """
        known = self.meaning(value)
        if isinstance(known, int):
            return known
        raise _wrong(user, "a number", "an arith.constant or what is computed from it")

    def moved(self, value: SSAValue, user: Operation) -> HostView | PlannedBuffer:
        """Return the memory behind a value.

        Raises:
            CheckFailed: NPU109, it is none that a DMA can move.
        """
        known = self.meaning(value)
        if isinstance(known, HostView | PlannedBuffer):
            return known
        raise _wrong(user, "memory to move", "an aie.buffer or an argument of the sequence")

    def lock(self, value: SSAValue, user: Operation) -> PlannedLock:
        """Return the lock behind a value.

        Raises:
            CheckFailed: NPU105, it is none.
        """
        known = self.meaning(value)
        return known if isinstance(known, PlannedLock) else self._plan.lock(value, user)

    def task(self, value: SSAValue, user: Operation) -> Task:
        """Return the task behind a value.

        Raises:
            CheckFailed: NPU109, it is none.
        """
        known = self.meaning(value)
        if isinstance(known, Task):
            return known
        raise _wrong(user, "a task", "the result of an aiex.dma_configure_task")

    def enter(self, block: Block, arguments: Sequence[SSAValue], user: Operation) -> None:
        """Let the arguments of a block stand for what the given values stand for."""
        for inner, outer in zip(block.args, arguments, strict=True):
            known = self.meaning(outer)
            if known is None:
                raise _wrong(user, "something known", "a buffer, lock, number or host argument")
            self.bind(inner, known)


def _wrong(user: Operation, wanted: str, cure: str) -> CheckFailed:
    return refuse(user, f"{user.name} needs {wanted} here", code="NPU109", cure=f"use {cure}")
