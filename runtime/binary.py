"""Binaries on the simulated array: an xclbin and its instructions, as the NPU runs them.

Nothing is compiled or looked up: what the files configure is what runs, machine code
included::

    program = load(Path("design.xclbin"), Path("insts.bin"))
    run = program(x, y)          # in the order of the call's buffers, written in place
    run.cycles                   # modelled
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from errors import LabError, UsageError
from runtime.loops import compile_loops
from simulator.aie2.machine import ProgramMemory, core_program
from simulator.array.config import Configuration, CoreProgram, TileId
from simulator.array.core_control import MachineCode
from simulator.array.host import Limits
from simulator.array.recorder import Recorder, RunStats
from simulator.binary.commands import (
    Command,
    LoadImage,
    Patch,
    Poll,
    Skipped,
    Sync,
    Unmodelled,
)
from simulator.binary.configuration import configuration
from simulator.binary.executable import Executable
from simulator.binary.package import Package, PackagedKernel
from simulator.findings import sort_out, warned_of
from toolchain.artifacts import cdo, insts, operations, partition, pdi, writes, xclbin
from toolchain.artifacts.binary import Reader
from toolchain.artifacts.cdo import Cdo
from toolchain.artifacts.inspect import read_bytes
from toolchain.artifacts.kernels_xml import Kernel

_WITHOUT_EFFECT = {0x100, 0x104, 0x111, 0x113, 0x117, 0x118, 0x119, 0x11B, 0x11C}
"""CDO commands that set nothing: end mark, delay, nop, event log, log, marker, block."""

_DEVICES = {1: "npu1_1col", 2: "npu1_2col", 3: "npu1_3col"}
"""Devices by the columns of a partition; any other number is the whole array."""

_FIXED = 3
"""Arguments before the buffers: opcode, instructions, their size."""


@dataclass(frozen=True, kw_only=True)
class BinaryRun:
    """What one call did.

    Attributes:
        cycles: Modelled cycles from the first instruction to the last.
        written: For each array a mask of its bytes that the device wrote (bool, shape
            (nbytes,)); None for one that it was not to write.
        stats: What cores, channels and routes did.
        warnings: Findings that were switched to warnings (:mod:`simulator.findings`).
    """

    cycles: int
    written: list[npt.NDArray[np.bool_] | None]
    stats: RunStats
    warnings: tuple[LabError, ...] = ()


class ArtifactReader:
    """Reads xclbins, PDIs and instruction files; see :class:`simulator.binary.package.Reader`."""

    def package(self, data: bytes, what: str) -> Package:
        """Return what an xclbin holds, or a bare PDI as one kernel's.

        Raises:
            UsageError: NPU051 to NPU054, it is none or damaged; NPU289, it has no PDI.
            CheckFailed: NPU284, NPU285: it has a command that is not modelled.
        """
        if pdi.is_pdi(data):
            image = pdi.read(Reader(data=data, what=what, code="NPU053"))
            return _bare(configuration(of_cdos(image.cdos)))
        file = xclbin.read(Reader(data=data, what=what, code="NPU051"))
        images: dict[int, Configuration] = {}
        for part in file.partitions:
            device = _DEVICES.get(part.column_width, "npu1")
            for number, entry in enumerate(part.pdis, 1):
                found = configuration(of_cdos(entry.pdi.cdos), device)
                images |= dict.fromkeys(_numbers(entry, number), found)
        if not images:
            raise UsageError(
                f"{what} configures no array: it has no AIE partition with a PDI",
                cure="use an xclbin that aiecc built for npu1",
                code="NPU289",
            )
        kernels = tuple(_kernel(kernel, file) for kernel in file.kernels)
        return Package(uuid=str(file.uuid), kernels=kernels, images=images)

    def instructions(self, data: bytes, what: str) -> tuple[Command, ...]:
        """Return what an instruction file holds.

        Raises:
            UsageError: NPU055, it is none or damaged.
        """
        transaction = insts.read(Reader(data=data, what=what, code="NPU055"))
        return tuple(of_operations(transaction.operations))


class BinaryProgram:
    """An xclbin with instructions on a simulated array, which keeps its state between calls.

    Args:
        package: What the xclbin holds.
        instructions: What an instruction file holds; a call may bring its own.
        kernel: Name of the kernel, where the xclbin has several.
        limits: When a run is given up.
        recorder: Hears of all that happens, for a timeline.
        code: Makes the programs of cores that execute their program memory; None for
            :func:`translated_code`.

    Raises:
        UsageError: NPU288, there is no such kernel.
        CheckFailed: NPU2xx, the xclbin configures what the array does not have.
    """

    def __init__(
        self,
        package: Package,
        instructions: Sequence[Command] = (),
        *,
        kernel: str | None = None,
        limits: Limits | None = None,
        recorder: Recorder | None = None,
        code: MachineCode | None = None,
    ) -> None:
        self._instructions = instructions
        self._load = partial(
            Executable,
            package.images,
            package.kernel(kernel).image,
            limits=limits,
            recorder=recorder,
            code=code or translated_code,
        )
        self._loaded: Executable | None = self._load()

    def __call__(
        self, *arrays: npt.NDArray[Any], instructions: Sequence[Command] | None = None
    ) -> BinaryRun:
        """Run once.

        Args:
            arrays: The buffers of the call in order: C-contiguous, any dtype, read and
                written in place.
            instructions: Others than those that the program was loaded with.

        Raises:
            CheckFailed: NPU2xx, the design did what the hardware would not survive, or with
                a result that means nothing; NPU203 is a deadlock.
            UsageError: NPU213, the arrays do not suit the instructions.
        """
        executable = self._loaded or self._load()
        # A run that fails leaves cores and channels where they stopped: load again after it.
        self._loaded = None
        played = self._instructions if instructions is None else instructions
        stats = executable.run(played, arrays)
        error, warnings = sort_out(stats.findings, warned_of())
        if error is not None:
            raise error
        self._loaded = executable
        return BinaryRun(
            cycles=stats.cycles, written=list(stats.written), stats=stats, warnings=warnings
        )


def load(
    image: Path,
    instructions: Path,
    *,
    kernel: str | None = None,
    limits: Limits | None = None,
    recorder: Recorder | None = None,
    code: MachineCode | None = None,
) -> BinaryProgram:
    """Load an xclbin (or a PDI) and an instruction file.

    Raises:
        UsageError: NPU050 to NPU057, NPU288, NPU289: a file cannot be read or is not what
            it should be.
        CheckFailed: NPU2xx, it configures what the array does not have.
    """
    reader = ArtifactReader()
    return BinaryProgram(
        reader.package(read_bytes(image), str(image)),
        reader.instructions(read_bytes(instructions), str(instructions)),
        kernel=kernel,
        limits=limits,
        recorder=recorder,
        code=code,
    )


def translated_code(_tile: TileId, memory: ProgramMemory) -> CoreProgram:
    """Return the program of a core that nobody watches, whose code has no symbols.

    It becomes native code where it runs for long and the host has a compiler.
    """
    return core_program(memory, compile_code=compile_loops)


def of_cdos(cdos: Iterable[Cdo]) -> Iterator[Command]:
    """Yield the commands of CDOs as the array knows them, in order."""
    for config in cdos:
        for command in config.commands:
            write = writes.of_command(command)
            if write is not None:
                yield write
            elif isinstance(command, cdo.MaskPoll):
                yield Poll(command.address, command.value, command.mask)
            elif command.opcode in _WITHOUT_EFFECT:
                yield Skipped(cdo.name_of(command.opcode))
            else:
                yield Unmodelled(cdo.name_of(command.opcode))


def of_operations(sequence: Iterable[operations.Operation]) -> Iterator[Command]:
    """Yield the operations of a transaction as the array knows them, in order."""
    for operation in sequence:
        yield writes.of_operation(operation) or _command(operation)


def _command(operation: operations.Operation) -> Command:
    match operation:
        case operations.MaskPoll(address=address, value=value, mask=mask):
            return Poll(address, value, mask)
        case operations.AddressPatch(address=address, argument=argument, offset=offset):
            return Patch(address, argument, offset)
        case operations.Sync() as sync:
            return Sync(
                sync.column, sync.row, sync.direction, sync.channel, sync.columns, sync.rows
            )
        case operations.LoadPdi(pdi_id=number):
            return LoadImage(number)
        case operations.Noop() | operations.Preempt() | operations.RecordTimer():
            return Skipped(operation.mnemonic)
    return Unmodelled(operation.mnemonic)


def _bare(image: Configuration) -> Package:
    kernel = PackagedKernel(name="MLIR_AIE", arguments=_FIXED, image=1)
    return Package(uuid="", kernels=(kernel,), images={1: image})


def _numbers(entry: partition.PartitionPdi, number: int) -> tuple[int, ...]:
    """Return the numbers that a PDI goes by: those of its groups, else its place from 1."""
    return tuple(group.pdi_id for group in entry.groups) or (number,)


def _kernel(kernel: Kernel, file: xclbin.Xclbin) -> PackagedKernel:
    """Return a kernel with the image that one of its ids chooses, else the first."""
    ids = {ip.kernel_id for ip in file.ips if ip.name.split(":")[0] == kernel.name}
    ids |= {kernel.dpu_kernel_id}
    entries = [entry for part in file.partitions for entry in part.pdis]
    groups = [group for entry in entries for group in entry.groups]
    chosen = [group.pdi_id for group in groups if ids & set(group.dpu_kernel_ids)]
    image = chosen[0] if chosen else _numbers(entries[0], 1)[0]
    return PackagedKernel(name=kernel.name, arguments=len(kernel.arguments), image=image)
