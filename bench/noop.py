"""What `npulab build` costs with nothing to do: whole processes, targets host and aie2.

usage: python bench/noop.py [--runs N]

All variants, in a cache and an output folder of their own. Target aie2 is built with the FAKE
wheels of the tests. The targets take turns; figures are medians with the least and the most.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.aie2.conftest import Wheels, program

NPULAB = (sys.executable, "-m", "npulab")
TARGETS = ("host", "aie2")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def fake_toolchain(folder: Path) -> Iterator[dict[str, str]]:
    """Serve FAKE wheels; yield the environment of a user who has them pinned."""
    (folder / "index").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder / "index"))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    wheels = Wheels(folder / "index", f"http://127.0.0.1:{server.server_port}")
    packer = folder / "xclbinutil"
    packer.write_bytes(program("xclbinutil.py"))
    packer.chmod(0o755)
    fixtures = Path(__file__).parents[1] / "tests" / "artifacts" / "fixtures"
    (folder / "small.xclbin").write_bytes((fixtures / "small.xclbin").read_bytes())
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    yield {
        **kept,
        "NPULAB_PINS": str(wheels.lock_file),
        "NPULAB_PYTHON": "3.11",
        "NPULAB_XCLBINUTIL": str(packer),
        "NPULAB_CACHE": str(folder / "cache"),
        "NPULAB_BUILD": str(folder / "build"),
        "DOCKER_HOST": "unix:///nowhere",  # no engine, as on a machine without one
    }
    server.shutdown()


def timed(environment: Mapping[str, str], *arguments: str) -> tuple[float, float]:
    """Run the command, and return its seconds by the clock and of processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([*NPULAB, *arguments], env=environment, check=True, capture_output=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Build once, then time the builds that have nothing to do."""
    parser = argparse.ArgumentParser(description="Time builds with nothing to do.")
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name, fake_toolchain(Path(name)) as environment:
        timed(environment, "fetch")
        for target in TARGETS:
            timed(environment, "build", "--target", target)
        found: dict[str, list[tuple[float, float]]] = {target: [] for target in TARGETS}
        for _ in range(runs):
            for target in TARGETS:
                found[target].append(timed(environment, "build", "--target", target))
    for target, costs in found.items():
        for what, seconds in zip(("wall", "processor"), zip(*costs, strict=True), strict=True):
            print(
                f"{target:5} {what:10} {statistics.median(seconds):.3f} s "
                f"({min(seconds):.3f}-{max(seconds):.3f})"
            )


if __name__ == "__main__":
    main()
