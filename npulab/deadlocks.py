"""Pictures of deadlocks: written where builds go, named in the error."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from errors import LabError
from runtime.sim import SimDevice, Watchers

if TYPE_CHECKING:
    from simulator.array.deadlock import WaitFor
    from simulator.array.recorder import Recorder


def drawing_device(
    recorder: Recorder | None = None, told: Callable[[WaitFor], None] | None = None
) -> SimDevice:
    """Return the simulator; the error of a deadlock on it names a picture of it.

    Args:
        recorder: Hears of all that happens.
        told: Called with the wait-for graph of a deadlock.
    """

    def on_deadlock(title: str, graph: WaitFor) -> Path | None:
        if told is not None:
            told(graph)
        return draw(title, graph)

    return SimDevice(watchers=Watchers(recorder=recorder, on_deadlock=on_deadlock))


def draw(title: str, graph: WaitFor) -> Path | None:
    """Draw a wait-for graph in ``deadlocks/`` of the build folder, in place of an older one.

    Args:
        title: What ran, such as ``gelu_int8/512``.
        graph: Who waits for what.

    Returns:
        The file, from the current folder on where it lies in it; None where it cannot be
        written: the deadlock is the error to tell, not that.
    """
    from simulator.timeline import wait_for
    from toolchain.storage.disk import replace_file

    path = results_folder("deadlocks") / f"{file_name(title)}.svg"
    try:
        replace_file(path, wait_for.draw(graph).encode())
    except (LabError, OSError):
        return None
    return shortened(path)


def results_folder(name: str) -> Path:
    """Return a folder of the build folder; nobody has made it yet."""
    from toolchain.build import default_root

    return default_root() / name


def file_name(title: str) -> str:
    """Return a title as the stem of a file's name: ``gelu_int8-512``."""
    return re.sub(r"[^\w.-]+", "-", title).strip("-.") or "design"


def shortened(path: Path) -> Path:
    """Return `path` from the current folder on, where it lies in it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
