"""The header of a report of all tests says which toolchain target aie2 is tested with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from toolchain.pins import lockfile

ROOT = Path(__file__).parents[2]


def header() -> str:
    """Return the line, from a run as CI starts it that collects no test."""
    command = [sys.executable, "-m", "pytest", "tests", "simtests", "--ignore-glob=*/test_*.py"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("target aie2:")]
    return line


def test_it_says_which_of_the_two_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NPULAB_PINS", raising=False)
    monkeypatch.setenv("NPULAB_PYTHON", "3.11")
    monkeypatch.setenv("NPULAB_MIRROR", str(tmp_path))
    one, other = lockfile.load(lockfile.PATH).variant("3.11")
    (tmp_path / one.file_name).touch()
    assert f"FAKE wheels only ({tmp_path} has no {other.file_name})" in header()
    (tmp_path / other.file_name).touch()
    assert f"and the real mlir-aie {one.version} and llvm-aie {other.version}" in header()
