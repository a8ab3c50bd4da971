"""What the model states of the lab's kernels, and what it is held against."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cache

import pytest

from kernels import registry
from runtime.model import Kind, Prediction, predict
from runtime.model.measured import FIRST_LAB
from runtime.model.picture import roofline_svg
from runtime.model.report import is_whole_sequence, simulate, simulated
from simulator.clock import CLOCK_HZ


@cache
def modelled(title: str) -> Prediction:
    (kernel,) = registry.find(title)
    return predict(kernel)


@pytest.mark.parametrize(
    ("title", "macs"),
    [("matmul_int8_array/512x512x512-i8", 256), ("matmul_bf16_array/512x512x512", 128)],
)
def test_a_large_product_is_bound_by_its_cores(title: str, macs: int) -> None:
    one = modelled(title)
    assert one.array_bound.kind is Kind.CORE
    assert one.macs == macs
    assert one.of_peak is not None
    assert 0.7 <= one.of_peak < 1
    assert one.of_peak == pytest.approx(512**3 / (16 * macs) / one.cycles)


WHOLE = (
    "attention_bf16/1500x64",
    "attention_bf16/8x1500x64-15cores",
    "conv1d_bf16/2x3000x80x512",
    "ffn_bf16/1500x512x2048",
    "ffn_int8/3000x512x2048",
    "mel_int16/3000-4x3",
)


@pytest.mark.parametrize("title", WHOLE)
def test_dispatch_is_under_a_tenth_of_every_whole_sequence(title: str) -> None:
    one = modelled(title)
    assert one.clock_hz == CLOCK_HZ
    assert one.dispatch_share < 0.1, "give a call more work"


def test_every_whole_sequence_is_known() -> None:
    every = [one for name in registry.names() for one in registry.find(name)]
    assert {one.title for one in every if is_whole_sequence(one)} == set(WHOLE)


@pytest.mark.parametrize("title", ["gelu_int8/512", "matmul_int8/32x32x32", "softmax_bf16/8x64"])
def test_small_kernels_come_close_to_the_simulator(title: str) -> None:
    (kernel,) = registry.find(title)
    cycles = simulate(kernel)
    assert cycles == simulated()[title], "python -m runtime.model docs/model.md --simulate"
    assert modelled(title).cycles == pytest.approx(cycles, rel=0.05)


def test_a_call_is_dispatch_and_cycles() -> None:
    (kernel,) = registry.find("gelu_int8/512")
    slow, fast = predict(kernel, clock_hz=1e9), predict(kernel, clock_hz=2e9, dispatch_s=0)
    assert slow.cycles == fast.cycles
    assert slow.seconds == pytest.approx(0.134e-3 + slow.cycles / 1e9)
    assert fast.seconds == pytest.approx(slow.cycles / 2e9)
    assert (slow.binds, fast.binds) == (Kind.DISPATCH, Kind.CORE)


def test_traffic_and_calls_of_a_product() -> None:
    one = modelled("matmul_int8_array/512x512x512-i8")
    # A goes out once for each of 2 column blocks, B once for each of 2 row blocks.
    assert one.read_bytes == 2 * 512 * 512 * 2
    assert one.written_bytes == 512 * 512
    assert one.calls == {"matmul_first": 4, "matmul_mac": 8, "matmul_last": 4}
    assert (one.cores, one.shim_channels) == (16, 16)


def test_the_model_comes_close_to_what_was_measured() -> None:
    off = {one.name: one.error for one in FIRST_LAB}
    unlike = [one.name for one in FIRST_LAB if one.note]
    assert unlike == ["attention int8, 64 x 64"]
    assert all(abs(error) < 0.12 for name, error in off.items() if name not in unlike)
    assert abs(off["matmul int8, 16 cubed"]) < 0.01


def test_the_roofline_is_an_image_with_a_point_for_each_kernel() -> None:
    shown = [modelled("gelu_int8/512"), modelled("matmul_int8_array/512x512x512-i8")]
    root = ET.fromstring(roofline_svg(shown))
    space = "{http://www.w3.org/2000/svg}"
    tips = [circle.findtext(f"{space}title") for circle in root.iter(f"{space}circle")]
    assert [tip.partition(":")[0] for tip in tips if tip] == [one.title for one in shown]
    words = [element.text for element in root.iter(f"{space}text")]
    for label in ("gelu_int8", "matmul_int8_array", "int8, 16 cores", "bf16, 1 core"):
        assert label in words
    left, right, top = float("inf"), 0.0, float("inf")
    for circle in root.iter(f"{space}circle"):
        left, right = min(left, float(circle.get("cx", 0))), max(right, float(circle.get("cx", 0)))
        top = min(top, float(circle.get("cy", 0)))
    assert 60 <= left < right <= 508
    assert top >= 30


def test_an_empty_roofline_is_an_image_still() -> None:
    ET.fromstring(roofline_svg([]))
