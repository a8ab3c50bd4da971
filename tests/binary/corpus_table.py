"""What the public collection of binaries shows: which designs run, whose outputs are right, and
how near the predicted times are to the measured ones.

::

    NPULAB_AIE2_CORPUS=folder python -m tests.binary.corpus_table

prints both tables of docs/binaries.md. Every design runs its machine code end to end, from the
PDI and the lowered MLIR's runtime sequence; outputs are compared with the C source beside
it, compiled for this machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from errors import LabError, UsageError
from runtime.binary import ArtifactReader
from simulator.aie2 import disassemble
from simulator.aie2.assembler import assemble
from simulator.aie2.listing import plain
from simulator.aie2.machine import ProgramMemory
from simulator.array.config import CoreProgram, TileId
from simulator.array.core_control import MachineCode, machine_code
from simulator.array.host import Limits
from simulator.binary.executable import Executable
from simulator.binary.package import Package
from simulator.clock import CLOCK_HZ
from simulator.mlir.layouts import layout
from tests.execution.test_corpus import CASES, Case, compiled, computed, data_for

DISPATCH_MS = 0.134
"""One constant for all rows: what a call costs without a core's work."""

_NAMES = {case.name: case for case in CASES}


def _like(name: str, **changes: object) -> Case:
    return replace(_NAMES[name], **changes)  # type: ignore[arg-type]


_MEL = Case("mel_kernel_simple", "", "", 800, 80)
_FUNCTIONS: dict[str, Case] = {
    "build_gelu/gelu_simple": _NAMES["gelu_int8_512"],
    "build_gelu/gelu_2048": _NAMES["gelu_int8_2048"],
    "build_matmul_fixed/matmul_fixed": _NAMES["matmul_int8_16x16_packed"],
    "build_matmul_32x32/matmul_32x32": Case(
        "matmul_int8_32x32_packed", "", "matmul_int8_32x32.c", 2048, 1024
    ),
    "build_layernorm/layernorm_simple": _NAMES["layernorm_int8_256"],
    "build_attention/attention_simple": _like("attention_16x16", numbers=(4,)),
    "build_attention_64x64/attention_64x64": _like("attention_64x64", numbers=(4,)),
    "build_attention_int32/attention_64x64": _like("attention_64x64", numbers=(4,)),
    "build_layernorm/layernorm_bf16": _NAMES["layernorm_simple_bf16"],
    "build_gelu/gelu_bf16": _NAMES["gelu_bf16"],
    "build_softmax_bf16/softmax_bf16": _NAMES["softmax_bf16"],
    "build_softmax_multicolumn/softmax_multicolumn_4tile": _NAMES["softmax_bf16"],
    "build_softmax_multicolumn_fixed/softmax_multicolumn_combined": _NAMES["softmax_bf16"],
    "build_softmax_parallel/softmax_parallel_2tile": _NAMES["softmax_bf16"],
    "build_softmax_batched/softmax_batched_bf16": Case(
        "softmax_batched_bf16_4",
        "",
        "kernels_xdna1/softmax_bf16_xdna1_batched.cc",
        8192,
        8192,
        is_float=True,
    ),
    "build_final/test_nosqrt_ln": Case(
        "layernorm_512_nosqrt",
        "",
        "kernels_xdna1/layernorm_512_nosqrt.cc",
        1024,
        1024,
        is_float=True,
    ),
    "build_layernorm_nosqrt/test_nosqrt_ln": Case(
        "layernorm_512_nosqrt",
        "",
        "kernels_xdna1/layernorm_512_nosqrt.cc",
        1024,
        1024,
        is_float=True,
    ),
    "build_int/mel_int": replace(_MEL, source="../mel_kernels/mel_kernel_int_only.c"),
    "build_minimal/mel_minimal": replace(_MEL, source="../mel_kernels/mel_kernel_minimal.c"),
    "mel_kernels/mel_with_loop_linkwith": replace(
        _MEL, source="../mel_kernels/mel_kernel_simple.c"
    ),
}
"""The function of a design whose source lies beside it, by the design's folder."""

LIMITS = Limits(max_seconds=1200)
"""For four attentions in a row on a busy machine."""

ELSEWHERE = 0x7C000
"""Behind the buffers and data of every design whose stack is too small."""

MOVED = "runs to its end"
"""What is said of a design without a source, once its stack lies elsewhere."""

MEASURED = {
    "build_gelu/gelu_simple": ("GELU int8, 512", 0.142, 0.161),
    "build_gelu/gelu_2048": ("GELU int8, 2,048", 0.171, 0.171),
    "build_layernorm/layernorm_simple": ("layernorm int8, 256", 0.15, 0.17),
    "build_matmul_fixed/matmul_fixed": ("matmul int8, 16x16", 0.493, 0.493),
    "build_attention_64x64/attention_64x64": ("attention int8, 64x64", 2.07, 2.23),
}
"""What the first lab measured on Phoenix: the row's name, the least and the most milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What became of a design.

    Attributes:
        cycles: End to end: the host's commands, DMAs, locks and cores.
        core: Of the core that worked longest.
        output: What the last buffer held.
        findings: Codes of what was found.
        failure: The code of what ended it.
    """

    name: str
    cycles: int = 0
    core: int = 0
    output: bytes = b""
    findings: tuple[str, ...] = ()
    failure: str = ""


def designs(folder: Path) -> Iterator[tuple[str, Path, Package]]:
    """Yield each PDI that can be read and has its lowered MLIR beside it, and a name for it."""
    reader = ArtifactReader()
    for path in sorted(folder.rglob("*.pdi")):
        if not (path.parent / "npu_insts.mlir").exists():
            continue
        try:
            package = reader.package(path.read_bytes(), str(path))
        except UsageError:
            continue
        yield f"{path.parents[1].name}/{path.parent.name.split('.')[0]}", path, package


def moved_stack(tile: TileId, memory: ProgramMemory) -> CoreProgram:
    """Return the program of a core whose start-up code puts the stack behind all buffers."""
    for address, bundle in disassemble(bytes(memory.data[: memory.extent])):
        if plain(bundle).startswith("movxm sp,"):
            memory.write(address, assemble(f"__start:\nmovxm sp, #{ELSEWHERE}\n").code)
            return machine_code(tile, memory)
    raise AssertionError("no start-up code")


def run(
    name: str,
    path: Path,
    package: Package,
    data: bytes | None = None,
    code: MachineCode = machine_code,
) -> Ran:
    """Run a design end to end on `data`, else on random bytes."""
    from tests.binary.test_corpus import lowered_beside

    design = lowered_beside(path)
    sequence = design.sequence(None)
    types = [layout(argument.type) for argument in sequence.body.blocks[0].args]
    random = np.random.default_rng(1)
    sizes = [0 if what is None else what.nbytes for what in types]
    arrays = [random.integers(0, 256, size).astype(np.uint8) for size in sizes]
    if data is not None:
        for array in arrays[: len(arrays) // 2]:
            array[:] = np.frombuffer(data * -(-array.size // len(data)), np.uint8)[: array.size]
    try:
        stats = Executable(package.images, 1, limits=LIMITS, code=code).play(
            iter(design.commands(sequence)), arrays
        )
    except LabError as error:
        return Ran(name=name, failure=error.code or "")
    return Ran(
        name=name,
        cycles=stats.cycles,
        core=max(stats.work.cores.values()),
        output=arrays[-1].tobytes(),
        findings=tuple(finding.code or "" for finding in stats.findings),
    )


def compared(ran: Ran, case: Case) -> str:
    """Return how a design's output compares with its source's."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            wanted = computed(case, compiled(case, Path(folder)), data_for(case))
        except (subprocess.CalledProcessError, OSError):
            return "the source does not compile on its own"
    wanted *= -(-len(ran.output) // len(wanted))
    got, expected = (np.frombuffer(b, np.uint8) for b in (ran.output, wanted[: len(ran.output)]))
    wrong = int((got != expected).sum())
    return "equal" if not wrong else f"{wrong:,} of {len(got):,} bytes differ"


def outcomes(folder: Path) -> Iterator[tuple[Ran, str]]:
    """Yield each design as it has run, with how its output compares."""
    only = os.environ.get("CORPUS_ONLY", "")
    for name, path, package in designs(folder):
        if only not in name:
            continue
        case = _FUNCTIONS.get(name)
        data = data_for(case) if case else None
        ran = run(name, path, package, data)
        how = compared(ran, case) if case and not ran.failure else ""
        if "NPU518" in (*ran.findings, ran.failure):
            again = run(name, path, package, data, moved_stack)
            assert not {"NPU518", again.failure} & {*again.findings, "NPU511", "NPU512"}
            elsewhere = compared(again, case) if case else MOVED
            how = f"{how}; with its stack elsewhere: {elsewhere}".removeprefix("; ")
        yield ran, how


def predicted(cycles: int) -> float:
    """Return milliseconds."""
    return cycles / CLOCK_HZ * 1e3 + DISPATCH_MS


def error(milliseconds: float, least: float, most: float) -> float:
    """Return the relative distance from what was measured, 0 within its range."""
    nearest = min(max(milliseconds, least), most)
    return milliseconds / nearest - 1


def main() -> None:
    """Print both tables."""
    out = sys.stdout.write
    folder = os.environ.get("NPULAB_AIE2_CORPUS")
    if not folder:
        sys.exit("NPULAB_AIE2_CORPUS names no folder")
    times: list[str] = []
    out("| design | end to end, cycles | core, cycles | found | output against its source |\n")
    out("|---|---|---|---|---|\n")
    for ran, how in outcomes(Path(folder)):
        cycles = f"{ran.cycles:,} | {ran.core:,}" if ran.cycles else f"ends in {ran.failure} | -"
        found = ", ".join(sorted(set(ran.findings))) or "-"
        out(f"| {ran.name} | {cycles} | {found} | {how or '-'} |\n")
        sys.stdout.flush()
        if ran.name in MEASURED and ran.cycles:
            times.append(_row(ran))
    out("\n| function | core, cycles | ms | error | end to end, cycles | ms | error | measured |\n")
    out("|---|---|---|---|---|---|---|---|\n" + "".join(times))


def _row(ran: Ran) -> str:
    what, least, most = MEASURED[ran.name]
    parts = []
    for cycles in (ran.core, ran.cycles):
        ms = predicted(cycles)
        off = error(ms, least, most)
        parts.append(f"{cycles:,} | {ms:.3f} | {'in range' if not off else f'{off:+.1%}'}")
    measured = f"{least}" if least == most else f"{least}-{most}"
    return f"| {what} | {' | '.join(parts)} | {measured} |\n"


if __name__ == "__main__":
    main()
