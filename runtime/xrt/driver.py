"""What the amdxdna driver says of the NPU: its clocks, power mode and firmware.

Asked by the driver's own GET_INFO ioctl (`include/uapi/drm/amdxdna_accel.h` of Linux), which
needs neither XRT nor root, only a node that may be opened.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtime.xrt.stack import npu_node

_COMMAND_BASE = 0x40
_GET_INFO = 7
_ARGUMENT = struct.Struct("=IIQ")
"""Parameter, size of the buffer, address of the buffer."""
_READ_WRITE = 3
REQUEST = _READ_WRITE << 30 | _ARGUMENT.size << 16 | ord("d") << 8 | (_COMMAND_BASE + _GET_INFO)
"""DRM_IOWR(DRM_COMMAND_BASE + DRM_AMDXDNA_GET_INFO, struct amdxdna_drm_get_info)"""

CLOCKS, FIRMWARE, POWER_MODE, RESOURCES = 3, 8, 9, 12
"""Parameters of enum amdxdna_drm_get_param."""
_CLOCK = struct.Struct("=16sII")
_FIRMWARE = struct.Struct("=4I")
_RESOURCES = struct.Struct("=5Q")
_POWER_MODES = ("default", "powersaver", "balanced", "performance", "turbo")
"""enum amdxdna_power_mode_type, by the names that xrt-smi takes."""

Ask = Callable[[int, int, bytearray], object]
"""An ioctl: file descriptor, request, argument."""


@dataclass(frozen=True, kw_only=True)
class DriverInfo:
    """What the driver tells; None where it does not.

    Attributes:
        clocks: MHz of each clock by the driver's name: ``H Clock``, ``MP-NPU Clock``.
        most: MHz that the H clock can have.
        power_mode: Its name, as `xrt-smi configure --pmode` takes it.
        firmware: Version.
    """

    clocks: dict[str, int]
    most: int | None = None
    power_mode: str | None = None
    firmware: str | None = None


NOTHING = DriverInfo(clocks={})


def driver_info(node: Path | None = None, ask: Ask = fcntl.ioctl) -> DriverInfo:
    """Ask the driver; a node that is not there, or may not be opened, says nothing.

    Args:
        node: The NPU's; it is looked for unless given.
        ask: The ioctl.
    """
    try:
        handle = os.open(node or npu_node(), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return NOTHING
    try:
        return _asked(handle, ask)
    finally:
        os.close(handle)


def _asked(handle: int, ask: Ask) -> DriverInfo:
    clocks = _answer(handle, ask, CLOCKS, 2 * _CLOCK.size)
    mode = _answer(handle, ask, POWER_MODE, 8)
    firmware = _answer(handle, ask, FIRMWARE, _FIRMWARE.size)
    resources = _answer(handle, ask, RESOURCES, _RESOURCES.size)
    return DriverInfo(
        clocks=_clocks(clocks) if clocks else {},
        most=(_RESOURCES.unpack(resources)[0] or None) if resources else None,
        power_mode=_POWER_MODES[mode[0]] if mode and mode[0] < len(_POWER_MODES) else None,
        firmware=".".join(map(str, _FIRMWARE.unpack(firmware))) if firmware else None,
    )


def _answer(handle: int, ask: Ask, parameter: int, size: int) -> bytes | None:
    """Return what the driver writes; None where it does not know the parameter."""
    buffer = ctypes.create_string_buffer(size)
    argument = bytearray(_ARGUMENT.pack(parameter, size, ctypes.addressof(buffer)))
    try:
        ask(handle, REQUEST, argument)
    except OSError:
        return None
    return buffer.raw


def _clocks(answer: bytes) -> dict[str, int]:
    found = {}
    for name, mhz, _ in _CLOCK.iter_unpack(answer):
        found[name.split(b"\0")[0].decode(errors="replace")] = mhz
    return {name: mhz for name, mhz in found.items() if name and mhz}
