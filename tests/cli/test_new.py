"""A new kernel builds and passes, and one that is broken is told so."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree as ET

import pytest

Npulab = Callable[..., subprocess.CompletedProcess[str]]


class Checkout(Protocol):
    root: Path
    npulab: Npulab


@pytest.fixture
def relu(checkout: Checkout) -> Path:
    done = checkout.npulab("new", "relu_int8")
    assert (done.returncode, done.stderr) == (0, "")
    assert "npulab test relu_int8" in done.stdout
    return checkout.root / "kernels" / "relu_int8"


def kernel_files(checkout: Checkout) -> list[Path]:
    """Return what is in kernels/, without what Python keeps there of its own accord."""
    found = (checkout.root / "kernels").iterdir()
    return sorted(path for path in found if path.name != "__pycache__")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_new_kernel_is_listed_built_and_passes(checkout: Checkout, relu: Path) -> None:
    assert sorted(path.name for path in relu.iterdir()) == ["__init__.py", "kernel.cc", "kernel.py"]
    listed = json.loads(checkout.npulab("list", "--json").stdout)
    assert [kernel["name"] for kernel in listed["kernels"]] == ["passthrough", "relu_int8"]
    report = checkout.root / "report.xml"
    done = checkout.npulab("test", "relu_int8", "--junit", str(report))
    assert (done.returncode, "all agree with their golden models" in done.stdout) == (0, True)
    suites = ET.parse(report).getroot().findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["relu_int8/256", "relu_int8/1024"]
    assert [suite.get("failures") for suite in suites] == ["0", "0"]
    assert len(suites[0].findall("testcase")) == int(suites[0].get("tests", "0")) >= 9


def test_the_new_files_say_what_the_style_asks(relu: Path) -> None:
    module = ast.parse((relu / "kernel.py").read_text())
    assert ast.get_docstring(module)
    for path in relu.iterdir():
        text = path.read_text()
        assert "$" not in text
        assert max(map(len, text.splitlines())) <= 100
        assert text.endswith("\n")


@pytest.mark.parametrize(
    "name",
    ["", "Relu", "2d", "a-b", "a b", "_a", "a__b", "a_", "class", "contract", "registry", "../x"],
)
def test_a_name_that_cannot_be_is_refused(checkout: Checkout, name: str) -> None:
    before = kernel_files(checkout)
    done = checkout.npulab("new", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert kernel_files(checkout) == before


def test_a_name_that_is_taken_is_refused(checkout: Checkout, relu: Path) -> None:
    before = (relu / "kernel.cc").read_text()
    done = checkout.npulab("new", "relu_int8")
    assert (done.returncode, "already" in done.stderr) == (2, True)
    assert (relu / "kernel.cc").read_text() == before


def test_a_cpp_error_shows_the_compilers_lines_and_the_command(
    checkout: Checkout, relu: Path
) -> None:
    replace(relu / "kernel.cc", "event0();", "event0()")
    done = checkout.npulab("build", "relu_int8")
    assert done.returncode == 1
    assert "error: [NPU010] relu_int8/" in done.stderr
    assert "kernel.cc:" in done.stderr
    assert "repeat: " in done.stderr
    assert "2 variants in build: 2 FAILED" in done.stdout
    assert done.stderr.count("repeat: ") == 1  # the other variant's error is one line
    assert checkout.npulab("build", "passthrough").returncode == 0


def test_wrong_numbers_fail_test_and_demo_and_stop_no_other(checkout: Checkout, relu: Path) -> None:
    replace(relu / "kernel.py", 'np.maximum(inputs["x"], 0)', 'np.maximum(inputs["x"], 1)')
    done = checkout.npulab("test", "relu_int8/256", "passthrough/1024")
    assert done.returncode == 1
    assert "1 of 2 variants wrong" in done.stdout
    assert "error: [NPU308] relu_int8/256 on zeros: y: 256 of 256 elements wrong" in done.stderr
    report = checkout.root / "report.xml"
    done = checkout.npulab("demo", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"]) == (1, False)
    assert {v["kernel"]: v["ok"] for v in document["variants"]} == {
        "passthrough": True,
        "relu_int8": False,
    }
    assert checkout.npulab("test", "relu_int8/256", "--junit", str(report)).returncode == 1
    suite = ET.parse(report).getroot().find("testsuite")
    assert suite is not None
    assert int(suite.get("failures", "0")) == len(suite.findall("testcase/failure")) > 5


def test_a_kernel_that_is_not_built_is_not_called_wrong(checkout: Checkout, relu: Path) -> None:
    replace(relu / "kernel.cc", "event0();", "event0()")
    done = checkout.npulab("test", "relu_int8/256")
    assert done.returncode == 1
    assert "0 variants on the simulator: 0 cases, 0 elements" in done.stdout
    assert "1 of 1 variant not built" in done.stdout
    assert "wrong" not in done.stdout
    assert "Cycles" not in done.stdout, "nothing ran"
    done = checkout.npulab("demo", "relu_int8/256", "passthrough/1024")
    assert "NOT BUILT" in done.stdout
    assert "1 of 2 variants not built" in done.stdout
    assert "Cycles are modelled" in done.stdout


def test_a_kernel_without_cases_is_no_success(checkout: Checkout, relu: Path) -> None:
    none = "    def demo(self):\n        return iter(())\n\n\nKERNEL"
    replace(relu / "kernel.py", "\nKERNEL", none)
    done = checkout.npulab("demo", "relu_int8/256")
    assert done.returncode == 1
    assert "relu_int8/256: there was no case to run" in done.stderr
    assert "NOT RUN" in done.stdout
    assert "1 of 1 variant not run" in done.stdout


def test_a_deadlock_is_told_as_one_and_the_next_case_runs(checkout: Checkout, relu: Path) -> None:
    replace(relu / "kernel.py", "of_x.memcpy(x, bd=0),", "")
    done = checkout.npulab("test", "relu_int8/256")
    assert done.returncode == 1
    assert "error: [NPU229] relu_int8/256 on zeros: " in done.stderr
    assert "relu_int8/256 on random-2: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_release_that_is_missing_is_told_before_anything_runs(
    checkout: Checkout, relu: Path
) -> None:
    replace(relu / "kernel.py", 'of_y.release("Produce"),', "")
    done = checkout.npulab("test", "relu_int8/256")
    assert done.returncode == 1
    assert "error: [NPU225] relu_int8/256: tile(0,2) MM2S:0 can never begin" in done.stderr
    assert " on zeros" not in done.stderr
    assert "Traceback" not in done.stderr


def test_simtests_of_an_empty_lab_are_no_success(checkout: Checkout) -> None:
    lab = Path(__file__).parents[2]
    shutil.copytree(lab / "simtests", checkout.root / "simtests")
    (checkout.root / "kernels" / "passthrough" / "kernel.cc").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "simtests"],
        cwd=checkout.root,
        env=os.environ | {"PYTHONPATH": str(checkout.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "no kernels found: simtests would check nothing" in done.stdout + done.stderr


def test_an_empty_lab_is_no_success(checkout: Checkout) -> None:
    """Without kernels there is nothing to check, and that must not look like all is well."""
    (checkout.root / "kernels" / "passthrough" / "kernel.cc").unlink()
    for command in ("build", "demo", "test"):
        done = checkout.npulab(command)
        assert done.returncode == 2
        assert "no kernels" in done.stderr
