"""A chain of calls that is put together once and run as often as wanted.

The steps may be programs of one merged design (`SimDevice.load_merged`) or of several; an input
can be an earlier step's output, as between the layers of a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from errors import UsageError
from kernels.contract import Arg, Array
from runtime.device import Program, Result
from runtime.inputs import check_inputs


@dataclass(frozen=True)
class Output:
    """An input that an earlier step gives.

    Attributes:
        step: Its number in the runlist, from 0.
        name: The output's name.
    """

    step: int
    name: str


@dataclass(frozen=True)
class Step:
    """One call of a runlist: a loaded program, and its inputs in argument order."""

    program: Program
    inputs: tuple[Array | Output, ...]


class Chain(Protocol):
    """Steps that a device takes as one command."""

    def __call__(self) -> list[Result]:
        """Run all steps, and return what each gave."""


@runtime_checkable
class Linkable(Protocol):
    """A program whose device can take several calls as one command."""

    def link(self, steps: Sequence[Step]) -> Chain | None:
        """Return the steps as one command; None where they cannot be one."""


class Runlist:
    """Calls that run one after the other; as one command, where the device can do that.

    Args:
        steps: What to call.

    Raises:
        UsageError: There is no step, or an input's count, shape or dtype is not the argument's,
            or it names an output that no earlier step has (NPU403).
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        if not steps:
            raise _unsuitable("it has no steps")
        self._steps = tuple(steps)
        for number, step in enumerate(self._steps):
            self._check(number, step)
        first = self._steps[0].program
        self._chain = first.link(self._steps) if isinstance(first, Linkable) else None

    @property
    def is_one_command(self) -> bool:
        """Whether the device takes it as one command, with one dispatch."""
        return self._chain is not None

    def __len__(self) -> int:
        return len(self._steps)

    def __call__(self) -> list[Result]:
        """Run all steps, with the arrays as they are now, and return what each gave.

        Raises:
            CheckFailed: A step misbehaved on the device; those after it have not run.
        """
        if self._chain:
            return self._chain()
        results: list[Result] = []
        for step in self._steps:
            inputs = [
                results[given.step].outputs[given.name] if isinstance(given, Output) else given
                for given in step.inputs
            ]
            results.append(step.program(*inputs))
        return results

    def _check(self, number: int, step: Step) -> None:
        read = [arg for arg in step.program.args if arg.role.is_read]
        if len(read) != len(step.inputs):
            names = ", ".join(arg.name for arg in read)
            raise _unsuitable(f"step {number} has {len(step.inputs)} inputs and takes {names}")
        for arg, given in zip(read, step.inputs, strict=True):
            if not isinstance(given, Output):
                check_inputs([arg], [given])
                continue
            source = self._source(number, given)
            if (source.shape, source.dtype) != (arg.shape, arg.dtype):
                raise _unsuitable(f"step {number} takes {arg}, and {given.name} is {source}")

    def _source(self, number: int, output: Output) -> Arg:
        """Return the argument of an earlier step that `output` names."""
        if not 0 <= output.step < number:
            raise _unsuitable(f"step {number} takes an output of step {output.step}")
        args = self._steps[output.step].program.args
        written = {arg.name: arg for arg in args if arg.role.is_written}
        if output.name not in written:
            raise _unsuitable(
                f"step {number} takes the output {output.name!r} of step {output.step}, which "
                f"has {', '.join(written)}"
            )
        return written[output.name]


def _unsuitable(why: str) -> UsageError:
    return UsageError(
        f"the runlist cannot run: {why}",
        cure="give each step one array, or one earlier output, for every argument that it reads",
        code="NPU403",
    )
