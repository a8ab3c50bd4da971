"""One call on files: of a kernel, and of a design from outside the lab."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kernels import registry
from kernels.gelu_int8.table import gelu_table
from kernels.merged import designs

Npulab = Callable[..., subprocess.CompletedProcess[str]]

X = np.resize(np.arange(256, dtype=np.uint8).view(np.int8), 512)

ADD_CC = """
#include <stdint.h>
extern "C" void add(const int32_t *a, const int32_t *b, int32_t *c) {
  for (int i = 0; i < 64; i++) c[i] = a[i] + b[i];
}
"""

ADD_MLIR = """
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @of_a(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @of_b(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @of_c(%core, {%shim}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    func.func private @add(memref<64xi32>, memref<64xi32>, memref<64xi32>)
        attributes {link_with = "add.o"}
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %max = arith.constant 9223372036854775807 : index
      scf.for %i = %c0 to %max step %c1 {
        %va = aie.objectfifo.acquire @of_a(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %a = aie.objectfifo.subview.access %va[0]
            : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %vb = aie.objectfifo.acquire @of_b(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %b = aie.objectfifo.subview.access %vb[0]
            : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %vc = aie.objectfifo.acquire @of_c(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %c = aie.objectfifo.subview.access %vc[0]
            : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @add(%a, %b, %c) : (memref<64xi32>, memref<64xi32>, memref<64xi32>) -> ()
        aie.objectfifo.release @of_a(Consume, 1)
        aie.objectfifo.release @of_b(Consume, 1)
        aie.objectfifo.release @of_c(Produce, 1)
      }
      aie.end
    }
    aie.runtime_sequence(%left: memref<64xi32>, %right: memref<64xi32>, %sum: memref<64xi32>) {
      aiex.npu.dma_memcpy_nd(%left[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1])
          {id = 0 : i64, metadata = @of_a} : memref<64xi32>
      aiex.npu.dma_memcpy_nd(%right[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1])
          {id = 1 : i64, metadata = @of_b} : memref<64xi32>
      aiex.npu.dma_memcpy_nd(%sum[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1])
          {id = 2 : i64, metadata = @of_c, issue_token = true} : memref<64xi32>
      aiex.npu.dma_wait {symbol = @of_c}
    }
  }
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "short.npy", X[:100])
    np.save(tmp_path / "wide.npy", X.astype(np.int32))
    (tmp_path / "text.npy").write_text("1 2 3")
    np.save(tmp_path / "a.npy", np.arange(64, dtype=np.int32))
    np.save(tmp_path / "b.npy", np.full(64, 1000, np.int32))
    (tmp_path / "add.mlir").write_text(ADD_MLIR)
    (tmp_path / "add.cc").write_text(ADD_CC)
    return tmp_path


def test_a_kernel_runs_with_its_own_params(npulab: Npulab, folder: Path) -> None:
    done = npulab("run", "gelu_int8/512", "--in", "x.npy", "--out", "y.npy", cwd=folder)
    assert done.returncode == 0
    assert "y  int8[512]  -> y.npy" in done.stdout
    assert "modelled, not measured" in done.stdout
    assert "agrees with the golden model: exact" in done.stdout
    expected = gelu_table()[X.view(np.uint8)]
    assert np.array_equal(np.load(folder / "y.npy"), expected)


def test_a_param_can_be_given(npulab: Npulab, folder: Path) -> None:
    np.save(folder / "t.npy", np.arange(256, dtype=np.uint8).view(np.int8))
    files = ("--in", "table=t.npy", "--in", "x.npy", "--out", "y=y.npy")
    done = npulab("run", "gelu_int8/512", *files, "--json", cwd=folder)
    document = json.loads(done.stdout)
    assert (done.returncode, document["golden"], document["basis"]) == (0, True, "modelled")
    assert np.array_equal(np.load(folder / "y.npy"), X)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gelu_int8/512"], "[NPU401] gelu_int8/512: no file for in x: 512 int8"),
        (["gelu_int8", "--in", "x.npy"], "variants, and one call runs one"),
        (["gelu_int8/512", "--in", "none.npy"], "[NPU404] there is no file none.npy"),
        (["gelu_int8/512", "--in", "text.npy"], "[NPU404] text.npy is not a whole .npy file"),
        (["gelu_int8/512", "--in", "short.npy"], "expected  int8[512]"),
        (["gelu_int8/512", "--in", "wide.npy"], "found     int32[512]"),
        (["gelu_int8/512", "--in", "z=x.npy"], "[NPU406] --in z=...: there is no argument z"),
        (["gelu_int8/512", "--in", "x.npy", "--out", "no/y.npy"], "there is no folder no"),
        (["gelu_int8/512", "--in", "x.npy", "--out", "/sys/y.npy"], "cannot write /sys/y.npy"),
        (["gelu_int8/512", "--link", "add.cc"], "--link goes with --design"),
        ([], "give a KERNEL, a --design or an --xclbin"),
        (["gelu_int8/512", "--design", "add.mlir"], "one of the three"),
        (["--design", "none.mlir"], "[NPU001] cannot read the design none.mlir"),
        (["--design", "add.mlir"], "[NPU003] the link files do not match"),
        (["--design", "add.mlir", "--link", "none.cc"], "[NPU002] no file"),
        (["--design", "add.cc"], "add.cc"),
        (["--design", "add.mlir", "--link", "add.cc", "--in", "x.npy"], "int32[64]"),
        (["--design", "add.mlir", "--link", "add.cc", "--in", "lft=a.npy"], "did you mean left?"),
    ],
)
def test_wrong_input_exits_2_in_words(
    npulab: Npulab, folder: Path, arguments: list[str], says: str
) -> None:
    done = npulab("run", *arguments, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert not (folder / "y.npy").exists()


DESIGN = ("run", "--design", "add.mlir", "--link", "add.cc")


@pytest.mark.parametrize(
    "files",
    [
        ["--in", "a.npy", "--in", "b.npy", "--out", "c.npy"],
        ["--out", "c.npy", "--in", "a.npy", "--in", "b.npy"],
        ["--in", "right=b.npy", "--in", "a.npy", "--out", "sum=c.npy"],
        ["--in", "0=a.npy", "--in", "1=b.npy", "--out", "2=c.npy"],
    ],
)
def test_a_design_outside_the_lab_runs(npulab: Npulab, folder: Path, files: list[str]) -> None:
    done = npulab(*DESIGN, *files, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "sum  int32[64]  -> c.npy" in done.stdout
    assert "kernel functions count 0" in done.stdout
    assert np.array_equal(np.load(folder / "c.npy"), np.arange(64) + 1000)


def test_an_argument_without_a_file_is_scratch_and_said_so(npulab: Npulab, folder: Path) -> None:
    done = npulab(*DESIGN, "--in", "a.npy", "--out", "sum=c.npy", cwd=folder)
    assert done.returncode == 0
    assert "note: argument right has no file: it is scratch, filled with zeros" in done.stderr
    assert np.array_equal(np.load(folder / "c.npy"), np.arange(64))


def test_unsigned_data_fits_a_signless_argument(npulab: Npulab, folder: Path) -> None:
    np.save(folder / "u.npy", np.full(64, 2**32 - 1, np.uint32))
    done = npulab(*DESIGN, "--in", "a.npy", "--in", "u.npy", "--out", "c.npy", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(folder / "c.npy"), np.arange(64) - 1)


def test_a_design_that_deadlocks_exits_1(npulab: Npulab, folder: Path) -> None:
    text = ADD_MLIR.replace("aie.objectfifo.release @of_c(Produce, 1)", "")
    (folder / "add.mlir").write_text(text)
    done = npulab(*DESIGN, "--in", "a.npy", "--in", "b.npy", "--out", "c.npy", cwd=folder)
    assert done.returncode == 1
    assert "[NPU225]" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "c.npy").exists()


@pytest.mark.parametrize("title", [kernel.title for kernel in registry.find("gelu_int8")])
def test_the_design_that_show_prints_is_the_one_that_builds(npulab: Npulab, title: str) -> None:
    done = npulab("show", title, "--design")
    assert done.stdout == registry.find(title)[0].design()


def test_show_draws_the_array_and_counts_its_parts(npulab: Npulab) -> None:
    done = npulab("show", "matmul_int8_array/512x512x512-i8")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stdout.count("2 in, 1 out") == 16
    assert "core (0,2) x16" in done.stdout
    document = json.loads(npulab("show", "matmul_int8_array/512x512x512-i8", "--json").stdout)
    cores = [tile for tile in document["resources"]["tiles"] if tile["kind"] == "core"]
    assert len(cores) == 16
    assert {stream["name"] for stream in document["streams"]} >= {"A_L3L2_0", "C_L2L3_0_0"}


def test_show_tells_what_shares_a_merged_design(npulab: Npulab) -> None:
    done = npulab("show", "merged/rows_bf16")
    assert done.stdout.startswith("merged/rows_bf16\n")
    assert "from column 2: x bfloat16[64,512], residual bfloat16[64,512]" in done.stdout
    assert "column 3" in done.stdout
    document = json.loads(npulab("show", "merged/rows_bf16", "--json").stdout)
    columns = {part["sequence"]: part["column"] for part in document["parts"]}
    assert columns == {"layernorm_bf16": 0, "gelu_bf16": 1, "add_residual": 2, "softmax_bf16": 3}
    assert document["resources"]["device"] == "npu1"
    design = npulab("show", "merged/rows_bf16", "--design").stdout
    assert design == designs.find("rows_bf16").design()
    refused = npulab("show", "merged/rows_bf16", "--model")
    assert refused.returncode == 2
    assert "ask for a part, layernorm_bf16/64x512" in refused.stderr


def test_show_without_unicode_stays_readable(npulab_process: Npulab) -> None:
    done = npulab_process("show", "passthrough/1024", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "| passthrough_v~ |" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("aie.runtime_sequence(", "aie.runtime_sequence @a(", ""),
        (
            "%sum: memref<64xi32>",
            "%sum: memref<64xi32>, %n: memref<?xi32>",
            "argument n is memref<?xi32>",
        ),
        (
            "    aie.runtime_sequence(",
            "    aie.runtime_sequence @two() {}\n    aie.runtime_sequence(",
            "has 2 runtime sequences",
        ),
    ],
)
def test_a_sequence_that_files_cannot_call_is_refused(
    npulab: Npulab, folder: Path, old: str, new: str, says: str
) -> None:
    text = ADD_MLIR.replace(old, new)
    assert text != ADD_MLIR
    (folder / "add.mlir").write_text(text)
    done = npulab(*DESIGN, "--in", "a.npy", "--in", "b.npy", "--out", "c.npy", cwd=folder)
    assert (done.returncode, says in done.stderr) == (2 if says else 0, True)
