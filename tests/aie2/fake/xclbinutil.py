"""FAKE xclbinutil: gives the xclbin of a real one, under a new random uuid and the time of day.

Just as the real one does, so that what the lab does about both is tested.
"""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path

from toolchain.artifacts import xclbin

TEMPLATE = Path(sys.argv[0]).resolve().parent / "small.xclbin"


def main(arguments: list[str]) -> None:
    if arguments == ["--version"]:
        print("XRT Build Version: 2.25.0 (FAKE)")
        return
    data = TEMPLATE.read_bytes()
    old = xclbin.decode(data)
    new = uuid.uuid4()
    data = data.replace(old.uuid.bytes, new.bytes).replace(old.uuid.hex.encode(), new.hex.encode())
    now = time.time_ns() // 1_000_000_000 + int(new.int % 1000)
    data = data.replace(str(old.timestamp).encode(), str(now).encode())
    stamp = old.timestamp.to_bytes(8, "little")
    data = data.replace(stamp, now.to_bytes(8, "little"), 1)
    Path(arguments[arguments.index("--output") + 1]).write_bytes(data)


main(sys.argv[1:])
