"""The drawings: whole, inside their frame, and with what people look for in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from simulator.array.config import Origin, TileId
from simulator.array.deadlock import Deadlock, Wait, WaitFor, WaitKind
from simulator.timeline import drawing, wait_for
from simulator.timeline.picture import CHARACTER
from simulator.timeline.records import Timeline

if TYPE_CHECKING:
    from tests.timeline.conftest import Traced

NAMESPACE = "{http://www.w3.org/2000/svg}"
WIDTHS = (320.0, 360.0, 520.0, 1200.0)


def check_svg(text: str, width: float) -> ElementTree.Element:
    """Parse a drawing; hold every rectangle and text to its frame."""
    root = ElementTree.fromstring(text)
    assert root.get("width") == f"{width:g}"
    height = float(root.get("height", "0"))
    for element in root.iter(f"{NAMESPACE}rect"):
        assert float(element.get("x", "")) >= 0
        assert float(element.get("x", "")) + float(element.get("width", "")) <= width + 0.01
        assert float(element.get("y", "")) + float(element.get("height", "")) <= height
    for element in root.iter(f"{NAMESPACE}text"):
        length = len(element.text or "") * CHARACTER
        start = float(element.get("x", ""))
        anchor = element.get("text-anchor", "start")
        start -= {"start": 0.0, "middle": length / 2, "end": length}[anchor]
        assert start >= -0.01, element.text
        assert start + length <= width, element.text
        assert float(element.get("y", "")) <= height
    return root


def words(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{NAMESPACE}text")]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_timeline_is_drawn_in_its_frame(traced: Traced, width: float) -> None:
    timeline, _ = traced(16, 8)
    root = check_svg(drawing.draw(timeline, width), width)
    found = words(root)
    assert [word for word in found if word.startswith("tile(")] == [
        "tile(0,0) shim",
        "tile(0,1) memory",
        "tile(0,2) core",
        "tile(0,3) core",
    ]
    assert "modelled, not measured." in " ".join(found)
    lanes = [rect for rect in root.iter(f"{NAMESPACE}rect") if rect.get("class") == "lane"]
    assert len(lanes) == 10
    assert {rect.get("class") for rect in root.iter(f"{NAMESPACE}rect")} >= {
        "work",
        "set-up",
        "lock",
        "stream",
        "host",
    }


def test_a_timeline_of_many_lanes_says_what_it_leaves_out(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "LANES", 4)
    timeline, _ = traced(16, 8)
    root = check_svg(drawing.draw(timeline), drawing.WIDTH)
    assert "The 6 lanes that did least are left out." in " ".join(words(root))


def test_a_long_run_draws_no_more_than_its_pixels(traced: Traced) -> None:
    timeline, _ = traced(16, 400)
    text = drawing.draw(timeline)
    assert text.count("<rect") <= 10 * drawing.WIDTH
    check_svg(text, drawing.WIDTH)


def test_a_page_with_many_drawings_has_the_style_once(traced: Traced) -> None:
    timeline, _ = traced()
    assert "<style>" not in drawing.draw(timeline, style=False)
    assert drawing.draw(timeline).count("<style>") == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_a_real_deadlock_is_drawn(deadlock: tuple[Deadlock, Timeline], width: float) -> None:
    error, _ = deadlock
    root = check_svg(wait_for.draw(error.graph, width), width)
    text = " ".join(words(root))
    for name in ("the host", "tile(0,2) MM2S:0", "core of tile(0,2)"):
        assert name in words(root)
    assert re.search(r"of_out_cons_lock_0, line \d+\) >= 1, its value is 0", text)
    assert re.search(r"design: of_out_buff_0, line \d+", text)
    assert error.code is not None
    assert error.code in text
    boxes = [rect for rect in root.iter(f"{NAMESPACE}rect") if "box" in rect.get("class", "")]
    assert len(boxes) == len(error.graph.waits) + len(error.graph.others)
    marked = [rect for rect in boxes if "hot" in rect.get("class", "")]
    assert len(marked) == len(set(error.graph.chain()))
    links = sum(len(wait.by) for wait in error.graph.waits)
    paths = [path.get("class", "") for path in root.iter(f"{NAMESPACE}path")]
    assert sum("edge" in path for path in paths) == sum("tip" in path for path in paths) == links


def circle() -> WaitFor:
    def lock(who: str, by: str, line: int) -> Wait:
        what = f"for lock 0 of {by} (l, line 2) >= 1, its value is 0"
        tile = TileId(0, 2)
        return Wait(
            who=who, tile=tile, kind=WaitKind.LOCK, what=what, by=(by,), origin=Origin("", line)
        )

    waits = (lock("a", "b", 7), lock("b", "c", 8), lock("c", "a", 9), lock("d", "a", 10))
    return WaitFor(cycle=12, waits=waits, others={})


def test_a_cycle_closes_with_an_arrow_back() -> None:
    root = check_svg(wait_for.draw(circle()), wait_for.WIDTH)
    hot = [p for p in root.iter(f"{NAMESPACE}path") if p.get("class") == "edge hot"]
    assert len(hot) == 3


def test_a_deadlock_in_text_tells_the_chain_and_who_else_waits() -> None:
    assert wait_for.tell(circle()).splitlines() == [
        "wait-for graph at cycle 12",
        "┌─ a (line 7)",
        "│    waits for lock 0 of b (l, line 2) >= 1, its value is 0",
        "├▶ b (line 8)",
        "│    waits for lock 0 of c (l, line 2) >= 1, its value is 0",
        "├▶ c (line 9)",
        "│    waits for lock 0 of a (l, line 2) >= 1, its value is 0",
        "└─▶ ↺ a: the chain closes",
        "",
        "waiting beside the chain",
        "    d (line 10) waits for lock 0 of a (l, line 2) >= 1, its value is 0; a could",
        "    end it",
    ]


def test_a_deadlock_in_text_fits_terminals_without_unicode(
    deadlock: tuple[Deadlock, Timeline],
) -> None:
    text = wait_for.tell(deadlock[0].graph, unicode=False)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80
