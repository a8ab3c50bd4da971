"""Checks of the sizes that a kernel on the whole array is made for."""

from __future__ import annotations

import math

from errors import UsageError
from kernels.tiles.array import ROWS
from kernels.tiles.shape import TileShape

MEMORY_TILE = 512 * 1024
"""Bytes of a memory tile."""


def require_multiple(
    kernel: str, name: str, value: int, step: int, limit: int | None = None
) -> None:
    """Raise NPU150 unless `value` is a positive multiple of `step`, and at most `limit`."""
    if value > 0 and value % step == 0 and (limit is None or value <= limit):
        return
    nearest = max(step, (value + step // 2) // step * step)
    if limit is not None:
        nearest = min(nearest, limit // step * step)
    bound = "" if limit is None else f" of at most {limit}"
    raise UsageError(
        f"{kernel}: {name} = {value} is not a positive multiple of {step}{bound}",
        cure=f"use {name} = {nearest}, the nearest that the array's tiles divide",
        code="NPU150",
    )


def require_two_products(kernel: str, inner: int, k: int) -> None:
    """Raise NPU150 where a sum is a single product: a core starts it and ends it apart."""
    if inner < 2 * k:
        raise UsageError(
            f"{kernel}: K = {inner} is less than two inner tiles of {k}",
            cure=f"use K = {2 * k} or more, or a smaller k",
            code="NPU150",
        )


def require_rows(kernel: str, shape: TileShape, rows: int) -> None:
    """Raise NPU150 unless the rows are four quarters of at least m."""
    require_multiple(kernel, "rows", rows, ROWS)
    if rows < ROWS * shape.m:
        raise UsageError(
            f"{kernel}: {rows} rows are fewer than the {ROWS * shape.m} that the array works on",
            cure=f"use at least {ROWS * shape.m} rows, or a smaller m",
            code="NPU150",
        )


def require_feed_forward(kernel: str, shape: TileShape, rows: int, width: int, hidden: int) -> None:
    """Raise NPU150 unless the sizes suit the design of `kernels.tiles.ffn`.

    Each of the 4 rows of cores computes an even number of tiles of both products, each of an
    even number of inner tiles, and a memory tile holds m rows of X, Y and the hidden layer.
    """
    for name, step in zip("mkn", shape.unit.steps, strict=True):
        require_multiple(kernel, name, getattr(shape, name), step)
    require_rows(kernel, shape, rows)
    step = math.lcm(2 * ROWS * shape.n, 2 * shape.k)
    size = shape.unit.element.itemsize
    room = (MEMORY_TILE // size - 2 * shape.k * shape.n) // shape.m
    require_multiple(kernel, "width", width, step, limit=room // 3)
    require_multiple(kernel, "hidden", hidden, step, limit=room - 2 * width)
