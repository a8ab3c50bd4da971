"""Designs that are changed at random: whatever they say, the answer is a named error or a run."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import LabError
from simulator import Limits, Simulation
from simulator.mlir.layouts import element, layout

DESIGNS = sorted((Path(__file__).parents[1] / "findings" / "designs").glob("*.mlir"))
LIMITS = Limits(max_cycles=200_000, max_seconds=2)

NUMBER = re.compile(r"(?<![\w%@\"])-?\d+(?![\w.])")
NAME = re.compile(r"[%@^][A-Za-z_]\w*")
WORD = re.compile(
    r"\b(?:MM2S|S2MM|Produce|Consume|Release|AcquireGreaterEqual|DMA|Core|i8|i32|index)\b"
)
NUMBERS = (0, 1, -1, 3, 7, 15, 16, 48, 63, 64, 1023, 4096, 65536, 2**31, 2**32, 2**63, -(2**63))


def mutated(text: str, chance: random.Random) -> str:
    """Return a text with another number, name or word, or with a line gone, twice or moved."""
    lines = text.split("\n")
    kind, line = chance.randrange(6), chance.randrange(len(lines))
    if kind == 0:
        del lines[line]
    elif kind == 1:
        lines.insert(line, chance.choice(lines))
    elif kind == 2:
        other = chance.randrange(len(lines))
        lines[line], lines[other] = lines[other], lines[line]
    if kind <= 2:
        return "\n".join(lines)
    found = list((NUMBER, NAME, WORD)[kind - 3].finditer(text))
    if not found:
        return text
    match = chance.choice(found)
    new = chance.choice(found).group() if kind > 3 else str(chance.choice(NUMBERS))
    return text[: match.start()] + new + text[match.end() :]


def run(text: str) -> None:
    """Load a design and play its sequence on zeros, if it has one that arrays fit."""
    simulation = Simulation(text, limits=LIMITS)
    arrays = []
    for kind in simulation.argument_types():
        what, scalar = layout(kind), element(kind)
        known = what.nbytes if what is not None and None not in what.shape else 0
        arrays.append(np.zeros(known or (scalar.bytes if scalar else 4), np.uint8))
    if sum(array.nbytes for array in arrays) < 1 << 24:
        simulation.run(arrays)


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_changed_design_runs_or_is_refused_by_name(seed: int) -> None:
    chance = random.Random(seed)
    text = chance.choice(DESIGNS).read_text()
    for _ in range(chance.choice((1, 1, 2, 3))):
        text = mutated(text, chance)
    with suppress(LabError):  # anything else is a fault of the front end
        run(text)
