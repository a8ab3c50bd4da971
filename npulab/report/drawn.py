"""Which timelines a report shows, and telling how far their runs are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from errors import LabError
from kernels import registry
from kernels.contract import Kernel
from npulab.console import stderr
from npulab.report.gather import Data
from npulab.report.timelines import TimelineRecord, timeline


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


def _smallest(data: Data) -> list[Kernel]:
    built = {variant.title for variant in data.variants if variant.builds["host"].manifest}
    groups = [[k for k in registry.find(name) if k.title in built] for name in registry.names()]
    return [group[0] for group in groups if group]
