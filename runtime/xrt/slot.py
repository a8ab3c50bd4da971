"""A slot: one set of buffers and the run that is bound to them, reused from call to call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kernels.compare import Poison
from kernels.contract import Arg, Array
from runtime.xrt.contexts import Loaded
from runtime.xrt.failures import of_exception, of_warnings
from runtime.xrt.printed import printed

OPCODE = 3
"""The firmware's "run the instructions of argument 1"."""
WORD = 4
"""Bytes of an instruction word."""
_FIRST = 3
"""Index of the first data buffer, after opcode, instructions and their size."""


class Slot:
    """Buffers and a run of one context.

    Args:
        xrt: pyxrt.
        device: Its device.
        loaded: The context; at least as many buffers as there are `args`.
        instructions: Content of insts.bin.
        args: The arguments.
        what: The program's title, for messages.
        shared: Buffers and views of other slots to take for some arguments, by their place.

    Attributes:
        own: The arguments whose buffers are its own.
        loaded: The context.
        run: The run, bound to the buffers once: a call only starts it. None once closed.

    Raises:
        LabError: NPU427 no buffer, NPU440 a buffer in the wrong bank.
    """

    def __init__(
        self,
        xrt: Any,
        device: Any,
        loaded: Loaded,
        instructions: bytes,
        args: Sequence[Arg],
        what: str,
        shared: Mapping[int, tuple[Any, Array]] | None = None,
    ) -> None:
        self.loaded = loaded
        self._shared = shared or {}
        self.own = [arg for index, arg in enumerate(args) if index not in self._shared]
        self._args = args
        self._read = [arg.role.is_read for arg in args]
        self._written = [index for index, arg in enumerate(args) if arg.role.is_written]
        self._code: Any = None
        self.run: Any = None
        self._buffers: list[Any] = []
        self._views: list[Array] = []
        self._patterns: dict[tuple[str, int], Array] = {}
        directions = xrt.xclBOSyncDirection
        self._to = directions.XCL_BO_SYNC_BO_TO_DEVICE
        self._from = directions.XCL_BO_SYNC_BO_FROM_DEVICE
        try:
            with printed() as said:
                self._bind(xrt, device, loaded.kernel, instructions)
        except RuntimeError as error:
            self.close()
            raise of_exception(error, what) from error
        if warned := of_warnings(said.text, what):
            self.close()
            raise warned

    def _bind(self, xrt: Any, device: Any, kernel: Any, instructions: bytes) -> None:
        flags = xrt.bo.flags
        self._code = xrt.bo(device, len(instructions), flags.cacheable, kernel.group_id(1))
        self._code.write(instructions, 0)
        self._code.sync(self._to)
        for index, arg in enumerate(self._args):
            if index in self._shared:
                buffer, view = self._shared[index]
            else:
                group = kernel.group_id(_FIRST + index)
                buffer = xrt.bo(device, arg.nbytes, flags.host_only, group)
                view = np.frombuffer(buffer.map(), arg.dtype, arg.size).reshape(arg.shape)
            self._buffers.append(buffer)
            self._views.append(view)
        self.run = xrt.run(kernel)
        # In words, as the argument's name says (ninstr) and most hosts do: docs/device.md.
        words = len(instructions) // WORD
        for index, value in enumerate((OPCODE, self._code, words, *self._buffers)):
            self.run.set_arg(index, value)

    def close(self) -> None:
        """Let go of run and buffers, whoever still holds the slot (a traceback does)."""
        self.run = self._code = None
        self._shared = {}
        self._views.clear()
        self._buffers.clear()

    def fill(self, inputs: Sequence[Array], poison: Poison) -> None:
        """Copy inputs in and poison the other buffers, all of its own up to the device."""
        given = iter(inputs)
        for index, (arg, view, buffer, is_read) in enumerate(
            zip(self._args, self._views, self._buffers, self._read, strict=True)
        ):
            if index in self._shared:
                continue
            view[...] = next(given) if is_read else self._poisoned(arg, poison)
            buffer.sync(self._to)

    def held(self, name: str) -> tuple[Any, Array]:
        """Return the buffer and the view of an argument."""
        index = [arg.name for arg in self._args].index(name)
        return self._buffers[index], self._views[index]

    def _poisoned(self, arg: Arg, poison: Poison) -> Array:
        """Return what `poison` fills an argument with; made once, for it costs many calls."""
        pattern = self._patterns.get((arg.name, poison.seed))
        if pattern is None:
            pattern = np.empty(arg.shape, arg.dtype)
            poison.fill(pattern)
            self._patterns[arg.name, poison.seed] = pattern
        return pattern

    def outputs(self) -> dict[str, Array]:
        """Return copies of what the device wrote, by name."""
        result = {}
        for index in self._written:
            self._buffers[index].sync(self._from)
            result[self._args[index].name] = self._views[index].copy()
        return result
