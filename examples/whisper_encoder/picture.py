"""The layers' errors under their budgets, as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from examples.whisper_encoder.layers import Layer
from simulator.timeline.picture import FONT, rectangle, svg, text

_WIDTH, _LEFT, _RIGHT, _ROW = 520, 140, 16, 34
_LOW, _HIGH = 1e-4, 1e-1


def errors_svg(layers: Sequence[Layer]) -> str:
    """Draw for each layer its error from the audio on and alone, and marks at the budgets."""
    bottom = 30 + _ROW * len(layers)
    body = [text(8, 18, "relative error of each layer, logarithmic", "title"), *_axis(bottom)]
    for number, layer in enumerate(layers):
        body += _bars(layer, 30 + _ROW * number)
    legend = "upper bar: from the audio on; lower: the layer alone; red: budget"
    for line, words in enumerate((legend[:41].strip(), legend[41:].strip())):
        body.append(text(8, bottom + (line + 2) * (FONT + 4), words, "soft"))
    title = "Errors of the encoder's layers against float64, under their budgets"
    return svg(_WIDTH, bottom + 4 * (FONT + 4), title, body)


def _x(error: float) -> float:
    share = math.log10(max(error, _LOW) / _LOW) / math.log10(_HIGH / _LOW)
    return _LEFT + min(1.0, share) * (_WIDTH - _LEFT - _RIGHT)


def _axis(bottom: float) -> Iterator[str]:
    for power in range(-4, 0):
        x = _x(10.0**power)
        anchor = "end" if power == -1 else "middle"
        yield f'<line x1="{x:.1f}" y1="26" x2="{x:.1f}" y2="{bottom}" class="axis"/>'
        yield text(round(x, 1), bottom + FONT, f"{100 * 10.0**power:g}%", "soft", anchor)


def _bars(layer: Layer, top: float) -> Iterator[str]:
    yield text(8, top + 19, layer.name)
    pairs = ((layer.total, layer.total_budget), (layer.own, layer.budget))
    for line, (error, budget) in enumerate(pairs):
        y, style = top + 5 + 11 * line, ("work", "stream")[line]
        yield rectangle(_LEFT, y, _x(error) - _LEFT, 9, style, f"{layer.name}: {error:.3%}")
        x = _x(budget)
        yield f'<line x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{y + 9}" class="edge hot"/>'
