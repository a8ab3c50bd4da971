"""Programs in whose environment the simulated NPU stands in for the real one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import runtime
from errors import UsageError

FOLDER = Path(runtime.__file__).parent / "standin"
"""The folder with the fake pyxrt, and nothing else."""


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return `base` with the folder of the fake pyxrt in front of Python's path."""
    paths = [str(FOLDER), *filter(None, [base.get("PYTHONPATH")])]
    added = {"PYTHONPATH": os.pathsep.join(paths), "NPULAB_SIM_PYTHON": sys.executable}
    return {**base, **added}


def run(program: Sequence[str]) -> NoReturn:
    """Become `program`, with the simulated NPU.

    Raises:
        UsageError: NPU291, it cannot be started.
    """
    sys.stdout.flush()
    try:
        os.execvpe(program[0], list(program), environment(os.environ))  # noqa: S606
    except OSError as error:
        raise UsageError(
            f"cannot start {program[0]}: {error.strerror}",
            cure="give a program on PATH, or a path to one: npulab sim -- python test.py",
            code="NPU291",
        ) from None
