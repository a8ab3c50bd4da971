"""The page on the model is current: its tables are what the model says now."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernels import registry
from runtime.model import predict, report
from runtime.model.limits import DISPATCH_S
from simulator.clock import CLOCK_HZ

PAGE = Path(__file__).parents[2] / "docs" / "model.md"
AGAIN = "run: python -m runtime.model docs/model.md (with --simulate where cycles changed)"
QUICK = ("gelu_int8", "matmul_int8", "passthrough", "layernorm_int8", "softmax_bf16")


def test_rows_of_small_kernels_are_current() -> None:
    page, cycles = PAGE.read_text(), report.simulated()
    for name in QUICK:
        for kernel in registry.find(name):
            row = report.kernel_table([predict(kernel)], cycles).splitlines()[2]
            assert row in page, AGAIN


def test_every_variant_has_a_row() -> None:
    page = PAGE.read_text()
    missing = [one.title for one in report.kernels() if f"| `{one.title}` |" not in page]
    assert not missing, AGAIN


@pytest.mark.slow
def test_the_whole_page_is_current() -> None:
    page = again = PAGE.read_text()
    for name, content in report.parts(report.kernels(), report.simulated()).items():
        again = report.replaced(again, name, content)
    assert page == again, AGAIN


@pytest.mark.slow
def test_simulated_cycles_are_current() -> None:
    titles = ("matmul_int8_array/512x512x512-i8", "layernorm_bf16/64x512", "attention_bf16/64x64")
    for title in titles:
        (kernel,) = registry.find(title)
        assert report.simulate(kernel) == report.simulated()[title], AGAIN


def test_the_constants_are_those_of_the_model() -> None:
    page = PAGE.read_text()
    assert f"{DISPATCH_S * 1e3:g} ms, a constant" in page
    assert f"**The clock** is {CLOCK_HZ / 1e9:g} GHz" in page


def test_replacing_a_part_leaves_the_rest() -> None:
    start = report.MARK.format(end="", name="x")
    end = report.MARK.format(end="end of ", name="x")
    page = f"before\n{start}\nold\n{end}\nafter\n"
    assert report.replaced(page, "x", "new") == f"before\n{start}\nnew\n{end}\nafter\n"
