"""Stacks of objects: what LLVM writes of them, for any 32-bit target in the same way."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

from toolchain.artifacts import elf
from toolchain.static.stack import CallGraph

SOURCE = """
void use(char *);
int fixed(int n) { char p[64]; use(p); return p[n]; }
int dynamic(int n) { char p[n]; use(p); return p[0]; }
int caller(int n) { return dynamic(n) + fixed(n); }
"""


def compiled(folder: Path, *options: str) -> elf.Elf:
    """Return an object of `SOURCE`, relabelled as AIE2: no compiler for it is packaged."""
    (folder / "kernel.c").write_text(SOURCE)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "riscv32-freestanding-none"]
    command += ["-mcpu=baseline_rv32", "-O1", "-fno-inline", *options, "-c", "kernel.c"]
    subprocess.run([*command, "-o", "kernel.o"], check=True, cwd=folder, capture_output=True)
    data = bytearray((folder / "kernel.o").read_bytes())
    struct.pack_into("<H", data, 18, 264)
    struct.pack_into("<I", data, 36, 2)
    return elf.decode(bytes(data))


def test_a_frame_without_a_constant_size_is_known_as_such(tmp_path: Path) -> None:
    graph = CallGraph.of_object(compiled(tmp_path, "-fstack-size-section"))
    fixed, caller = graph.need("fixed"), graph.need("caller")
    assert (fixed.size >= 64, fixed.unsized) == (True, False)
    assert (caller.unsized, caller.path) == (True, ("caller", "dynamic"))


def test_an_object_without_frames_tells_nothing_of_them(tmp_path: Path) -> None:
    graph = CallGraph.of_object(compiled(tmp_path))
    assert not graph.need("caller").unsized
