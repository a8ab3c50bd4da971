"""Which format a bundle takes, and what its empty slots hold."""

from __future__ import annotations

from functools import cache

from simulator.aie2.assembler.matching import Parsed
from simulator.aie2.assembler.source import Text
from simulator.aie2.bundle import Format, formats
from simulator.aie2.instruction import Instruction, encodings

Slots = frozenset[str]
NOP: Slots = frozenset({"nop"})


@cache
def nop_of(slot: str) -> Instruction:
    """Return the instruction with which a slot does nothing."""
    found = next(e for e in encodings(slot) if e.mnemonic.startswith("nop") and not e.kinds)
    return Instruction(found, ())


@cache
def sizes(slots: Slots) -> dict[int, Format]:
    """Return the formats that have all of `slots`: for each size in bytes the one with the
    fewest others. The lone nop of 16 bits counts as no slot in a longer bundle.
    """
    found: dict[int, Format] = {}
    if slots == NOP:
        found[2] = formats()[16][0]
        slots = frozenset()
    for width, candidates in sorted(formats().items()):
        fits = [form for form in candidates if slots <= set(form.slots.values())]
        if fits:
            found.setdefault(width // 8, min(fits, key=lambda form: len(form.slots)))
    return found


def slots_of(parts: tuple[Parsed, ...], line: Text) -> Slots:
    """Return the slots that a bundle's instructions take.

    Raises:
        UsageError: Two need the same slot, or no format has these slots together (NPU533).
    """
    taken: dict[str, Parsed] = {}
    for part in parts:
        if other := taken.get(part.slot):
            raise part.text.error(
                f"{part.mnemonic} and {other.mnemonic} both need slot {part.slot}",
                "Move one of them to another bundle, or use a mnemonic of another slot"
                " (mova, movx, mov and movxm load a constant in lda, alu, mv and lng).",
                "NPU533",
            )
        taken[part.slot] = part
    slots = frozenset(taken)
    if not sizes(slots):
        raise line.error(
            f"no bundle has the slots {', '.join(sorted(slots))} together",
            "Spread the instructions over two bundles; lng takes the place of alu and mv.",
            "NPU533",
        )
    return slots
