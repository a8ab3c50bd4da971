"""One call on files: of a kernel, held against its golden model, or of a design without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from errors import CheckFailed, UsageError
from kernels.contract import Array, Case, Kernel
from npulab import arrays
from npulab.binding import Binding, bind_kernel, bind_sequence
from npulab.building import build_units, built
from npulab.deadlocks import drawing_device
from npulab.designs import sequence_args
from runtime.device import Timing
from runtime.sim import SimDevice
from runtime.verify import check
from simulator.mlir.design import Design
from toolchain.unit import Unit


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a call gave.

    Attributes:
        outputs: Every output by argument name.
        files: The files that outputs were written to.
        scratch: Arguments that had no file.
        verdict: How the outputs compare with the golden model; None without one.
        failure: Why they are wrong, if they are.
        counted: Whether the cycles of the cores' work are in the time.
    """

    outputs: Mapping[str, Array]
    files: Mapping[str, Path]
    timing: Timing
    scratch: tuple[str, ...] = ()
    verdict: str | None = None
    failure: CheckFailed | None = None
    counted: bool = True


def call_kernel(
    variants: Sequence[Kernel],
    inputs: Sequence[str],
    outputs: Sequence[str],
    device: SimDevice | None = None,
) -> Call:
    """Run the one variant among `variants` on the files, and write its outputs.

    The device is the simulator, with a picture of any deadlock, unless another is given.

    Raises:
        UsageError: Several variants, an input without a file, or a file that does not fit.
        CheckFailed: It does not build, or its run failed.
    """
    kernel = only(variants)
    binding = bind_kernel(kernel.args(), inputs, outputs)
    data = kernel.params() | _read(binding)
    missing = [arg for arg in binding.args if arg.role.is_read and arg.name not in data]
    if missing:
        raise UsageError(
            f"{kernel.title}: no file for {missing[0]}",
            cure="give " + " ".join(f"--in {arg.name}=FILE.npy" for arg in missing),
            code="NPU401",
        )
    device = device or drawing_device()
    program = device.load(built(build_units([Unit.from_kernel(kernel)])[0]))
    report = check(kernel, program, Case("the given files", data))
    if report.result is None:
        raise report.failure or AssertionError
    _write(binding, report.result.outputs)
    return Call(
        outputs=report.result.outputs,
        files=binding.outputs,
        timing=report.result.timing,
        verdict=_verdict(kernel, report.ok),
        failure=report.failure,
    )


def call_design(
    design: Path,
    links: Sequence[Path],
    inputs: Sequence[str],
    outputs: Sequence[str],
    device: SimDevice | None = None,
) -> Call:
    """Run a design outside the lab on the files, and write its outputs; see `call_kernel`.

    Raises:
        UsageError: The design has no runtime sequence, or a file does not fit it.
        CheckFailed: It does not build, or its run failed.
    """
    build = built(build_units([Unit.from_files(design, links)])[0])
    args = sequence_args(Design.parse(build.design, str(design)))
    binding = bind_sequence(args, inputs, outputs)
    data = _read(binding, any_sign=True)
    scratch = [arg for arg in binding.args if arg.role.is_read and arg.name not in data]
    data |= {arg.name: np.zeros(arg.shape, arg.dtype) for arg in scratch}
    program = (device or drawing_device()).load(build, binding.args)
    result = program(*(data[arg.name] for arg in binding.args if arg.role.is_read))
    _write(binding, result.outputs)
    names = tuple(arg.name for arg in scratch)
    return Call(
        outputs={name: array for name, array in result.outputs.items() if name not in names},
        files=binding.outputs,
        timing=result.timing,
        scratch=names,
        counted=False,
    )


def only(variants: Sequence[Kernel]) -> Kernel:
    """Return the one variant that was asked for.

    Raises:
        UsageError: They are several.
    """
    if len(variants) > 1:
        raise UsageError(
            f"{variants[0].kernel_name()} has {len(variants)} variants, and one call runs one",
            cure=f"name it: {', '.join(kernel.title for kernel in variants)}",
        )
    return variants[0]


def _read(binding: Binding, any_sign: bool = False) -> dict[str, Array]:
    """Return the inputs that have files; refuse output files that could not be written."""
    for path in binding.outputs.values():
        arrays.check_writable(path)
    by_name = {arg.name: arg for arg in binding.args}
    return {
        name: arrays.read(path, by_name[name], any_sign) for name, path in binding.inputs.items()
    }


def _write(binding: Binding, outputs: Mapping[str, Array]) -> None:
    for name, path in binding.outputs.items():
        arrays.write(path, outputs[name])


def _verdict(kernel: Kernel, ok: bool) -> str:
    if not ok:
        return "not what the golden model computes"
    return f"agrees with the golden model: {kernel.tolerance}"
