"""What whole layers and products cost: modelled cycles on the array, seconds and memory here.

    python bench/layers.py [--check]

Each runs once on its demo data, in a process of its own with at most 2 GiB of address space.
Cycles are modelled. *Of peak* is against 16 cores of 256 int8 or 128 bfloat16
multiply-accumulates a cycle. *Dispatch* is the share of 0.134 ms, the part of measured Phoenix
calls that cycles do not explain, at the lab's clock. *Errors* is how many bfloat16 outputs are
0, 1, 2, ... steps from the golden model's, for outputs from 1/2 on, below which a step means
less. With --check the script ends with 1 where a layer is wrong, takes more than 30 s of
processor time, or spends a tenth of its time on dispatch, or a product has less than 70% of peak.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import TypedDict

import numpy as np

LAYERS = (
    "attention_bf16/1500x64",
    "attention_bf16/8x1500x64-15cores",
    "ffn_bf16/1500x512x2048",
    "ffn_int8/3000x512x2048",
    "conv1d_bf16/2x3000x80x512",
    "mel_int16/3000-4x3",
)
PRODUCTS = ("matmul_int8_array/512x512x512-i8", "matmul_bf16_array/512x512x512")
OTHERS = ("matmul_int8_array/512x512x512-i32",)
PEAK = {"int8": 16 * 256, "bfloat16": 16 * 128}
MEMORY = 2 << 30
SECONDS = 30.0


class Figure(TypedDict):
    """What one variant took."""

    title: str
    ok: bool
    cycles: int
    of_peak: float | None
    dispatch: float
    load_s: float
    run_s: float
    processor_s: float
    peak_mib: float
    errors: list[int]


def measure(title: str) -> Figure:
    """Run one variant in this process."""
    from time import perf_counter

    from kernels import registry
    from kernels.contract import bfloat16
    from kernels.contract.tolerance import distance
    from runtime.model import DISPATCH_S
    from runtime.sim import SimDevice
    from runtime.verify import check
    from simulator.clock import CLOCK_HZ
    from toolchain.build import build
    from toolchain.unit import Unit

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    (kernel,) = registry.find(title)
    (built,) = build([Unit.from_kernel(kernel)])
    if built.build is None:
        raise built.errors[0]
    start = perf_counter()
    program = SimDevice().load(built.build)
    loaded = perf_counter()
    case = next(kernel.demo())
    report = check(kernel, program, case)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cycles, steps = report.cycles or 0, []
    if report.result and kernel.args()[0].dtype == bfloat16:
        for name, golden in kernel.golden(case.inputs).items():
            apart = distance(report.result.outputs[name], golden)
            steps.append(apart[np.abs(golden.astype(np.float64)) >= 0.5])
    peak = PEAK.get(kernel.args()[0].dtype.name)
    return {
        "title": title,
        "ok": report.ok,
        "cycles": cycles,
        "of_peak": kernel.work().ops / 2 / cycles / peak if peak else None,
        "dispatch": DISPATCH_S / (DISPATCH_S + cycles / CLOCK_HZ),
        "load_s": loaded - start,
        "run_s": report.seconds,
        "processor_s": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
        "errors": np.bincount(np.concatenate(steps).astype(int)).tolist() if steps else [],
    }


def failures(figure: Figure) -> list[str]:
    """Return what is over its limit, in words."""
    title, found = figure["title"], []
    if not figure["ok"]:
        found.append(f"{title} is wrong")
    if figure["processor_s"] > SECONDS:
        found.append(f"{title} takes {figure['processor_s']:.0f} s of processor time")
    if title in LAYERS and figure["dispatch"] >= 0.1:
        found.append(f"{title} spends {figure['dispatch']:.1%} on dispatch")
    if title in PRODUCTS and (figure["of_peak"] or 0) < 0.7:
        found.append(f"{title} has {figure['of_peak']:.0%} of peak")
    return found


def main() -> None:
    """Print a line for every variant."""
    if "--title" in sys.argv:
        json.dump(measure(sys.argv[-1]), sys.stdout)
        return
    problems: list[str] = []
    print("variant  cycles  of peak  dispatch  load s  run s  processor s  MiB  errors")
    for title in (*LAYERS, *PRODUCTS, *OTHERS):
        command = [sys.executable, __file__, "--title", title]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        one: Figure = json.loads(done.stdout)
        of_peak = f"{one['of_peak']:.1%}" if one["of_peak"] else "-"
        print(
            f"{title}  {one['cycles']:,}  {of_peak}  {one['dispatch']:.1%}  {one['load_s']:.1f}  "
            f"{one['run_s']:.1f}  {one['processor_s']:.1f}  {one['peak_mib']:.0f}  {one['errors']}"
        )
        problems += failures(one)
    for problem in problems:
        print(problem)
    if "--check" in sys.argv and problems:
        sys.exit(1)


if __name__ == "__main__":
    main()
