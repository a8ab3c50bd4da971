"""The records: what a run finds is what they hold, whatever becomes of the run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import CheckFailed
from kernels import registry
from kernels.compare import histograms
from kernels.compare.histogram import SHARES, STEPS
from kernels.contract import Exact, IntSteps, Kernel, Relative, Spread, Ulps, arg_in, arg_out
from npulab.checking import check_kernels
from npulab.report import records
from npulab.report.gather import gather
from npulab.report.recording import Recording
from npulab.report.records import FailedBuild, RunRecord, VariantRecord
from runtime.verify import CaseReport
from simulator import findings
from toolchain.build import Build

if TYPE_CHECKING:
    from tests.report.conftest import Lab

BYTES = st.lists(st.integers(-128, 127), min_size=1, max_size=40)


@given(BYTES, BYTES)
def test_a_histogram_counts_every_element_in_its_bin(left: list[int], right: list[int]) -> None:
    size = min(len(left), len(right))
    actual = np.array(left[:size], np.int8)
    expected = np.array(right[:size], np.int8)
    args = (arg_in("x", (size,), np.int8), arg_out("y", (size,), np.int8))
    found = histograms({"y": actual}, {"y": expected}, args, IntSteps("test", 4))
    assert list(found) == ["y"]
    assert found["y"].unit == "steps"
    counts, shares = [0] * (len(STEPS) + 2), [0] * (len(SHARES) + 2)
    for one, other in zip(left[:size], right[:size], strict=True):
        gap = abs(one - other)
        counts[next(index for index, bound in enumerate(STEPS) if gap <= bound)] += 1
        shares[next((i for i, bound in enumerate(SHARES) if gap / 4 <= bound), len(SHARES))] += 1
    assert list(found["y"].steps) == counts
    assert list(found["y"].shares or ()) == shares


def test_floats_are_counted_in_ulp_and_nan_apart() -> None:
    bfloat16 = np.dtype(ml_dtypes.bfloat16)
    expected = np.array([1.0, 1.0, 1.0, 0.0, np.nan, np.nan, np.inf, 1.0], bfloat16)
    actual = np.array([1.0, 1 + 2**-7, 1e30, -0.0, np.nan, 1.0, -np.inf, np.inf], bfloat16)
    args = (arg_out("y", (8,), bfloat16),)
    found = histograms({"y": actual}, {"y": expected}, args, Ulps("test", 2))["y"]
    assert found.unit == "ULP"
    assert found.steps[:2] == (3, 1)
    assert found.steps[-1] == 3
    assert sum(found.steps) == sum(found.shares or ()) == 8
    exact = histograms({"y": actual}, {"y": expected}, args, Exact("test"))["y"]
    assert exact.steps[:2] == (2, 2), "exactly, -0.0 is a step from 0.0"
    assert exact.shares is None


def test_elements_that_count_absolutely_are_in_no_bin_of_steps() -> None:
    """Near 0 a small error is many steps, which would look like a wrong result."""
    expected = np.array([1.0, 0.13, 0.12, 0.0, 1e-6, np.nan], np.float32)
    actual = expected + np.float32(1e-4)
    args = (arg_out("y", (6,), np.float32),)
    spread = {"y": np.array([1.0, 1.0, 1.0, 1.0, 1e-9, 1.0])}
    for tolerance, spreads, small in (
        (Relative("test", 0.1, 1.0), {}, 3),
        (Spread("test", 0.1, 1.0, 1e-30), spread, 2),
    ):
        found = histograms({"y": actual}, {"y": expected}, args, tolerance, spreads)["y"]
        assert found.small == small
        assert sum(found.steps) == 6 - small
        assert sum(found.shares or ()) == 6
        assert found.steps[0] == 1, "NaN beside NaN"
        still = histograms({"y": expected}, {"y": expected}, args, tolerance, spreads)["y"]
        assert (still.small, still.steps[0]) == (small, 6 - small)


def test_an_output_of_another_form_has_no_errors() -> None:
    args = (arg_out("y", (2,), np.int8), arg_out("z", (2,), np.int8))
    zeros = np.zeros(2, np.int8)
    for wrong in (zeros[:1], zeros.astype(np.int16)):
        found = histograms({"y": wrong, "z": zeros}, {"y": zeros, "z": zeros}, args, Exact("t"))
        assert list(found) == ["z"]
    assert histograms({}, {"y": zeros}, args, Exact("t")) == {}


def test_the_record_is_what_the_run_printed(own: Lab) -> None:
    printed = json.loads(own("test", "gelu_bf16/512", "--seed", "7", "--json").stdout)
    (variant,) = printed["variants"]
    path = records.variant_path(own.root, "test", "gelu_bf16", "512")
    record = records.read(path, VariantRecord)
    assert record is not None
    assert (record.ok, record.done, record.seed, record.errors) == (True, True, 7, ())
    assert record.tolerance == variant["tolerance"]
    build = Build.open(own.root / "host" / "gelu_bf16" / "512")
    assert record.build == records.digest(build.manifest)
    assert [case.name for case in record.cases] == [case["case"] for case in variant["cases"]]
    for case, other in zip(record.cases, variant["cases"], strict=True):
        assert (case.cycles, case.seconds) == (other["cycles"], other["seconds"])
        (out,), (same,) = case.outputs, other["comparison"]["outputs"]
        assert (out.name, out.compared, out.bad) == (same["name"], same["compared"], same["bad"])
        assert out.small + sum(out.steps) == sum(out.shares or ()) == out.compared
    zeros = record.cases[0].outputs[0]
    assert (record.cases[0].name, zeros.small, sum(zeros.steps)) == ("zeros", 512, 0)
    run = records.read(records.run_path(own.root, "test"), RunRecord)
    assert run is not None
    assert (run.planned, run.done) == (("gelu_bf16/512",), 1)
    assert run.seconds is not None
    assert {"npulab", "python", "numpy", "xdsl"} <= set(run.versions)


def test_a_run_that_is_killed_leaves_what_it_had_found(
    own: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPULAB_BUILD", str(own.root))
    monkeypatch.setenv("NPULAB_CACHE", str(own.cache))
    kernels = [*registry.find("passthrough/1024"), *registry.find("gelu_bf16/512")]
    recording = Recording("test", kernels)

    def kill(kernel: Kernel, case: CaseReport) -> None:
        recording.case(kernel, case)
        if kernel == kernels[1] and case.case == "lowest":
            raise KeyboardInterrupt

    checked = check_kernels(kernels, lambda one: one.cases(), jobs=1, on_case=kill)
    with pytest.raises(KeyboardInterrupt):
        list(recording.results(checked))
    run = records.read(records.run_path(own.root, "test"), RunRecord)
    assert run is not None
    assert (run.done, run.seconds) == (1, None)
    data = gather(own.root)
    states = {variant.title: variant.state for variant in data.variants}
    assert states["passthrough/1024"] == "right"
    assert states["gelu_bf16/512"] == "partial"
    partial = next(v for v in data.variants if v.title == "gelu_bf16/512").test
    assert partial is not None
    assert (partial.done, partial.ok) == (False, False)
    assert [case.name for case in partial.cases] == ["zeros", "lowest"]
    made = own.report("--quick")
    assert "the last npulab test did not end: 1 of 2 variants were checked" in made.said
    assert "The last <code>npulab test</code> did not end:" in made.text


def test_a_warning_is_kept_with_the_variant_that_it_came_from(
    own: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPULAB_BUILD", str(own.root))
    monkeypatch.setenv("NPULAB_CACHE", str(own.cache))
    monkeypatch.setattr(findings, "_told", {})
    kernels = [*registry.find("passthrough/1024"), *registry.find("gelu_bf16/512")]
    recording = Recording("test", kernels)

    def warn(kernel: Kernel, case: CaseReport) -> None:
        if kernel == kernels[0] and case.case == "ramp":
            race = CheckFailed("two cores write at once", cure="take a lock", code="NPU223")
            findings.sort_out([race], frozenset({findings.Kind.RACES}))
        recording.case(kernel, case)

    checked = check_kernels(kernels, lambda one: one.cases(), jobs=1, on_case=warn)
    assert all(not one.errors for one in recording.results(checked))
    first, second = (
        next(v.test for v in gather(own.root).variants if v.title == kernel.title)
        for kernel in kernels
    )
    assert first is not None
    assert second is not None
    assert [warning.code for warning in first.warnings] == ["NPU223"]
    assert second.warnings == ()
    text = own.report("--quick").text
    assert "two cores write at once" in text
    assert "The simulated array warned of nothing." not in text


def test_a_folder_that_takes_no_records_costs_the_records_only(own: Lab) -> None:
    place = own.root / "records"
    for path in sorted(place.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    place.rmdir()
    place.write_text("in the way")
    done = own("test", "passthrough/1024")
    assert done.exit_code == 0
    assert "warning: no record of this run is kept: cannot write to" in done.stderr
    assert place.read_text() == "in the way"


@pytest.mark.parametrize("content", ["", "{", '{"schema": 99}', "[]"])
def test_a_damaged_record_is_left_out_and_told_of(own: Lab, content: str) -> None:
    records.variant_path(own.root, "test", "gelu_bf16", "512").write_text(content)
    data = gather(own.root)
    states = {variant.title: variant.state for variant in data.variants}
    assert states["gelu_bf16/512"] == "untested"
    assert [path.name for path in data.damaged] == ["512.json"]
    assert "1 record cannot be read</strong> and is left out" in own.report("--quick").text


def test_a_failed_build_is_told_of_until_it_succeeds(troubled: Lab) -> None:
    path = records.failed_path(troubled.root, "host", "passthrough", "4096")
    failed = records.read(path, FailedBuild)
    assert failed is not None
    assert failed.errors[0].code is not None
    assert failed.errors[0].cure
    state = {one.title: one.state for one in gather(troubled.root).variants}["passthrough/4096"]
    assert state == "failed"
    assert troubled("build", "passthrough/4096", "--target", "host").exit_code == 0
    assert not path.exists()


def test_a_record_of_an_older_build_is_marked(own: Lab) -> None:
    path = records.variant_path(own.root, "test", "gelu_bf16", "512")
    path.write_text(path.read_text().replace('"build":"', '"build":"0'))
    assert own.report("--quick").text.count("of an older build") == 2
