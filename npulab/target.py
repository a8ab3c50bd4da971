"""What to build for, where the user leaves it to the lab."""

from __future__ import annotations

from dataclasses import dataclass

TARGETS = ("auto", "host", "aie2")


@dataclass(frozen=True)
class Choice:
    """A target, and in one line why it was taken."""

    target: str
    reason: str


def choose(asked: str, python: str | None = None) -> Choice:
    """Return the best target that this machine can build for, or the one that was asked for.

    Args:
        asked: One of `TARGETS`.
        python: The Python variant of the toolchain; see `toolchain.pins.lockfile.own_variant`.

    Raises:
        MissingEnvironment: What was asked for cannot be built here.
    """
    if asked == "host":
        return Choice("host", "asked for")
    if asked == "aie2":
        from toolchain.aie2 import target
        from toolchain.storage.store import Store

        found = target.find(Store(), python)
        wheels = " and ".join(f"{wheel.name} {wheel.version}" for wheel in found.wheels)
        return Choice("aie2", wheels)
    return Choice("host", "the simulated array runs what target host builds")
