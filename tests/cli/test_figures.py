"""Numbers and pictures as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from npulab import figures
from npulab.drawing import TileNote, ascii_only, bar, draw
from simulator.array.config import TileId


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00 ns"),
        (1.94e-6, "1.94 us"),
        (99.96e-6, "100 us"),
        (9.996e-3, "10.0 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (75.0, "75.0 s"),
        (4000.0, "4000 s"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert figures.seconds(value) == text


@given(st.floats(1e-9, 9e4))
def test_seconds_keep_three_digits_and_nine_characters(value: float) -> None:
    text = figures.seconds(value)
    number, unit = text.split()
    scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}[unit]
    assert abs(float(number) * scale - value) <= 0.006 * value
    assert len(text) <= 9


@given(st.integers(0, 10**15))
def test_counts_fit_nine_characters(value: int) -> None:
    assert len(figures.count(value)) <= 11
    if value < 10**12:
        assert len(figures.count(value)) <= 9


def test_sizes_and_plurals() -> None:
    assert [figures.size(n) for n in (0, 1023, 1536, 3 << 20, 5 << 30)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "3.0 MiB",
        "5.0 GiB",
    ]
    assert figures.number(1, "case") == "1 case"
    assert figures.number(2000, "case") == "2,000 cases"


@given(share=st.floats(0, 2), width=st.integers(1, 20))
def test_a_bar_is_as_long_as_asked_and_never_hides_a_use(share: float, width: int) -> None:
    text = bar(share, width).plain
    assert len(text) == width
    assert ("█" in text) == (share > 0)
    assert ("░" in text) or width == 1 or share * width >= width - 0.5


def lines(picture: Text) -> list[str]:
    return picture.plain.splitlines()


def test_an_empty_array_is_dots() -> None:
    assert len(lines(draw({}))) == 7
    assert draw({}).plain.count("·") == 24


tiles = st.builds(TileId, st.integers(0, 3), st.integers(0, 5))
notes = st.builds(
    TileNote,
    runs=st.lists(st.text("abc_", min_size=1, max_size=30), max_size=3),
    share=st.none() | st.floats(0, 1.5),
    arriving=st.integers(0, 99),
    leaving=st.integers(0, 99),
)


@given(st.dictionaries(tiles, notes))
def test_every_picture_is_a_grid_of_whole_boxes(noted: dict[TileId, TileNote]) -> None:
    picture = draw(noted)
    text = picture.plain
    assert max(map(len, lines(picture))) <= 78
    assert text.count("┌") == text.count("┘") == len(noted)
    assert text.count("·") >= 24 - len(noted)
    assert [line for line in lines(picture) if line != line.rstrip()] == []
    plain = ascii_only(picture).plain
    assert plain.isascii()
    assert len(plain) == len(text)


def test_north_is_up_and_west_is_left() -> None:
    noted = {
        TileId(0, 2): TileNote(runs=("southwest",), share=0.5),
        TileId(3, 5): TileNote(runs=("northeast",), share=0.5),
    }
    text = draw(noted).plain
    assert text.index("northeast") < text.index("southwest")
    (line,) = (line for line in text.splitlines() if "northeast" in line)
    assert line.index("northeast") == 6 + 3 * 18 + 2
