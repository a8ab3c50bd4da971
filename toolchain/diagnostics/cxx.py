"""Failures of any C++ compiler, the host's and Peano alike."""

from __future__ import annotations

import re

from toolchain.work.diagnose import Cause

NO_SPACE = Cause(
    pattern=re.compile(r"No space left on device|NoSpaceLeft"),
    message="the compiler finds no space left on the device",
    cure="free some space (npulab clean empties the cache), then build again",
    code="NPU020",
)

NO_HEADER = Cause(
    pattern=re.compile(
        r"fatal error: '?(?P<header>[^'\n]+?)'?(?: file not found|: No such file or directory)"
    ),
    message="there is no header {header}",
    cure="put it beside the source, or include it by a path relative to the source",
    code="NPU015",
)

CAUSES = (NO_SPACE, NO_HEADER)
