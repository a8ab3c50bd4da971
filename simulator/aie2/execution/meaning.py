"""What instructions compute: functions of the values that they read.

A meaning takes the operands that its instruction reads, in the order of the text, then
the registers that the schedule adds (``reads``), and returns what is written: a value, or
a tuple where there are several (``writes`` last). Scalars are unsigned numbers, vectors
bytes. A meaning knows nothing of registers and cycles; the schedule table does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Value: TypeAlias = int | bytes
Meaning: TypeAlias = Callable[..., Any]

MEANINGS: dict[str, Meaning] = {}
"""By mnemonic; of loads and stores, what happens to the value on its way."""


def means(*mnemonics: str) -> Callable[[Meaning], Meaning]:
    """Register a function as the meaning of `mnemonics`."""

    def register(function: Meaning) -> Meaning:
        for mnemonic in mnemonics:
            MEANINGS[mnemonic] = function
        return function

    return register


def signed(value: int) -> int:
    """Return a 32-bit register's value as a two's complement number."""
    return (value ^ 0x8000_0000) - 0x8000_0000
