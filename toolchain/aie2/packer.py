"""xclbinutil, which packs the xclbin for aiecc: it comes with XRT, not with the wheels."""

from __future__ import annotations

import os
from pathlib import Path

from errors import MissingEnvironment, UsageError

SETTING = "NPULAB_XCLBINUTIL"
PLACES = (Path("/usr/bin/xclbinutil"), Path("/opt/xilinx/xrt/bin/xclbinutil"))
"""Where Debian's libxrt-utils and AMD's own packages put it. ``PATH`` is never searched."""


def find() -> Path:
    """Return the program that ``$NPULAB_XCLBINUTIL`` names, or the one of `PLACES`.

    Raises:
        UsageError: NPU038, the setting names no program.
        MissingEnvironment: NPU038, there is none.
    """
    chosen = os.environ.get(SETTING)
    if chosen:
        path = Path(chosen).expanduser().absolute()
        if path.is_file() and os.access(path, os.X_OK):
            return path
        raise UsageError(
            f"{SETTING} is set to {chosen}, and there is no such program",
            cure=f"set {SETTING} to the path of XRT's xclbinutil, or unset it",
            code="NPU038",
        )
    for path in PLACES:
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise MissingEnvironment(
        f"there is no xclbinutil in {' or '.join(str(path.parent) for path in PLACES)}",
        cure=f"install XRT's tools (Debian: libxrt-utils), or set {SETTING} to its path",
        code="NPU038",
    )
