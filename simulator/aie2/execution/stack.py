"""The stack: it grows up from where the start-up code puts it, towards the buffers behind."""

from __future__ import annotations

from collections.abc import Sequence

from errors import CheckFailed
from simulator.aie2.bundle import Bundle


def moves_stack(bundle: Bundle) -> bool:
    """Tell whether a bundle writes the stack pointer."""
    for instruction in bundle.instructions.values():
        text = str(instruction).partition("\t")[2]
        if instruction.mnemonic.startswith("padd") and text.startswith("[sp]"):
            return True
        if text.startswith("sp,") and not instruction.mnemonic.startswith("st"):
            return True
    return False


class Stack:
    """Watches the stack pointer.

    Args:
        occupied: The core's addresses at which something other than the stack begins, in order.

    Attributes:
        overflow: NPU518, once the stack was too large.
    """

    def __init__(self, occupied: Sequence[int]) -> None:
        self._occupied = occupied
        self._base: int | None = None
        self._end: int | None = None
        self._highest = 0
        self.overflow: CheckFailed | None = None

    @property
    def used(self) -> int:
        """The most bytes that the stack had."""
        return 0 if self._base is None else self._highest - self._base

    def moved(self, pointer: int) -> CheckFailed | None:
        """Look at the stack pointer after it was moved; first it is put to the stack's start.

        Returns:
            NPU518 the first time that the stack is larger than the room for it.
        """
        if self._base is None:
            self._base = pointer
            ends = (address for address in self._occupied if address >= pointer)
            self._end = next(ends, None)
        self._highest = max(self._highest, pointer)
        if self._end is None or pointer <= self._end or self.overflow is not None:
            return None
        self.overflow = CheckFailed(
            f"stack overflow: the stack from {self._base:#x} on grows to"
            f" {pointer - self._base:,} bytes, and what begins {self._end - self._base:,}"
            " bytes behind its start is overwritten",
            cure=f"give the core a stack_size of {pointer - self._base} or more, or keep large"
            " arrays off the stack",
            code="NPU518",
        )
        return self.overflow
