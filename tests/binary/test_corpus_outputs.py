"""Whole designs of the corpus: their outputs against their sources, predicted against measured.

The tables that this holds are made by ``python -m tests.binary.corpus_table``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.binary import corpus_table
from tests.binary.corpus_table import MEASURED, MOVED, Ran

AIM = 0.10
"""Largest relative error of a predicted time against the measured range."""

LATER_BUILD = "build_attention_64x64/attention_64x64"
"""The binary at hand is a later build than the one that was measured, see docs/binaries.md."""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[Ran, str]]:
    folder = os.environ.get("NPULAB_AIE2_CORPUS", "")
    if not folder:
        pytest.skip("NPULAB_AIE2_CORPUS names no folder of AIE2 binaries")
    return {ran.name: (ran, how) for ran, how in corpus_table.outcomes(Path(folder))}


@pytest.mark.slow
def test_outputs_are_those_of_the_sources(outcomes: dict[str, tuple[Ran, str]]) -> None:
    """A design whose stack overflows has the right output once its stack lies elsewhere."""
    ends = {name: how.rpartition(": ")[2] for name, (_, how) in outcomes.items()}
    wrong = {name: end for name, end in ends.items() if end not in ("", "equal", MOVED)}
    assert wrong == {}
    assert "equal" in ends.values()
    for ran, how in outcomes.values():
        assert (": " in how) == ("NPU518" in (ran.failure, *ran.findings))


@pytest.mark.slow
def test_predicted_times_are_near_the_measured_ones(
    outcomes: dict[str, tuple[Ran, str]],
) -> None:
    for name, (_, least, most) in MEASURED.items():
        ran, _ = outcomes[name]
        for cycles in (ran.core, ran.cycles):
            off = abs(corpus_table.error(corpus_table.predicted(cycles), least, most))
            assert off <= AIM or name == LATER_BUILD, (name, cycles)
