"""``npulab trace``: the files, what is printed, and runs that fail."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

Npulab = Callable[..., subprocess.CompletedProcess[str]]

ONE_WAY = """
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @of_in(%shim, {%core}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @of_out(%core, {%shim}, 1 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c64 = arith.constant 64 : index
      %vi = aie.objectfifo.acquire @of_in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
      %a = aie.objectfifo.subview.access %vi[0]
          : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
      %vo = aie.objectfifo.acquire @of_out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
      %b = aie.objectfifo.subview.access %vo[0]
          : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
      scf.for %j = %c0 to %c64 step %c1 {
        %x = memref.load %a[%j] : memref<64xi32>
        memref.store %x, %b[%j] : memref<64xi32>
      }
      aie.objectfifo.release @of_in(Consume, 1)
      aie.objectfifo.release @of_out(Produce, 1)
      aie.end
    }
    aie.runtime_sequence(%x: memref<64xi32>, %y: memref<64xi32>) {
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1])
          {id = 0 : i64, metadata = @of_in} : memref<64xi32>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1])
          {id = 1 : i64, metadata = @of_out} : memref<64xi32>
      aiex.npu.dma_wait {symbol = @of_out}
    }
  }
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "copy.mlir").write_text(ONE_WAY)
    forgetful = ONE_WAY.replace("      aie.objectfifo.release @of_out(Produce, 1)\n", "")
    (tmp_path / "forgetful.mlir").write_text(forgetful)
    np.save(tmp_path / "x.npy", np.arange(64, dtype=np.int32))
    return tmp_path


def events(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["traceEvents"]
    assert found
    return found


def test_a_kernel_is_traced_on_its_demo_data(npulab: Npulab, tmp_path: Path) -> None:
    done = npulab("trace", "passthrough/1024", "--out", "t.json", "--svg", "t.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() for line in lines)
    assert lines[0].startswith("passthrough/1024 on ")
    assert "modelled, not measured" in lines[1]
    assert lines[-2].startswith("t.json: ")
    assert lines[-1] == "t.svg"
    assert "bounds the run" in done.stdout or "latencies and waits bound it" in done.stdout
    assert "GB/s" in done.stdout
    names = {event["name"] for event in events(tmp_path / "t.json")}
    assert "AwaitToken tile(0,0) S2MM:0" in names
    assert ElementTree.parse(tmp_path / "t.svg").getroot().tag.endswith("svg")


def test_the_trace_goes_to_the_build_folder_unless_told(
    npulab: Npulab, places: dict[str, str], tmp_path: Path
) -> None:
    done = npulab("trace", "passthrough/1024", "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    path = Path(places["NPULAB_BUILD"]) / "traces" / "passthrough-1024.json"
    assert document["files"] == {"trace": str(path)}
    assert events(path)
    assert list(tmp_path.iterdir()) == []
    assert document["basis"] == "modelled"
    assert document["shim"]["read_bytes"] == document["shim"]["written_bytes"] == 1024
    assert document["chain"][0] == "the host"
    assert document["errors"] == []
    shares = {one["who"]: one for one in document["resources"]}
    host = shares["the host"]
    assert host["work"] + host["host"] + host["idle"] == pytest.approx(1)


def test_a_design_is_traced_on_files_or_on_zeros(npulab: Npulab, folder: Path) -> None:
    for given in ((), ("--in", "x.npy")):
        done = npulab("trace", "--design", "copy.mlir", *given, "--out", "t.json", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert "Kernel functions count 0 cycles" in done.stdout
        assert events(folder / "t.json")


def test_many_spans_are_merged_and_it_says_so(npulab: Npulab, tmp_path: Path) -> None:
    arguments = ("trace", "mel_int16/64", "--out", "t.json", "--spans", "100")
    done = npulab(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "The trace was capped" in done.stdout
    spans = [event for event in events(tmp_path / "t.json") if event["ph"] == "X"]
    assert len(spans) <= 100


def test_a_deadlock_is_traced_up_to_there_and_drawn(npulab: Npulab, folder: Path) -> None:
    build = folder / "build"
    arguments = ("trace", "--design", "forgetful.mlir", "--out", "t.json")
    done = npulab(*arguments, cwd=folder, NPULAB_BUILD=str(build))
    assert done.returncode == 1
    assert "deadlock at cycle" in done.stderr
    assert "wait-for graph at cycle" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    (picture,) = (build / "deadlocks").iterdir()
    assert f"    picture: {Path('build') / 'deadlocks' / picture.name}" in done.stderr.splitlines()
    text = picture.read_text()
    assert "of_out_cons_lock_0" in text
    assert ElementTree.fromstring(text).tag.endswith("svg")
    waits = [event for event in events(folder / "t.json") if event["ph"] == "X"]
    assert any("wait for lock" in event["name"] for event in waits)


def test_run_draws_its_deadlocks_too(npulab: Npulab, folder: Path) -> None:
    build = folder / "build"
    done = npulab(
        "run", "--design", "forgetful.mlir", "--in", "x.npy", cwd=folder, NPULAB_BUILD=str(build)
    )
    assert done.returncode == 1
    assert "    picture: build/deadlocks/" in done.stderr
    assert len(list((build / "deadlocks").iterdir())) == 1


def test_a_deadlock_that_cannot_be_drawn_is_told_all_the_same(npulab: Npulab, folder: Path) -> None:
    build = folder / "build"
    build.mkdir()
    (build / "deadlocks").write_text("a file where the folder should be")
    done = npulab(
        "run", "--design", "forgetful.mlir", "--in", "x.npy", cwd=folder, NPULAB_BUILD=str(build)
    )
    assert done.returncode == 1
    assert "deadlock at cycle" in done.stderr
    assert "picture:" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a KERNEL, a --design or an --xclbin, one of the three"),
        (("passthrough/1024", "--design", "copy.mlir"), "give a KERNEL, a --design or an --xclbin"),
        (("passthrough/1024", "--link", "a.cc"), "--link goes with --design"),
        (("passthrough",), "variants, and one call runs one"),
        (("passthrough/1024", "--out", "no/t.json"), "cannot write no/t.json"),
        (("passthrough/1024", "--in", "missing.npy"), "missing.npy"),
    ],
)
def test_wrong_input_writes_nothing(
    npulab: Npulab, folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = sorted(folder.iterdir())
    done = npulab("trace", *arguments, cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert sorted(folder.iterdir()) == before
