"""Branches, locks, streams and the cascade, as expressions of the translated bundle.

A branch gives the address to go to after its delay slots, or None. What may have to wait
gives a request for the array, which the pipeline yields before it issues the bundle, so
that a stall resumes where it was, in delay slots too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

BRANCHES: dict[str, Callable[..., str]] = {
    "j": lambda target: target,
    "jl": lambda target: target,
    "ret": lambda link: link,
    "jz": lambda value, target: f"{target} if {value} == 0 else None",
    "jnz": lambda value, target: f"{target} if {value} else None",
    "jnzd": lambda value, target: f"{target} if {value} != 1 else None",
    "done": lambda: "END",
}
"""The target by the operands that are read. jnzd tests what it has counted down."""


@dataclass(frozen=True)
class Waiting:
    """A waiting instruction: the request, what is done at issue, what the reply gives.

    ``replies[]`` stands for the reply to its request.
    """

    wait: str = ""
    act: str = ""
    reply: str = ""


def _acquire(_: str, reads: Sequence[str]) -> Waiting:
    condition = f" if {reads[2]} else None" if len(reads) > 2 else ""
    return Waiting(wait=f"acquire({reads[0]}, {reads[1]}){condition}")


def _release(_: str, reads: Sequence[str]) -> Waiting:
    condition = f"if {reads[2]}: " if len(reads) > 2 else ""
    return Waiting(act=f"{condition}release(c, {reads[0]}, {reads[1]})")


def _stream(layout: str, reads: Sequence[str]) -> Waiting:
    if layout.endswith("SS"):
        return Waiting(wait="read_stream()", reply="replies[]")
    last = reads[1] if len(reads) > 1 else "0"
    return Waiting(wait=f"write_stream({reads[0]}, {last})")


def _last(_: str, reads: Sequence[str]) -> Waiting:
    return Waiting(wait=f"write_stream({reads[0]}, 1)")


def _cascade(layout: str, reads: Sequence[str]) -> Waiting:
    if layout.endswith("SCD"):
        return Waiting(wait="read_cascade()", reply="replies[]")
    return Waiting(wait=f"write_cascade({reads[0]})")


WAITS: dict[str, Callable[[str, Sequence[str]], Waiting]] = {
    "acq": _acquire,
    "acq.cond": _acquire,
    "rel": _release,
    "rel.cond": _release,
    "mov.tlast": _last,
}
"""By mnemonic; mov and vmov wait in the forms of :data:`WAITING_FORMS`."""

WAITING_FORMS: dict[str, Callable[[str, Sequence[str]], Waiting]] = {
    "mov {a}, SS": _stream,
    "mov ms, {a}": _stream,
    "mov ms, {a}, r28": _stream,
    "mov {a}, cntr": lambda _, __: Waiting(reply="c"),
    "vmov {a}, SCD": _cascade,
    "vmov MCD, {a}": _cascade,
}


def waiting(mnemonic: str, layout: str) -> Callable[[str, Sequence[str]], Waiting] | None:
    """Return what makes an instruction's :class:`Waiting`, None where it never waits."""
    return WAITS.get(mnemonic) or WAITING_FORMS.get(f"{mnemonic} {layout}")
