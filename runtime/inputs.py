"""What a device refuses before anything runs; the same on every device."""

from __future__ import annotations

from collections.abc import Sequence

from errors import UsageError
from kernels.contract import Arg, Array
from toolchain.artifact import Build


def check_target(build: Build, device: str, target: str) -> None:
    """Refuse a build for another target.

    Args:
        build: What is to be loaded.
        device: What messages call the device.
        target: The target whose builds it runs.

    Raises:
        UsageError: NPU402.
    """
    if build.target != target:
        raise UsageError(
            f"{build.title} is built for {build.target}, and the {device} runs {target} builds",
            cure=f"npulab build --target {target} {build.title}",
            code="NPU402",
        )


def arguments(build: Build, given: tuple[Arg, ...] | None) -> tuple[Arg, ...]:
    """Return the arguments that were given, or else the build's own.

    Raises:
        UsageError: NPU402, there are none.
    """
    found = given if given is not None else build.args
    if found is None:
        raise UsageError(
            f"{build.title} has no contract that says what its arguments are for",
            cure="give the arguments with their roles when you load it",
            code="NPU402",
        )
    return found


def check_inputs(read: Sequence[Arg], inputs: Sequence[Array]) -> None:
    """Refuse inputs that do not fit.

    Args:
        read: The arguments of the program that are read.
        inputs: One array for each, in order.

    Raises:
        UsageError: NPU401 their number, NPU403 a shape or dtype.
    """
    if len(inputs) != len(read):
        raise UsageError(
            f"the program takes {len(read)} inputs and was given {len(inputs)}",
            cure=f"give one array each for: {'; '.join(map(str, read)) or 'none'}",
            code="NPU401",
        )
    for arg, array in zip(read, inputs, strict=True):
        if array.shape != arg.shape or array.dtype != arg.dtype:
            raise UsageError(
                f"the array for {arg.name} does not fit the argument",
                cure="convert it before the call",
                code="NPU403",
                details=(
                    f"expected  {arg.dtype.name}{list(arg.shape)}",
                    f"found     {array.dtype.name}{list(array.shape)}",
                ),
            )
