"""The roofline of the kernels as a picture: attainable operations over operations a byte."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runtime.model.limits import CHANNEL_BYTES, CORES, PEAK_MACS, SHIM_CHANNELS
from runtime.model.predict import Prediction
from simulator.timeline.picture import CHARACTER, FONT, svg, text

_WIDTH, _HEIGHT = 520, 540
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 12, 30, 84
_X_DECADES = (-1, 4)
_Y_DECADES = (-1, 5)
"""Powers of ten on the axes: operations a byte; giga-operations a second."""


class _Box(NamedTuple):
    """A rectangle that a label takes."""

    x: float
    y: float
    width: float

    def meets(self, other: _Box) -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and abs(self.y - other.y) < FONT
        )


def roofline_svg(predictions: Sequence[Prediction], *, style: bool = True) -> str:
    """Draw kernels under their roofs: both axes logarithmic, a point for each kernel.

    A point stands at the operations for each byte of host memory traffic and at the modelled
    operations a second on the array, dispatch apart. The flat roofs are multiply-accumulates of
    int8 and bfloat16 on one and on 16 cores, the slope is all shim DMA channels of a direction
    and back; nothing in it is measured.

    Args:
        predictions: What to draw, all with one clock; those without operations are left out.
            Of several variants of a kernel the last carries its name.
        style: Put the style sheet into it; a page with several drawings has it once.

    Returns:
        An SVG element.
    """
    drawn = [one for one in predictions if one.ops and one.cycles]
    clock = drawn[0].clock_hz if drawn else 0.0
    body = [*_axes(), *_roofs(clock), *_points(drawn), *_legend(clock)]
    return svg(_WIDTH, _HEIGHT, "Modelled roofline of the kernels", body, style=style)


def shim_bytes_per_second(clock_hz: float) -> float:
    """Return what all shim DMA channels move in both directions together, at most."""
    return 2 * SHIM_CHANNELS * CHANNEL_BYTES * clock_hz


def _x(intensity: float) -> float:
    low, high = _X_DECADES
    share = (math.log10(intensity) - low) / (high - low)
    return _LEFT + min(1.0, max(0.0, share)) * (_WIDTH - _LEFT - _RIGHT)


def _y(giga: float) -> float:
    low, high = _Y_DECADES
    share = (math.log10(giga) - low) / (high - low)
    return _HEIGHT - _BOTTOM - min(1.0, max(0.0, share)) * (_HEIGHT - _TOP - _BOTTOM)


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'


def _axes() -> Iterator[str]:
    yield text(_LEFT, 16, "giga-operations a second, modelled", "title")
    bottom = _HEIGHT - _BOTTOM
    for power in range(_X_DECADES[0], _X_DECADES[1] + 1):
        x = _x(10.0**power)
        yield _line(x, _TOP, x, bottom, "axis")
        anchor = "end" if power == _X_DECADES[1] else "middle"
        yield text(round(x, 1), bottom + FONT + 3, f"{10.0**power:g}", "soft", anchor)
    for power in range(_Y_DECADES[0], _Y_DECADES[1] + 1):
        y = _y(10.0**power)
        yield _line(_LEFT, y, _WIDTH - _RIGHT, y, "axis")
        yield text(_LEFT - 5, round(y + 5, 1), f"{10.0**power:g}", "soft", "end")
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    label = "operations for each byte of host memory"
    yield text(middle, bottom + 2 * FONT + 6, label, "", "middle")


def _roof_lines(clock: float) -> Iterator[tuple[str, float, float]]:
    """Yield the flat roofs: label, operations a second, and the label's baseline."""
    for cores in (CORES, 1):
        for name, macs in PEAK_MACS.items():
            roof = 2 * macs * cores * clock
            y = _y(roof / 1e9)
            below = name != "int8"
            plural = "cores" if cores > 1 else "core"
            yield f"{name}, {cores} {plural}", roof, y + FONT if below else y - 4


def _roofs(clock: float) -> Iterator[str]:
    if not clock:
        return
    slope = shim_bytes_per_second(clock)
    right, left, highest = _WIDTH - _RIGHT, 10.0 ** _X_DECADES[0], 0.0
    for label, roof, baseline in _roof_lines(clock):
        highest = max(highest, roof)
        yield _line(_x(roof / slope), _y(roof / 1e9), right, _y(roof / 1e9), "edge")
        yield text(right - 4, round(baseline, 1), label, "soft", "end")
    yield _line(
        _x(left), _y(left * slope / 1e9), _x(highest / slope), _y(highest / 1e9), "edge hot"
    )


def _reserved(clock: float) -> Iterator[_Box]:
    """Yield the places that the roofs' labels take."""
    for label, _, baseline in _roof_lines(clock):
        width = len(label) * CHARACTER
        yield _Box(_WIDTH - _RIGHT - 4 - width, baseline - 5, width)


def _points(drawn: Sequence[Prediction]) -> Iterator[str]:
    places = [(_x(one.intensity), _y(_giga(one))) for one in drawn]
    taken = [_Box(x - 5, y, 10) for x, y in places]
    taken += _reserved(drawn[0].clock_hz) if drawn else ()
    named = {one.title.partition("/")[0]: index for index, one in enumerate(drawn)}
    for index in sorted(range(len(drawn)), key=lambda index: places[index]):
        one, (x, y) = drawn[index], places[index]
        tip = f"{one.title}: {one.intensity:.3g} operations a byte, {_giga(one):.3g} G/s"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="work"><title>{tip}</title></circle>'
        kernel = one.title.partition("/")[0]
        if named[kernel] != index:
            continue
        box = _place(x, y, len(kernel) * CHARACTER, taken)
        taken.append(box)
        if abs(box.y - y) > FONT:
            anchor = min(max(x, box.x), box.x + box.width)
            yield _line(x, y, anchor, box.y, "edge")
        yield text(round(box.x, 1), round(box.y + 5, 1), kernel)


def _place(x: float, y: float, width: float, taken: Sequence[_Box]) -> _Box:
    """Return the nearest free place for a label of `width` pixels beside a point."""
    for distance in range(12):
        for up in (-1, 1):
            for left in (x + 7, x - 7 - width, x - width / 2):
                shifted = y + up * (distance + (left == x - width / 2 and distance == 0)) * FONT
                box = _Box(left, shifted, width)
                inside = left > _LEFT and left + width < _WIDTH - _RIGHT
                low, high = _TOP + FONT / 2, _HEIGHT - _BOTTOM - FONT / 2
                if inside and low < shifted < high and not any(map(box.meets, taken)):
                    return box
    return _Box(min(x + 7, _WIDTH - _RIGHT - width), y, width)


def _legend(clock: float) -> Iterator[str]:
    rate = shim_bytes_per_second(clock) / 1e9
    base = _HEIGHT - _BOTTOM + 3 * FONT + 10
    yield text(_LEFT, base, f"red slope: all shim DMAs, both ways, {rate:g} GB/s", "soft")
    yield text(_LEFT, base + FONT + 3, f"clock {clock / 1e9:g} GHz, dispatch left out", "soft")


def _giga(one: Prediction) -> float:
    return one.ops * one.clock_hz / one.cycles / 1e9
