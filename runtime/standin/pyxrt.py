"""FAKE pyxrt, on the simulated array: what ``npulab sim`` puts in the place of the real one.

This folder holds nothing else, so that a program finds this module and no other of the lab's
by being given the folder.
"""

import os
import sys

try:
    from runtime.fake_npu import start
except ImportError as missing:
    python = os.environ.get("NPULAB_SIM_PYTHON", "the Python that has npulab")
    raise ImportError(
        f"{sys.executable} has no npulab, so it has no simulated NPU: "
        f"start the program with {python}"
    ) from missing

start()

from simulator.fake_xrt.pyxrt import *  # noqa: E402, F403
from simulator.fake_xrt.pyxrt import __all__ as __all__  # noqa: E402
