"""gelu_int8: the table is GELU, the source looks up whatever table it gets."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from kernels.contract import Array, Kernel
from kernels.gelu_int8.kernel import ROOM, GeluInt8
from kernels.gelu_int8.table import SCALE, gelu, gelu_table

Native = Callable[[Kernel], Callable[..., None]]
STEPS = range(-128, 128)


def entry(step: int) -> int:
    """What the table gives for an int8 value."""
    return int(gelu_table()[step & 0xFF])


def test_the_table_is_gelu_by_math_erf_rounded_once() -> None:
    for step in STEPS:
        x = step * SCALE
        exact = 0.5 * x * (1 + math.erf(x / math.sqrt(2))) / SCALE
        assert abs(entry(step) - exact) <= 0.5, f"GELU of {step} steps"


def test_the_table_is_gelu_by_integration() -> None:
    """Phi as the integral of the normal density, which shares no function with the table."""
    grid = np.linspace(-10, 0, 200_001)
    density = np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi)
    widths = np.diff(grid)
    area = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * widths)])
    for step in range(-128, 1):
        x = step * SCALE
        phi = float(np.interp(x, grid, area))
        assert gelu(x) == pytest.approx(x * phi, abs=1e-8)
        assert gelu(-x) == pytest.approx(-x * (1 - phi), abs=1e-8)


def test_known_points_of_the_table() -> None:
    assert gelu_table().dtype == np.int8
    assert gelu_table().shape == (256,)
    assert entry(0) == 0
    assert entry(127) == 127
    assert entry(-128) == 0
    assert entry(32) == round(0.8413447 * 32)
    assert entry(-32) == round(-0.1586553 * 32)
    assert min(entry(step) for step in STEPS) == -5  # -0.17 at x = -0.75


def test_the_range_reaches_the_asymptotes() -> None:
    assert abs(gelu(-128 * SCALE)) < 0.5 * SCALE
    assert abs(gelu(127 * SCALE) - 127 * SCALE) < 0.5 * SCALE


def test_gelu_keeps_its_precision_far_below_zero() -> None:
    assert gelu(-8.0) == pytest.approx(-8 * 6.220960574271785e-16, rel=1e-9)


@pytest.mark.parametrize("kernel", GeluInt8.variants(), ids=lambda kernel: kernel.label)
def test_the_source_equals_golden_on_every_case(
    kernel: GeluInt8, native: Native, aligned: Callable[[Array], Array]
) -> None:
    call = native(kernel)
    for case in kernel.cases(seed=2):
        x, table = (aligned(case.inputs[name]) for name in ("x", "table"))
        y = aligned(np.full(kernel.n, 99, np.int8))
        room = [aligned(np.zeros(2 * ROOM, np.int16))] if kernel.version == "lookup" else []
        call(kernel.functions()[0].symbol, x, table, *room, y)
        np.testing.assert_array_equal(y, kernel.golden(case.inputs)["y"], case.name)


def test_the_cases_reach_every_entry_in_every_lane() -> None:
    kernel = GeluInt8(2048)
    reached = np.zeros((256, 32), bool)
    for case in kernel.cases():
        reached[case.inputs["x"].view(np.uint8), np.arange(kernel.n) % 32] = True
    assert reached.any(axis=1).all()
    assert reached.any(axis=0).all()
