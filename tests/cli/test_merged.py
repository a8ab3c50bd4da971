"""Merged designs on the command line: which commands take them, and what the others say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from errors import CheckFailed
from kernels.gelu_int8.kernel import GeluInt8
from kernels.layernorm_int8.kernel import LayernormInt8
from kernels.merged import Merged, designs
from npulab import checking
from npulab.checking import all_errors, check_merged, print_summary
from npulab.junit import write_junit
from toolchain.build import BuildResult
from toolchain.unit import Unit

if TYPE_CHECKING:
    from conftest import Npulab

PARTS = ("gelu_int8/512", "layernorm_int8/256")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Merged:
    monkeypatch.setitem(designs.DESIGNS, "small", PARTS)
    return designs.find("small")


def test_the_parts_are_tested_case_by_case_in_turn(
    npulab: Npulab, small: Merged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, check = [], checking.check

    def noted(kernel: Any, program: Any, case: Any) -> Any:
        order.append(kernel.title)
        return check(kernel, program, case)

    monkeypatch.setattr(checking, "check", noted)
    report, build = tmp_path / "report.xml", tmp_path / "build"
    done = npulab("test", "merged/small", "--json", "--junit", str(report), NPULAB_BUILD=str(build))
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"]) == (0, True)
    assert order[:4] == [*PARTS, *PARTS]
    for variant, part in zip(document["variants"], small.parts, strict=True):
        assert f"{variant['kernel']}/{variant['variant']}" == part.title
        assert variant["merged"] == "merged/small"
        assert [case["case"] for case in variant["cases"]] == [case.name for case in part.cases()]
        assert f'name="merged/small, {part.title}"' in report.read_text()
    assert not (build / "records").exists(), "no record of a kernel by itself is replaced"


def test_a_demo_tells_which_kernels_share_the_array(npulab: Npulab) -> None:
    done = npulab("demo", "merged/small", "gelu_int8/512")
    assert done.returncode == 0
    text = done.stdout
    assert text.index("gelu_int8: GELU") < text.index("merged/small: in one hardware context")
    assert all(f" {title}" in text for title in PARTS)
    assert "3 variants on the simulator: " in text


def test_a_wrong_part_is_told_with_its_design(
    npulab: Npulab, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden = LayernormInt8.golden

    def wrong(self: LayernormInt8, inputs: Any) -> Any:
        return {name: np.roll(array, 1) for name, array in golden(self, inputs).items()}

    monkeypatch.setattr(LayernormInt8, "golden", wrong)
    done = npulab("test", "merged/small")
    assert done.returncode == 1
    assert "1 of 2 variants wrong" in done.stdout
    assert "error: [NPU308] merged/small: layernorm_int8/256 on " in done.stderr


def test_a_part_whose_run_cannot_begin_is_an_error_of_all(
    small: Merged,
    capsys: pytest.CaptureFixture[str],
    places: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in places.items():
        monkeypatch.setenv(name, value)

    def refused(*_: Any) -> None:
        raise CheckFailed("no run", code="NPU201")

    monkeypatch.setattr(checking, "check", refused)
    checked = list(check_merged([small], lambda part: part.cases(), jobs=None))
    print_summary(checked, 1)
    printed = capsys.readouterr().out
    assert "0 variants on the simulator: 0 cases" in printed
    assert "2 of 2 variants not run" in printed
    assert [(design, error.message) for design, error in all_errors(checked)] == [
        ("merged/small", "no run")
    ]


def test_a_design_that_is_not_built_is_no_wrong_result(
    small: Merged,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = CheckFailed("kernel.cc does not compile", code="NPU010")
    result = BuildResult(unit=Unit.of(small), build=None, errors=(error,))
    monkeypatch.setattr(checking, "build_units", lambda *_, **__: [result])
    checked = list(check_merged([small], lambda part: part.cases(), jobs=None))
    print_summary(checked, 1)
    printed = capsys.readouterr().out
    assert "2 of 2 variants not built" in printed
    assert "wrong" not in printed
    assert "modelled" not in printed
    assert all_errors(checked) == [("merged/small", error)], "told once"
    write_junit(tmp_path / "report.xml", checked)
    assert (tmp_path / "report.xml").read_text().count("kernel.cc does not compile") == 4


@pytest.mark.parametrize("command", ["run", "trace", "bench"])
def test_a_command_that_takes_single_kernels_names_the_parts(npulab: Npulab, command: str) -> None:
    done = npulab(command, "merged/small")
    assert (done.returncode, done.stdout) == (2, "")
    assert "[NPU110] merged/small is several kernels in one design" in done.stderr
    assert "name one of its parts: gelu_int8/512, layernorm_int8/256; build, show, " in done.stderr
    unknown = npulab(command, "merged/smal")
    assert unknown.returncode == 2
    assert "did you mean small" in unknown.stderr


def test_without_names_merged_designs_are_left_out(
    npulab: Npulab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their parts are checked by themselves."""
    monkeypatch.setattr("kernels.registry.names", lambda: ["gelu_int8"])
    done = npulab("demo", "--json")
    kernels = {variant["kernel"] for variant in json.loads(done.stdout)["variants"]}
    assert kernels == {GeluInt8.kernel_name()}
