"""The FAKE device behind the FAKE pyxrt: a pool of contexts, scripted faults, a clock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from simulator.clock import CLOCK_HZ
from simulator.fake_xrt.faults import Ends, Fault, Refused, Spoiled, Step

if TYPE_CHECKING:
    from simulator.binary.package import Reader

POOL = 6
"""Contexts that the amdxdna driver gives out on Phoenix at once, to all processes together."""
DISPATCH = 140e-6
"""Modelled seconds from submitting a command to hearing of its end, without its work."""


class Board:
    """A device that is not there.

    Args:
        devices: How many devices the module finds: 0 or 1.
        reader: Reads real xclbins and instructions; without one only fakes of them load.
        pool: Contexts that can be alive at once.
        noise: Gives the factor by which the next run takes longer; exactly 1 unless given.

    Attributes:
        foreign: Contexts of the pool that other processes hold.
        seconds: The board's own, modelled clock.
        runs: Commands executed.
        findings: What the simulated array said of runs that went wrong.
    """

    def __init__(
        self,
        *,
        devices: int = 1,
        pool: int = POOL,
        noise: Callable[[], float] | None = None,
        reader: Reader | None = None,
    ) -> None:
        self.devices = devices
        self.pool = pool
        self.noise = noise
        self.reader = reader
        self.foreign = 0
        self.seconds = 0.0
        self.runs = 0
        self.findings: list[BaseException] = []
        self._faults: deque[Fault] = deque()
        self._contexts: WeakSet[Any] = WeakSet()

    def script(self, *faults: Fault) -> None:
        """Let these happen, each at the next call that it concerns."""
        self._faults.extend(faults)

    @property
    def contexts(self) -> int:
        """Contexts alive, other processes' included."""
        return len(self._contexts) + self.foreign

    def now(self) -> float:
        """Return modelled seconds since the board was made."""
        return self.seconds

    def attach(self, context: object) -> None:
        """Give a context out of the pool.

        Raises:
            RuntimeError: The pool is used up, or a fault is scripted.
        """
        self.refuse(Step.CONTEXT)
        if self.contexts >= self.pool:
            raise refusal(Refused(Step.CONTEXT, 2))
        self.refuse(Step.CONFIGURE)
        self._contexts.add(context)

    def refuse(self, step: Step) -> None:
        """Raise if the next fault of the script is a refusal of `step`."""
        fault = self._faults[0] if self._faults else None
        if isinstance(fault, Refused) and fault.step is step:
            self._faults.popleft()
            raise refusal(fault)

    def ending(self) -> Ends | Spoiled | None:
        """Take the next fault of the script if it concerns a run."""
        if self._faults and isinstance(self._faults[0], Ends | Spoiled):
            fault = self._faults.popleft()
            return fault if isinstance(fault, Ends | Spoiled) else None
        return None

    def misplaced(self) -> bool:
        """Whether the next run is scripted to warn of a bank."""
        return bool(self._faults) and self._faults[0] is Spoiled.BANK

    def pass_time(self, cycles: int, *, dispatched: bool) -> None:
        """Let a run's time go by."""
        factor = self.noise() if self.noise else 1.0
        self.seconds += factor * (cycles / CLOCK_HZ + (DISPATCH if dispatched else 0.0))
        self.runs += 1


def refusal(fault: Refused) -> RuntimeError:
    """Return what XRT raises when the driver refuses."""
    status = f", status 0x{fault.status:x}" if fault.status else ""
    text = os.strerror(fault.errno)
    return RuntimeError(f"{fault.step.value} IOCTL failed (err=-{fault.errno}): {text}{status}")


def warn(text: str) -> None:
    """Print a warning as XRT's C++ does: past Python, to file descriptor 2."""
    os.write(2, f"[XRT] WARNING: {text}\n".encode())


_current = Board()


def current() -> Board:
    """Return the board that new devices are of."""
    return _current


def install(board: Board) -> Board:
    """Let new devices be of `board`, and return it."""
    global _current  # noqa: PLW0603 - the real module has one set of devices per process too
    _current = board
    return board
