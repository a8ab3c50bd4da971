"""Timing: nothing wrong is timed, nothing modelled is called measured, every sample is kept."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from errors import CheckFailed, UsageError
from kernels import registry
from npulab.cli import cli
from runtime.bench import export
from runtime.bench.conditions import changes, conditions, objections, provenance
from runtime.bench.history import history
from runtime.bench.limits import limits
from runtime.bench.measure import CHAIN, TRANSFERS, measure
from runtime.bench.record import Record, append, read
from runtime.bench.sampling import WINDOW, Plan, sample
from runtime.bench.statistics import summarize
from runtime.device import Basis
from runtime.devices import DEVICES
from runtime.xrt import XrtDevice, fake_stack
from runtime.xrt.driver import DriverInfo
from simulator.clock import CLOCK_HZ
from simulator.fake_xrt.board import DISPATCH, Board
from simulator.fake_xrt.faults import Spoiled
from toolchain.build import Build, build
from toolchain.unit import Unit

GELU = registry.find("gelu_int8/512")[0]
QUICK = Plan(least=40, most=200, warmup=80)
RECORD = Record(
    time="2026-11-20T12:00:00+00:00",
    kernel="gelu_int8/512",
    device="fake NPU",
    basis="modelled",
    samples=(1e-3, 2e-3, 3e-3),
    warmup=40,
    stable=True,
    tight=False,
    transfer=None,
    amortised=5e-4,
    compared=1024,
    ops=512,
    bytes=1280,
    provenance={"host": "a"},
    conditions={"power_mode": "performance"},
)


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
    assert record.compared >= 2 * 512
    assert record.dispatch == pytest.approx(DISPATCH, rel=1e-6)
    assert record.array == pytest.approx(record.summary.median - DISPATCH, rel=1e-6)
    assert record.transfer is None, "the fake moves no bytes that could be timed"


@pytest.mark.parametrize("fault", [Spoiled.STALE, Spoiled.ZERO])
def test_a_wrong_output_has_no_figure(fault: Spoiled, gelu_build: Build) -> None:
    board = Board()
    device = XrtDevice(fake_stack(board))
    program = device.load(gelu_build)
    board.script(fault)
    with pytest.raises(CheckFailed):
        measure(GELU, program, device, plan=QUICK, provenance={}, conditions={})


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
    short = timed(board, gelu_build, Plan(seconds=1e-3, warmup=40))
    assert len(short.samples) == WINDOW


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
    assert summarize(samples[::-1]) == summary


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    summaries = [summarize(random.lognormal(size=101).tolist()) for _ in range(400)]
    share = sum(one.low <= 1 <= one.high for one in summaries) / 400
    assert share > 0.92


def test_outliers_are_counted_and_kept() -> None:
    samples = [1.0, 1.01, 0.99, 1.02, 0.98] * 10 + [9.0]
    summary = summarize(samples)
    assert (summary.outliers, summary.count) == (1, 51)


def test_a_store_keeps_what_it_is_given(tmp_path: Path) -> None:
    store = tmp_path / "new" / "timings.jsonl"
    append(store, [RECORD])
    append(store, [RECORD, RECORD])
    assert read(store) == [RECORD] * 3
    assert len(store.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"format": 1}', msgspec.json.encode(RECORD)[:-9].decode()]
)
def test_a_damaged_store_names_the_line(line: str, tmp_path: Path) -> None:
    store = tmp_path / "timings.jsonl"
    append(store, [RECORD])
    with store.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UsageError, match="line 2") as caught:
        read(store)
    assert caught.value.code == "NPU445"


@pytest.mark.parametrize("samples", [(), (0.0,), (-1.0, 1.0)])
def test_samples_that_no_clock_gives_are_refused(samples: tuple[float], tmp_path: Path) -> None:
    store = tmp_path / "timings.jsonl"
    append(store, [msgspec.structs.replace(RECORD, samples=samples)])
    with pytest.raises(UsageError, match="samples"):
        read(store)


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
        ended = CliRunner().invoke(cli, [*arguments, "--samples", "200"])
        assert ended.exit_code == 0, ended.output
        assert "modelled on the fake NPU" in ended.output
        assert "measured" not in ended.output
        gate = CliRunner().invoke(cli, ["gate", str(store), "--summary", str(page)])
        assert gate.exit_code == (4, 0)[number], gate.output
    assert "no change" in gate.output
    assert "| gelu_int8/512 |" in page.read_text()


def test_a_kernel_that_turns_wrong_while_it_is_timed_has_no_figure(gelu_build: Build) -> None:
    """Right before the samples, stale after them."""
    board = Board()
    device = XrtDevice(fake_stack(board))
    program = device.load(gelu_build)
    plan = Plan(least=40, most=40, warmup=0)
    runs = 1 + TRANSFERS + 40 + CHAIN
    board.noise = lambda: board.script(Spoiled.STALE) or 1.0 if board.runs == runs - 1 else 1.0
    with pytest.raises(CheckFailed, match="never written"):
        measure(GELU, program, device, plan=plan, provenance={}, conditions={})
    assert board.runs == runs + 1


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
    assert [point.gate for point in history(sessions, judged=False)[0].points] == [None] * 3


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
    none = CliRunner().invoke(
        cli, ["bench", "passthrough/4096", "--history", "--store", str(store)]
    )
    assert none.exit_code == 2
    assert "NPU447" in none.output


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
