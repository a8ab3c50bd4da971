"""A chain of calls in one hardware context, submitted as one command.

What a step takes from an earlier one stays on the device: both are bound to one buffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kernels.compare import Poison
from kernels.contract import Array, Role
from runtime.device import Result
from runtime.inputs import check_inputs
from runtime.runlist import Output, Step
from runtime.xrt.contexts import Loaded
from runtime.xrt.slot import Slot

if TYPE_CHECKING:
    from runtime.xrt.program import XrtProgram


class XrtChain:
    """Calls of programs that share a context: sequences of one merged design, or one program.

    After a run that failed the context is destroyed, and the next call makes a new one.

    Args:
        programs: The program of each step.
        steps: The steps.
    """

    def __init__(self, programs: Sequence[XrtProgram], steps: Sequence[Step]) -> None:
        self._programs = tuple(programs)
        self._steps = tuple(steps)
        self._loaded: Loaded | None = None
        self._slots: list[Slot] = []
        self._calls = 0

    @classmethod
    def of(cls, programs: Sequence[XrtProgram], steps: Sequence[Step]) -> XrtChain | None:
        """Return the chain of some steps; None where they cannot be one command.

        They cannot in different contexts, and not where a step works in place on what an earlier
        one gave: that one's result would be lost.
        """
        if len({(id(program.contexts), program.key) for program in programs}) > 1:
            return None
        for step in steps:
            read = [arg for arg in step.program.args if arg.role.is_read]
            for arg, given in zip(read, step.inputs, strict=True):
                if isinstance(given, Output) and arg.role is Role.INOUT:
                    return None
        return cls(programs, steps)

    def __call__(self) -> list[Result]:
        """Run all steps as one command, and return what each gave.

        The times of a result are the chain's, divided by its steps.

        Raises:
            CheckFailed: A step misbehaved on the device.
        """
        self._bind()
        first, count = self._programs[0], len(self._steps)
        self._calls += 1
        poison = Poison(1 + self._calls % 5)
        now = first.stack.now
        begin = now()
        for step, slot in zip(self._steps, self._slots, strict=True):
            given = [each for each in step.inputs if not isinstance(each, Output)]
            check_inputs([arg for arg in slot.own if arg.role.is_read], given)
            slot.fill(given, poison)
        start = now()
        first.command([slot.run for slot in self._slots])
        end = now()
        outputs = [slot.outputs() for slot in self._slots]
        times = (start - begin + now() - end) / count, (end - start) / count
        return [
            program.result(out, poison, *times)
            for program, out in zip(self._programs, outputs, strict=True)
        ]

    def release(self) -> None:
        """Let go of buffers and runs, before their context is destroyed."""
        for slot in self._slots:
            slot.close()
        self._slots.clear()
        self._loaded = None

    def _bind(self) -> None:
        """Bind every step to its buffers, unless they are bound in the present context."""
        loaded = self._programs[0].current()
        if loaded is self._loaded:
            return
        self.release()
        self._loaded = loaded
        loaded.holders.add(self)
        for program, step in zip(self._programs, self._steps, strict=True):
            program.current()
            self._slots.append(program.bind(self._taken(step)))

    def _taken(self, step: Step) -> dict[int, tuple[object, Array]]:
        """Return the buffers of earlier steps that a step reads, by the argument's place."""
        read = [index for index, arg in enumerate(step.program.args) if arg.role.is_read]
        return {
            index: self._slots[given.step].held(given.name)
            for index, given in zip(read, step.inputs, strict=True)
            if isinstance(given, Output)
        }
