"""The wait-for graph of a deadlock as a picture: SVG, and text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from simulator.array.deadlock import Wait, WaitFor, diagnose
from simulator.timeline.picture import FONT, rectangle, svg, text, wrapped

WIDTH = 520.0

_MARGIN = 10.0
_RAIL = 14.0
_LINE = FONT + 4
_GAP = 26.0
_TO_ASCII = str.maketrans("┌┐└┘─│├▶▼↺", "++++-|+>vo")


class _Node(NamedTuple):
    """Somebody in the picture, and what is said of them."""

    who: str
    lines: tuple[str, ...]
    hot: bool


class _Box(NamedTuple):
    top: float
    bottom: float
    lines: tuple[str, ...]


def draw(graph: WaitFor, width: float = WIDTH, *, style: bool = True) -> str:
    """Return the graph as an SVG element: a box for each who waits, arrows to who could end it.

    The chain, from the first waiter to the cycle or to who will never act, is marked.

    Args:
        graph: Who waits for what.
        width: Pixels, 320 at least.
        style: Put the style sheet into it, see :func:`simulator.timeline.picture.svg`.
    """
    width = max(320.0, width)
    nodes, edges = _nodes(graph), _edges(graph)
    rails = max(1, sum(1 for source, target, _ in edges if abs(target - source) != 1))
    box_width = width - 2 * _MARGIN - _RAIL * min(rails, 6) - 8
    body, y = _headline(graph, width - 2 * _MARGIN)
    boxes: list[_Box] = []
    for node in nodes:
        lines = tuple(part for line in node.lines for part in wrapped(line, box_width - 16))
        name = wrapped(node.who, box_width - 16)
        box = _Box(y, y + _LINE * (len(name) + len(lines)) + 12, lines)
        body += _box(node, name, box, box_width)
        boxes.append(box)
        y = box.bottom + _GAP
    body += _arrows(edges, boxes, _MARGIN + box_width)
    return svg(
        width, y - _GAP + _MARGIN, f"Wait-for graph at cycle {graph.cycle}", body, style=style
    )


def _headline(graph: WaitFor, width: float) -> tuple[list[str], float]:
    """Return what stands above the boxes, and where they begin."""
    cause = diagnose(graph)
    parts = (
        (f"{cause.code}: deadlock at cycle {graph.cycle:,}", "title"),
        (cause.what, ""),
        (f"To do: {cause.cure}.", ""),
        ("Arrows point to who could end the wait; the marked chain holds all up.", "soft"),
    )
    body, y = [], _MARGIN + FONT
    for words, style in parts:
        for line in wrapped(words, width):
            body.append(text(_MARGIN, y, line, style))
            y += _LINE
        y += 6
    return body, y


def tell(graph: WaitFor, *, unicode: bool = True) -> str:
    """Return the chain of the graph as text, 80 columns wide: who waits, for what, held by whom."""
    chain = graph.chain()
    waits = {wait.who: wait for wait in graph.waits}
    lines = [f"wait-for graph at cycle {graph.cycle}"]
    for place, who in enumerate(chain):
        if who in chain[:place]:
            lines += [f"└─▶ ↺ {who}: the chain closes"]
            break
        lines += _told(who, waits.get(who), graph.others.get(who, ""), first=place == 0)
    beside = [wait for wait in graph.waits if wait.who not in chain]
    if beside:
        lines += ["", "waiting beside the chain"]
        lines += [f"    {line}" for wait in beside for line in _wrap(str(wait), 76)]
    drawn = "\n".join(line.rstrip() for line in lines) + "\n"
    return drawn if unicode else drawn.translate(_TO_ASCII)


def _told(who: str, wait: Wait | None, state: str, *, first: bool) -> list[str]:
    lead = "┌─ " if first else "├▶ "
    if wait is None:
        return [f"└─▶ {who} {state}".rstrip()]
    lines = _wrap(f"waits {wait.what}", 72)
    return [f"{lead}{who}{wait.origin.bracketed}", *(f"│    {line}" for line in lines)]


def _wrap(words: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(words, width, break_on_hyphens=False)


def _nodes(graph: WaitFor) -> list[_Node]:
    """Return who waits, in the order of the chain and then of the graph, and who they wait for."""
    chain = graph.chain()
    waits = {wait.who: wait for wait in graph.waits}
    nodes = []
    for who in dict.fromkeys([*chain, *waits, *graph.others]):
        hot = who in chain
        wait = waits.get(who)
        if wait is None:
            nodes.append(_Node(who, (graph.others.get(who, ""),), hot))
            continue
        line = f"design: {wait.origin}" if wait.origin.name or wait.origin.line else ""
        lines = (f"waits {wait.what}", line, "" if wait.by else "nothing could end it")
        nodes.append(_Node(who, tuple(filter(None, lines)), hot))
    return nodes


def _edges(graph: WaitFor) -> list[tuple[int, int, bool]]:
    """Return (from, to, in the chain) by the nodes' places."""
    places = {node.who: place for place, node in enumerate(_nodes(graph))}
    chain = graph.chain()
    links = set(pairwise(chain))
    return [
        (places[wait.who], places[name], (wait.who, name) in links)
        for wait in graph.waits
        for name in wait.by
        if name in places
    ]


def _box(node: _Node, name: list[str], box: _Box, width: float) -> Iterator[str]:
    hot = " hot" * node.hot
    yield rectangle(_MARGIN, box.top, width, box.bottom - box.top, f"box{hot}", rx=6)
    y = box.top + _LINE
    for line in name:
        yield text(_MARGIN + 8, y, line, "title")
        y += _LINE
    for line in box.lines:
        yield text(_MARGIN + 8, y, line)
        y += _LINE


def _arrows(edges: list[tuple[int, int, bool]], boxes: list[_Box], right: float) -> Iterator[str]:
    """Draw straight arrows to the next box below, and arcs at the right to all others."""
    rail = 0
    for source, target, hot in sorted(edges, key=lambda edge: edge[2]):
        style = " hot" * hot
        if target == source + 1:
            x = _MARGIN + 24
            start, end = boxes[source].bottom, boxes[target].top
            yield f'<path class="edge{style}" d="M{x:g} {start:g}V{end - 7:g}"/>'
            yield f'<path class="tip{style}" d="M{x - 5:g} {end - 9:g}h10l-5 9z"/>'
            continue
        x = right + 8 + _RAIL * (rail % 6)
        rail += 1
        start = (boxes[source].top + boxes[source].bottom) / 2 + 4
        end = boxes[target].top + 14 + 9 * (rail % 4)
        yield (f'<path class="edge{style}" d="M{right:g} {start:g}H{x:g}V{end:g}H{right + 7:g}"/>')
        yield f'<path class="tip{style}" d="M{right + 9:g} {end - 5:g}v10l-9 -5z"/>'
