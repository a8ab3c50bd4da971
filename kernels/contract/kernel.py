"""The contract of a kernel: everything the lab needs to build, run, check and time it."""

from __future__ import annotations

import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import ClassVar, Self

from kernels.contract.arguments import Arg, Array, Function, Work
from kernels.contract.cases import Case, random_array, standard_cases
from kernels.contract.tolerance import Tolerance


class Kernel(ABC):
    """One variant of a kernel.

    A kernel's folder holds ``kernel.cc`` and a ``kernel.py`` that defines one subclass, a
    frozen dataclass whose fields are the variant's parameters, and names it ``KERNEL``::

        @dataclass(frozen=True)
        class Relu(Kernel):
            \"\"\"max(x, 0) on int8.\"\"\"

            n: int = 1024
            tolerance = Exact("a comparison does not round")
            ...

    The same object answers for the build (source, defines, design), for the check (golden,
    cases, tolerance) and for the figures (work).
    """

    tolerance: ClassVar[Tolerance]
    """How far an output may be from the golden model, and why."""

    @classmethod
    def kernel_name(cls) -> str:
        """Return the kernel's name: that of its folder."""
        return cls.folder().name

    @classmethod
    def folder(cls) -> Path:
        """Return the folder that holds kernel.cc and kernel.py."""
        return _parent(inspect.getfile(sys.modules[cls.__module__]))

    @classmethod
    def summary(cls) -> str:
        """Return what the kernel computes, in one line: its docstring's first."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    @classmethod
    @abstractmethod
    def variants(cls) -> tuple[Self, ...]:
        """Return the variants that the lab builds and tests, smallest first."""

    @property
    def label(self) -> str:
        """Name of the variant in folders and on the command line, from its parameters."""
        values = [str(getattr(self, field.name)) for field in fields(self)]  # type: ignore[arg-type]
        return "-".join(values) or "default"

    @property
    def title(self) -> str:
        """``kernel/variant``, as reports and messages print it."""
        return f"{self.kernel_name()}/{self.label}"

    @property
    def slow(self) -> bool:
        """Whether a simulated call takes more than a second or two: checked with ``-m slow``."""
        return False

    @property
    def source(self) -> Path:
        """The C++ source, compiled unchanged by Peano and by the host compiler."""
        return self.folder() / "kernel.cc"

    @abstractmethod
    def args(self) -> tuple[Arg, ...]:
        """Return the arguments in the order of the design's runtime sequence."""

    @abstractmethod
    def functions(self) -> tuple[Function, ...]:
        """Return the entry points of kernel.cc that the design calls."""

    def defines(self) -> Mapping[str, int | str]:
        """Return the preprocessor macros that make kernel.cc this variant."""
        return {}

    @abstractmethod
    def design(self) -> str:
        """Return the MLIR text in the aie dialect; both simulator and aiecc take it as it is.

        The kernel's object is linked as ``kernel.o``.
        """

    @abstractmethod
    def golden(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Compute the outputs in numpy, by a way that shares nothing with kernel.cc.

        Args:
            inputs: Every argument that is read, by name.

        Returns:
            Every argument that is written, by name, with the shape and dtype of `args`.
        """

    def real(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Compute what `golden` does in float64 without a rounding on the way, and round once.

        That is `golden` itself, unless the definition rounds between two steps.
        """
        return self.golden(inputs)

    def spreads(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:  # noqa: ARG002
        """Return how far apart the values are that cancel in each element of an output, by name.

        A tolerance of the kind `Spread` needs them; others do not ask.
        """
        return {}

    @abstractmethod
    def work(self) -> Work:
        """Return the operations and bytes of one call."""

    def params(self) -> dict[str, Array]:
        """Return the default data of every argument with the role ``param``, by name."""
        return {}

    def cases(self, seed: int = 0) -> Iterator[Case]:
        """Yield edge and seeded random inputs; extend it with the kernel's own corners."""
        return standard_cases(self.args(), seed, params=self.params())

    def demo(self) -> Iterator[Case]:
        """Yield the real input that the main job runs; random data unless overridden."""
        params = self.params()
        inputs = {
            arg.name: params.get(arg.name, random_array(arg, arg.name, seed=2026))
            for arg in self.args()
            if arg.role.is_read
        }
        yield Case("demo", inputs)


@cache
def _parent(path: str) -> Path:
    """Return the folder of a file, links resolved; the same few are asked for again and again."""
    return Path(path).resolve().parent
