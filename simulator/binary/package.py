"""A file that the NPU's driver loads, decoded: kernels, and the images that serve them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from errors import UsageError, nearest
from simulator.array.config import Configuration
from simulator.binary.commands import Command


@dataclass(frozen=True, kw_only=True)
class PackagedKernel:
    """A kernel of a package.

    Attributes:
        arguments: How many it takes, with opcode, instructions and their size.
        image: The number of the image that the array must hold to run it.
    """

    name: str
    arguments: int
    image: int


@dataclass(frozen=True, kw_only=True)
class Package:
    """An xclbin, or what stands for one.

    Attributes:
        uuid: Tells it from others.
        images: Configurations by number.
    """

    uuid: str
    kernels: tuple[PackagedKernel, ...]
    images: Mapping[int, Configuration]

    def kernel(self, name: str | None = None) -> PackagedKernel:
        """Return a kernel by its name, or the first.

        Raises:
            UsageError: NPU288, there is none of that name.
        """
        for kernel in self.kernels:
            if name in (None, kernel.name):
                return kernel
        names = [kernel.name for kernel in self.kernels]
        raise UsageError(
            f"there is no kernel {name or ''!r}".replace(" ''", "") + nearest(name or "", names),
            cure=f"it has: {', '.join(names) or 'none'}",
            code="NPU288",
        )


class Reader(Protocol):
    """Reads the files of a build; whoever runs binaries is handed one."""

    def package(self, data: bytes, what: str) -> Package:
        """Return what an xclbin holds.

        Raises:
            LabError: It is none, or it is damaged; `what` names it.
        """

    def instructions(self, data: bytes, what: str) -> tuple[Command, ...]:
        """Return what an instruction file holds; raises as :meth:`package` does."""
