"""Timing: nothing wrong is timed, nothing modelled is called measured, every sample is kept."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from errors import CheckFailed
from kernels import registry
from npulab.cli import cli
from npulab.timing_progress import RunCounter
from runtime.bench import export
from runtime.bench.compare import SESSIONS
from runtime.bench.conditions import changes, conditions, objections, provenance
from runtime.bench.history import history
from runtime.bench.limits import limits
from runtime.bench.measure import CHAIN, EXACT, LISTS, measure
from runtime.bench.record import Record
from runtime.bench.sampling import WINDOW, Plan, sample
from runtime.bench.statistics import BLOCKS, summarize
from runtime.bench.store import append, read
from runtime.device import Basis
from runtime.devices import DEVICES
from runtime.xrt import XrtDevice, fake_stack
from runtime.xrt.driver import DriverInfo
from simulator.clock import CLOCK_HZ
from simulator.fake_xrt.board import DISPATCH, Board
from simulator.fake_xrt.faults import Spoiled
from tests.bench.records import RECORD
from toolchain.build import Build, build
from toolchain.unit import Unit

GELU = registry.find("gelu_int8/512")[0]
QUICK = Plan(least=40, most=200, warmup=80, seconds=1e9)


@pytest.fixture(scope="module")
def gelu_build() -> Build:
    (result,) = build([Unit.from_kernel(GELU)])
    assert result.build
    return result.build


def timed(board: Board, build: Build, plan: Plan = QUICK) -> Record:
    device = XrtDevice(fake_stack(board))
    return measure(GELU, device.load(build), device, plan=plan, provenance={}, conditions={})


def test_a_record_has_dispatch_and_device_time_apart(gelu_build: Build) -> None:
    record = timed(Board(), gelu_build)
    assert record.basis == "modelled"
    assert record.stable
    assert record.tight
    assert record.compared == 512 * (1 + EXACT + EXACT * CHAIN)
    assert len(record.samples) == EXACT, "the same time again and again tells no more"
    assert record.dispatch == pytest.approx(DISPATCH, rel=1e-6)
    assert record.array == pytest.approx(record.summary.median - DISPATCH, rel=1e-6)
    assert record.array_error == pytest.approx(0, abs=1e-12)
    assert record.transfer is None, "the fake moves no bytes that could be timed"


SHORT = Plan(least=40, most=40, warmup=0, seconds=1e9)
FIRST, SAMPLED, LISTED = 1, 2 + SHORT.most, 2 + LISTS.warmup + LISTS.most
"""Runs and lists of a measurement with `SHORT`: two of each show that times differ."""


@pytest.mark.parametrize("fault", [Spoiled.STALE, Spoiled.ZERO])
@pytest.mark.parametrize(
    "run",
    [
        *(0, FIRST, FIRST + 20, FIRST + SAMPLED - 1),
        *(FIRST + SAMPLED, FIRST + SAMPLED + 13, FIRST + SAMPLED + CHAIN * LISTED - 1),
    ],
    ids=["first", "sample", "middle", "last sample", "list", "in a list", "last of all"],
)
def test_a_wrong_output_has_no_figure(run: int, fault: Spoiled, gelu_build: Build) -> None:
    """Whichever of the runs it is that goes wrong, and if only that one does."""
    board = Board()

    def noise() -> float:
        # The board asks for noise at the end of a run: what is scripted is of the next one.
        if board.runs == run - 1:
            board.script(fault)
        return 1 + board.runs % 3 / 100

    board.noise = noise
    device = XrtDevice(fake_stack(board))
    program = device.load(gelu_build)
    if run == 0:
        board.script(fault)
    with pytest.raises(CheckFailed, match=f"gelu_int8/512 on .*run {run + 1}"):
        measure(GELU, program, device, plan=SHORT, provenance={}, conditions={})


def test_a_kernel_whose_tolerance_follows_its_data_is_timed() -> None:
    (kernel,) = registry.find("attention_bf16/64x64")
    (result,) = build([Unit.from_kernel(kernel)])
    assert result.build
    device = XrtDevice(fake_stack(Board()))
    plan = Plan(least=3, most=3, warmup=0, seconds=1e9)
    program = device.load(result.build)
    record = measure(kernel, program, device, plan=plan, provenance={}, conditions={})
    assert record.compared >= 4 * 64 * 64


def test_the_time_on_the_array_has_an_interval_that_covers_it(gelu_build: Build) -> None:
    """It is a small difference of noisy times, and says how small."""
    exact = timed(Board(), gelu_build).array
    assert exact
    for seed in range(2):
        random = np.random.default_rng(seed)
        board = Board(noise=lambda random=random: 1 + 0.02 * random.standard_normal())
        record = timed(board, gelu_build, SHORT)
        assert record.lists == LISTS.most
        assert record.array
        assert record.array_error
        assert record.array_error > 0.01 * record.array
        assert abs(record.array - exact) < 2 * record.array_error


def test_a_record_has_its_shares_of_peak_and_bound(gelu_build: Build) -> None:
    record = timed(Board(), gelu_build)
    assert (record.clock_hz, record.clock_from) == (CLOCK_HZ, "simulator")
    assert record.peak == pytest.approx(512 / 2 / 256 / 16 / CLOCK_HZ)
    assert record.of_peak == pytest.approx(record.peak / (record.summary.median - DISPATCH))
    assert record.bound_by == "core compute"
    assert record.of_bound
    assert 0.5 < record.of_bound <= 1, "a bound that the array is not below"


@pytest.mark.parametrize(
    ("told", "clock", "source"),
    [({"clock": "1600 MHz"}, 1.6e9, "driver"), ({"clock": "unknown"}, CLOCK_HZ, "assumed")],
)
def test_limits_are_for_the_clock_of_the_device(
    told: dict[str, str], clock: float, source: str
) -> None:
    found = limits(GELU, Basis.MEASURED, told)
    assert (found.clock_hz, found.clock_from) == (clock, source)
    assert found.peak == pytest.approx(1 / 16 / clock)
    modelled = limits(GELU, Basis.MODELLED, told)
    assert modelled.bound
    assert found.bound == pytest.approx(modelled.bound * CLOCK_HZ / clock)


def test_a_record_of_before_has_no_shares() -> None:
    old = msgspec.json.decode(msgspec.json.encode(RECORD), type=dict)
    for name in ("chain", "clock_hz", "clock_from", "peak", "bound", "bound_by"):
        del old[name]
    record = msgspec.convert(old, Record)
    assert (record.of_peak, record.of_bound, record.clock_hz) == (None, None, None)


@pytest.mark.parametrize("amortised", [0.0, 5e-5])
def test_an_array_time_below_the_noise_is_none(amortised: float) -> None:
    record = msgspec.structs.replace(RECORD, amortised=amortised)
    assert record.array is None
    assert record.of_peak is None


def test_noise_is_sampled_until_the_budget_ends(gelu_build: Build) -> None:
    random = np.random.default_rng(0)
    board = Board(noise=lambda: float(random.uniform(1, 2)))
    record = timed(board, gelu_build)
    assert not record.tight
    assert len(record.samples) == QUICK.most


class Watch:
    """A clock that only runs make go on, and what they measure."""

    def __init__(self, seconds: float, noise: float = 0.0) -> None:
        self.now = 0.0
        self._seconds = seconds
        self._random = np.random.default_rng(0)
        self._noise = noise

    def __call__(self) -> float:
        return self.now

    def run(self) -> float:
        self.now += self._seconds
        return float(1e-4 * (1 + self._noise * self._random.random()))


def test_the_budget_is_of_this_machines_time_and_for_all_of_it() -> None:
    """A simulated run takes long, whatever short time it gives."""
    watch = Watch(seconds=1.0, noise=1.0)
    series = sample(watch.run, Plan(seconds=30, least=400), watch)
    assert watch.now == 31
    assert (series.warmup, len(series.samples)) == (16, 15)
    assert not series.stable
    assert not series.tight


@pytest.mark.parametrize("exact", [0, 3])
def test_a_run_that_takes_longer_than_the_budget_is_the_only_one(exact: int) -> None:
    watch = Watch(seconds=100.0)
    series = sample(watch.run, Plan(seconds=1, warmup=0, exact=exact), watch)
    assert (len(series.samples), series.tight) == (1, False)


def test_the_same_times_need_few_samples_and_others_do_not_pass_for_them() -> None:
    watch = Watch(seconds=1.0)
    series = sample(watch.run, Plan(seconds=30, exact=3), watch)
    assert (len(series.samples), series.warmup, series.stable, series.tight) == (3, 0, True, True)
    noisy = Watch(seconds=1e-3, noise=0.01)
    series = sample(noisy.run, Plan(seconds=30, exact=3), noisy)
    assert len(series.samples) >= 100
    assert series.warmup == 2 + 2 * WINDOW, "what showed that they differ is of the warm-up"


def test_the_warm_up_goes_on_until_times_settle() -> None:
    clock = iter(np.concatenate([np.linspace(2, 1, 100), np.ones(1000)]))
    series = sample(lambda: float(next(clock)), Plan())
    assert 100 <= series.warmup <= 160
    assert set(series.samples) == {1.0}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=300))
def test_a_summary_is_ordered(samples: list[float]) -> None:
    summary = summarize(samples)
    assert summary.count == len(samples)
    assert min(samples) <= summary.low <= summary.median <= summary.high <= max(samples)
    assert summary.median <= summary.p95 <= summary.p99 <= max(samples)
    # All but `waves` is of the samples in any order.
    back = summarize(samples[::-1])
    assert replace(back, waves=0) == replace(summary, waves=0)
    if len(samples) < 2 * BLOCKS:
        assert back.waves == summary.waves == 0


def test_the_order_of_samples_tells_of_waves() -> None:
    """The same samples in runs of neighbours are known less well than in any order."""
    samples = [1.0, 1.1, 1.0, 1.1, 1.05] * 20
    waves = summarize(sorted(samples)).waves
    assert waves > 0.01 > 1e-9 > summarize(samples).waves


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    summaries = [summarize(random.lognormal(size=101).tolist()) for _ in range(400)]
    share = sum(one.low <= 1 <= one.high for one in summaries) / 400
    assert share > 0.92


def test_outliers_are_counted_and_kept() -> None:
    samples = [1.0, 1.01, 0.99, 1.02, 0.98] * 10 + [9.0]
    summary = summarize(samples)
    assert (summary.outliers, summary.count) == (1, 51)


def test_exports_say_what_the_records_say(tmp_path: Path) -> None:
    (entry,) = json.loads(export.benchmark_action([RECORD]))
    assert entry["name"] == "gelu_int8/512 on fake NPU (modelled)"
    assert (entry["value"], entry["unit"]) == (2000.0, "us")
    path = tmp_path / "junit.xml"
    export.write_junit(path, [RECORD])
    case = ET.parse(path).getroot().find(".//testcase")
    assert case is not None
    assert float(case.attrib["time"]) == 0.002
    basis = case.find("properties/property[@name='basis']")
    assert basis is not None
    assert basis.attrib["value"] == "modelled"


def test_every_layer_has_a_version_or_says_that_it_is_unknown() -> None:
    found = {**provenance(), **conditions()}
    assert all(found.values())
    assert {"host", "kernel", "driver", "firmware", "xrt", "pins", "power_mode"} <= set(found)
    assert {"power_supply", "temperature", "other_users", "clock"} <= set(found)


GOOD = {
    "power_mode": "performance",
    "power_supply": "mains",
    "clock": "1600 MHz",
    "clock_limit": "1600 MHz",
    "temperature": "45 C",
    "other_users": "0",
    "load": "0.10",
    "processors": "16",
}


@pytest.mark.parametrize(
    ("changed", "says", "cure"),
    [
        ({"power_mode": "default"}, "the power mode is default", "--pmode performance"),
        ({"power_mode": "unknown"}, "the power mode is unknown", "--pmode performance"),
        ({"power_supply": "battery"}, "battery", "plug it in"),
        ({"clock": "800 MHz"}, "clock is 800 MHz of 1600", "power mode"),
        ({"temperature": "95 C"}, "at 95 C", "let it cool"),
        ({"other_users": "2"}, "have the NPU open: 2", "fuser"),
        ({"load": "9.00"}, "load 9.00 on 16", "end other work"),
    ],
)
def test_bad_conditions_are_told_with_their_cure(
    changed: dict[str, str], says: str, cure: str
) -> None:
    assert objections(GOOD) == []
    (said,) = objections({**GOOD, **changed})
    assert says in said.found
    assert cure in said.cure
    assert str(said) == f"{said.found}: {said.cure}"


def test_what_is_unknown_is_no_objection_but_the_power_mode() -> None:
    nothing = {**dict.fromkeys(GOOD, "unknown"), "processors": "2"}
    (said,) = objections(nothing)
    assert "power mode" in said.found


def test_the_driver_is_believed_before_the_tool() -> None:
    told = DriverInfo(clocks={"H Clock": 1600, "MP-NPU Clock": 847}, most=1600, power_mode="turbo")
    found = conditions(told)
    assert found["power_mode"] == "turbo"
    assert (found["clock"], found["clock_limit"]) == ("1600 MHz", "1600 MHz")
    assert found["controller_clock"] == "847 MHz"
    assert set(GOOD) <= set(found)


def test_conditions_that_change_meanwhile_are_told() -> None:
    assert changes(GOOD, {**GOOD, "temperature": "60 C", "load": "1.00"}) == []
    assert changes(GOOD, {**GOOD, "clock": "800 MHz"}) == [
        "clock went from 1600 MHz to 800 MHz meanwhile"
    ]


def test_bench_and_gate_from_the_command_line(tmp_path: Path) -> None:
    store = tmp_path / "timings.jsonl"
    page = tmp_path / "summary.md"
    arguments = ["bench", "gelu_int8/512", "--device", "fake", "--store", str(store)]
    for number in range(2):
        ended = CliRunner().invoke(cli, arguments)
        assert ended.exit_code == 0, ended.output
        assert "modelled on the fake NPU" in ended.output
        assert "measured" not in ended.output
        gate = CliRunner().invoke(cli, ["gate", str(store), "--summary", str(page)])
        assert gate.exit_code == (4, 0)[number], gate.output
        assert "modelled on the fake NPU" in " ".join(gate.output.split())
        assert "measured" not in gate.output
    assert "no change" in gate.output
    assert "| gelu_int8/512 |" in page.read_text()
    first, second = read(store)
    assert first.session != second.session


def test_bench_prints_one_json_document(tmp_path: Path) -> None:
    store = tmp_path / "timings.jsonl"
    arguments = ["bench", "gelu_int8/512", "--device", "fake", "--store", str(store), "--json"]
    ended = CliRunner().invoke(cli, arguments)
    assert ended.exit_code == 0, ended.output
    found = json.loads(ended.stdout)
    assert found["errors"] == []
    (record,) = found["records"]
    assert (record["kernel"], record["basis"]) == ("gelu_int8/512", "modelled")
    (kept,) = read(store)
    assert record["median"] == kept.summary.median
    assert record["array"] == kept.array
    assert "samples" not in record


def test_a_wrong_kernel_is_neither_printed_nor_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canary is right, then the kernel is not: exit code 1 and no figure anywhere."""
    board = Board()
    monkeypatch.setitem(DEVICES, "fake", lambda: XrtDevice(fake_stack(board)))
    monkeypatch.setattr("npulab.timing.check_canary", lambda _: board.script(Spoiled.STALE))
    store = tmp_path / "timings.jsonl"
    command = ["bench", "gelu_int8/512", "--device", "fake", "--store", str(store)]
    ended = CliRunner().invoke(cli, command)
    assert ended.exit_code == 1, ended.output
    assert "never written" in ended.output
    assert not store.exists()
    board.script(Spoiled.STALE)
    document = json.loads(CliRunner().invoke(cli, [*command, "--json"]).stdout)
    assert document["records"] == []
    assert [error["kernel"] for error in document["errors"]] == ["gelu_int8"]
    assert not any(line.startswith("gelu_int8/512 ") for line in ended.stdout.splitlines())


def session(median: float, time: str, commit: str = "c0ffee00", **changes: object) -> Record:
    random = np.random.default_rng(len(time) + int(time[-1]))
    samples = tuple((median * (1 + 0.002 * random.standard_normal(200))).tolist())
    provenance = {"host": "a", "commit": commit}
    return msgspec.structs.replace(
        RECORD, samples=samples, time=time, provenance=provenance, **changes
    )


def test_the_history_of_a_store() -> None:
    sessions = [
        session(1e-3, "2026-11-18T01:02:03", "1"),
        session(1e-3, "2026-11-19T01:02:04", "2"),
        session(1e-3, "2026-11-20T01:02:05", "3", kernel="other"),
        session(1.05e-3, "2026-11-20T01:02:06", "3"),
    ]
    first, other = history(sessions)
    assert (first.kernel, other.kernel) == ("gelu_int8/512", "other")
    assert [point.commit for point in first.points] == ["1", "2", "3"]
    assert [point.gate and str(point.gate.verdict) for point in first.points] == [
        None,
        "no change",
        "slower",
    ]
    assert first.points[0].change is None
    assert first.points[2].change == pytest.approx(0.05, abs=0.01)
    assert all(point.low <= point.median <= point.high <= point.p99 for point in first.points)
    assert history([]) == []
    (newest, _) = history(sessions, last=1)
    assert newest.points == first.points[-1:], "judged and compared as in the whole history"
    spreads = [one.summary.spread for one in sessions if one.kernel == "gelu_int8/512"]
    assert [point.spread for point in first.points] == spreads, "as the bench prints it"
    assert [point.gate for point in history(sessions, judged=False)[0].points] == [None] * 3


def test_a_long_history_costs_what_is_shown_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each record is summed up once, and only the points shown are judged."""
    sums, judged = [], []

    def summed(samples: object) -> object:
        sums.append(samples)
        return summarize(samples)

    def compared(baseline: list[object], candidate: object) -> None:
        judged.append((len(baseline), candidate))

    monkeypatch.setattr("runtime.bench.record.summarize", summed)
    monkeypatch.setattr("runtime.bench.compare.compare", compared)
    sessions = [session(1e-3, f"2026-11-18T01:{place:02}:03", str(place)) for place in range(60)]
    (series,) = history(sessions, last=20)
    assert len(series.points) == len(judged) == 20
    assert {count for count, _ in judged} == {SESSIONS}
    assert len(sums) == 21


def test_the_history_on_the_command_line_fits_80_columns(tmp_path: Path) -> None:
    store = tmp_path / "timings.jsonl"
    append(store, [session(1e-3, f"2026-11-1{day}T01:02:03") for day in range(4)])
    ended = CliRunner().invoke(cli, ["bench", "--history", "--store", str(store)])
    assert ended.exit_code == 0, ended.output
    lines = ended.stdout.splitlines()
    assert lines[0] == "gelu_int8/512"
    assert lines[1] == "  modelled on the fake NPU, host a, power mode performance"
    assert lines[4].split()[:5] == ["2026-11-10", "01:02", "c0ffee00", "1.00", "ms"]
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines)
    document = CliRunner().invoke(cli, ["bench", "--history", "--json", "--store", str(store)])
    (series,) = json.loads(document.stdout)["series"]
    assert (series["kernel"], series["basis"]) == ("gelu_int8/512", "modelled")
    assert [point["time"][:10] for point in series["points"]][-1] == "2026-11-13"
    assert series["points"][-1]["gate"]["verdict"] == "no change"
    none = CliRunner().invoke(
        cli, ["bench", "passthrough/4096", "--history", "--store", str(store)]
    )
    assert none.exit_code == 2
    assert "NPU447" in none.output


def test_a_long_timing_shows_its_runs_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    terminal = Console(file=shown, force_terminal=True, width=80)
    monkeypatch.setattr("npulab.timing_progress.stderr", lambda: terminal)
    monkeypatch.setattr("npulab.timing_progress.PERIOD", 0.0)
    with RunCounter("gelu_int8/512") as counter:
        counter.ran(1)
        counter.ran(2)
    assert "gelu_int8/512: 2 runs" in shown.getvalue()
    elsewhere = io.StringIO()
    monkeypatch.setattr("npulab.timing_progress.stderr", lambda: Console(file=elsewhere))
    with RunCounter("gelu_int8/512") as counter:
        counter.ran(1)
    assert elsewhere.getvalue() == ""


def test_a_table_of_times_fits_80_columns(tmp_path: Path) -> None:
    command = ["bench", "passthrough/1024-scalar", "--device", "fake", "--samples", "40"]
    ended = CliRunner().invoke(cli, [*command, "--store", str(tmp_path / "timings.jsonl")])
    assert ended.exit_code == 0, ended.output
    assert "of the model's bound" in " ".join(ended.stdout.split())
    assert all(len(line) <= 80 and line == line.rstrip() for line in ended.stdout.splitlines()[:4])


def test_bench_without_an_npu_ends_with_exit_code_3() -> None:
    if Path("/dev/accel/accel0").exists():
        pytest.skip("this machine has an NPU")
    ended = CliRunner().invoke(cli, ["bench", "gelu_int8/512"])
    assert ended.exit_code == 3
    assert "NPU410" in ended.output
