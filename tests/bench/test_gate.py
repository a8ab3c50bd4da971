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
ENOUGH = {"quiet": 200, "drifting": 200, "bimodal": 1000}
"""Samples at which a slowdown of 3% is seen 95 times of 100, by kind of noise."""


@pytest.fixture(scope="module")
def noise() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gate_rates", ROOT / "bench" / "gate_rates.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", ENOUGH)
def test_no_false_alarm(kind: str, noise: ModuleType) -> None:
    for count in (LEAST, ENOUGH[kind]):
        found = noise.rates(kind, count, 0.0, TRIALS, seed=1)
        assert found["slower"] == found["faster"] == 0


@pytest.mark.parametrize("kind", ENOUGH)
def test_a_slowdown_of_three_percent_is_seen(kind: str, noise: ModuleType) -> None:
    found = noise.rates(kind, ENOUGH[kind], 0.03, TRIALS, seed=2)
    assert found["slower"] >= 0.93 * TRIALS
    assert found["faster"] == found["no change"] == 0


def series(
    factor: float = 1.0, count: int = 400, noise: float = 0.02, seed: int = 0
) -> list[float]:
    random = np.random.default_rng(seed)
    values: list[float] = (factor * (1 + noise * random.standard_normal(count))).tolist()
    return values


def test_it_says_by_how_much() -> None:
    slower = compare([series()], series(1.05, seed=1))
    assert slower.verdict is Verdict.SLOWER
    assert slower.estimate == pytest.approx(0.05, abs=0.005)
    assert slower.low < 0.05 < slower.high
    assert str(slower).startswith("slower by 5.")
    assert " ± 0." in str(slower)
    assert str(compare([series(1.05)], series())).startswith("faster by ")
    assert str(compare([series()], series(seed=3))).startswith("no change (")


def test_it_says_how_many_samples_are_missing_and_they_suffice() -> None:
    short = compare([series()] * 2, series(count=LEAST - 7))
    assert str(short) == "cannot tell, 7 more samples needed"
    wide = compare([series(noise=0.2)], series(noise=0.2, seed=1))
    assert wide.verdict is Verdict.UNCLEAR
    count = 2 * (wide.samples + wide.more)
    enough = compare([series(noise=0.2, count=count)], series(noise=0.2, count=count, seed=1))
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
