"""Building: units in, folders with a manifest out.

``build/<target>/<name>/<label>/`` holds the design as it was written (``design.mlir``), one
library per object (``kernel.so``), the compiler's warnings if there were any
(``kernel.log``), what the design takes of the array (``resources.json``) and
``manifest.json``, which vouches for them all.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from errors import UsageError, nearest
from toolchain import as_built
from toolchain.artifact import Build
from toolchain.host.target import HostTarget
from toolchain.session import BuildResult, Session
from toolchain.storage.store import CorruptBlob, Store
from toolchain.target import MakeTarget, Target
from toolchain.unit import Unit
from toolchain.work.progress import Progress, Quiet
from toolchain.work.runner import LocalRunner, Runner

__all__ = ["TARGETS", "Build", "BuildResult", "build", "default_root"]


def _aie2(store: Store, runner: Runner) -> Target:
    """Import what builds for the NPU only for who does: a no-op build is short."""
    from toolchain.aie2.target import Aie2Target

    return Aie2Target(store, runner)


TARGETS: dict[str, MakeTarget] = {"host": HostTarget, "aie2": _aie2}

ATTEMPTS = 3
"""Times that a build starts over because the cache turned out to be damaged."""


def default_root() -> Path:
    """Return ``$NPULAB_BUILD``, or ``build`` in the lab's checkout or the current folder."""
    if chosen := os.environ.get("NPULAB_BUILD"):
        return Path(chosen).expanduser().absolute()
    checkout = Path(__file__).resolve().parents[1]
    base = checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()
    return base / "build"


def build(
    units: Sequence[Unit],
    *,
    target: str = "host",
    jobs: int | None = None,
    progress: Progress | None = None,
    root: Path | None = None,
    store: Store | None = None,
    runner: Runner | None = None,
) -> list[BuildResult]:
    """Build every unit, going on with the others where one fails; or take what is `as_built`.

    Args:
        units: What to build.
        target: One of `TARGETS`.
        jobs: Steps that run at the same time; as many as this process may use
            processors unless given.
        progress: Takes the events.
        root: Folder of all outputs; see :func:`default_root`.
        store: The cache; the user's unless given.
        runner: Where commands run; this machine unless given.

    Returns:
        One result per unit, in order.

    Raises:
        UsageError: No such target.
        MissingEnvironment: No compiler, no space, no right to write.
    """
    if target not in TARGETS:
        raise UsageError(
            f"no target {target!r}{nearest(target, list(TARGETS))}",
            cure=f"use one of: {', '.join(TARGETS)}",
            code="NPU009",
        )
    if as_built.asked_for():
        return as_built.take(units, (root or default_root()) / target)
    store = store or Store()
    runner = runner or LocalRunner()
    session = Session(
        store=store,
        runner=runner,
        target=TARGETS[target](store, runner),
        root=(root or default_root()) / target,
        jobs=jobs or len(os.sched_getaffinity(0)),
        progress=progress or Quiet(),
    )
    for attempt in range(ATTEMPTS):
        try:
            return session.build(units)
        except CorruptBlob:
            if attempt == ATTEMPTS - 1:
                raise
            store.verify()
    raise AssertionError
