"""How long the simulator takes for matmul_int8_array, from 128 to 1,024 cubed.

    python bench/matmul_scaling.py [--check]

Every size runs three times in a process of its own: `first` is all that a call takes in a new
process once the kernel is built (parsing, lowering, checking, running), `again` is a further
run. Both are the fastest of three, and every result is compared with numpy. They are drawn in
build/bench/matmul_scaling.svg. With --check the script ends with 1 where 512 cubed takes more
than 3 s or 1 GiB at first, or where either time grows faster than the work from 128 to 1,024
cubed.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Literal, TypedDict

import numpy as np

from kernels.contract import random_array
from kernels.matmul_int8_array.kernel import MatmulInt8Array

SIZES = (128, 256, 512, 768, 1024)
PROCESSES = 3
SECONDS, MIBS = 3.0, 1024
PICTURE = Path(__file__).resolve().parents[1] / "build" / "bench" / "matmul_scaling.svg"


class Figure(TypedDict):
    """What one size took."""

    size: int
    first_s: float
    again_s: float
    peak_mib: float
    cycles: int


def kernel(size: int) -> MatmulInt8Array:
    """Return a cube on all 16 cores; 128 is too small for tiles of 64 and takes 32."""
    tile = min(64, size // 4)
    return MatmulInt8Array(size, size, size, m=tile, n=tile)


def measure(size: int) -> Figure:
    """Run one size in this process."""
    from runtime.sim import SimDevice
    from toolchain.build import build
    from toolchain.unit import Unit

    variant = kernel(size)
    (built,) = build([Unit.from_kernel(variant)])
    if built.build is None:
        raise built.errors[0]
    inputs = {arg.name: random_array(arg, arg.name, seed=1) for arg in variant.args()[:2]}
    expected = variant.golden(inputs)["C"]
    start = perf_counter()
    program = SimDevice().load(built.build)
    seconds = []
    for _ in range(2):
        result = program(*inputs.values())
        seconds.append(perf_counter() - start)
        if not np.array_equal(result.outputs["C"], expected):
            raise AssertionError(f"{variant.title}: the simulated product is wrong")
        start = perf_counter()
    return {
        "size": size,
        "first_s": seconds[0],
        "again_s": seconds[1],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "cycles": result.timing.cycles or 0,
    }


def measure_apart(size: int) -> Figure:
    """Run one size in processes of its own and return the fastest times."""
    command = [sys.executable, __file__, "--size", str(size)]
    runs: list[Figure] = []
    for _ in range(PROCESSES):
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        runs.append(json.loads(done.stdout))
    return {
        **runs[0],
        "first_s": min(run["first_s"] for run in runs),
        "again_s": min(run["again_s"] for run in runs),
        "peak_mib": max(run["peak_mib"] for run in runs),
    }


def growth(figures: list[Figure], kind: Literal["first_s", "again_s"]) -> float:
    """Return the exponent of time over work between the smallest and the largest size."""
    first, last = figures[0], figures[-1]
    return math.log(last[kind] / first[kind]) / (3 * math.log(last["size"] / first["size"]))


def failures(figures: list[Figure]) -> list[str]:
    """Return what is over its limit, in words."""
    found = []
    for figure in figures:
        if figure["size"] == 512 and figure["first_s"] > SECONDS:
            found.append(f"512 cubed takes {figure['first_s']:.2f} s, more than {SECONDS} s")
        if figure["size"] == 512 and figure["peak_mib"] > MIBS:
            found.append(f"512 cubed takes {figure['peak_mib']:.0f} MiB, more than {MIBS} MiB")
    if max(growth(figures, "first_s"), growth(figures, "again_s")) > 1:
        found.append("time grows faster than the work")
    return found


DASHED = 'stroke="#888" stroke-dasharray="5 4"'


class Chart:
    """Seconds over multiply-accumulates, both logarithmic, as SVG elements."""

    width, height = 640, 400
    left, right, top, bottom = 70, 20, 20, 50

    def __init__(self, macs: list[int], seconds: list[float]) -> None:
        self.x = (math.log10(min(macs)) - 0.2, math.log10(max(macs)) + 0.2)
        self.y = (math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds))))
        self.parts: list[str] = []

    def place(self, macs: float, seconds: float) -> tuple[float, float]:
        """Return a point's position in the picture."""
        x = (math.log10(macs) - self.x[0]) / (self.x[1] - self.x[0])
        y = (math.log10(seconds) - self.y[0]) / (self.y[1] - self.y[0])
        across, up = self.width - self.left - self.right, self.height - self.top - self.bottom
        return self.left + x * across, self.height - self.bottom - y * up

    def text(self, x: float, y: float, words: str, anchor: str = "middle") -> None:
        """Add words."""
        self.parts.append(f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{words}</text>')

    def path(self, points: list[tuple[float, float]], style: str) -> None:
        """Add a line through points of the picture."""
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline fill="none" points="{corners}" {style}/>')

    def curve(
        self, macs: Sequence[float], seconds: Sequence[float], style: str, name: str = ""
    ) -> None:
        """Add a line through measurements, its name above the middle one."""
        points = [self.place(*point) for point in zip(macs, seconds, strict=True)]
        self.path(points, style)
        x, y = points[len(points) // 2]
        self.text(x, y - 8, name, "end")

    def grid(self, macs: list[int], names: list[str]) -> None:
        """Add a line per decade of seconds and per named amount of work."""
        for decade in range(self.y[0], self.y[1] + 1):
            _, y = self.place(macs[0], 10.0**decade)
            self.path([(self.left, y), (self.width - self.right, y)], 'stroke="#ddd"')
            self.text(self.left - 8, y + 4, f"{10.0**decade:g} s", "end")
        for amount, name in zip(macs, names, strict=True):
            x, _ = self.place(amount, 1)
            self.path([(x, self.top), (x, self.height - self.bottom)], 'stroke="#ddd"')
            self.text(x, self.height - self.bottom + 18, name)

    def svg(self) -> str:
        """Return the picture."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}"'
            ' font-family="sans-serif" font-size="12">'
        )
        paper = f'<rect width="{self.width}" height="{self.height}" fill="white"/>'
        return "\n".join([head, paper, *self.parts, "</svg>", ""])


def draw(figures: list[Figure]) -> str:
    """Return the figures as an SVG, with a dashed line in proportion to the work."""
    macs = [figure["size"] ** 3 for figure in figures]
    first = [figure["first_s"] for figure in figures]
    again = [figure["again_s"] for figure in figures]
    chart = Chart(macs, first + again)
    chart.grid(macs, [f"{figure['size']}\u00b3" for figure in figures])
    # The dashed line ends in the largest size and starts where it enters the picture.
    start = max(macs[0], macs[-1] * 10.0 ** chart.y[0] / again[-1])
    chart.curve([start, macs[-1]], [again[-1] * start / macs[-1], again[-1]], DASHED)
    chart.curve(macs, first, 'stroke="#c05a00" stroke-width="2"', "first run, with loading")
    chart.curve(macs, again, 'stroke="#0b62a4" stroke-width="2"', "again")
    middle = (chart.left + chart.width) / 2
    chart.text(middle, chart.height - 10, "multiply-accumulates; dashed: in proportion to them")
    return chart.svg()


def show(words: str) -> None:
    """Print one line."""
    sys.stdout.write(f"{words}\n")


def main(arguments: list[str]) -> int:
    """Measure, print, draw."""
    if arguments[:1] == ["--size"]:
        sys.stdout.write(json.dumps(measure(int(arguments[1]))))
        return 0
    figures = [measure_apart(size) for size in SIZES]
    for figure in figures:
        show(
            f"matmul_int8_array {figure['size']:>4} cubed: first {figure['first_s']:.3f} s, "
            f"again {figure['again_s']:.3f} s, peak {figure['peak_mib']:.0f} MiB, "
            f"{figure['cycles']:,} cycles (modelled)"
        )
    show(
        f"from {SIZES[0]} to {SIZES[-1]} cubed time grows as work^{growth(figures, 'first_s'):.2f}"
        f" (first), work^{growth(figures, 'again_s'):.2f} (again)"
    )
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(draw(figures), encoding="utf-8")
    show(f"drawn in {PICTURE}")
    over = failures(figures)
    for words in over:
        show(f"over the limit: {words}")
    return 1 if over and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
