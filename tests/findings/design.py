"""Wrong designs, one for each finding: read from their files and run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import MemRefType

from errors import LabError
from simulator import Limits, Simulation, check
from simulator.mlir.layouts import layout

FOLDER = Path(__file__).parent / "designs"
LIMITS = Limits(max_cycles=100_000, max_seconds=20)


@dataclass(frozen=True)
class Design:
    """A wrong design.

    Attributes:
        name: Of the finding.
        code: Of the error that it ends with.
        message: Of that error.
        silicon: What a Phoenix would do.
        text: The file, whose first three lines are these.
    """

    name: str
    code: str
    message: str
    silicon: str
    text: str


def read(path: Path) -> Design:
    """Read a file whose first three lines are comments: code, message, what the silicon does."""
    text = path.read_text(encoding="utf-8")
    code, message, silicon = (line.removeprefix("// ") for line in text.splitlines()[:3])
    return Design(path.stem, code, message, silicon, text)


def designs() -> list[Design]:
    """Return all designs, by name."""
    return [read(path) for path in sorted(FOLDER.glob("*.mlir"))]


def run(path: Path) -> LabError | None:
    """Check a design and run it on ramps; return the error that it ends with, if any."""
    text = path.read_text(encoding="utf-8")
    try:
        check(text)
        simulation = Simulation(text, limits=LIMITS)
        arrays = []
        for type_ in simulation.argument_types():
            what = layout(type_) if isinstance(type_, MemRefType) else None
            assert what is not None
            arrays.append(np.arange(what.nbytes, dtype=np.uint8))
        simulation.run(arrays)
    except LabError as error:
        return error
    return None
