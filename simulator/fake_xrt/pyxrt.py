"""FAKE pyxrt: the names of the real module, and nothing of the device. See the package."""

from __future__ import annotations

from simulator.fake_xrt import contexts, enums, memory, runs, unsupported
from simulator.fake_xrt.board import current, warn
from simulator.fake_xrt.unsupported import ext

XCL_BO_FLAGS_NONE = 0
device = contexts.Device
hw_context = contexts.HwContext
uuid = contexts.Uuid
xclbin = contexts.Xclbin
xrt_info_device = enums.DeviceInfo
ert_cmd_state = enums.ErtCmdState
xrt_msg_level = enums.MessageLevel
xclBOSyncDirection = enums.SyncDirection  # noqa: N816 - the real name
bo = memory.BufferObject
kernel = runs.Kernel
run = runs.Run
runlist = runs.Runlist
elf = unsupported.Elf
module = unsupported.Module
program = unsupported.Program
xclbinip_vector = unsupported.Vector
xclbinkernel_vector = unsupported.Vector
xclbinmem_vector = unsupported.Vector
emergency, alert, critical, error, warning, notice, info, debug = map(xrt_msg_level, range(8))

__all__ = [
    "XCL_BO_FLAGS_NONE",
    "alert",
    "bo",
    "critical",
    "debug",
    "device",
    "elf",
    "emergency",
    "enumerate_devices",
    "error",
    "ert_cmd_state",
    "ext",
    "hw_context",
    "info",
    "kernel",
    "log_message",
    "module",
    "notice",
    "program",
    "run",
    "runlist",
    "uuid",
    "warning",
    "xclBOSyncDirection",
    "xclbin",
    "xclbinip_vector",
    "xclbinkernel_vector",
    "xclbinmem_vector",
    "xrt_info_device",
    "xrt_msg_level",
]


def enumerate_devices() -> int:
    """Return how many devices there are."""
    return current().devices


def log_message(arg0: xrt_msg_level, arg1: str, arg2: str, /) -> None:
    """Print a message as XRT does; this one is always taken for a warning."""
    warn(f"{arg0.name}: {arg1}: {arg2}")
