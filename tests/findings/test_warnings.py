"""Races, uninitialised reads and unfinished tasks as warnings: told once, and the run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from errors import CheckFailed, UsageError
from simulator import Simulation
from simulator.findings import Kind, kinds
from tests.findings.design import FOLDER, read

RACE = read(FOLDER / "race-write-under-a-reader.mlir")
UNWRITTEN = read(FOLDER / "unwritten-memory-sent.mlir")


def npulab(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "npulab", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


@pytest.mark.parametrize(
    ("design", "kind"), [(RACE, Kind.RACES), (UNWRITTEN, Kind.UNINITIALISED)], ids=str
)
def test_a_finding_as_a_warning(design: object, kind: Kind) -> None:
    wrong = RACE if kind is Kind.RACES else UNWRITTEN
    assert wrong is design
    target = np.zeros(16, np.int32)
    run = Simulation(wrong.text, warn=[kind]).run([target])
    assert [(one.code, one.message) for one in run.warnings] == [(wrong.code, wrong.message)]
    with pytest.raises(CheckFailed) as error:
        Simulation(wrong.text, warn=set(Kind) - {kind}).run([target])
    assert error.value.message == wrong.message


def test_unwatched_arrays_find_no_races() -> None:
    target = np.zeros(16, np.int32)
    assert Simulation(RACE.text, watched=False).run([target]).warnings == ()


def test_names_of_kinds() -> None:
    assert kinds(" races ,uninitialised,stack,hazards,unfinished") == set(Kind)
    assert kinds("") == set()
    with pytest.raises(UsageError) as error:
        kinds("races,uninitialized")
    assert str(error.value) == (
        "[NPU162] there are no findings called 'uninitialized'; did you mean uninitialised?\n"
        "  -> choose among: races, uninitialised, stack, hazards, unfinished"
    )


def test_the_option_and_the_variable(tmp_path: Path) -> None:
    design = str(FOLDER / f"{RACE.name}.mlir")
    out = str(tmp_path / "y.npy")
    refused = npulab("run", "--design", design, "--out", out)
    assert refused.returncode == 1
    assert "[NPU223]" in refused.stderr
    warned = npulab("run", "--design", design, "--out", out, "--warn", "races", "--json")
    assert warned.returncode == 0, warned.stderr
    (warning,) = json.loads(warned.stdout)["warnings"]
    assert (warning["code"], warning["message"]) == (RACE.code, RACE.message)
    assert warned.stderr.count("warning: [NPU223]") == 1
    by_variable = npulab("run", "--design", design, "--out", out, NPULAB_WARN="races")
    assert by_variable.returncode == 0
    assert by_variable.stderr.count("warning: [NPU223]") == 1
