"""`npulab run --xclbin`: binaries on files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "binaries" / "passthrough"
FILES = ["--xclbin", str(FOLDER / "design.xclbin"), "--insts", str(FOLDER / "insts.bin")]
Npulab = Any


@pytest.fixture
def x(tmp_path: Path) -> np.ndarray:
    array = np.arange(4096, dtype=np.int32).reshape(64, 64)
    np.save(tmp_path / "x.npy", array)
    np.save(tmp_path / "small.npy", np.zeros(3))
    return array


@pytest.mark.parametrize(
    ("more", "dtype"),
    [([], np.uint8), (["--dtype", "int32"], np.int32), (["--dtype", "bfloat16"], "V2")],
)
def test_outputs_are_bytes_or_what_is_asked_for(
    npulab: Npulab, tmp_path: Path, x: np.ndarray, more: list[str], dtype: str
) -> None:
    done = npulab("run", *FILES, "--in", "x.npy", "--out", "bo1=y.npy", *more, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    y = np.load(tmp_path / "y.npy")
    assert y.dtype == np.dtype(dtype)
    assert y.tobytes() == x.tobytes()
    assert "cycles" in done.stdout
    assert "kernel functions count 0" not in done.stdout, "machine code is counted"


def test_one_document(npulab: Npulab, tmp_path: Path, x: np.ndarray) -> None:
    done = npulab("run", *FILES, "--dtype", "int32", "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document["outputs"] == [
        {"name": "bo1", "dtype": "int32", "shape": [x.size], "file": None}
    ]
    assert document["scratch"] == ["bo0"]
    assert document["cycles"] > x.size
    assert document["basis"] == "modelled"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*FILES[:2]], "--xclbin and --insts go together"),
        (["--dtype", "int8", "--design", "a.mlir"], "--dtype with them"),
        ([*FILES, "gelu_int8/512"], "one of the three"),
        ([*FILES, "--link", "a.cc"], "--link goes with --design"),
        ([*FILES, "--dtype", "int12"], "[NPU406] --dtype int12: numpy has no such type"),
        ([*FILES, "--in", "small.npy"], "[NPU403] small.npy has 24 bytes, and the instructions"),
        ([*FILES, "--in", "none.npy"], "[NPU404] there is no file none.npy"),
        ([*FILES, "--out", "bo0=y.npy"], "[NPU406] --out bo0=...: the kernel's argument is in bo0"),
        ([*FILES, "--in", "bo7=x.npy"], "[NPU406] --in bo7=...: there is no argument bo7"),
        ([*FILES[:3], "x.npy"], "[NPU055]"),
    ],
)
@pytest.mark.usefixtures("x")
def test_refused(npulab: Npulab, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = npulab("run", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
