"""What the SVG drawings share: one style for light and dark, text that stays text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

FONT = 14
"""Pixels; the drawings are at most 520 wide, so that it stays legible on a phone."""

CHARACTER = 0.61 * FONT
"""Pixels that a character of the monospaced font takes at most."""

_STYLE = """
.np { --ink: #1b1f24; --soft: #59636e; --paper: #ffffff; --edge: #d1d9e0; --work: #1a7f37;
 --set-up: #9a6700; --lock: #cf222e; --stream: #0969da; --host: #8250df; --hot: #cf222e;
 font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; max-width: 100%;
 height: auto; background: var(--paper) }
@media (prefers-color-scheme: dark) { .np { --ink: #e6edf3; --soft: #9198a1; --paper: #0d1117;
 --edge: #3d444d; --work: #3fb950; --set-up: #d29922; --lock: #f85149; --stream: #4493f8;
 --host: #ab7df8; --hot: #f85149 } }
.np text { fill: var(--ink) } .np .soft { fill: var(--soft) } .np .title { font-weight: 600 }
.np .lane { fill: var(--edge); opacity: .45 } .np .work { fill: var(--work) }
.np .set-up { fill: var(--set-up) } .np .lock { fill: var(--lock); opacity: .6 }
.np .stream { fill: var(--stream); opacity: .6 } .np .host { fill: var(--host); opacity: .6 }
.np .box { fill: none; stroke: var(--edge); stroke-width: 1.5 }
.np .box.hot { stroke: var(--hot); stroke-width: 2 }
.np .edge { fill: none; stroke: var(--soft); stroke-width: 1.5 }
.np .edge.hot { stroke: var(--hot); stroke-width: 2 } .np .tip { fill: var(--soft) }
.np .tip.hot { fill: var(--hot) } .np .axis { stroke: var(--edge); stroke-width: 1 }
"""


def svg(width: float, height: float, title: str, body: Iterable[str], *, style: bool = True) -> str:
    """Return a whole SVG element.

    Args:
        width: Pixels.
        height: Pixels.
        title: What it shows, for who cannot see it.
        body: The elements in it.
        style: Put the style sheet into it; a page with several drawings has it once.
    """
    sheet = f"<style>{_STYLE}</style>" if style else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="np" role="img" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}">'
        f"<title>{escape(title)}</title>{sheet}\n" + "\n".join(body) + "\n</svg>\n"
    )


def stylesheet() -> str:
    """Return the style that the drawings need, for a page that has several of them."""
    return _STYLE


def text(x: float, y: float, words: str, style: str = "", anchor: str = "") -> str:
    """Return a line of text whose baseline starts at (x, y)."""
    attributes = f' class="{style}"' * bool(style) + f' text-anchor="{anchor}"' * bool(anchor)
    return f'<text x="{x:g}" y="{y:g}"{attributes}>{escape(words)}</text>'


def rectangle(
    x: float, y: float, width: float, height: float, style: str, tip: str = "", rx: float = 0
) -> str:
    """Return a rectangle, with a tip for who points at it."""
    corners = f' rx="{rx:g}"' * bool(rx)
    shape = (
        f'<rect x="{x:.6g}" y="{y:.6g}" width="{width:.6g}" height="{height:g}"{corners} '
        f'class="{style}"'
    )
    return f"{shape}><title>{escape(tip)}</title></rect>" if tip else f"{shape}/>"


def wrapped(words: str, width: float) -> list[str]:
    """Return `words` in lines of at most `width` pixels."""
    import textwrap

    return textwrap.wrap(words, max(12, int(width / CHARACTER)), break_on_hyphens=False) or [""]
