"""Whether arrays are what a program's arguments say; the same on every device."""

from __future__ import annotations

from collections.abc import Sequence

from errors import UsageError
from kernels.contract import Arg, Array


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
