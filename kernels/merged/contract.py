"""What a merged design promises: that of its parts, in one hardware context.

A process has at most 6 hardware contexts on Phoenix, and to load another design takes far longer
than to call one. A merged design holds several kernels at once: it is loaded once, and each
kernel is called by its runtime sequence.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from errors import UsageError
from kernels.contract import Function, Kernel
from kernels.contract.mlir import device
from kernels.merged import combine


@dataclass(frozen=True)
class Merged:
    """Several kernels in one design, on columns of their own, from the left.

    Attributes:
        name: What reports call it.
        parts: The kernels; each gives its name to its runtime sequence.

    Raises:
        UsageError: The parts take more than 4 columns, or two have the same name or function
            (NPU155).
    """

    name: str
    parts: tuple[Kernel, ...]

    def __post_init__(self) -> None:
        taken = sum(combine.columns(part.design()) for part in self.parts)
        if taken > combine.COLUMNS:
            raise self._misfit(f"they take {taken} columns, and there are {combine.COLUMNS}")
        names = [part.kernel_name() for part in self.parts]
        functions = [name for part in self.parts for name in combine.symbols(part.design())]
        for what, found in (("are called", names), ("have a function", functions)):
            twice = [name for name, count in Counter(found).items() if count > 1]
            if twice:
                raise self._misfit(f"two of them {what} {', '.join(twice)}")

    @property
    def title(self) -> str:
        """``merged/name``, as reports and messages print it."""
        return f"merged/{self.name}"

    @property
    def sequences(self) -> dict[str, Kernel]:
        """The kernels by the names of their runtime sequences."""
        return {part.kernel_name(): part for part in self.parts}

    @property
    def functions(self) -> tuple[Function, ...]:
        """The entry points of all parts."""
        return tuple(function for part in self.parts for function in part.functions())

    @cached_property
    def columns(self) -> dict[str, int]:
        """The first column of each part."""
        placed, column = {}, 0
        for name, part in self.sequences.items():
            placed[name] = column
            column += combine.columns(part.design())
        return placed

    def design(self) -> str:
        """Return the MLIR text: every part's own design, moved to its columns."""
        placed = [
            combine.place(part.design(), name, self.columns[name])
            for name, part in self.sequences.items()
        ]
        taken = sum(combine.columns(part.design()) for part in self.parts)
        target = "npu1" if taken == combine.COLUMNS else f"npu1_{taken}col"
        headed = (
            line
            for part, text in zip(self.parts, placed, strict=True)
            for line in (f"// {part.title}", text, "")
        )
        return device(target, *headed)

    def _misfit(self, why: str) -> UsageError:
        return UsageError(
            f"the parts of {self.title} do not fit into one design: {why}",
            cure="merge other variants, or fewer kernels",
            code="NPU155",
        )
