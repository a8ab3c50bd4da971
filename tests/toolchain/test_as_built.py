"""Builds taken as they are: read from where they are, never built, refused where they are not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kernels import registry
from toolchain import as_built
from toolchain.build import BuildResult, build
from toolchain.unit import Unit


@pytest.fixture
def unit() -> Unit:
    return Unit.from_kernel(registry.find("passthrough/1024")[0])


@pytest.fixture
def built(unit: Unit, tmp_path: Path) -> Path:
    (result,) = build([unit], root=tmp_path)
    assert result.build
    return result.build.folder


@pytest.fixture
def taking(monkeypatch: pytest.MonkeyPatch, built: Path) -> None:
    assert built.is_dir()  # it was made as usual, before any is taken
    monkeypatch.setenv(as_built.SETTING, "1")
    monkeypatch.setenv("NPULAB_CACHE", "/nowhere")
    monkeypatch.setattr(
        "toolchain.host.compiler.find", lambda *_: pytest.fail("no compiler is needed")
    )


def take(unit: Unit, root: Path) -> BuildResult:
    (result,) = build([unit], root=root)
    return result


@pytest.mark.usefixtures("taking")
def test_a_build_is_the_one_that_is_there(unit: Unit, built: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    result = take(unit, tmp_path)
    assert result.build
    assert result.build.folder == built
    assert (result.ran, result.written, result.errors) == (0, False, ())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.usefixtures("taking")
@pytest.mark.parametrize("damage", ["missing", "altered", "design"])
def test_what_is_not_that_build_is_refused(
    unit: Unit, built: Path, tmp_path: Path, damage: str
) -> None:
    code = {"missing": "NPU030", "altered": "NPU031", "design": "NPU062"}[damage]
    if damage == "missing":
        (built / "manifest.json").unlink()
    elif damage == "altered":
        (built / "kernel.so").write_bytes(b"another")
    else:
        unit = dataclasses.replace(unit, design=unit.design + "// changed since\n")
    result = take(unit, tmp_path)
    assert result.build is None
    assert [error.code for error in result.errors] == [code]
