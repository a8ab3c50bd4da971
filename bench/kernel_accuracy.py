"""How far the bfloat16 kernels are from their float64 definitions: histograms of ULPs.

    python bench/kernel_accuracy.py [KERNEL...]

Every variant with a floating-point output runs on the simulated array, on its demo and on its
random cases. An element's distance from the float64 result, rounded to bfloat16, is counted in
representable values (ULP): 0 is the nearest that there is. Nothing is rounded on the way to that
result, also where the golden model rounds (`Kernel.real`). Elements below an eighth of the
tolerance's floor are left out, for their error counts absolutely: where values cancel, few bits
are left. The last column is the largest error against the golden model, in the tolerance's own
unit, as a share of it.
"""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from kernels import registry
from kernels.contract import Kernel
from kernels.contract.tolerance import distance, is_float
from runtime.device import Program
from runtime.sim import SimDevice
from toolchain.build import build
from toolchain.unit import Unit

Steps = NDArray[np.int64]

BINS = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (9, None))


def variants(names: list[str]) -> list[Kernel]:
    """Return the variants of `names`, or of all kernels, that give floats by the vector unit."""
    every = [kernel for name in names or registry.names() for kernel in registry.find(name)]
    return [
        kernel
        for kernel in every
        if any(arg.role.is_written and is_float(arg.dtype) for arg in kernel.args())
        and getattr(kernel, "version", "vector") != "scalar"
    ]


def measured(kernel: Kernel, program: Program) -> tuple[Steps, float]:
    """Return the ULPs of all elements that count, and the largest error as a share of the limit."""
    steps, worst = [], 0.0
    random = (case for case in kernel.cases() if case.name.startswith("random"))
    for case in chain(kernel.demo(), random):
        read = [case.inputs[arg.name] for arg in kernel.args() if arg.role.is_read]
        outputs, golden = program(*read).outputs, kernel.golden(case.inputs)
        spreads = kernel.spreads(case.inputs)
        for name, real in kernel.real(case.inputs).items():
            tolerance = kernel.tolerance.with_spread(spreads.get(name))
            error = tolerance.error(outputs[name], golden[name])
            worst = max(worst, float(error.max()) / tolerance.limit)
            counts = ~tolerance.small(real)
            steps.append(distance(outputs[name], real)[counts])
    return np.concatenate(steps).astype(np.int64), worst


def share(steps: Steps, low: int, high: int | None) -> float:
    """Return the share of the elements from `low` to `high` ULP off."""
    return float(np.mean((steps >= low) & (steps <= (steps.max() if high is None else high))))


def main(names: list[str]) -> None:
    """Measure and print a table in Markdown."""
    chosen = variants(names)
    heads = [
        f"{low}" if low == high else f"{low}-{high}" if high else f"{low}+" for low, high in BINS
    ]
    lines = [f"| kernel | elements | {' | '.join(heads)} | of the tolerance |"]
    lines.append("|---" * (len(heads) + 3) + "|")
    with TemporaryDirectory() as folder:
        results = build([Unit.from_kernel(kernel) for kernel in chosen], root=Path(folder))
        for kernel, result in zip(chosen, results, strict=True):
            if result.build is None:
                raise result.errors[0]
            steps, worst = measured(kernel, SimDevice().load(result.build))
            shares = [f"{share(steps, *bounds):.2%}" for bounds in BINS]
            lines.append(
                f"| {kernel.title} | {steps.size:,} | {' | '.join(shares)} | {worst:.0%} |"
            )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
