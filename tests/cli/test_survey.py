"""``npulab survey``: its table, its summary and its JSON."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Npulab = Callable[..., subprocess.CompletedProcess[str]]

EMPTY = "module { aie.device(DEVICE) { aie.runtime_sequence() {} } }"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, device in (("a", "npu1"), ("b", "npu9"), ("c", "npu8")):
        (tmp_path / f"{name}.mlir").write_text(EMPTY.replace("DEVICE", device))
    return tmp_path


def test_the_table_and_the_reasons(npulab: Npulab, folder: Path) -> None:
    done = npulab("survey", str(folder))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["ran", "a.mlir"],
        ["refused", "b.mlir"],
        ["refused", "c.mlir"],
    ]
    assert "   2  [NPU101] the design is for device 'npuN'" in done.stdout
    assert lines[-4:] == [
        "3 of 3 designs parsed",
        "   1  ran; it has no expected result",
        "   2  was refused, before or while it ran",
        "0 of 2 that need nothing from outside ran right",
    ]


def test_json(npulab: Npulab, folder: Path) -> None:
    document = json.loads(npulab("survey", str(folder), "--json").stdout)
    assert (document["designs"], document["parsed"], document["right"]) == (3, 3, 0)
    assert [finding["file"] for finding in document["findings"]] == ["a.mlir", "b.mlir", "c.mlir"]
    assert document["reasons"][0]["files"] == ["b.mlir", "c.mlir"]


def test_no_designs(npulab: Npulab, tmp_path: Path) -> None:
    done = npulab("survey", str(tmp_path))
    assert done.returncode == 2
    assert "[NPU310]" in done.stderr
