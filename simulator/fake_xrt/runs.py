"""Kernels, runs and runlists of the FAKE pyxrt: a started run computes at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.fake_xrt.board import warn
from simulator.fake_xrt.contexts import HwContext
from simulator.fake_xrt.engines import Bytes, Call
from simulator.fake_xrt.enums import CuMode, ErtCmdState
from simulator.fake_xrt.faults import Ends, Spoiled, Step
from simulator.fake_xrt.memory import BufferObject

OPCODE = 3
"""What the first argument must be: run the instructions of the second."""
_FIRST_BUFFER = 3
_DONE = ErtCmdState(4)
_HUNG = ErtCmdState(8)
_BANK = 0x10000
"""Group of the host's memory in the first context; the instructions' is one more."""


class Kernel:
    """FAKE ``pyxrt.kernel``."""

    cu_access_mode = CuMode
    exclusive = CuMode(0)
    shared = CuMode(1)
    none = CuMode(2)

    def __init__(self, *args: Any, **named: Any) -> None:
        given = dict(zip(("hw_context", "name"), args, strict=False)) | named
        hw_context, name = given.get("hw_context"), given["name"]
        if not isinstance(hw_context, HwContext):
            raise RuntimeError("load_axlf: Operation not supported")
        plain = name.partition(":")[0]
        if plain not in hw_context._content.kernels:
            raise RuntimeError(f"No such kernel '{name}'")
        self._context, self._name = hw_context, plain

    def group_id(self, arg0: int, /) -> int:
        return _BANK + 1 if arg0 == 1 else _BANK

    def __call__(self, *args: Any) -> Run:
        run = Run(self)
        for index, value in enumerate(args):
            run.set_arg(index, value)
        run.start()
        return run


class Run:
    """FAKE ``pyxrt.run``."""

    def __init__(self, arg0: Kernel | None = None, /) -> None:
        self._kernel = arg0
        self._args: dict[int, Any] = {}
        self._state = ErtCmdState(1)

    def set_arg(self, arg0: int, arg1: BufferObject | int, /) -> None:
        kernel = self._bound()
        self._args[arg0] = arg1
        wrong = isinstance(arg1, BufferObject) and arg1._group != kernel.group_id(arg0)
        if isinstance(arg1, BufferObject) and (
            wrong or (arg0 >= _FIRST_BUFFER and kernel._context._board.misplaced())
        ):
            warn(
                f"Kernel {kernel._name} has no compute units with "
                f"connectivity required for global argument at index {arg0}. The argument is "
                f"allocated in bank {arg1._group}, the compute unit is connected to bank "
                f"{kernel.group_id(arg0)}. Allocating local copy of argument buffer in "
                "connected bank."
            )

    def start(self) -> None:
        self._execute(dispatched=True)

    def state(self) -> ErtCmdState:
        return ErtCmdState(7) if self._state == _HUNG else self._state

    def wait(self, arg0: int = 0, /) -> ErtCmdState:
        if self._state == _HUNG:
            if arg0 <= 0:
                raise RuntimeError("the fake does not wait for ever: the run hangs")
            self._bound()._context._board.seconds += arg0 / 1000
        return self._state

    def wait2(self, *unknown: Any) -> None:
        _uncallable("wait2", unknown)
        if self._state != _DONE:
            raise RuntimeError(f"Command failed to complete successfully ({self._state.name})")

    def add_callback(self, *unknown: Any) -> None:
        _uncallable("add_callback", (*unknown, None))

    def get_ctrl_scratchpad_bo(self) -> BufferObject:
        raise RuntimeError("Control scratchpad memory is not present")

    def _bound(self) -> Kernel:
        if self._kernel is None:
            raise RuntimeError("the run is of no kernel")
        return self._kernel

    def _execute(self, *, dispatched: bool) -> None:
        board = self._bound()._context._board
        board.refuse(Step.EXECUTE)
        fault = board.ending()
        cycles = 0
        if isinstance(fault, Ends):
            self._state = ErtCmdState(int(ErtCmdState.__members__[fault.state]))
        elif fault is not None or self._misplaced():
            self._spoil(zero=fault is Spoiled.ZERO)
        else:
            cycles = self._compute()
        board.pass_time(cycles, dispatched=dispatched)

    def _memories(self) -> list[Bytes]:
        """Return the device's copies of the buffers by their place, none where no buffer is."""
        memories: list[Bytes] = []
        for index in range(_FIRST_BUFFER, max(self._args, default=0) + 1):
            value = self._args.get(index)
            held = value._device if isinstance(value, BufferObject) else np.zeros(0, np.uint8)
            memories.append(held)
        return memories

    def _misplaced(self) -> bool:
        kernel = self._bound()
        return any(
            isinstance(value, BufferObject) and value._group != kernel.group_id(index)
            for index, value in self._args.items()
        )

    def _spoil(self, *, zero: bool) -> None:
        self._state = _DONE
        if zero:
            for memory in self._memories():
                memory[...] = 0

    def _compute(self) -> int:
        kernel = self._bound()
        opcode, instructions, size = (self._args.get(index) for index in range(_FIRST_BUFFER))
        if opcode != OPCODE or not isinstance(instructions, BufferObject):
            self._state = ErtCmdState(5)
            return 0
        call = Call(kernel._name, instructions._device, size, self._memories())
        cycles = kernel._context._compute(call)
        self._state = _HUNG if cycles is None else _DONE
        return cycles or 0


class Runlist:
    """FAKE ``pyxrt.runlist``: one dispatch for all its runs."""

    def __init__(self, hwctx: HwContext | None = None) -> None:
        self._context = hwctx
        self._runs: list[Run] = []

    def add(self, run: Run) -> None:
        if run._bound()._context is not self._context:
            raise RuntimeError("runlist and run must be of the same hw_context")
        self._runs.append(run)

    def execute(self) -> None:
        for index, run in enumerate(self._runs):
            run._execute(dispatched=index == 0)

    def wait(self, *unknown: Any, **timeout: Any) -> None:
        _uncallable("wait", (*unknown, *timeout.values()))
        for run in self._runs:
            if run._state != _DONE:
                raise RuntimeError(
                    f"runlist failed execution: state {run._state.name.removeprefix('ERT_CMD_')}"
                )


def _uncallable(name: str, given: tuple[Any, ...]) -> None:
    """Refuse what the real module refuses: its C++ types are bound to nothing of Python."""
    if given:
        raise TypeError(f"{name}(): incompatible function arguments")
