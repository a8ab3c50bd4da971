"""The devices that the lab can run on, by the name that `--device` takes."""

from __future__ import annotations

from collections.abc import Callable

from errors import UsageError, nearest
from runtime.device import Device


def _sim() -> Device:
    from runtime.sim import SimDevice

    return SimDevice()


def _xrt() -> Device:
    from runtime.xrt import XrtDevice

    return XrtDevice()


def _fake() -> Device:
    from runtime.xrt import XrtDevice, fake_stack

    return XrtDevice(fake_stack())


DEVICES: dict[str, Callable[[], Device]] = {"xrt": _xrt, "sim": _sim, "fake": _fake}
"""The NPU through pyxrt; the simulated array; the simulated array behind a fake of pyxrt."""


def open_device(name: str) -> Device:
    """Return the device of a name.

    Raises:
        UsageError: There is none of that name.
        MissingEnvironment: This machine does not have it.
    """
    if name not in DEVICES:
        raise UsageError(
            f"no device {name!r}{nearest(name, list(DEVICES))}",
            cure=f"use one of: {', '.join(DEVICES)}",
            code="NPU441",
        )
    return DEVICES[name]()
