"""Functions that a compiler made for AIE2, against the same source compiled for this machine.

The binaries and their sources are of another project and not kept here:
NPULAB_AIE2_CORPUS names a folder that holds them (Unicorn-Commander/Unicorn-Amanuensis,
``whisperx/npu/npu_optimization``).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from errors import UsageError
from simulator.aie2 import disassemble
from simulator.aie2.assembler import assemble
from simulator.aie2.elf import LinkedProgram, load
from simulator.aie2.execution.wording import implemented
from simulator.aie2.machine import ProgramMemory
from tests.execution.machine import OWN, Core
from tests.execution.test_meanings import MODELS

RETURN = 0x3F80
"""Where a called function returns to: behind every program of the corpus."""

STACK = 0x7C000
DATA = 0x71000
DONE_AT = 12
"""Bundles before the one that ends the call, so that all results have landed."""

DONE = assemble("__start:\n" + "nop\n" * DONE_AT + "done\n" + "nop\n" * 5, "done.s").code

BFLOAT16 = """
#pragma once
#include <stdint.h>
#include <string.h>
#define restrict __restrict
struct bfloat16 {
    uint16_t bits;
    bfloat16() = default;
    bfloat16(float value) {  // as the vector unit after a reset: towards minus infinity
        uint32_t all;
        memcpy(&all, &value, 4);
        bits = all >> 16;
        bits += (all & 0x7fffffff) < 0x7f800000 && all >> 31 && (all & 0xffff);
    }
    operator float() const {
        uint32_t all = uint32_t(bits) << 16;
        float value;
        memcpy(&value, &all, 4);
        return value;
    }
};
static inline void event0() {}
static inline void event1() {}
"""


@dataclass(frozen=True)
class Case:
    """A function of a program, called with buffers and numbers.

    Attributes:
        cycles: Until it returns; 0 where they depend on the data.
        edits: What the binary's source had otherwise than the one beside it.
    """

    name: str
    program: str
    source: str
    inputs: int
    output: int
    numbers: tuple[int, ...] = ()
    cycles: int = 0
    is_float: bool = False
    edits: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.name


ENCODER = "whisper_encoder_kernels"
CASES = (
    Case("gelu_int8_512", "build_gelu/gelu_simple", "gelu_int8.c", 512, 512, (512,), 8720),
    Case("gelu_int8_2048", "build_gelu/gelu_2048", "gelu_int8.c", 2048, 2048, (2048,), 34832),
    Case("matmul_int8_16x16_packed", "build_matmul_fixed/matmul_fixed", "matmul_int8.c", 512, 256),
    Case(
        "layernorm_int8_256",
        "build_layernorm/layernorm_simple",
        "layernorm_int8.c",
        768,
        256,
        cycles=7951,
        # The binary adds 128 to the variance, divides 0x800000 and shifts by 15.
        edits=(
            ("EPSILON_FIXED = 1;", "EPSILON_FIXED = 128;"),
            ("(128 * 256)", "(128 * 65536)"),
            ("std_inv) >> 8", "std_inv) >> 15"),
        ),
    ),
    Case("attention_16x16", "build_attention/attention_simple", "attention_int8.c", 768, 256, (2,)),
    Case(
        "attention_64x64",
        "build_attention_64x64/attention_64x64",
        "attention_int8_64x64_tiled.c",
        12288,
        4096,
        (3,),
        2947579,
    ),
    Case(
        "layernorm_simple_bf16",
        "kernels_xdna1/build_layernorm/layernorm_bf16",
        "kernels_xdna1/layernorm_bf16_xdna1.cc",
        2048,
        2048,
        is_float=True,
    ),
    Case(
        "gelu_bf16",
        "kernels_xdna1/build_gelu/gelu_bf16",
        "kernels_xdna1/gelu_simple_xdna1.cc",
        2048,
        2048,
        is_float=True,
    ),
    Case(
        "softmax_bf16",
        "kernels_xdna1/build_softmax_bf16/softmax_bf16",
        "kernels_xdna1/softmax_bf16_xdna1.cc",
        2048,
        2048,
        is_float=True,
    ),
)


def corpus() -> Path:
    folder = os.environ.get("NPULAB_AIE2_CORPUS", "")
    if not folder:
        pytest.skip("NPULAB_AIE2_CORPUS names no folder of AIE2 binaries")
    return next(iter(sorted(Path(folder).rglob(ENCODER))))


def linked(case: Case) -> LinkedProgram:
    path = corpus() / f"{case.program}.mlir.prj" / "main_core_0_2.elf"
    return load(path.read_bytes())


def data_for(case: Case) -> bytes:
    random = np.random.default_rng(1)
    if not case.is_float:
        return random.bytes(case.inputs)
    values = (random.normal(size=case.inputs // 2) * 2).astype(np.float32)
    return (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()


def loaded(program: LinkedProgram) -> tuple[Core, ProgramMemory]:
    core, code = Core(), program.program_memory()
    code.write(RETURN, DONE)
    for segment in program.data:
        start = segment.address - OWN
        core.memory[start : start + len(segment.data)] = np.frombuffer(segment.data, np.uint8)
    return core, code


def called(program: LinkedProgram, case: Case, data: bytes) -> tuple[bytes, int]:
    """Call the function in a core; return its output and its cycles."""
    core, code = loaded(program)
    target = DATA + -(-len(data) // 64) * 64
    core.memory[DATA - OWN : DATA - OWN + len(data)] = np.frombuffer(data, np.uint8)
    symbol = program.symbols.get(case.name)
    assert symbol is not None
    setup = {"p0": DATA, "p1": target, "sp": STACK, "lr": RETURN}
    setup |= {f"r{n}": number for n, number in enumerate(case.numbers)}
    cycles = core.run(code, entry=symbol.address, setup=setup)
    cycles -= DONE_AT + 1
    return bytes(core.memory[target - OWN : target - OWN + case.output]), cycles


def compiled(case: Case, folder: Path) -> ctypes.CDLL:
    """Compile the function's source for this machine."""
    (folder / "aie_api").mkdir()
    (folder / "aie_api" / "aie.hpp").write_text(BFLOAT16)
    text = (corpus() / case.source).read_text(encoding="utf-8")
    for before, after in case.edits:
        assert before in text
        text = text.replace(before, after)
    source, library = folder / Path(case.source).name, folder / "kernel.so"
    source.write_text(text, encoding="utf-8")
    is_cpp = case.is_float or ('extern "C" {' in text and "__cplusplus" not in text)
    language = ["c++", "-xc++"] if is_cpp else ["cc"]
    command = [sys.executable, "-m", "ziglang", *language, "-O1", "-w"]
    beside = (corpus() / case.source).parent
    command += ["-shared", "-fPIC", "-fno-sanitize=all", "-ffp-contract=off"]
    command += [f"-I{folder}", f"-I{beside}"]
    if case.is_float:
        command += ["-include", "aie_api/aie.hpp"]
    environment = {**os.environ, "ZIG_LOCAL_CACHE_DIR": str(folder / "zig")}
    subprocess.run([*command, str(source), "-o", str(library)], check=True, env=environment)
    return ctypes.CDLL(str(library))


def computed(case: Case, library: ctypes.CDLL, data: bytes) -> bytes:
    output = ctypes.create_string_buffer(case.output)
    numbers = [ctypes.c_int32(number) for number in case.numbers]
    getattr(library, case.name)(ctypes.create_string_buffer(data), output, *numbers)
    return output.raw


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_function_computes_what_its_source_says(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, data = linked(case), data_for(case)
    output, cycles = called(program, case, data)
    with capsys.disabled():
        print(f" {case.name}: {cycles} cycles ", end="")
    assert output == computed(case, compiled(case, tmp_path), data)
    if case.cycles:
        assert cycles == case.cycles


@pytest.mark.slow
def test_a_vectorised_matrix_product_goes_through_the_adder() -> None:
    """Elements of A * B, 64 by 64: 64 steps of the vector unit's adder, then one rounding."""
    case = Case("matmul_bf16_64x64", "kernels_xdna1/build_matmul/matmul_bf16_vectorized", "", 0, 0)
    program = linked(case)
    core, code = loaded(program)
    random = np.random.default_rng(3)
    values = random.normal(size=8192).astype(np.float32)
    bits = (values.view(np.uint32) >> 16).astype(np.uint16)
    start = DATA - OWN
    core.memory[start : start + 16384] = bits.view(np.uint8)
    symbol = program.symbols.get(case.name)
    assert symbol is not None
    setup = {"p0": DATA, "p1": DATA + 8192, "p2": DATA + 16384, "sp": STACK, "lr": RETURN}
    core.run(code, entry=symbol.address, setup=setup)
    got = core.memory[start + 16384 : start + 24576].view(np.uint16).reshape(64, 64)
    a, b = (bits.astype(np.uint32) << 16).view(np.float32).astype(float).reshape(2, 64, 64)
    for row, column in random.integers(0, 64, (12, 2)):
        total = 0.0
        for k in range(64):
            total = MODELS.add_terms([total], [(float(a[row, k]), float(b[k, column]))])
        assert got[row, column] == MODELS.to_bfloat16(np.float32(total), MODELS.FLOOR)


FLOATS = (0.0, -0.0, 1.0, -1.5, 3.0e38, 1.0e-30, 1.2e-38, 1.0e-40, 7.25, float("inf"))
HELPERS = {
    "__addsf3": np.add,
    "__subsf3": np.subtract,
    "__mulsf3": np.multiply,
    "__divsf3": np.divide,
}


@pytest.mark.parametrize("name", HELPERS)
def test_soft_float_helpers_are_ieee(name: str) -> None:
    case = CASES[-1]
    core, code = loaded(linked(case))
    symbol = linked(case).symbols.get(name)
    assert symbol is not None
    random = np.random.default_rng(2)
    anything = random.integers(0, 2**32, 30, np.uint32).view(np.float32)
    values = np.array([*FLOATS, *anything], np.float32)
    for a, b in zip(values, np.roll(values, 3), strict=True):
        bits = [int(np.float32(v).view(np.uint32)) for v in (a, b)]
        setup = {"r1": bits[0], "r2": bits[1], "sp": STACK, "lr": RETURN}
        core.run(code, entry=symbol.address, setup=setup)
        with np.errstate(all="ignore"):
            expected = HELPERS[name](a, b)
        got = np.array([core["r0"]], np.uint32).view(np.float32)[0]
        assert np.isnan(expected) == np.isnan(got)
        assert np.isnan(expected) or got.view(np.uint32) == expected.view(np.uint32), (a, b)


def test_what_the_corpus_executes_is_implemented() -> None:
    missing, programs = set(), 0
    for path in sorted(corpus().parent.rglob("*.elf")):
        try:
            program = load(path.read_bytes())
        except UsageError:
            continue
        programs += 1
        for _, code in program.code:
            for _, bundle in disassemble(code):
                parts = bundle.instructions.values()
                missing |= {part.mnemonic for part in parts if not implemented(part.encoding)}
    assert missing == set()
    assert programs > 0
