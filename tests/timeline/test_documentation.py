"""The documented time model is the one in use."""

from __future__ import annotations

import re
from pathlib import Path

from simulator.array import timing
from simulator.clock import CLOCK_HZ

PAGE = Path(__file__).parents[2] / "docs" / "tracing.md"


def test_the_documented_rates_are_those_of_the_model() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", text, re.MULTILINE)
    documented = {name: int(value.replace(",", "")) for name, value in rows}
    assert documented == {name: value for name, value in vars(timing).items() if name.isupper()}
    assert f"is {CLOCK_HZ / 1e9:g} GHz" in text


def test_the_documented_picture_is_of_this_drawing() -> None:
    picture = (PAGE.parent / "images" / "timeline.svg").read_text(encoding="utf-8")
    assert "gelu_int8/512" in picture
    assert picture.startswith("<svg ")
