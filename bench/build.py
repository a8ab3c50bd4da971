"""What a build costs: cold, with nothing to do, and after one kernel.cc was touched.

usage: python bench/build.py

Every figure is the median of fresh processes, start-up of Python included, with a cache and
an output folder of their own. Two yardsticks are measured in turn with them: the same compile
commands by hand, one after the other, and a Python that makes the designs but builds nothing.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from kernels import registry
from toolchain.build import build
from toolchain.storage.store import Store
from toolchain.unit import Unit
from toolchain.work.runner import Completed, LocalRunner

RUNS = 5
TOUCHED = "passthrough"


class CommandLog(LocalRunner):
    """A local runner that keeps the shell line of every command."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def run(self, *command: Any, **settings: Any) -> Completed:
        completed = super().run(*command, **settings)
        self.lines.append(completed.repeat)
        return completed


def units(folder: Path) -> list[Unit]:
    """Return every variant of every kernel, compiled from a copy of its sources."""
    made = []
    for kernel in (kernel for name in registry.names() for kernel in registry.find(name)):
        copy = folder / "sources" / kernel.kernel_name()
        if not copy.exists():
            shutil.copytree(kernel.folder(), copy)
        unit = Unit.from_kernel(kernel)
        objects = tuple(replace(o, source=copy / o.source.name) for o in unit.objects)
        made.append(replace(unit, objects=objects))
    return made


def build_all(folder: Path, runner: LocalRunner | None = None) -> str:
    """Build into `folder` and return what was done in words."""
    store = Store(folder / "cache")
    results = build(units(folder), root=folder / "build", store=store, runner=runner)
    errors = [str(error) for result in results for error in result.errors]
    if errors:
        sys.exit("\n".join(errors))
    rebuilt = sum(result.written for result in results)
    return f"{rebuilt} of {len(results)} variants"


def timed(*arguments: str) -> tuple[float, str]:
    """Run this file with `arguments` in a new process and return seconds and its answer."""
    start = time.perf_counter()
    command = [sys.executable, __file__, *arguments]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return time.perf_counter() - start, answer.strip()


def by_hand(lines: list[str], folder: Path) -> float:
    """Run the compile commands one after the other and return seconds."""
    start = time.perf_counter()
    for line in lines:
        subprocess.run(line, shell=True, check=True, cwd=folder, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    seconds: dict[str, list[float]] = {}
    answers: dict[str, str] = {}

    def note(name: str, took: float, answer: str) -> None:
        seconds.setdefault(name, []).append(took)
        answers[name] = answer

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = CommandLog()
        build_all(folder, log)
        compiles = [line for line in log.lines if " -c " in line]
        touched = folder / "sources" / TOUCHED / "kernel.cc"
        for index in range(RUNS):
            for made in ("cache", "build"):
                shutil.rmtree(folder / made)
            note("by hand", by_hand(compiles, folder), f"{len(compiles)} compile commands")
            note("cold", *timed(name))
            note("no-op", *timed(name))
            touched.write_text(touched.read_text() + f"static_assert({index} >= 0);\n")
            note(f"{TOUCHED} touched", *timed(name))
            note("designs only", *timed(name, "designs"))

    base = {"cold": "by hand", "no-op": "designs only", f"{TOUCHED} touched": "cold"}
    print(f"median of {RUNS}, {len(units(Path(name)))} variants")
    for key, values in seconds.items():
        median = statistics.median(values)
        ratio = (
            f"{median / statistics.median(seconds[base[key]]):.2f} x {base[key]}"
            if (key in base)
            else ""
        )
        spread = f"{min(values):.2f}-{max(values):.2f}"
        print(f"{key:20} {median:6.3f} s  {spread:>10}  {ratio:22} {answers[key]}")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    elif len(sys.argv) == 2:
        print(build_all(Path(sys.argv[1])))
    else:
        print(f"{len(units(Path(sys.argv[1])))} designs")
