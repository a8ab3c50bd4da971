"""Kernel functions that read what nobody has written, and those that do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from errors import CheckFailed
from simulator import Run, Simulation

SOURCE = """
static int calls;
extern "C" void fill(int *out, int n) { for (int i = 0; i < n; ++i) out[i] = i; }
extern "C" void add(const int *sum, int *out, int n) {
  for (int i = 0; i < n; ++i) out[i] = sum[i] + 1;
}
extern "C" void update(int *sum, int *out, int n) {
  for (int i = 0; i < n; ++i) out[i] = sum[i] = sum[i] + 1;
}
extern "C" void ignore(const int *sum, int *out, int n) {
  for (int i = 0; i < n; ++i) out[i] = 3 + 0 * sum[i];
}
extern "C" void first(int *sum, int *out, int n) {
  for (int i = 0; i < n; ++i) { sum[i] = 4; out[i] = sum[i]; }
}
extern "C" void count(int *sum, int *out, int n) {
  ++calls;
  for (int i = 0; i < n; ++i) out[i] = calls;
}
extern "C" void bytes(signed char *sum, signed char *out, int n) {
  for (int i = 0; i < 4 * n; i += 2) { sum[i] = 1; out[i] = 5; out[i + 1] = 6; }
}
"""

DESIGN = """module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    func.func private @FUNCTION(memref<16xi32>, memref<16xi32>, i32)
        attributes {link_with = "kernel.o"}
    %sum = aie.buffer(%core) {sym_name = "sum"} : memref<16xi32>INITIAL
    aie.objectfifo @out(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.core(%core) {
      %n = arith.constant 16 : i32
      %b = aie.objectfifo.acquire @out(Produce, 1) : memref<16xi32>
      func.call @FUNCTION(%sum, %b, %n) : (memref<16xi32>, memref<16xi32>, i32) -> ()
      aie.objectfifo.release @out(Produce, 1)
      aie.end
    }
    aie.runtime_sequence(%y: memref<16xi32>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1])
        {id = 0 : i64, metadata = @out} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kernel")
    source, library = folder / "kernel.cc", folder / "kernel.so"
    source.write_text(SOURCE)
    command = [sys.executable, "-m", "ziglang", "c++", "-x", "c++", "-shared", "-fPIC", "-O1"]
    command += ["-fno-sanitize=all", "-nostdlib", "-o", str(library), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return library


def simulate(library: Path, function: str, initial: str = "") -> tuple[Run, list[int]]:
    text = DESIGN.replace("FUNCTION", function).replace("INITIAL", initial)
    target = np.zeros(16, np.int32)
    run = Simulation(text, {"kernel.o": library}).run([target])
    return run, target.tolist()


@pytest.mark.parametrize("function", ["add", "update"])
def test_a_result_that_depends_on_unwritten_memory(library: Path, function: str) -> None:
    with pytest.raises(CheckFailed) as error:
        simulate(library, function)
    assert (error.value.code, error.value.message) == (
        "NPU224",
        f"the result of {function}, called by core of tile(0,2) (line 12), depends on argument 0, "
        "bytes 1024..1087 of tile(0,2)'s memory (buffer sum, line 7), of which nobody had written "
        "any",
    )
    _, result = simulate(library, function, " = dense<2>")
    assert result == [3] * 16


@pytest.mark.parametrize(
    ("function", "value"), [("ignore", 3), ("first", 4), ("bytes", 0x06050605)]
)
def test_unwritten_memory_that_changes_nothing(library: Path, function: str, value: int) -> None:
    _, result = simulate(library, function)
    assert result == [value] * 16


def test_the_second_call_leaves_no_trace(library: Path) -> None:
    """A global that a function counts up in has one call more, not two."""
    _, result = simulate(library, "count")
    assert result == [1] * 16
