"""One wrong design for each finding: its code and its message, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors.catalogue import load
from tests.findings.design import FOLDER, Design, designs, run
from tests.findings.page import page

DESIGNS = designs()

ELSEWHERE = {
    "NPU110": "names of kernels, not designs: tests/cli",
    "NPU111": "names of variants, not designs: tests/cli",
    "NPU112": "contracts of kernels, not designs: tests/kernels",
    "NPU114": "contracts of kernels, not designs: tests/kernels",
    "NPU141": "needs a library: tests/mlir/test_natives.py",
    "NPU161": "arrays of the caller: tests/mlir/test_sequences.py",
    "NPU162": "an option: tests/findings/test_warnings.py",
    "NPU163": "arrays of the caller: tests/mlir/test_sequences.py",
    "NPU202": "needs native code or wall-clock time: tests/mlir/test_natives.py",
    "NPU205": "the front end refuses it as NPU120 or NPU126: tests/array/test_refusals.py",
    "NPU211": "needs native code: tests/mlir/test_natives.py",
    "NPU212": "the front end refuses it as NPU106: tests/array/test_core.py",
    "NPU213": "arrays of the caller: tests/array/test_refusals.py",
    "NPU217": "a second run after a failed one: tests/array/test_host.py",
    "NPU218": "a fault of a front end: tests/array/test_refusals.py",
    "NPU261": "the performance model, not the run: tests/model/test_counts.py",
    "NPU262": "the performance model, not the run: tests/model/test_counts.py",
}
"""Codes of designs and of their simulation that no design text alone brings about."""


@pytest.mark.parametrize("design", DESIGNS, ids=[design.name for design in DESIGNS])
def test_wrong_design(design: Design) -> None:
    error = run(FOLDER / f"{design.name}.mlir")
    assert error is not None
    assert (error.code, error.message) == (design.code, design.message)
    assert error.cure


def test_there_are_at_least_forty_and_no_message_twice() -> None:
    assert len(DESIGNS) >= 40
    assert len({design.message for design in DESIGNS}) == len(DESIGNS)


def test_every_code_of_a_design_has_one_or_a_reason() -> None:
    numbers = [*range(100, 150), *range(160, 280)]  # between them: parameters of kernels
    mine = {f"NPU{number}" for number in numbers} & load().keys()
    covered = {design.code for design in DESIGNS}
    assert covered | ELSEWHERE.keys() == mine
    assert not covered & ELSEWHERE.keys()


def test_the_page_is_that_of_the_designs() -> None:
    written = (Path(__file__).parents[2] / "docs/findings.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m tests.findings.page docs/findings.md"
