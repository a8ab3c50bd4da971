"""The NPU of this machine as a device, or the fake in its place."""

from __future__ import annotations

from collections.abc import Mapping

from kernels.contract import Arg
from runtime.inputs import arguments, check_target
from runtime.xrt.contexts import LIMIT, Contexts
from runtime.xrt.failures import failure, of_exception
from runtime.xrt.program import XrtProgram
from runtime.xrt.stack import Stack, real_stack
from toolchain.build import Build

TIMEOUT = 10.0
"""Seconds after which a run counts as hung; the driver's own limit is of this order."""


class XrtDevice:
    """Runs builds on the NPU through pyxrt.

    Args:
        stack: What it stands on: the NPU of this machine unless given.
        contexts: How many hardware contexts it keeps; the pool is shared by all processes.
        timeout: Seconds after which a run counts as hung.

    Raises:
        MissingEnvironment: NPU410 no NPU, NPU411 no pyxrt, NPU412 no right to use it.
    """

    def __init__(
        self, stack: Stack | None = None, *, contexts: int = LIMIT, timeout: float = TIMEOUT
    ) -> None:
        self._stack = stack or real_stack()
        if self._stack.module.enumerate_devices() == 0:
            raise failure("NPU410", "XRT finds no NPU on this machine")
        try:
            self._device = self._stack.module.device(0)
        except RuntimeError as error:
            raise of_exception(error, "opening the NPU") from error
        self._contexts = Contexts(self._stack, self._device, contexts)
        self._timeout = timeout

    @property
    def name(self) -> str:
        """See `runtime.device.Device`."""
        return self._stack.name

    @property
    def target(self) -> str:
        """See `runtime.device.Device`."""
        return self._stack.target

    @property
    def contexts(self) -> int:
        """How many hardware contexts it holds now."""
        return len(self._contexts)

    def load(self, build: Build, args: tuple[Arg, ...] | None = None) -> XrtProgram:
        """See `runtime.device.Device.load`.

        Raises:
            LabError: Anything that XRT and the driver have against it.
        """
        return self._programs(build, {"": arguments(build, args)})[""]

    def load_merged(
        self, build: Build, sequences: Mapping[str, tuple[Arg, ...]]
    ) -> dict[str, XrtProgram]:
        """Prepare a design with several runtime sequences: one context, a program for each.

        Args:
            build: A build for this device's `target`.
            sequences: The arguments of each runtime sequence, by its name.

        Raises:
            LabError: Anything that XRT and the driver have against it.
        """
        return self._programs(build, sequences)

    def _programs(
        self, build: Build, sequences: Mapping[str, tuple[Arg, ...]]
    ) -> dict[str, XrtProgram]:
        check_target(build, self.name, self.target)
        return {
            name: XrtProgram(
                self._stack,
                self._device,
                self._contexts,
                self._stack.files(build, name),
                title=f"{build.title} {name}".rstrip(),
                args=args,
                timeout=self._timeout,
            )
            for name, args in sequences.items()
        }

    def close(self) -> None:
        """Give every context back to the pool."""
        self._contexts.close()
