"""The gate on series as labs have them: it neither cries wolf nor sleeps."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest

from errors import UsageError
from runtime.bench.compare import compare_stores, exit_code, markdown, sparkline
from runtime.bench.gate import LEAST, Verdict, compare
from runtime.bench.record import Record

ROOT = Path(__file__).parents[2]
TRIALS = 60
ENOUGH = {"quiet": 200, "drifting": 200, "bimodal": 300, "bursts": None, "everything": None}
"""Samples at which a slowdown of 3% is seen 95 times of 100, by kind of noise; None where a
session is sampled until its median is known, as the bench does."""


@pytest.fixture(scope="module")
def noise() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gate_power", ROOT / "bench" / "gate_power.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", ENOUGH)
def test_no_false_alarm(kind: str, noise: ModuleType) -> None:
    for count in (LEAST, ENOUGH[kind]):
        trials = TRIALS if count else TRIALS // 3
        assert noise.rates(kind, count, 0.0, trials, seed=1).slower <= 1 / TRIALS


@pytest.mark.parametrize("kind", ENOUGH)
def test_a_slowdown_of_three_percent_is_seen(kind: str, noise: ModuleType) -> None:
    trials = TRIALS if ENOUGH[kind] else TRIALS // 3
    found = noise.rates(kind, ENOUGH[kind], 0.03, trials, seed=2)
    assert found.slower >= 0.93
    assert found.faster == 0


@pytest.mark.parametrize("sessions", [1, 3, 10])
def test_any_number_of_sessions_to_compare_with_will_do(sessions: int, noise: ModuleType) -> None:
    trials = TRIALS // 2
    same = noise.rates("quiet", 400, 0.0, trials, seed=3, sessions=sessions)
    assert same.slower + same.faster <= 1 / trials
    assert noise.rates("quiet", 400, 0.03, trials, seed=4, sessions=sessions).slower >= 0.9


def test_the_samples_that_it_asks_for_suffice() -> None:
    """Short sessions of much noise, against long ones; then as many more as it said."""
    told = asked = 0
    for seed in range(0, 1000, 25):
        baseline = [series(1.0, 4000, 0.08, seed + place) for place in range(10)]
        change = compare(baseline, series(1.0, LEAST, 0.08, seed + 10))
        if change.verdict is Verdict.UNCLEAR and change.more is not None:
            asked += 1
            longer = series(1.0, LEAST + change.more, 0.08, seed + 11)
            told += compare(baseline, longer).verdict is Verdict.SAME
    assert asked >= 15
    assert told >= 0.85 * asked


def test_where_sessions_are_far_apart_it_asks_for_sessions() -> None:
    """More samples of the new one would tell nothing."""
    baseline = [series(factor, seed=place) for place, factor in enumerate((1.0, 1.05, 0.96))]
    change = compare(baseline, series(1.01, seed=9))
    assert change.more is None
    assert str(change) == "cannot tell, more sessions to compare with needed"


def series(
    factor: float = 1.0, count: int = 400, noise: float = 0.02, seed: int = 0
) -> list[float]:
    random = np.random.default_rng(seed)
    values: list[float] = (factor * (1 + noise * random.standard_normal(count))).tolist()
    return values


def test_it_says_by_how_much() -> None:
    slower = compare([series(seed=seed) for seed in range(10, 16)], series(1.05, seed=2))
    assert slower.verdict is Verdict.SLOWER
    assert slower.estimate == pytest.approx(0.05, abs=0.005)
    assert slower.low < 0.05 < slower.high
    assert str(slower).startswith("slower by 4.9% ± 0.9")
    assert " ± 0." in str(slower)
    assert str(compare([series(1.05)], series())).startswith("faster by ")
    assert str(compare([series()], series(seed=3))).startswith("no change (")


def test_it_says_how_many_samples_are_missing_and_they_suffice() -> None:
    short = compare([series()] * 2, series(count=LEAST - 7))
    assert str(short) == "cannot tell, 7 more samples needed"
    baseline = [series(noise=0.15, count=8000, seed=seed) for seed in range(10, 20)]
    wide = compare(baseline, series(noise=0.15, seed=4))
    assert wide.verdict is Verdict.UNCLEAR
    assert wide.more
    enough = compare(baseline, series(noise=0.15, count=wide.samples + wide.more, seed=4))
    assert enough.verdict is Verdict.SAME


def test_the_same_data_give_the_same_answer() -> None:
    assert compare([series()], series(seed=1)) == compare([series()], series(seed=1))


def record(samples: list[float], **changes: object) -> Record:
    values = {
        "time": "2026-11-20T12:00:00+00:00",
        "kernel": "gelu_int8/512",
        "device": "NPU",
        "basis": "measured",
        "samples": samples,
        "warmup": 0,
        "stable": True,
        "tight": True,
        "transfer": None,
        "amortised": None,
        "compared": 1,
        "ops": 1,
        "bytes": 1,
        "provenance": {"host": "a"},
        "conditions": {"power_mode": "performance"},
        **changes,
    }
    return msgspec.convert(values, Record)


def test_the_newest_is_compared_with_its_like_only() -> None:
    old = [record(series(seed=seed)) for seed in range(3)]
    others = [
        record(series(9.0), provenance={"host": "b"}),
        record(series(9.0), conditions={"power_mode": "default"}),
        record(series(9.0), basis="modelled", device="fake NPU"),
        record(series(9.0), kernel="passthrough/4096"),
    ]
    (finding,) = compare_stores([record(series(1.04, seed=9))], [*old, *others])
    assert finding.sessions == 3
    assert finding.change
    assert finding.change.verdict is Verdict.SLOWER
    assert exit_code([finding]) == 1
    assert "| slower by " in markdown([finding])


def test_a_second_look_at_a_commit_is_not_its_own_baseline() -> None:
    old = [record(series(seed=seed), provenance={"host": "a", "commit": "1"}) for seed in range(3)]
    mine = {"host": "a", "commit": "2"}
    looks = [record(series(1.04, seed=seed), provenance=mine) for seed in range(5, 8)]
    (finding,) = compare_stores([*old, *looks])
    assert finding.sessions == 3
    assert finding.change
    assert finding.change.verdict is Verdict.SLOWER
    assert len(finding.history) == 6
    (finding,) = compare_stores(looks)
    assert finding.sessions == 2, "where there is no other commit, its own must do"


def test_without_a_baseline_it_cannot_tell() -> None:
    (finding,) = compare_stores([record(series())])
    assert exit_code([finding]) == 4
    assert "no older timings" in finding.says
    (same,) = compare_stores([record(series()), record(series(seed=1))])
    assert exit_code([same]) == 0
    assert exit_code([same, finding]) == 4


def test_no_records_are_an_error() -> None:
    with pytest.raises(UsageError) as caught:
        compare_stores([])
    assert caught.value.code == "NPU447"


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([1.0], "▁"),
        ([1.0, 1.001, 0.999], "▁▁▁"),
        ([1.0, 2.0, 1.5], "▁█▅"),
        ([9.0] + [1.0] * 20, "▁" * 20),
        ([1.0, 1.03], "▁▄"),
    ],
)
def test_the_history_shows_what_changed(values: list[float], drawn: str) -> None:
    assert sparkline(values) == drawn
    assert sparkline([value * 1e-6 for value in values]) == drawn
