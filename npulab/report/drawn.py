"""What a report computes itself, timelines and models: which, and telling how far that is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from errors import LabError
from kernels import registry
from kernels.contract import Kernel
from npulab.console import stderr
from npulab.report.gather import Data
from npulab.report.models import prediction
from npulab.report.timelines import TimelineRecord, timeline
from runtime.model import Prediction


def draw_timelines(
    root: Path, data: Data, chosen: Sequence[Sequence[Kernel]]
) -> dict[str, TimelineRecord | str]:
    """Return the timelines of the variants chosen, by title.

    Args:
        root: The build folder.
        data: What was gathered.
        chosen: Variants; the smallest that is built of each kernel unless any are given.

    Returns:
        A sentence in place of a timeline of a run that cannot begin; nothing of a variant that
        is not built.
    """
    wanted = [kernel for group in chosen for kernel in group] or _smallest(data)
    found: dict[str, TimelineRecord | str] = {}
    with stderr().status("") as status:
        for kernel in dict.fromkeys(wanted):
            status.update(f"timeline of {kernel.title}")
            line = timeline(root, kernel)
            if line is not None:
                found[kernel.title] = str(line) if isinstance(line, LabError) else line
    return found


def model(root: Path, data: Data) -> dict[str, Prediction]:
    """Return what the model says of every variant that is built and has vector code, by title."""
    known = [kernel for name in registry.names() for kernel in registry.find(name)]
    scalar = [kernel.title for kernel in known if kernel.label.endswith("-scalar")]
    built = _built(data) - set(scalar)
    found: dict[str, Prediction] = {}
    with stderr().status("") as status:
        for kernel in known:
            if kernel.title in built:
                status.update(f"model of {kernel.title}")
                one = prediction(root, kernel)
                if one is not None:
                    found[kernel.title] = one
    return found


def _built(data: Data) -> set[str]:
    return {variant.title for variant in data.variants if variant.builds["host"].manifest}


def _smallest(data: Data) -> list[Kernel]:
    built = _built(data)
    groups = [[k for k in registry.find(name) if k.title in built] for name in registry.names()]
    return [group[0] for group in groups if group]
