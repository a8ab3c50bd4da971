"""A terse way to write designs, and a small native kernel, for all tests of the front end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator import Limits, Run, Simulation

LIMITS = Limits(max_cycles=5_000_000, max_seconds=20)

Simulate = Callable[..., Run]

KERNEL = """
static int calls;
extern "C" void scale(const int *in, int *out, int n, int factor) {
  for (int i = 0; i < n; ++i) out[i] = in[i] * factor;
}
extern "C" void count_calls(int *out) { out[0] = ++calls; }
extern "C" float mix(signed char a, short b, long long c, float d) { return a + b + c + d; }
extern "C" void store_index(int *out, long long position, int value) { out[position] = value; }
extern "C" unsigned sleep(unsigned seconds);
extern "C" void hangs(int *) { sleep(3600); }  // its thread is left behind, and costs nothing
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shared library with the functions of `KERNEL`."""
    folder = tmp_path_factory.mktemp("kernel")
    source, library = folder / "kernel.cc", folder / "kernel.so"
    source.write_text(KERNEL)
    command = [sys.executable, "-m", "ziglang", "c++", "-x", "c++", "-shared", "-fPIC", "-O1"]
    command += ["-fno-sanitize=all", "-nostdlib", "-o", str(library), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return library


@pytest.fixture
def simulate() -> Simulate:
    """Run a design once: arrays are changed in place."""

    def run(
        text: str,
        *arrays: Any,
        libraries: Mapping[str, Path] | None = None,
        cycles: Mapping[str, int] | None = None,
        sequence: str | None = None,
    ) -> Run:
        return Simulation(text, libraries, cycles, LIMITS).run(arrays, sequence)

    return run


class Write:
    """Pieces of design text."""

    @staticmethod
    def design(body: str, device: str = "npu1") -> str:
        """Return a design with the tiles that `body` may name: shimC, memC, tCR for column C."""
        tiles = []
        for col in range(4 if device == "npu1" else 1):
            tiles.append(f"    %shim{col} = aie.tile({col}, 0)\n    %mem{col} = aie.tile({col}, 1)")
            tiles += [f"    %t{col}{row} = aie.tile({col}, {row})" for row in range(2, 6)]
        lines = "\n".join(tiles)
        return f"module {{\n  aie.device({device}) {{\n{lines}\n{body}\n  }}\n}}\n"

    @staticmethod
    def copy_core(tile: str, source: str, target: str, n: int, change: str = "") -> str:
        """Return a core that copies objects of n i32, after `change` of %v into %w."""
        value = "%w" if change else "%v"
        return f"""
        aie.core({tile}) {{
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %n = arith.constant {n} : index
          %forever = arith.constant 9223372036854775807 : index
          scf.for %turn = %c0 to %forever step %c1 {{
            %a = aie.objectfifo.acquire @{source}(Consume, 1) : memref<{n}xi32>
            %b = aie.objectfifo.acquire @{target}(Produce, 1) : memref<{n}xi32>
            scf.for %i = %c0 to %n step %c1 {{
              %v = memref.load %a[%i] : memref<{n}xi32>
              {change}
              memref.store {value}, %b[%i] : memref<{n}xi32>
            }}
            aie.objectfifo.release @{source}(Consume, 1)
            aie.objectfifo.release @{target}(Produce, 1)
          }}
          aie.end
        }}"""

    @staticmethod
    def sequence(
        sizes: Mapping[str, int],
        transfers: Mapping[str, tuple[str, int, int]],
        waits: tuple[str, ...],
    ) -> str:
        """Return a runtime sequence of i32 arguments.

        Args:
            sizes: Elements of each argument.
            transfers: For each fifo its argument, first element and number of elements.
            waits: Fifos to wait for.
        """
        arguments = ", ".join(f"%{name}: memref<{size}xi32>" for name, size in sizes.items())
        lines = [
            f"aiex.npu.dma_memcpy_nd(%{name}[0, 0, 0, {first}][1, 1, 1, {count}][0, 0, 0, 1]) "
            f"{{id = {number} : i64, metadata = @{fifo}}} : memref<{sizes[name]}xi32>"
            for number, (fifo, (name, first, count)) in enumerate(transfers.items())
        ]
        lines += [f"aiex.npu.dma_wait {{symbol = @{fifo}}}" for fifo in waits]
        body = "\n      ".join(lines)
        return f"\n    aie.runtime_sequence({arguments}) {{\n      {body}\n    }}"

    @staticmethod
    def ramp(n: int, start: int = 1) -> np.ndarray[Any, Any]:
        """Return n different int32."""
        return np.arange(start, start + n, dtype=np.int32)


@pytest.fixture(scope="session")
def write() -> Write:
    """Pieces of design text."""
    return Write()
