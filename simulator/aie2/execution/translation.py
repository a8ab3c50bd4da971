"""Bundles as Python functions: what a bundle does in its cycle, written out once.

A bundle's function reads all its stage-1 operands, computes, then writes. What happens
in later stages goes onto the core's rings, by the cycle in which it happens:

- ``landing``: values that become visible, as (store, place, value);
- ``pending``: reads of later stages and what follows from them, as (function, arguments);
- ``storing``: stores of later stages, likewise.

Memory is kept as it is seen in stage 5, where loads and most stores access it: they act
at issue, and an access of stage n acts n - 5 cycles after issue. Registers are not
shifted: a part-word store loads its word at once, samples its data six cycles later and
puts the merged word back after that cycle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import Any

from simulator.aie2.bundle import Bundle
from simulator.aie2.execution.wording import InstructionText, Text, indented


@lru_cache(maxsize=1 << 16)
def translate(key_: _Key) -> tuple[CodeType, dict[str, Any]]:
    """Return the code that defines ``waits`` and ``bundle``, and the constants it needs.

    Raises:
        CheckFailed: NPU510, an instruction is not implemented.
    """
    text = Text()
    for number, instruction in enumerate(key_.bundle.instructions.values()):
        InstructionText(text, number, instruction, key_.returns).write()
    lines = [*text.late, "def bundle(c):", *indented(text.compute), *indented(text.commit)]
    lines.append(f"    return {text.target or None}")
    lines.append(f"waits = [{', '.join(text.waits)}]")
    return compile("\n".join(lines), f"<bundle {key_.bundle}>", "exec"), text.names


@dataclass(frozen=True)
class _Key:
    """A bundle by its text: the same code wherever it lies.

    Attributes:
        returns: Where a call in it returns to.
    """

    text: str
    returns: int
    bundle: Bundle = field(compare=False, repr=False)


def key(bundle: Bundle, returns: int) -> _Key:
    """Return what :func:`translate` takes."""
    return _Key(f"{bundle}", returns, bundle)
