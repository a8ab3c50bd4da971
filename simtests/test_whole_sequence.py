"""Whole sequences on the simulated array: right, and dispatch a small share of a modelled call."""

from __future__ import annotations

import pytest

from kernels import registry
from runtime.model import DISPATCH_S
from runtime.sim import SimDevice
from runtime.verify import verify
from simulator.clock import CLOCK_HZ
from toolchain.build import build
from toolchain.unit import Unit

WHOLE = [
    "attention_bf16/8x1500x64-15cores",
    "conv1d_bf16/2x3000x80x512",
    "ffn_bf16/1500x512x2048",
    "ffn_int8/3000x512x2048",
    "mel_int16/3000-4x3",
]


@pytest.mark.slow
@pytest.mark.parametrize("title", WHOLE)
def test_dispatch_is_under_a_tenth(title: str) -> None:
    (kernel,) = registry.find(title)
    (result,) = build([Unit.from_kernel(kernel)])
    assert result.build is not None, result.errors
    report = verify(kernel, SimDevice().load(result.build), [next(kernel.demo())])
    assert report.ok, str(report.cases[0].failure)
    cycles = report.cases[0].cycles
    assert cycles is not None
    share = DISPATCH_S / (DISPATCH_S + cycles / CLOCK_HZ)
    assert share < 0.1, f"{share:.1%} of {cycles:,} cycles (modelled)"


@pytest.mark.parametrize(
    ("title", "peak"),
    [("matmul_int8_array/512x512x512-i8", 256), ("matmul_bf16_array/512x512x512", 128)],
)
def test_a_large_product_is_bound_by_its_cores(title: str, peak: int) -> None:
    """At least 70% of 16 cores' multiply-accumulates, start and end of the run included."""
    (kernel,) = registry.find(title)
    (result,) = build([Unit.from_kernel(kernel)])
    assert result.build is not None, result.errors
    report = verify(kernel, SimDevice().load(result.build), [next(kernel.demo())])
    assert report.ok, str(report.cases[0].failure)
    cycles = report.cases[0].cycles
    assert cycles is not None
    assert kernel.work().ops / 2 / cycles / (16 * peak) >= 0.7
    (mac,) = {function.cycles for function in kernel.functions()}
    steps = kernel.work().ops // 2 // 16 // (64 * 64 * (128 if peak == 256 else 32))
    assert steps * mac > 0.8 * cycles
