"""What a context of the FAKE runs: a design's MLIR, or the binaries that the NPU runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from errors import LabError, UsageError

if TYPE_CHECKING:
    from simulator.binary.commands import Command
    from simulator.binary.executable import Executable
    from simulator.binary.package import Package, Reader
    from simulator.fake_xrt.package import Content
    from simulator.simulation import Simulation

Bytes = npt.NDArray[np.uint8]


class Call(NamedTuple):
    """A command as the device gets it.

    Attributes:
        kernel: The kernel's name.
        instructions: The device's copy of the instruction buffer, which may be longer.
        size: What the host says of their number, in words or bytes.
        buffers: The device's copies of the buffers.
    """

    kernel: str
    instructions: Bytes
    size: object
    buffers: Sequence[Bytes]

    def told(self, size: int) -> bool:
        """Tell whether the host gave the size that the instructions have.

        Upstream's C++ tests count words here and its Python runtime bytes; both run.
        """
        return self.size in (size, size // 4)


class Outcome(NamedTuple):
    """What became of a command: its cycles, and what was found in a run that came to its end."""

    cycles: int
    findings: tuple[LabError, ...] = ()


class Engine(Protocol):
    """What is behind a hardware context."""

    def run(self, call: Call) -> Outcome:
        """Do a command on the device's memories in place.

        Raises:
            LabError: It never ends on the device, or what it does is not modelled.
        """


class Loaded(Protocol):
    """What an xclbin holds, as this module needs it."""

    @property
    def uuid(self) -> str: ...

    @property
    def kernels(self) -> dict[str, int]:
        """How many arguments each kernel takes, by its name."""

    def engine(self) -> Engine:
        """Return what a new context of the xclbin runs on."""


class DesignEngine:
    """Runs the MLIR of a fake xclbin; instructions are a mark that says which sequence."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._array: Simulation | None = None

    def run(self, call: Call) -> Outcome:
        """See :class:`Engine`."""
        content = self._content
        sequence = self._sequence(call)
        sizes = content.sequences[sequence]
        fits = len(call.buffers) >= len(sizes) and all(
            buffer.size >= size for buffer, size in zip(call.buffers, sizes, strict=False)
        )
        if not fits:
            raise _unlike(f"the buffers are not those of the design, of {sizes} bytes")
        views = [buffer[:size] for buffer, size in zip(call.buffers, sizes, strict=False)]
        return Outcome(self._loaded().run(views, sequence or None).cycles)

    def _sequence(self, call: Call) -> str:
        """Return the runtime sequence whose instructions the device sees."""
        for name in self._content.sequences:
            words = self._content.instructions(name)
            if call.told(len(words)) and bytes(call.instructions[: len(words)]) == words:
                return name
        raise _unlike("the instructions are not those of the xclbin")

    def _loaded(self) -> Simulation:
        if self._array is None:
            from simulator.simulation import Simulation

            content = self._content
            libraries = {name: Path(path) for name, path in content.libraries.items()}
            self._array = Simulation(content.design, libraries, content.cycles)
        return self._array


class Binaries:
    """A real xclbin; see :class:`Loaded`."""

    def __init__(self, package: Package, reader: Reader) -> None:
        self._package, self._reader = package, reader

    @property
    def uuid(self) -> str:
        """The xclbin's own."""
        return self._package.uuid

    @property
    def kernels(self) -> dict[str, int]:
        """See :class:`Loaded`."""
        return {kernel.name: kernel.arguments for kernel in self._package.kernels}

    def engine(self) -> BinaryEngine:
        """See :class:`Loaded`."""
        return BinaryEngine(self._package, self._reader)


class BinaryEngine:
    """Executes the instruction buffer on an array that the xclbin's images configure."""

    def __init__(self, package: Package, reader: Reader) -> None:
        self._package, self._reader = package, reader
        self._executable: Executable | None = None
        self._decoded: dict[bytes, tuple[Command, ...]] = {}

    def run(self, call: Call) -> Outcome:
        """See :class:`Engine`."""
        instructions = self._instructions(call)
        executable = self._loaded(self._package.kernel(call.kernel).image)
        stats = executable.run(instructions, call.buffers)
        return Outcome(stats.cycles, stats.findings)

    def _instructions(self, call: Call) -> tuple[Command, ...]:
        """Return what the device's copy of the instruction buffer says."""
        said = int.from_bytes(call.instructions[12:16].tobytes(), "little")
        if not said:
            raise _unlike("the device sees no instructions; was their buffer synchronised?")
        if not call.told(said):
            raise _unlike(f"the call says {call.size} instructions, and the buffer {said} bytes")
        data = call.instructions[:said].tobytes()
        if data not in self._decoded:
            self._decoded[data] = self._reader.instructions(data, "the instruction buffer")
        return self._decoded[data]

    def _loaded(self, image: int) -> Executable:
        from simulator.binary.executable import Executable

        if self._executable is None:
            self._executable = Executable(self._package.images, image)
        elif self._executable.loaded != image:
            self._executable.load(image)
        return self._executable


def _unlike(problem: str) -> UsageError:
    return UsageError(
        f"{problem}",
        cure="write and synchronise the instructions of this xclbin, and pass their number of "
        "words and buffers of the design's sizes",
        code="NPU290",
    )
