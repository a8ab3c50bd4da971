"""The reproducibility check: the same is the same, and a difference is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from errors import CheckFailed
from kernels import registry
from npulab.cli import cli
from npulab.commands import repro
from toolchain.artifact import Build
from toolchain.build import build
from toolchain.docker import recipes
from toolchain.docker.image import Image
from toolchain.docker.recipes import Recipe
from toolchain.docker.repro import compare, refuse_differences
from toolchain.storage.store import Store
from toolchain.unit import Unit

pytestmark = pytest.mark.docker


def test_kernels_are_the_same_in_fresh_containers_of_both_variants(
    built: Callable[[str], Image],
    own_recipes: dict[str, Recipe],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    for name in ("toolchain-py3.11", "toolchain-py3.13"):
        built(name)
        if own_recipes[name].lock.read_bytes() != recipes.load()[name].lock.read_bytes():
            pytest.skip("the mirror has moved on from the locks: npulab images --accept")
    command = [sys.executable, "-m", "npulab", "repro", "gelu_int8/512"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the same") == 3


def test_a_comparison_is_told_as_json() -> None:
    command = [sys.executable, "-m", "npulab", "repro", "gelu_int8/512", "--runner=local", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    same = told["others"]["run 2"].pop("same")
    assert same >= 3
    assert told == {
        "target": "host",
        "first": "run 1",
        "units": 1,
        "others": {"run 2": {"different": {}}},
    }


def gelu(folder: Path, design_note: str = "") -> Build:
    (kernel,) = registry.find("gelu_int8/512")
    unit = Unit.from_kernel(kernel)
    if design_note:
        unit = Unit(
            **{name: getattr(unit, name) for name in unit.__dataclass_fields__}
            | {"design": f"{unit.design}\n{design_note}\n"}
        )
    (result,) = build([unit], root=folder / "build", store=Store(folder / "cache"))
    assert result.build is not None, result.errors
    return result.build


def test_a_difference_is_told_with_its_file(tmp_path: Path) -> None:
    first, second = gelu(tmp_path / "a"), gelu(tmp_path / "b", "// another line")
    assert compare(first, first).different == {}
    found = compare(first, second)
    assert list(found.different) == ["design.mlir"]
    assert found.same >= 2
    with pytest.raises(CheckFailed, match="1 files differ between this and that") as caught:
        refuse_differences([found], "this and that")
    assert caught.value.code == "NPU099"
    assert caught.value.details[0] == "gelu_int8/512/design.mlir"


def test_a_difference_is_told_as_json_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = iter(gelu(tmp_path / name, note) for name, note in (("a", ""), ("b", "// another")))
    monkeypatch.setattr(repro, "_build", lambda *_: [next(builds)])
    arguments = ["repro", "gelu_int8/512", "--runner", "local", "--json"]
    done = CliRunner().invoke(cli, arguments, prog_name="npulab")
    assert done.exit_code == 1
    (file,) = json.loads(done.stdout)["others"]["run 2"]["different"]
    assert file == "gelu_int8/512/design.mlir"
    assert "NPU099" in done.stderr
