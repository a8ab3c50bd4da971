"""The NPU as a device, through pyxrt: `XrtDevice`, and the stack of software below it."""

from runtime.xrt.device import XrtDevice
from runtime.xrt.stack import Stack, fake_stack, real_stack

__all__ = ["Stack", "XrtDevice", "fake_stack", "real_stack"]
