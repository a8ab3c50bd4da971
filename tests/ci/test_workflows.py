"""The workflows: commands that a person can run, and no stranger's code on the hardware.

That they are valid workflows, `nox -s lint` checks against GitHub's schema.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from npulab.cli import COMMANDS

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RUN = re.compile(r"^\s*(?:- )?run: (.*)$", re.MULTILINE)
NOX = re.compile(r"^(?:pipx run nox==[\d.]+|nox) -s ([\w]+)")


def test_there_are_workflows() -> None:
    assert {path.name for path in WORKFLOWS} >= {"checks.yml", "npu.yml"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_step_is_a_session_or_a_command_of_the_lab(path: Path) -> None:
    steps = RUN.findall(path.read_text())
    assert steps
    sessions = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.M))
    for step in steps:
        if match := NOX.match(step):
            assert match[1] in sessions, step
        else:
            assert step.split()[0] == "npulab", step
            assert step.split()[1] in COMMANDS, step


def test_they_take_the_locked_nox() -> None:
    locked = re.findall(r"^nox==([\d.]+)", (ROOT / "requirements" / "lint.txt").read_text(), re.M)
    taken = {
        version for path in WORKFLOWS for version in re.findall(r"nox==([\d.]+)", path.read_text())
    }
    assert taken == set(locked)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_of_a_pull_request_runs_on_the_hardware(path: Path) -> None:
    text = path.read_text()
    assert "pull_request_target" not in text
    if "self-hosted" in text:
        assert "pull_request:" not in text
        assert "secrets." not in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_rights_are_stated_and_small(path: Path) -> None:
    assert re.search(r"^permissions:\n  contents: read\n", path.read_text(), re.MULTILINE)
    assert "timeout-minutes:" in path.read_text()


def test_every_change_is_tested_on_the_hardware_and_its_baseline_kept() -> None:
    """GitHub cancels what waits in a concurrency group when something newer comes."""
    text = (ROOT / ".github" / "workflows" / "npu.yml").read_text()
    assert not re.search(r"^\s*concurrency:", text, re.MULTILINE)
    assert "path: ${{ env.NPULAB_TIMINGS }}" in text
