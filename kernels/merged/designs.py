"""The merged designs of the lab, by name."""

from __future__ import annotations

from functools import cache

from errors import UsageError, nearest
from kernels import registry
from kernels.merged.contract import Merged

DESIGNS = {
    "rows_bf16": (
        "layernorm_bf16/64x512",
        "gelu_bf16/2048",
        "add_residual/64x512",
        "softmax_bf16/16x1500",
    ),
    "frontend_int8": ("mel_int16/64", "gelu_int8/2048", "matmul_int8/64x64x64"),
}
"""Titles of the parts of each: what runs between the large products of an encoder block in
bfloat16, and small kernels of the int8 path."""


def names() -> list[str]:
    """Return the names of all merged designs whose kernels there are, sorted."""
    known = set(registry.names())
    return sorted(
        name
        for name, titles in DESIGNS.items()
        if known.issuperset(title.partition("/")[0] for title in titles)
    )


@cache
def find(name: str) -> Merged:
    """Return a merged design.

    Raises:
        UsageError: There is none of that name (NPU110).
    """
    if name not in names():
        raise UsageError(
            f"there is no merged design {name!r}{nearest(name, names())}",
            cure=f"use one of: {', '.join(names())}",
            code="NPU110",
        )
    return Merged(name, tuple(registry.find(title)[0] for title in DESIGNS[name]))
