"""One call of an xclbin with its instructions, on files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from errors import UsageError
from kernels.contract import Arg, Array, Role
from npulab import arrays
from npulab.binding import bind_kernel
from npulab.calling import Call
from runtime.binary import ArtifactReader, BinaryProgram
from runtime.device import Basis, Timing
from simulator.array.core_control import MachineCode
from simulator.array.recorder import Recorder
from simulator.binary.arguments import Argument, arguments
from simulator.clock import CLOCK_HZ
from toolchain.artifacts.inspect import read_bytes


def call_binary(
    image: Path,
    instructions: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dtypes: Sequence[str] = (),
    *,
    recorder: Recorder | None = None,
    code: MachineCode | None = None,
) -> Call:
    """Run an xclbin (or a PDI) and its instructions on files, and write the outputs.

    Args:
        image: The xclbin.
        instructions: Its instruction file; which buffers it reads and writes, and how many
            bytes of each, decides what the arguments are.
        inputs: ``[ARG=]FILE``, ARG being ``bo0``, ``bo1``, ... or the number.
        outputs: Likewise.
        dtypes: Of the outputs, in argument order; the last one counts for all that follow.
            Without any they are bytes.
        recorder: Hears of all that happens, for a timeline.
        code: Makes the programs of cores, where somebody is to watch them.

    Raises:
        UsageError: A file is none of its kind, or does not fit.
        CheckFailed: The run failed.
    """
    reader = ArtifactReader()
    commands = reader.instructions(read_bytes(instructions), str(instructions))
    package = reader.package(read_bytes(image), str(image))
    taken = arguments(commands)
    args = _args(taken, dtypes)
    binding = bind_kernel(args, inputs, outputs)
    for path in binding.outputs.values():
        arrays.check_writable(path)
    files = {name: arrays.read_any(path) for name, path in binding.inputs.items()}
    _check_sizes(args, files, binding.inputs)
    buffers = [_buffer(arg, files.get(arg.name)) for arg in args]
    run = BinaryProgram(package, commands, recorder=recorder, code=code)(*buffers)
    found = dict(zip(args, buffers, strict=True))
    results = {arg.name: found[arg] for arg in args if arg.role.is_written}
    for name, path in binding.outputs.items():
        arrays.write(path, results[name])
    seconds = run.cycles / CLOCK_HZ
    timing = Timing(
        dispatch=None, transfer=None, run=seconds, cycles=run.cycles, basis=Basis.MODELLED
    )
    scratch = tuple(a.name for a in args if a.role.is_read and a.name not in files)
    return Call(outputs=results, files=binding.outputs, timing=timing, scratch=scratch)


def _args(taken: Sequence[Argument], dtypes: Sequence[str]) -> tuple[Arg, ...]:
    found = []
    names = [_dtype(name) for name in dtypes] or [np.dtype(np.uint8)]
    left = list(names)
    for argument in taken:
        dtype = np.dtype(np.uint8)
        if argument.is_written:
            dtype = left.pop(0) if left else names[-1]
        count = -(-argument.size // dtype.itemsize)
        found.append(Arg(f"bo{argument.index}", _role(argument), (count,), dtype))
    return tuple(found)


def _role(argument: Argument) -> Role:
    if argument.is_written:
        return Role.INOUT if argument.is_read else Role.OUT
    return Role.IN


def _dtype(name: str) -> np.dtype[Any]:
    from kernels.contract import bfloat16

    try:
        return bfloat16 if name == "bfloat16" else np.dtype(name)
    except TypeError:
        raise UsageError(
            f"--dtype {name}: numpy has no such type",
            cure="use int8, uint8, int16, int32, float32, bfloat16, ...",
            code="NPU406",
        ) from None


def _check_sizes(args: Sequence[Arg], files: dict[str, Array], paths: dict[str, Path]) -> None:
    for arg in args:
        array = files.get(arg.name)
        if array is not None and array.nbytes != arg.nbytes:
            raise UsageError(
                f"{paths[arg.name]} has {array.nbytes} bytes, and the instructions move "
                f"{arg.nbytes} bytes of buffer {arg.name}",
                cure=f"save an array of {arg.nbytes} bytes with np.save",
                code="NPU403",
            )


def _buffer(arg: Arg, array: Array | None) -> Array:
    """Return what the call gets: a copy of the file's bytes, or zeros."""
    if array is None:
        return np.zeros(arg.shape, arg.dtype)
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8).copy()
    return flat.view(arg.dtype)
