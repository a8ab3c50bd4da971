"""The gate on series as labs have them: it neither cries wolf nor sleeps."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result

from errors import UsageError
from npulab.cli import cli
from runtime.bench.compare import SESSIONS, exit_code, judge_newest, markdown, sparkline
from runtime.bench.gate import LEAST, Verdict, compare, compare_exact
from runtime.bench.record import Record
from runtime.bench.store import append

ROOT = Path(__file__).parents[2]
TRIALS = 60
ENOUGH = {"quiet": 200, "drifting": 200, "bimodal": 400, "bursts": None, "everything": None}
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


@pytest.mark.parametrize(("sessions", "seen"), [(1, 0.06), (2, 0.03), (3, 0.03), (10, 0.03)])
def test_any_number_of_sessions_to_compare_with_will_do(
    sessions: int, seen: float, noise: ModuleType
) -> None:
    """One session tells nothing of how far they are apart: only much more is called slower."""
    trials = TRIALS // 2
    same = noise.rates("quiet", 400, 0.0, trials, seed=3, sessions=sessions)
    assert same.slower + same.faster <= 1 / trials
    assert noise.rates("quiet", 400, seen, trials, seed=4, sessions=sessions).slower >= 0.9


@pytest.mark.parametrize("sessions", [1, 5])
def test_sessions_far_apart_are_seldom_called_slower(sessions: int, noise: ModuleType) -> None:
    """Three times as far apart as is assumed of them."""
    found = noise.rates("quiet", 400, 0.0, 2 * TRIALS, seed=5, sessions=sessions, apart=0.01)
    assert found.slower <= 0.025


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
    assert str(slower).startswith("slower by 4.9% ± 1.3")
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
    session = judge_newest([record(series(1.04, seed=9))], [*old, *others])
    (finding,) = session.findings
    assert finding.sessions == 3
    assert finding.verdict is Verdict.SLOWER
    assert exit_code(session) == 1
    assert "| slower by " in markdown(session)


def test_a_second_look_at_a_commit_is_not_its_own_baseline() -> None:
    old = [record(series(seed=seed), provenance={"host": "a", "commit": "1"}) for seed in range(3)]
    mine = {"host": "a", "commit": "2"}
    looks = [record(series(1.04, seed=seed), provenance=mine) for seed in range(5, 8)]
    (finding,) = judge_newest([*old, *looks]).findings
    assert finding.sessions == 3
    assert finding.verdict is Verdict.SLOWER
    assert len(finding.history) == 6
    (finding,) = judge_newest(looks).findings
    assert finding.sessions == 2, "where there is no other commit, its own must do"


def test_changed_sources_are_no_baseline_for_a_commit_and_a_commit_is_one_for_them() -> None:
    clean = [taken(f"{place}", "c1", seed=place) for place in range(3)]
    changed = [taken(f"1{place}", "c1-dirty", 1.04, seed=9 + place) for place in range(2)]
    (finding,) = judge_newest([*clean, *changed]).findings
    assert (finding.sessions, finding.verdict) == (3, Verdict.SLOWER)
    (finding,) = judge_newest([*clean, *changed, taken("20", "c2", 1.04, seed=20)]).findings
    assert (finding.sessions, finding.verdict) == (3, Verdict.SLOWER)


def taken(
    session: str, commit: str = "1", factor: float = 1.0, seed: int = 0, **changes: object
) -> Record:
    """Return a record of a session; a time that sorts as its name does."""
    return record(
        series(factor, seed=seed),
        session=session,
        time=f"2026-11-20T12:00:{int(session):02}+00:00",
        **{"provenance": {"host": "a", "commit": commit}, **changes},
    )


def test_only_the_newest_session_is_judged_and_what_it_lacks_is_listed() -> None:
    """A kernel that was slower when it was last timed, long ago, is no finding of today."""
    gone = [taken("1", "1", kernel="gone"), taken("2", "2", 1.1, seed=1, kernel="gone")]
    kept = [taken(str(place), str(place), seed=place) for place in range(1, 5)]
    session = judge_newest([*gone, *kept])
    assert [one.kernel for one in session.findings] == ["gelu_int8/512"]
    assert session.missing == ("gone",)
    assert exit_code(session) == 0
    assert "not in this one: gone." in markdown(session)
    many = [taken(str(place), str(place), seed=place) for place in range(3, 5 + SESSIONS)]
    assert judge_newest([*gone, *kept, *many]).missing == (), "a kernel that went is forgotten"


def test_the_newest_session_of_this_host_is_judged() -> None:
    mine = [taken(str(place), str(place), seed=place) for place in range(3)]
    theirs = taken("9", "9", 1.1, provenance={"host": "b", "commit": "9"})
    assert judge_newest([*mine, theirs], host="a").findings[0].record is mine[-1]
    session = judge_newest([*mine, theirs], host="c")
    assert session.findings[0].record is theirs
    assert "host b" in session.title


def test_times_of_a_model_never_stand_under_measured() -> None:
    """Both in a store, of records without sessions too."""
    real = [record(series(seed=seed)) for seed in range(3)]
    fake = [record([2e-3] * 5, basis="modelled", device="fake NPU", kernel="x") for _ in range(2)]
    for records, basis in (([*real, *fake], "modelled"), ([*fake, *real], "measured")):
        session = judge_newest(records)
        assert {one.record.basis for one in session.findings} == {basis}
        assert f"### Timings, {basis} on the " in markdown(session)
        assert session.missing == ()


def test_times_without_noise_need_no_samples_to_be_told_apart() -> None:
    model = {"basis": "modelled", "device": "simulator"}
    before = [record([seconds] * 400, **model) for seconds in (3e-3, 1e-3)]
    for now, verdict in ((1e-3, "no change"), (1.004e-3, "no change"), (1.006e-3, "slower")):
        (finding,) = judge_newest([*before, record([now] * 3, **model)]).findings
        assert finding.verdict.value == verdict
        assert finding.sessions == 1
    assert str(compare_exact(1e-3, 1.01e-3)) == "slower by 1.0% ± 0.0"
    (noisy,) = judge_newest([*before, record(series(1e-3), **model)]).findings
    assert noisy.sessions == 2, "noise is compared as any other"
    (measured,) = judge_newest([record([1e-3] * 3), record([1e-3] * 3)]).findings
    assert measured.verdict is Verdict.UNCLEAR, "no NPU is that steady"


def test_without_a_baseline_it_cannot_tell() -> None:
    session = judge_newest([record(series())])
    assert exit_code(session) == 4
    assert "no older timings" in session.findings[0].says
    assert session.tally == "1 variant: 1 cannot tell"
    assert exit_code(judge_newest([record(series()), record(series(seed=1))])) == 0
    mixed = [taken("1"), taken("2", "2", seed=1), taken("2", "2", kernel="new")]
    assert exit_code(judge_newest(mixed)) == 4
    assert judge_newest(mixed).tally == "2 variants: 1 no change, 1 cannot tell"


def gate(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["gate", *map(str, arguments)])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store whose newest session has a variant that nothing is known of."""
    path = tmp_path / "timings.jsonl"
    append(path, [taken("1"), taken("2", "2", seed=1), taken("2", "2", kernel="new")])
    return path


def test_what_cannot_be_told_need_not_fail(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert gate(store).exit_code == 4
    allowed = gate(store, "--allow-unclear")
    assert allowed.exit_code == 0
    assert allowed.stderr.startswith("warning: the gate cannot tell")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert gate(store, "--allow-unclear").stderr.startswith("::warning::the gate cannot tell")
    append(store, [taken("3", "3", 1.2)])
    slower = gate(store, "--allow-unclear")
    assert slower.exit_code == 1
    assert slower.stderr == ""


def test_it_says_what_the_times_are_of(store: Path) -> None:
    lines = gate(store).stdout.splitlines()
    assert " ".join(lines[:2]).startswith("measured on the NPU, host a, power mode performance")
    assert lines[-1] == "2 variants: 1 no change, 1 cannot tell"
    assert lines[-4].startswith("gelu_int8/512               no change (")
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines)


def test_it_prints_one_json_document(store: Path) -> None:
    found = json.loads(gate(store, "--json").stdout)
    assert (found["basis"], found["session"], found["missing"]) == ("measured", "2", [])
    same, new = found["findings"]
    assert (same["verdict"], same["sessions"]) == ("no change", 1)
    assert same["change"]["low"] < same["change"]["estimate"] < same["change"]["high"]
    assert (new["verdict"], new["change"]) == ("cannot tell", None)


def test_a_summary_that_cannot_be_written_is_no_slowdown(store: Path, tmp_path: Path) -> None:
    """Exit code 1 means slower, and a traceback ends with it."""
    for path in (tmp_path / "nowhere" / "page.md", tmp_path, Path("/dev/full")):
        ended = gate(store, "--summary", path)
        assert ended.exit_code == 2, ended.output
        assert "NPU405" in ended.stderr


def test_no_records_are_an_error() -> None:
    with pytest.raises(UsageError) as caught:
        judge_newest([])
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
